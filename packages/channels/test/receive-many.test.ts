// G6: a batch in one commit: the buffer, then the senders that wait, in order, up to the limit.

import { Channel, select, time } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { describe, expect, test } from "vitest";
import { outcome, rejection, waiting } from "./progress.ts";
import { taken, upTo } from "./values.ts";

test("G6: takes what the buffer holds, in order, up to the limit", async () => {
  const channel = new Channel<number>(10);
  for (const i of upTo(7)) channel.trySend(i);
  expect(await channel.receiveMany(3)).toEqual([0, 1, 2]);
  expect(await channel.receiveMany(1)).toEqual([3]);
  expect(await channel.receiveMany(100)).toEqual([4, 5, 6]);
  expect(channel.length).toBe(0);
});

test("G6: then takes from the senders that wait, sends and send cases, in the order they came", async () => {
  const channel = new Channel<number>(2);
  for (const i of upTo(2)) channel.trySend(i);
  const sends = [channel.send(2), select([channel.caseSend(3)]), channel.send(4)];
  const last = select({ out: channel.caseSend(5) });
  expect(await channel.receiveMany(5)).toEqual(upTo(5));
  await Promise.all(sends);
  expect(await outcome(last)).toMatchObject({ name: "out", ok: true }); // it found a free slot
  expect(await channel.receiveMany(5)).toEqual([5]);
});

test("G6: works on a rendezvous, and completes the senders it takes from and no other", async () => {
  const channel = new Channel<number>();
  const sends = upTo(4).map((i) => channel.send(i));
  expect(await channel.receiveMany(3)).toEqual([0, 1, 2]);
  await Promise.all(sends.slice(0, 3));
  expect(await outcome(sends[3] ?? Promise.resolve())).toBe(waiting);
  expect(taken(channel)).toEqual([3]);
});

test("G6: it is one commit: the values are gone when the call returns", () => {
  const channel = new Channel<number>(4);
  for (const i of upTo(4)) channel.trySend(i);
  void channel.receiveMany(3);
  expect(channel.length).toBe(1);
  expect(channel.tryReceive()?.value).toBe(3);
});

test("G6: a select with several send cases on the channel gives one value only", async () => {
  const channel = new Channel<number>();
  const selected = select([channel.caseSend(0), channel.caseSend(1), channel.caseSend(2)]);
  expect(await channel.receiveMany(10)).toEqual([0]);
  expect((await selected).index).toBe(0);
  expect(channel.tryReceive()).toBeUndefined();
});

test("G6: a call that waits gets the one value that woke it", async () => {
  for (const capacity of [0, 8]) {
    const channel = new Channel<number>(capacity);
    const batch = channel.receiveMany(10);
    expect(await outcome(batch)).toBe(waiting);
    void channel.send(0);
    void channel.send(1);
    expect(await batch).toEqual([0]);
    expect(taken(channel)).toEqual([1]);
  }
});

test("G6: an empty batch means closed and drained, for who waited and for who comes later", async () => {
  const channel = new Channel<number>(2);
  const parked = channel.receiveMany(5);
  channel.close(new Error("why"));
  expect(await parked).toEqual([]);
  expect(await channel.receiveMany(5)).toEqual([]);
});

test("G6: a call that was aborted loses nothing", async () => {
  const channel = new Channel<number>(3);
  const controller = new AbortController();
  // Caught at once: a slow machine lets the loop turn before the sends are done.
  const batch = channel.receiveMany(3, { signal: controller.signal }).catch((reason: unknown) => reason);
  controller.abort("enough");
  for (const i of upTo(3)) await channel.send(i);
  expect(await batch).toBe("enough");
  expect(await channel.receiveMany(3)).toEqual(upTo(3));
});

test("G6: a call whose signal was aborted before rejects and takes nothing", async () => {
  const channel = new Channel<number>(3);
  for (const i of upTo(3)) channel.trySend(i);
  expect(await rejection(channel.receiveMany(3, { signal: AbortSignal.abort("enough") }))).toBe("enough");
  expect(channel.length).toBe(3);
});

describe("the limit", () => {
  test.each([0, -1, 1.5, Number.NaN, Infinity, "3", undefined, null])(
    "%s is no positive integer: RangeError, as a rejection, and nothing was taken",
    async (limit) => {
      const channel = new Channel<number>(1);
      channel.trySend(1);
      expect(await rejection(channel.receiveMany(limit as number))).toBeInstanceOf(RangeError);
      expect(channel.length).toBe(1);
    },
  );

  test("may be far larger than what is there", async () => {
    const channel = new Channel<number>(1);
    channel.trySend(1);
    expect(await channel.receiveMany(Number.MAX_SAFE_INTEGER)).toEqual([1]);
  });
});

test("each batch is an array of the caller's own", async () => {
  const channel = new Channel<number>(2);
  channel.trySend(1);
  const batch = await channel.receiveMany(2);
  batch.push(99);
  channel.trySend(2);
  expect(await channel.receiveMany(2)).toEqual([2]);
});

test("a timer's channel gives a batch of its one value", () =>
  virtualTime(async () => {
    const batch = await time.after("1s").receiveMany(5);
    expect(batch.length).toBe(1);
    expect(batch[0]).toBeInstanceOf(Date);
  }));
