// Abort signals: the wait ends, nothing was taken or sent, and a match that came first stands.

import { Channel, select, type SignalOptions } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { outcome, rejection, turns, waiting } from "./progress.ts";
import { taken, upTo } from "./values.ts";

/** Every operation that can wait for a value. */
const receives: [string, (channel: Channel<number>, options: SignalOptions) => Promise<unknown>][] = [
  ["receive", async (channel, options) => (await channel.receive(options)).value],
  ["receiveMany", async (channel, options) => (await channel.receiveMany(1, options))[0]],
  ["select", async (channel, options) => (await select([channel], options)).value],
];
/** Every operation that can wait for its value to be taken. */
const sends: [string, (channel: Channel<number>, value: number, options: SignalOptions) => Promise<unknown>][] = [
  ["send", async (channel, value, options) => channel.send(value, options)],
  ["select", async (channel, value, options) => select([channel.caseSend(value)], options)],
];

describe.each(sends)("H1: an aborted %s", (_, send) => {
  test.each([0, 1, 2])("at place %i of the queue is not delivered, and the others keep their order", async (place) => {
    for (const capacity of [0, 2]) {
      const channel = new Channel<number>(capacity);
      for (const i of upTo(capacity)) channel.trySend(-i);
      const controllers = upTo(3).map(() => new AbortController());
      const waits = controllers.map(async ({ signal }, i) => send(channel, i, { signal }));
      controllers[place]?.abort("changed my mind");
      expect(await rejection(waits[place] ?? Promise.resolve())).toBe("changed my mind");
      const rest = upTo(3).filter((i) => i !== place);
      expect(taken(channel).slice(capacity)).toEqual(rest);
      await Promise.all(waits.filter((_wait, i) => i !== place));
      expect(channel.length).toBe(0);
    }
  });

  test("leaves nobody: the next receive waits", async () => {
    const channel = new Channel<number>();
    const controller = new AbortController();
    const sent = send(channel, 1, { signal: controller.signal });
    controller.abort("no");
    expect(await rejection(sent)).toBe("no");
    expect(channel.tryReceive()).toBeUndefined();
    expect(await outcome(channel.receive())).toBe(waiting);
  });
});

describe.each(receives)("H2: an aborted %s", (_, receive) => {
  test.each([0, 1, 2])(
    "at place %i of the queue takes nothing: the values go to the others, in order",
    async (place) => {
      const channel = new Channel<number>(1);
      const controllers = upTo(3).map(() => new AbortController());
      const waits = controllers.map(async ({ signal }) => receive(channel, { signal }));
      controllers[place]?.abort("changed my mind");
      expect(await rejection(waits[place] ?? Promise.resolve())).toBe("changed my mind");
      for (const i of upTo(3)) expect(channel.trySend(i)).toBe(true);
      expect(await Promise.all(waits.filter((_wait, i) => i !== place))).toEqual([0, 1]);
      expect(taken(channel)).toEqual([2]);
    },
  );

  test("leaves nobody: trySend on a rendezvous finds no receiver", async () => {
    const channel = new Channel<number>();
    const controller = new AbortController();
    const received = receive(channel, { signal: controller.signal });
    controller.abort("no");
    expect(await rejection(received)).toBe("no");
    expect(channel.trySend(1)).toBe(false);
  });
});

const once = (): { signal: AbortSignal } => {
  let reads = 0;
  return {
    get signal(): AbortSignal {
      reads += 1;
      if (reads > 1) throw new Error("read again");
      return new AbortController().signal;
    },
  };
};

describe("what only looks like a signal", () => {
  test.each<[string, () => { signal: AbortSignal }]>([
    ["has no listeners", () => ({ signal: { aborted: false, addEventListener: undefined } as never })],
    ["fails when it is read again", once],
    [
      "fails when it is listened to",
      () => ({
        signal: {
          aborted: false,
          addEventListener: () => {
            throw new Error("no listeners today");
          },
        } as never,
      }),
    ],
  ])("and %s leaves nobody in the queue who would eat a value", async (_, options) => {
    const channel = new Channel<number>();
    expect(await rejection(channel.receive(options()))).toBeInstanceOf(Error);
    expect(await rejection(select([channel], options()))).toBeInstanceOf(Error);
    expect(channel.trySend(1)).toBe(false);
    expect(await rejection(channel.send(1, options()))).toBeInstanceOf(Error);
    expect(channel.tryReceive()).toBeUndefined();
  });
});

describe("H4: an abort after the match", () => {
  test.each(receives)("changes nothing for a %s: the value arrives", async (_, receive) => {
    const channel = new Channel<number>();
    const controller = new AbortController();
    const received = receive(channel, { signal: controller.signal });
    expect(channel.trySend(7)).toBe(true);
    controller.abort("too late");
    expect(await received).toBe(7);
  });

  test.each(sends)("changes nothing for a %s: it was sent", async (_, send) => {
    const channel = new Channel<number>();
    const controller = new AbortController();
    const sent = send(channel, 7, { signal: controller.signal });
    expect(channel.tryReceive()?.value).toBe(7);
    controller.abort("too late");
    await sent;
  });

  test("changes nothing although the completion still waits for its turn; nor does a close", async () => {
    const busy = new Channel<number>(5000);
    const channel = new Channel<number>();
    const controller = new AbortController();
    const { signal } = controller;
    const waits = receives.map(async ([, receive]) => receive(channel, { signal }));
    const sender = new Channel<number>();
    const sent = sends.map(async ([, send], i) => send(sender, i, { signal }));
    // Thousands of completions first: what is committed after them waits for a later turn of the loop.
    const burst = Promise.all(upTo(5000).map((i) => busy.send(i)));
    for (const i of upTo(3)) expect(channel.trySend(i)).toBe(true);
    expect(taken(sender)).toEqual([0, 1]);
    await Promise.resolve();
    controller.abort("too late");
    channel.close(new Error("too late"));
    sender.close(new Error("too late"));
    expect(await Promise.all(waits)).toEqual([0, 1, 2]);
    await Promise.all([...sent, burst]);
  });

  test("and a match after an abort finds nobody, although the rejection still waits for its turn", async () => {
    const busy = new Channel<number>(5000);
    const channel = new Channel<number>();
    const controller = new AbortController();
    const received = channel.receive({ signal: controller.signal });
    const burst = Promise.all(upTo(5000).map((i) => busy.send(i)));
    controller.abort("no");
    expect(channel.trySend(1)).toBe(false);
    await expect(received).rejects.toBe("no");
    await burst;
  });
});

describe("H5: a signal that was aborted before the call", () => {
  const aborted: SignalOptions = { signal: AbortSignal.abort("before") };

  test.each(receives)("makes %s reject and take nothing, even when a value is ready", async (_, receive) => {
    const channel = new Channel<number>(1);
    channel.trySend(1);
    void channel.send(2);
    expect(await rejection(receive(channel, aborted))).toBe("before");
    expect(channel.length).toBe(1);
    expect(taken(channel)).toEqual([1, 2]);
  });

  test.each(sends)("makes %s reject and send nothing, even when there is room or a receiver", async (_, send) => {
    const channel = new Channel<number>(1);
    expect(await rejection(send(channel, 1, aborted))).toBe("before");
    expect(channel.length).toBe(0);
    const received = channel.receive();
    expect(await rejection(send(channel, 1, aborted))).toBe("before");
    expect(await outcome(received)).toBe(waiting);
  });

  test("comes before what the channel says: a closed one, a full one, a default", async () => {
    const closed = new Channel<number>();
    closed.close(new Error("why"));
    for (const [, receive] of receives) expect(await rejection(receive(closed, aborted))).toBe("before");
    for (const [, send] of sends) expect(await rejection(send(closed, 1, aborted))).toBe("before");
    expect(await rejection(select([closed], { ...aborted, default: true }))).toBe("before");
  });
});

describe("H6: one abort", () => {
  test("ends every operation that waits on the signal, in the order they came, and leaves nothing anywhere", async () => {
    const channels = upTo(4).map(() => new Channel<number>());
    const controller = new AbortController();
    const { signal } = controller;
    const order: number[] = [];
    const waits = channels.flatMap((channel, i) => [
      channel.receive({ signal }).catch(() => order.push(i * 3)),
      select([...channels, null], { signal }).catch(() => order.push(i * 3 + 1)),
      channel.receiveMany(2, { signal }).catch(() => order.push(i * 3 + 2)),
    ]);
    controller.abort("all of you");
    await Promise.all(waits);
    expect(order).toEqual(upTo(12));
    for (const channel of channels) expect(channel.trySend(1)).toBe(false);
  });

  test("leaves the operations on other signals and on none", async () => {
    const channel = new Channel<number>();
    const [mine, other] = [new AbortController(), new AbortController()];
    const waits = [
      channel.receive({ signal: other.signal }),
      channel.receive({ signal: mine.signal }),
      channel.receive(),
    ] as const;
    mine.abort("mine");
    expect(await rejection(waits[1])).toBe("mine");
    for (const i of upTo(2)) expect(channel.trySend(i)).toBe(true);
    expect([(await waits[0]).value, (await waits[2]).value]).toEqual([0, 1]);
    other.abort("nobody left");
    await turns();
  });
});

describe("the reason", () => {
  test.each([
    ["an error", new Error("why")],
    ["null", null],
    ["0", 0],
    ["a string", "why"],
  ])("%s is what the operation rejects with, parked or not", async (_, reason) => {
    const channel = new Channel<number>();
    const controller = new AbortController();
    const parked = [channel.receive(controller), channel.receiveMany(1, controller), select([channel], controller)];
    controller.abort(reason);
    for (const wait of [...parked, channel.receive(controller), channel.send(1, controller)]) {
      expect(await rejection(wait)).toBe(reason);
    }
  });

  test("is the host's AbortError when none was given", async () => {
    const controller = new AbortController();
    const parked = new Channel<number>().receive(controller);
    controller.abort();
    expect(await rejection(parked)).toMatchObject({ name: "AbortError" });
    expect(await rejection(parked)).toBe(controller.signal.reason);
  });

  test("of AbortSignal.timeout is its TimeoutError", async () => {
    const parked = new Channel<number>().receive({ signal: AbortSignal.timeout(1) });
    await expect(parked).rejects.toMatchObject({ name: "TimeoutError" });
  });
});

test("a signal may be used again and again, one operation at a time, and still ends the last", async () => {
  const channel = new Channel<number>();
  const controller = new AbortController();
  for (const i of upTo(1000)) {
    const received = channel.receive(controller);
    channel.trySend(i);
    expect((await received).value).toBe(i);
  }
  const last = channel.receive(controller);
  controller.abort("now");
  expect(await rejection(last)).toBe("now");
});

test("an abort listener that starts another operation on the same signal is refused at once", async () => {
  const channel = new Channel<number>();
  const controller = new AbortController();
  let inner: Promise<unknown> = Promise.resolve();
  controller.signal.addEventListener("abort", () => {
    inner = channel.receive(controller);
    inner.catch(() => {});
  });
  const outer = channel.receive(controller);
  controller.abort("now");
  expect(await rejection(outer)).toBe("now");
  expect(await rejection(inner)).toBe("now");
  expect(channel.trySend(1)).toBe(false);
});
