// What a full channel does with one more value: wait, or drop and tell.

import { Channel, select, trySelect } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { outcome, rejection, waiting } from "./progress.ts";
import { taken, thrownBy, upTo } from "./values.ts";

const POLICIES = ["drop-oldest", "drop-newest"] as const;

interface Dropping {
  readonly channel: Channel<number>;
  readonly dropped: number[];
}

function dropping(capacity: number, overflow: "block" | "drop-oldest" | "drop-newest"): Dropping {
  const dropped: number[] = [];
  return { channel: new Channel<number>(capacity, { overflow, onDrop: (value) => dropped.push(value) }), dropped };
}

test.each([1, 2, 5])("with drop-oldest and capacity %i the newest values stay, in order", async (capacity) => {
  const { channel, dropped } = dropping(capacity, "drop-oldest");
  for (const i of upTo(10)) await channel.send(i);
  expect(channel.length).toBe(capacity);
  expect(dropped).toEqual(upTo(10 - capacity));
  expect(taken(channel)).toEqual(upTo(10).slice(10 - capacity));
});

test.each([1, 2, 5])("with drop-newest and capacity %i the oldest values stay, in order", async (capacity) => {
  const { channel, dropped } = dropping(capacity, "drop-newest");
  for (const i of upTo(10)) await channel.send(i);
  expect(channel.length).toBe(capacity);
  expect(dropped).toEqual(upTo(10).slice(capacity));
  expect(taken(channel)).toEqual(upTo(capacity));
});

test.each([1, 3])("with block, the default, and capacity %i nothing is dropped", async (capacity) => {
  for (const overflow of ["block", undefined] as const) {
    const dropped: number[] = [];
    const channel = new Channel<number>(capacity, { overflow, onDrop: (value) => dropped.push(value) });
    for (const i of upTo(capacity)) channel.trySend(i);
    expect(channel.trySend(99)).toBe(false);
    expect(await outcome(channel.send(capacity))).toBe(waiting);
    expect(taken(channel)).toEqual(upTo(capacity + 1));
    expect(dropped).toEqual([]);
  }
});

describe.each(POLICIES)("with %s the channel always accepts", (overflow) => {
  test("send is immediate, trySend is true, even for the value that is dropped", async () => {
    const { channel } = dropping(1, overflow);
    for (const i of upTo(5)) {
      expect(channel.trySend(i)).toBe(true);
      expect(await outcome(channel.send(i))).toBeUndefined();
    }
    expect(channel.length).toBe(1);
  });

  test("caseSend is always ready: it beats the default and wins over a case that is not ready", async () => {
    const { channel, dropped } = dropping(1, overflow);
    channel.trySend(0);
    expect(await select([channel.caseSend(1)], { default: true })).toMatchObject({ index: 0, ok: true });
    expect(trySelect({ never: new Channel(), out: channel.caseSend(2) })).toMatchObject({ name: "out", ok: true });
    expect(await select([new Channel(), channel.caseSend(3)])).toMatchObject({ index: 1 });
    expect(dropped).toEqual(overflow === "drop-oldest" ? [0, 1, 2] : [1, 2, 3]);
  });

  test("the hook is optional", () => {
    const channel = new Channel<number>(1, { overflow });
    expect(channel.trySend(0)).toBe(true);
    expect(channel.trySend(1)).toBe(true);
    expect(taken(channel)).toEqual([overflow === "drop-oldest" ? 1 : 0]);
  });

  test("a receiver that waits is served first, and then nothing is dropped", async () => {
    const { channel, dropped } = dropping(1, overflow);
    const waits = [channel.receive(), channel.receive()];
    for (const i of upTo(3)) expect(channel.trySend(i)).toBe(true);
    expect((await Promise.all(waits)).map(({ value }) => value)).toEqual([0, 1]);
    expect(taken(channel)).toEqual([2]);
    expect(dropped).toEqual([]);
  });

  test("a drop happens only when the buffer is full", () => {
    const { channel, dropped } = dropping(3, overflow);
    for (const i of upTo(3)) channel.trySend(i);
    channel.tryReceive();
    channel.trySend(3);
    expect(dropped).toEqual([]);
    expect(taken(channel)).toEqual([1, 2, 3]);
  });

  test("H8: the hook runs once for each value that is lost, and a value is lost or received, never both", async () => {
    const { channel, dropped } = dropping(4, overflow);
    const received: number[] = [];
    const reader = (async () => {
      for await (const value of channel) {
        received.push(value);
        if (value % 3 === 0) await Promise.resolve();
        if (value % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      }
    })();
    for (const i of upTo(500)) {
      await channel.send(i);
      if (i % 11 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    channel.close();
    await reader;
    expect(dropped.length).toBeGreaterThan(0);
    expect([...received, ...dropped].toSorted((a, b) => a - b)).toEqual(upTo(500));
    expect(received).toEqual(received.toSorted((a, b) => a - b));
  });

  test("H9: the hook does not run for a value that was aborted, refused by a close, or left in a closed channel", async () => {
    const { channel, dropped } = dropping(1, overflow);
    channel.trySend(0);
    expect(await rejection(channel.send(1, { signal: AbortSignal.abort("no") }))).toBe("no");
    channel.close();
    thrownBy(() => channel.trySend(2));
    await rejection(channel.send(3));
    expect(dropped).toEqual([]);
    expect(taken(channel)).toEqual([0]);
  });
});

test("H9: without a drop policy the hook never runs: not for trySend false, an aborted send, or a close", async () => {
  const { channel, dropped } = dropping(1, "block");
  const controller = new AbortController();
  channel.trySend(0);
  expect(channel.trySend(1)).toBe(false);
  const aborted = channel.send(2, { signal: controller.signal });
  const closed = channel.send(3);
  controller.abort("no");
  channel.close();
  expect(await rejection(aborted)).toBe("no");
  await rejection(closed);
  expect(dropped).toEqual([]);
});

test("H8: the hook may get undefined: that is a value too", () => {
  const dropped: unknown[] = [];
  const channel = new Channel<undefined>(1, { overflow: "drop-oldest", onDrop: (value) => dropped.push(value) });
  channel.trySend(undefined);
  channel.trySend(undefined);
  expect(dropped).toEqual([undefined]);
});

describe("the hook runs synchronously, when the state of the channel is final", () => {
  test.each([
    ["drop-oldest", [0], [1, 2]],
    ["drop-newest", [2], [0, 1]],
  ] as const)("with %s it sees the buffer as it will be", (overflow, dropped, left) => {
    const seen: unknown[] = [];
    const channel: Channel<number> = new Channel(2, {
      overflow,
      onDrop: (value) => seen.push([value], taken(channel)),
    });
    for (const i of upTo(3)) channel.trySend(i);
    expect(seen).toEqual([dropped, left]);
    expect(channel.length).toBe(0);
  });

  test("L5: it may send to, receive from and close any channel, its own as well", async () => {
    const lost = new Channel<number>(10);
    const channel: Channel<number> = new Channel(1, {
      overflow: "drop-oldest",
      onDrop: (value) => {
        lost.trySend(value);
        if (value === 1) channel.close();
      },
    });
    const reader = lost.receive();
    channel.trySend(0);
    await channel.send(1);
    expect((await reader).value).toBe(0);
    expect(await outcome(channel.send(2))).toBeUndefined(); // drops 1, whose hook closes: the send had succeeded
    expect(channel.closed).toBe(true);
    expect(taken(channel)).toEqual([2]);
    expect(taken(lost)).toEqual([1]);
  });

  test("L5: it may send again to its own channel: each drop is told, none is lost", () => {
    const dropped: number[] = [];
    const channel: Channel<number> = new Channel(1, {
      overflow: "drop-oldest",
      onDrop: (value) => {
        dropped.push(value);
        if (value < 3) channel.trySend(value + 10);
      },
    });
    for (const i of upTo(3)) channel.trySend(i);
    const left = taken(channel);
    // 0, 1, 2 and one more for each hook that sent again: each is in one place.
    expect([...dropped, ...left].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 10, 11]);
  });

  test("it is called as a plain function: no way through `this` to what the channel keeps", () => {
    const seen: unknown[] = [];
    const channel = new Channel<number>(1, {
      overflow: "drop-newest",
      onDrop(this: unknown) {
        seen.push(this);
      },
    });
    for (const i of upTo(2)) channel.trySend(i);
    expect(seen).toEqual([undefined]);
  });

  test("L5: it runs inside a select that commits a send case, and may start another", async () => {
    const inner: unknown[] = [];
    const other = new Channel<string>(1);
    const channel: Channel<number> = new Channel(1, {
      overflow: "drop-newest",
      onDrop: (value) => inner.push(value, trySelect([other.caseSend("told")])?.index),
    });
    channel.trySend(0);
    expect(await select([channel.caseSend(1)])).toMatchObject({ index: 0, ok: true });
    expect(inner).toEqual([1, 0]);
    expect(taken(other)).toEqual(["told"]);
  });
});
