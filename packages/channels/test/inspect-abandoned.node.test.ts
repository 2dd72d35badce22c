// Who will never wake: only the collector knows. It is called until it has told, and never asked about one moment.

import { Channel, select, Selector, time } from "@sluice/channels";
import { formatParked, record, snapshot } from "@sluice/channels/inspect";
import { virtualTime } from "@sluice/channels/testing";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { Child } from "./child.ts";
import { turns } from "./progress.ts";
import { collect, residue } from "./residue.ts";
import { upTo } from "./values.ts";

afterEach(() => record(false));

/** Collects until it is so; fails when it never is. */
async function collectUntil(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i += 1) {
    globalThis.gc?.();
    await new Promise(setImmediate); // where finalizers run, after what reads stacks
    if (isSo()) return;
  }
  throw new Error("The collector never told");
}

/** Collects until so many were told. */
async function abandoned(count: number): Promise<readonly string[]> {
  await collectUntil(() => snapshot().abandoned.length >= count);
  return snapshot().abandoned.map(({ operation, waitsFor }) => `${operation}: ${waitsFor.join(", ")}`);
}

/** Abandons an operation, to be told behind whatever was abandoned before. */
function mark(): void {
  void new Channel({ name: "mark" }).receive();
}

const MARK = 'receive: a value on channel "mark"';

function leak(): void {
  void new Channel<number>({ name: "orders" }).receive();
}

test("an operation that nobody can wake is told once, with its line, and is parked no longer", async () => {
  record({ parked: true, abandoned: true });
  const { unknown } = snapshot();
  leak();
  expect(snapshot().parked).toHaveLength(1);
  expect(await abandoned(1)).toEqual(['receive: a value on channel "orders"']);
  mark();
  expect(await abandoned(2)).toEqual(['receive: a value on channel "orders"', MARK]);
  const seen = snapshot();
  expect(seen).toMatchObject({ parked: [], sites: [], unknown });
  expect(seen.abandoned[0]?.calledAt).toMatch(/^leak \(.*inspect-abandoned\.node\.test\.ts:\d+:\d+\)$/);
});

async function wait(start: (channel: Channel<number>) => Promise<unknown>): Promise<void> {
  const channel = new Channel<number>({ name: "own" });
  await start(channel);
  channel.close(); // for which it would have to go on
}

test("every kind of operation can be told, also where its own code holds its channel", async () => {
  record({ abandoned: true });
  void wait(async (channel) => channel.receive());
  void wait(async (channel) => channel.receiveMany(2));
  void wait(async (channel) => channel.send(1));
  void wait(async (channel) => channel[Symbol.asyncIterator]().next());
  void wait(async (channel) => select([channel, new Channel<number>({ name: "other" }).caseSend(1)]));
  void wait(async (channel) => new Selector({ channel }).next());
  void wait(async (channel) => channel.receive(new AbortController()));
  const timer = time.timer("1h");
  timer.stop();
  void timer.channel().receive();
  expect((await abandoned(7)).toSorted()).toEqual([
    'Selector.next: a value on channel "own"',
    'for await: a value on channel "own"',
    'receive: a value on channel "own"',
    'receive: a value on channel "own"',
    'receiveMany: a value on channel "own"',
    'select: a value on channel "own", a receiver on channel "other"',
    'send: a receiver on channel "own"',
  ]);
  expect(timer.stop()).toBe(false);
});

test("a promise that is held does not help: nobody can settle it", async () => {
  record({ abandoned: true });
  const held = new Channel<number>().receive();
  expect(await abandoned(1)).toEqual(["receive: a value on an unnamed Channel"]);
  expect(held).toBeInstanceOf(Promise);
});

test("what could still be woken is never told", async () => {
  record({ parked: true, abandoned: true });
  const held = new Channel<number>({ name: "held" });
  const stop = new AbortController();
  void select([held, new Channel<number>({ name: "lost" })]);
  void held.receive();
  const stopped = new Channel<number>({ name: "stoppable" }).receive(stop).catch(() => "stopped");
  void new Selector({ held }).next();
  void time.sleep("1h");
  void time.after("1h").receive();
  void select([new Channel<number>(), time.after("2h")]);
  for (const i of upTo(3)) {
    mark();
    expect(await abandoned(i + 1)).toEqual(upTo(i + 1).map(() => MARK));
  }
  expect(snapshot().parked).toHaveLength(7);
  stop.abort();
  expect(await stopped).toBe("stopped");
  held.trySend(1);
  held.close();
  expect(snapshot().parked.map(({ operation }) => operation)).toEqual(["sleep", "receive", "select"]);
});

test("what was served, closed or aborted before it became garbage is not told", async () => {
  record({ abandoned: true });
  const controller = new AbortController();
  await Promise.allSettled(
    upTo(3).map(async (i) => {
      const channel = new Channel<number>();
      const waits = [channel.receive(), select([channel, new Channel()]), channel.receive(controller)];
      if (i === 0) channel.close();
      else for (const value of upTo(2)) channel.trySend(value);
      controller.abort();
      return Promise.allSettled(waits);
    }),
  );
  mark();
  expect(await abandoned(1)).toEqual([MARK]);
});

test("what parked before it was switched on is told too, if it was recorded", async () => {
  record({ parked: true });
  leak();
  collect();
  await turns(1);
  expect(snapshot()).toMatchObject({ parked: [{ operation: "receive" }], abandoned: [] });
  record({ parked: true, abandoned: true });
  expect(await abandoned(1)).toEqual(['receive: a value on channel "orders"']);
  record({ parked: true });
  expect(snapshot().abandoned).toEqual([]);
});

class Owner {
  readonly channel = new Channel<number>({ name: "owned" });
}

function own(i: number): void {
  const { channel } = new Owner();
  if (i % 2 === 0) void channel.receive();
}

test("channels are held by nobody's report, nor by the stacks of those who made them", async () => {
  record({ parked: true, channels: true, abandoned: true });
  for (const i of upTo(700)) own(i);
  expect(snapshot().channels).toHaveLength(700);
  await collectUntil(() => snapshot().channels.length === 0 && snapshot().parked.length === 0);
  expect(snapshot().abandoned).toHaveLength(350);
});

test("under virtual time it is told as well, and a deadlock still names what the collector took", async () => {
  record({ parked: true, abandoned: true });
  await virtualTime(async (clock) => {
    leak();
    await clock.idle();
    expect(snapshot().parked).toHaveLength(1);
    expect(await clock.external(abandoned(1))).toEqual(['receive: a value on channel "orders"']);
  });
  const deadlock = virtualTime(async (clock) => {
    leak();
    const { length } = snapshot().abandoned;
    await clock.external(abandoned(length + 1));
    await new Channel({ name: "replies" }).receive();
  });
  await expect(deadlock).rejects.toThrow(/"orders".*\n.*leak.*\n.*"replies"/);
});

describe("the heap stays flat", () => {
  test.each([{ parked: true }, { parked: true, abandoned: true, channels: true }])(
    "over a hundred thousand short waits with %o",
    async (options) => {
      record(options);
      const jobs = new Channel<number>();
      const round = async (): Promise<void> => {
        for (let i = 0; i < 1000; i += 1) {
          const job = jobs.receive();
          jobs.trySend(i);
          await job;
        }
      };
      expect((await residue(100, round)) / 1000).toBeLessThan(8);
      expect(formatParked()).toBe("");
    },
  );
});

describe("in a process of its own", () => {
  let child: Child;
  beforeAll(async () => {
    child = await Child.prepare();
  });

  test("recording keeps no process alive, and importing leaves no trace", async () => {
    const { code, lines } = await child.run(`
      const probes = () => globalThis[Symbol.for("@sluice/channels.probes")];
      console.log(probes());
      record({ parked: true, channels: true, abandoned: true });
      void new Channel({ name: "orders" }).receive();
      console.log([...probes()].map((probe) => probe.snapshot().channels.map(({ name }) => name)).join());
      console.log(typeof (await [...probes()][0].lateness()));
      record(false);
      console.log(probes().size);
    `);
    expect([code, ...lines.slice(0, 4)]).toEqual([0, "undefined", "orders", "number", "0"]);
  });
});
