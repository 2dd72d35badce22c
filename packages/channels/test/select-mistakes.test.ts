// A programmer's mistake: `select` rejects and never throws, `trySelect` throws; neither leaves anything behind.

import { Channel, type Case, select, trySelect } from "@sluice/channels";
import { expect, test } from "vitest";
import { rejection } from "./progress.ts";

const NOT_CASES: readonly unknown[] = [
  0,
  1,
  "",
  "channel",
  true,
  Symbol.iterator,
  7n,
  {},
  [],
  () => {},
  Promise.resolve(1),
  { channel: new Channel() },
];

test.each(NOT_CASES.map((entry) => [entry]))(
  "a case that is %s is a TypeError that says where it stands",
  async (entry) => {
    const channel = new Channel<number>(1);
    await channel.send(1);
    const cases = [channel, entry as Case];
    const error = await rejection(select(cases));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain("1");
    expect(await rejection(select({ good: channel, bad: entry as Case }))).toBeInstanceOf(TypeError);
    expect(String(await rejection(select({ good: channel, bad: entry as Case })))).toContain("bad");
    expect(() => trySelect(cases)).toThrow(TypeError);
    expect(channel.length).toBe(1);
  },
);

test.each([[undefined], [null], [1], ["ab"], [true], [new Channel()], [new Channel().caseReceive()]])(
  "cases that are %s, neither an array nor a record, are a TypeError",
  async (cases) => {
    expect(await rejection(select(cases as never))).toBeInstanceOf(TypeError);
    expect(() => trySelect(cases as never)).toThrow(TypeError);
  },
);

test("options that are no object, and a signal that is none, are a TypeError", async () => {
  const channel = new Channel<number>(1);
  await channel.send(1);
  for (const options of [null, 5, "default"]) {
    expect(await rejection(select([channel], options as never))).toBeInstanceOf(TypeError);
  }
  for (const signal of [null, 5, {}, new AbortController()]) {
    expect(await rejection(select([channel], { signal: signal as never }))).toBeInstanceOf(TypeError);
  }
  expect(channel.length).toBe(1);
});

function broken(): Channel<number> {
  throw new Error("no channel today");
}

test("E11: a case that throws while the cases are built leaves nothing registered", async () => {
  const a = new Channel<number>();
  const b = new Channel<number>();
  expect(() => select([a, b.caseSend(1), broken()])).toThrow("no channel today");
  const record = {
    a,
    get b(): Channel<number> {
      throw new Error("no case today");
    },
  };
  expect(await rejection(select(record))).toMatchObject({ message: "no case today" });
  expect(() => trySelect(record)).toThrow("no case today");
  expect(a.trySend(1)).toBe(false);
  expect(b.tryReceive()).toBeUndefined();
});

test("E11: a bad case behind good ones that would have to wait leaves nothing registered", async () => {
  const a = new Channel<number>();
  const b = new Channel<number>();
  expect(await rejection(select([a, b.caseSend(1), 5 as unknown as Case]))).toBeInstanceOf(TypeError);
  expect(a.trySend(1)).toBe(false);
  expect(b.tryReceive()).toBeUndefined();
});

test("E10: cases are looked at once each, in the order written", async () => {
  const seen: string[] = [];
  const channel = new Channel<number>();
  const record = {
    get first(): Channel<number> {
      seen.push("first");
      return channel;
    },
    get second() {
      seen.push("second");
      return channel.caseSend(1);
    },
    get third(): false {
      seen.push("third");
      return false;
    },
  };
  const parked = select(record);
  expect(seen).toEqual(["first", "second", "third"]);
  channel.trySend(7);
  expect(await parked).toMatchObject({ name: "first", value: 7 });
  expect(seen).toHaveLength(3);
});

test("E10: the array and the record belong to the caller: changing them later changes nothing", async () => {
  const a = new Channel<number>();
  const b = new Channel<number>();
  const cases: Channel<number>[] = [a, b];
  const parked = select(cases);
  cases.reverse();
  cases.length = 0;
  b.trySend(1);
  expect(await parked).toEqual({ index: 1, channel: b, value: 1, ok: true });
});
