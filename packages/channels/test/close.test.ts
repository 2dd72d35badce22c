// Closing: a value for who receives, an error for who sends, in order on both sides.

import { Channel, ClosedError, select, Selector, trySelect } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { outcome, rejection, turns } from "./progress.ts";
import { taken, thrownBy, upTo } from "./values.ts";

const end = { ok: false, value: undefined, done: true };

/** Every way to meet the end of a channel, as what `ok` is. */
const ends: [string, (channel: Channel<number>) => Promise<boolean>][] = [
  ["receive", async (channel) => (await channel.receive()).ok],
  ["tryReceive", async (channel) => channel.tryReceive()?.ok ?? true],
  ["receiveMany", async (channel) => (await channel.receiveMany(5)).length > 0],
  ["an iterator", async (channel) => (await channel[Symbol.asyncIterator]().next()).done !== true],
  ["select", async (channel) => (await select([channel])).ok],
  ["trySelect", async (channel) => trySelect([channel])?.ok ?? true],
  ["a wide select", async (channel) => (await select([...upTo(9).map(() => new Channel()), channel, null])).ok],
  ["a select with default", async (channel) => (await select([channel], { default: true })).ok],
];

describe("C1: a channel that is closed and empty gives the end", () => {
  test.each(ends)("to %s, every time", async (_, okOf) => {
    for (const channel of [new Channel<number>(), new Channel<number>(3), used(1)]) {
      channel.close();
      for (const time of upTo(3)) expect(await okOf(channel), `time ${time}`).toBe(false);
    }
  });
});

function used(capacity: number): Channel<number> {
  const channel = new Channel<number>(capacity);
  channel.trySend(1);
  channel.tryReceive();
  return channel;
}

describe("C2: values in the buffer arrive before the end", () => {
  test.each(ends)("whichever form takes them, and then %s gives the end", async (_, okOf) => {
    const channel = new Channel<number>(4);
    for (const i of upTo(4)) channel.trySend(i);
    channel.close();
    expect(channel.length).toBe(4);
    expect((await channel.receive()).value).toBe(0);
    expect((await select([channel])).value).toBe(1);
    expect(channel.tryReceive()?.value).toBe(2);
    expect((await channel[Symbol.asyncIterator]().next()).value).toBe(3);
    expect(channel.length).toBe(0);
    expect(await okOf(channel)).toBe(false);
  });

  test("to a receiveMany that asks for more than is there", async () => {
    const channel = new Channel<number>(4);
    for (const i of upTo(4)) channel.trySend(i);
    channel.close();
    expect(await channel.receiveMany(100)).toEqual(upTo(4));
    expect(await channel.receiveMany(100)).toEqual([]);
  });
});

test("C3: close wakes every receiver that waits, in order, whatever form it waits in", async () => {
  const channel = new Channel<number>(2);
  const order: string[] = [];
  const woken = (name: string) => (result: unknown) => void order.push(`${name} ${JSON.stringify(result)}`);
  const waits = [
    channel.receive().then(woken("receive")),
    channel.receiveMany(3).then(woken("receiveMany")),
    channel[Symbol.asyncIterator]().next().then(woken("next")),
    select([channel]).then(({ ok }) => woken("select")(ok)),
    new Selector({ channel }).next().then((event) => woken("Selector")(event?.ok)),
    channel.receive().then(woken("receive")),
  ];
  channel.close();
  expect(order).toEqual([]);
  await Promise.all(waits);
  expect(order).toEqual([
    'receive {"ok":false,"done":true}',
    "receiveMany []",
    'next {"ok":false,"done":true}',
    "select false",
    "Selector false",
    'receive {"ok":false,"done":true}',
  ]);
});

test.each([0, 2])(
  "C4: with capacity %i close rejects the senders that wait, in order, each with its own value",
  async (capacity) => {
    const channel = new Channel<string>(capacity, { name: "jobs" });
    for (const i of upTo(capacity)) channel.trySend(`kept ${i}`);
    const cause = new Error("shutting down");
    const order: unknown[] = [];
    const failed = (error: unknown): void => {
      order.push(error instanceof ClosedError ? [error.value, error.case] : error);
      expect(error).toMatchObject({ channel, cause, kind: "CLOSED", retryable: false });
    };
    const waits = [
      channel.send("first").catch(failed),
      select([null, channel.caseSend("second")]).catch(failed),
      channel.send("third").catch(failed),
    ];
    channel.close(cause);
    await Promise.all(waits);
    expect(order).toEqual([
      ["first", undefined],
      ["second", 1],
      ["third", undefined],
    ]);
    // What was buffered is not theirs.
    expect(taken(channel)).toEqual(upTo(capacity).map((i) => `kept ${i}`));
  },
);

test.each([[undefined], [null], [new Error("why")]])(
  "the end has the cause, here %s, wherever it is seen",
  async (cause) => {
    const channel = new Channel<number>();
    const parked = [channel.receive(), select([channel]), select({ channel }), new Selector({ channel }).next()];
    channel.close(cause);
    const seen = [
      ...(await Promise.all(parked)),
      await channel.receive(),
      channel.tryReceive(),
      await select([channel]),
      trySelect({ channel }),
      new Selector({ channel }).tryNext(),
    ];
    for (const result of seen) {
      expect(result?.ok).toBe(false);
      expect(Object.entries(result ?? {}).at(-1)).toEqual(["cause", cause]);
    }
    for (const time of [1, 2]) expect(await channel.receiveMany(1), `time ${time}`).toEqual([]);
  },
);

test("a result that is not the end has no cause, nor has a default", async () => {
  const channel = new Channel<number>(1);
  const results = [
    await select([channel.caseSend(1)]),
    await channel.receive(),
    await select([channel], { default: true }),
  ];
  for (const result of results) expect("cause" in result).toBe(false);
});

describe("C5: a send on a closed channel fails and puts nothing in", () => {
  test.each([0, 1, 5])("with capacity %i, in every form", async (capacity) => {
    const channel = new Channel<string>(capacity);
    channel.close();
    expect(await rejection(channel.send("a"))).toMatchObject({ value: "a", channel });
    expect(thrownBy(() => channel.trySend("b"))).toMatchObject({ value: "b", channel });
    expect(await rejection(select([channel.caseSend("c")]))).toMatchObject({ value: "c", case: 0 });
    expect(await rejection(select({ out: channel.caseSend("d") }))).toMatchObject({ value: "d", case: "out" });
    expect(thrownBy(() => trySelect([channel.caseSend("e")]))).toMatchObject({ value: "e", case: 0 });
    expect(channel.length).toBe(0);
    expect(channel.tryReceive()).toEqual(end);
  });

  test("with a drop policy, which drops nothing then", async () => {
    const dropped: number[] = [];
    const channel = new Channel<number>(1, { overflow: "drop-oldest", onDrop: (value) => dropped.push(value) });
    channel.trySend(1);
    channel.close();
    expect(await rejection(channel.send(2))).toBeInstanceOf(ClosedError);
    expect(taken(channel)).toEqual([1]);
    expect(dropped).toEqual([]);
  });

  test.each([1, 2])("while one value of %i remains, too", async (capacity) => {
    const channel = new Channel<number>(capacity);
    channel.trySend(1);
    channel.close();
    expect(await rejection(channel.send(2))).toBeInstanceOf(ClosedError);
    expect(thrownBy(() => channel.trySend(3))).toBeInstanceOf(ClosedError);
    expect(await rejection(select([channel.caseSend(4)]))).toBeInstanceOf(ClosedError);
    expect(await rejection(select([channel.caseSend(5)], { default: true }))).toBeInstanceOf(ClosedError);
    expect(thrownBy(() => trySelect([channel.caseSend(6)]))).toBeInstanceOf(ClosedError);
    expect(taken(channel)).toEqual([1]);
  });

  test("caseSend itself does not fail: it is only a description", () => {
    const channel = new Channel<number>();
    channel.close();
    expect(() => channel.caseSend(1)).not.toThrow();
  });
});

describe("C6: the first close decides", () => {
  test("a second one changes nothing, cause or not", () => {
    const first = new Error("first");
    const channel = new Channel();
    channel.close(first);
    expect(() => {
      channel.close(new Error("second"));
      channel.close();
      channel.close(null);
    }).not.toThrow();
    expect(channel.cause).toBe(first);
  });

  test("a plain close keeps its missing cause", async () => {
    const channel = new Channel();
    channel.close();
    channel.close(new Error("late"));
    expect(channel.cause).toBeUndefined();
    expect((await channel[Symbol.asyncIterator]().next()).done).toBe(true);
  });

  test("a second close wakes nobody twice and fails nobody twice", async () => {
    const channel = new Channel<number>();
    const received = channel.receive();
    channel.close();
    channel.close();
    expect(await received).toEqual(end);
    expect(await channel.receive()).toEqual(end);
  });
});

describe("C8: the cause of a close", () => {
  test.each([
    ["an error", new Error("why")],
    ["null", null],
    ["false", false],
    ["0", 0],
    ["a string", "why"],
  ])("%s is the same object for everybody who asks", async (_, cause) => {
    const channel = new Channel<number>(2);
    channel.trySend(1);
    channel.trySend(2);
    channel.close(cause);
    expect(channel.cause).toBe(cause);
    expect((thrownBy(() => channel.trySend(3)) as ClosedError).cause).toBe(cause);
    const seen: number[] = [];
    const loop = (async () => {
      for await (const value of channel) seen.push(value);
    })();
    expect(await rejection(loop)).toBe(cause);
    expect(seen).toEqual([1, 2]);
  });

  test("undefined is a plain close: a loop ends quietly", async () => {
    const channel = new Channel<number>(1);
    channel.trySend(1);
    channel.close(undefined);
    const seen: number[] = [];
    for await (const value of channel) seen.push(value);
    expect(seen).toEqual([1]);
    expect("cause" in (thrownBy(() => channel.trySend(1)) as object)).toBe(true);
  });

  test.each(["before", "after"])(
    "receive, receiveMany and select never reject for it, when called %s the close",
    async (when) => {
      const channel = new Channel<number>();
      const call = () => [channel.receive(), channel.receiveMany(2), select([channel]), select({ channel })] as const;
      const early = when === "before" ? call() : undefined;
      channel.close(new Error("why"));
      const [received, batch, indexed, named] = await Promise.all(early ?? call());
      expect([received.ok, batch, indexed.ok, named.ok]).toEqual([false, [], false, false]);
    },
  );

  test("an iterator that waits rejects with it", async () => {
    const channel = new Channel<number>();
    const cause = new Error("why");
    const next = channel[Symbol.asyncIterator]().next();
    channel.close(cause);
    expect(await rejection(next)).toBe(cause);
  });
});

test.each([0, 1, 2])(
  "C9: with capacity %i a value sent just before a close arrives at the receiver that waits",
  async (capacity) => {
    const channel = new Channel<number>(capacity);
    const [first, second] = [channel.receive(), channel.receive()];
    await Promise.resolve();
    void channel.send(1);
    channel.close();
    expect(await first).toEqual({ ok: true, value: 1, done: false });
    expect(await second).toEqual(end);
  },
);

describe("C11: closing is the sender's side: there is no way to cancel that drops the buffer", () => {
  test("a close with a cause, too, lets the buffer drain and rejects the parked senders in order", async () => {
    const channel = new Channel<number>(2);
    const cause = new Error("cancelled");
    const failed: unknown[] = [];
    const sends = upTo(5).map((i) => channel.send(i).catch((error: ClosedError) => failed.push(error.value)));
    channel.close(cause);
    await Promise.all(sends);
    expect(failed).toEqual([2, 3, 4]);
    expect(await channel.receiveMany(9)).toEqual([0, 1]);
  });
});

describe("C12: what closed says", () => {
  test("it is false while open, and true from close() on, even while values remain", async () => {
    const channel = new Channel<number>(1);
    expect(channel.closed).toBe(false);
    channel.trySend(1);
    channel.close();
    expect(channel.closed).toBe(true);
    expect(channel.length).toBe(1);
    await channel.receive();
    expect(channel.closed).toBe(true);
    expect(channel.length).toBe(0);
  });

  test("it is true already for those whom the close wakes", async () => {
    const channel = new Channel<number>();
    const seen = channel.receive().then(() => channel.closed);
    channel.close();
    expect(await seen).toBe(true);
  });
});

test("the receivers of a close are woken before its senders: one select that holds both is told the end", async () => {
  const channel = new Channel<number>();
  const both = select([channel.caseSend(1), channel.caseReceive()]);
  channel.close();
  expect(await outcome(both)).toMatchObject({ index: 1, ok: false });
});

test("promises of one close settle in the order receivers, then senders, then whoever came after", async () => {
  const [full, empty] = [new Channel<number>(), new Channel<number>()];
  const order: string[] = [];
  void full.send(1).catch(() => order.push("sender"));
  void empty.receive().then(() => order.push("receiver"));
  empty.close();
  full.close();
  void empty.receive().then(() => order.push("late receiver"));
  await turns();
  expect(order).toEqual(["receiver", "sender", "late receiver"]);
});
