// The forms that never wait: sent or not, a value or the end or nothing.

import { Channel, ClosedError, select } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { outcome, turns, waiting } from "./progress.ts";
import { taken, thrownBy, upTo } from "./values.ts";

const value = (v: number): object => ({ ok: true, value: v, done: false });
const end = { ok: false, value: undefined, done: true };

test("B8: on a rendezvous trySend is true only while somebody waits to receive", async () => {
  const channel = new Channel<number>();
  expect(channel.trySend(1)).toBe(false);
  expect(channel.tryReceive()).toBeUndefined();
  const received = channel.receive();
  expect(channel.trySend(2)).toBe(true);
  expect(channel.trySend(3)).toBe(false); // the one who waited has its value by now
  expect(await received).toEqual(value(2));
  channel.close();
  expect(channel.tryReceive()).toEqual(end);
  expect(thrownBy(() => channel.trySend(4))).toBeInstanceOf(ClosedError);
});

test("B8: trySend meets whoever waits: a receive, a receiveMany, an iterator, a select", async () => {
  const channel = new Channel<number>();
  const iterator = channel[Symbol.asyncIterator]();
  const waits = [channel.receive(), channel.receiveMany(3), iterator.next(), select([channel])] as const;
  expect(upTo(5).map((i) => channel.trySend(i))).toEqual([true, true, true, true, false]);
  const [one, many, step, selected] = await Promise.all(waits);
  expect([one.value, many, step.value, selected.value]).toEqual([0, [1], 2, 3]);
});

test("B8: tryReceive meets whoever waits to send: a send and a select", async () => {
  const channel = new Channel<number>();
  const sent = channel.send(1);
  const selected = select([channel.caseSend(2)]);
  expect(taken(channel)).toEqual([1, 2]);
  expect(channel.tryReceive()).toBeUndefined();
  await sent;
  expect((await selected).index).toBe(0);
});

test.each([1, 2, 8, 100])(
  "B8: with capacity %i the three answers follow empty, filled, full, drained and closed",
  (capacity) => {
    const channel = new Channel<number>(capacity);
    expect(channel.tryReceive()).toBeUndefined();
    for (const i of upTo(capacity)) expect(channel.trySend(i)).toBe(true);
    expect(channel.trySend(-1)).toBe(false);
    expect(channel.tryReceive()).toEqual(value(0));
    expect(channel.trySend(capacity)).toBe(true);
    expect(channel.trySend(-1)).toBe(false);
    channel.close();
    expect(thrownBy(() => channel.trySend(-1))).toBeInstanceOf(ClosedError);
    for (const i of upTo(capacity)) expect(channel.tryReceive()).toEqual(value(i + 1));
    expect(channel.tryReceive()).toEqual(end);
    expect(channel.tryReceive()).toEqual(end);
  },
);

describe("B10: a trySend that gives false leaves no sender behind", () => {
  test.each([0, 1, 4])("with capacity %i, after a thousand of them", async (capacity) => {
    const channel = new Channel<number>(capacity);
    for (const i of upTo(capacity)) channel.trySend(i);
    for (const _ of upTo(1000)) expect(channel.trySend(-1)).toBe(false);
    expect(taken(channel)).toEqual(upTo(capacity));
    const received = channel.receive();
    expect(await outcome(received)).toBe(waiting);
    await channel.send(7);
    expect(await received).toEqual(value(7));
    channel.close(); // would reject a sender that waits, unseen
    await turns();
    expect(await channel.receive()).toEqual(end);
  });
});

test("a tryReceive that finds nothing leaves no receiver behind", async () => {
  const channel = new Channel<number>(1);
  for (const _ of upTo(1000)) expect(channel.tryReceive()).toBeUndefined();
  expect(channel.trySend(1)).toBe(true);
  expect(channel.length).toBe(1);
});

test("B11: after my own send my tryReceive succeeds, whatever three other tasks do alike", async () => {
  for (const capacity of [4, 100]) {
    const channel = new Channel<number>(capacity);
    const tasks = upTo(4).map(async (task) => {
      for (const i of upTo(250)) {
        await channel.send(task * 1000 + i);
        expect(channel.tryReceive()?.ok).toBe(true);
      }
    });
    await Promise.all(tasks);
    expect(channel.length).toBe(0);
  }
});

test("B11: the same with trySend, without a task's turn between", () => {
  const channel = new Channel<number>(1);
  for (const i of upTo(1000)) {
    expect(channel.trySend(i)).toBe(true);
    expect(channel.tryReceive()).toEqual(value(i));
  }
});

test("trying first and waiting only on a miss keeps the order and loses nothing", async () => {
  const channel = new Channel<number>(4);
  const produce = async (): Promise<void> => {
    for (const i of upTo(500)) if (!channel.trySend(i)) await channel.send(i);
    channel.close();
  };
  const consume = async (): Promise<number[]> => {
    const values: number[] = [];
    for (;;) {
      const received = channel.tryReceive() ?? (await channel.receive());
      if (!received.ok) return values;
      values.push(received.value);
    }
  };
  const [, values] = await Promise.all([produce(), consume()]);
  expect(values).toEqual(upTo(500));
});
