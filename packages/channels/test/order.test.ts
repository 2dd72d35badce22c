// Law 2: promises settle in the order in which their operations were committed, also across turns of the loop.

import { Channel, select, trySelect } from "@sluice/channels";
import { expect, test } from "vitest";
import { upTo } from "./values.ts";

/** Numbers commits as they happen, and notes the numbers as the promises settle. */
class Ledger {
  readonly #settled: number[] = [];
  readonly #waits: Promise<unknown>[] = [];
  #commits = 0;

  /** An operation that is committed by the time it returns. */
  now(promise: Promise<unknown>): void {
    this.later(promise)();
  }

  /** An operation that is parked: call what this gives when it is committed. */
  later(promise: Promise<unknown>): () => void {
    let commit = -1;
    const note = (): void => {
      this.#settled.push(commit);
    };
    this.#waits.push(promise.then(note, note));
    return () => {
      commit = this.#commits;
      this.#commits += 1;
    };
  }

  /** What the ledger has when all is settled, and what it must have. */
  async close(): Promise<[settled: number[], committed: number[]]> {
    await Promise.all(this.#waits);
    return [this.#settled, upTo(this.#commits)];
  }
}

/** One commit of each kind; what waits is parked first. */
function everything(ledger: Ledger, round: number): void {
  const [a, b] = [new Channel<number>(), new Channel<number>(8)];
  const controller = new AbortController();
  const iterator = a[Symbol.asyncIterator]();
  const parked = [
    ledger.later(a.receive()),
    ledger.later(select([a, new Channel()])),
    ledger.later(a.receiveMany(4)),
    ledger.later(iterator.next()),
    ledger.later(a.receive({ signal: controller.signal })),
    ledger.later(a.receive()),
    ledger.later(iterator.next()),
  ];
  const wake = (): void => parked.shift()?.();

  wake();
  a.trySend(round);
  ledger.now(b.send(round)); // at once, into the buffer
  wake();
  ledger.now(a.send(round)); // to the select that waits
  wake();
  trySelect([a.caseSend(round)]);
  ledger.now(b.receive());
  wake();
  ledger.now(select({ out: a.caseSend(round) }));
  ledger.now(select([a], { default: true }));
  wake();
  controller.abort("enough");
  ledger.now(a.send(round, { signal: controller.signal })); // refused
  ledger.now(b.receiveMany(0)); // a mistake
  wake();
  wake();
  a.close("why"); // the last receive, and a step that rejects
  ledger.now(a.send(round)); // on a closed channel
  ledger.now(a.receive());
  ledger.now(iterator.next());
  ledger.now(iterator.return?.() ?? Promise.resolve());
}

/** The same for those who wait to send. */
function sending(ledger: Ledger, round: number): void {
  const channel = new Channel<number>(1);
  const controller = new AbortController();
  channel.trySend(round);
  const parked = [
    ledger.later(channel.send(round)),
    ledger.later(select([channel.caseSend(round)])),
    ledger.later(channel.send(round, { signal: controller.signal })),
    ledger.later(channel.send(round)),
    ledger.later(channel.send(round)),
    ledger.later(channel.send(round)),
  ];
  const wake = (): void => parked.shift()?.();

  wake();
  channel.tryReceive();
  wake();
  ledger.now(channel.receive());
  wake();
  controller.abort("enough");
  wake();
  ledger.now(channel.receiveMany(1));
  wake();
  wake();
  channel.close("why");
  ledger.now(channel.receiveMany(8));
  ledger.now(channel.receive());
}

test("promises settle in commit order, within the budget of a turn", async () => {
  const ledger = new Ledger();
  everything(ledger, 0);
  sending(ledger, 0);
  const [settled, committed] = await ledger.close();
  expect(settled).toEqual(committed);
});

test("promises settle in commit order when thousands are committed in one go", async () => {
  const ledger = new Ledger();
  for (const round of upTo(400)) {
    everything(ledger, round);
    sending(ledger, round);
  }
  const [settled, committed] = await ledger.close();
  expect(settled).toEqual(committed);
  expect(settled.length).toBeGreaterThan(8000);
});

test("promises settle in commit order when more are committed while others wait for their turn", async () => {
  const ledger = new Ledger();
  const task = async (microtasks: number): Promise<void> => {
    for (const round of upTo(60)) {
      everything(ledger, round);
      sending(ledger, round);
      for (const _ of upTo(microtasks)) await Promise.resolve();
      if (round % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  await Promise.all([task(1), task(7), task(40), task(200)]);
  const [settled, committed] = await ledger.close();
  expect(settled).toEqual(committed);
});

test("an operation that could complete at once queues behind the completions that wait for a turn", async () => {
  const order: string[] = [];
  const busy = new Channel<number>(3000);
  for (const i of upTo(3000)) void busy.send(i).then(() => order.push("burst"));
  const [quiet, closed] = [new Channel<number>(1), new Channel<number>()];
  closed.close();
  const late = [
    quiet.send(1).then(() => order.push("send")),
    quiet.receive().then(() => order.push("receive")),
    select([quiet], { default: true }).then(() => order.push("default")),
    closed.receive().then(() => order.push("end")),
    closed.send(1).catch(() => order.push("failed")),
    quiet.receive({ signal: AbortSignal.abort() }).catch(() => order.push("refused")),
  ];
  await Promise.all(late);
  expect(order.slice(0, 3000)).toEqual(upTo(3000).map(() => "burst"));
  expect(order.slice(3000)).toEqual(["send", "receive", "default", "end", "failed", "refused"]);
});

test("a receiver hears of its value before the sender hears that it was taken", async () => {
  const order: string[] = [];
  const channel = new Channel<number>();
  const received = channel.receive().then(() => order.push("received"));
  const sent = channel.send(1).then(() => order.push("sent"));
  await Promise.all([received, sent]);
  expect(order).toEqual(["received", "sent"]);
});
