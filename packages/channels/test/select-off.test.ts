// Cases that are switched off, selects without a live case, and the whole matrix of kinds of cases.

import { type Case, Channel, type Falsy, select, trySelect } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { outcome, rejection, waiting } from "./progress.ts";

test.each([[null], [undefined], [false as const]])(
  "D1: a case that is %s is never chosen, whatever else is",
  async (off) => {
    const channel = new Channel<number>(1);
    for (let round = 0; round < 100; round += 1) {
      channel.trySend(round);
      expect(await select([off, channel, off])).toEqual({ index: 1, channel, value: round, ok: true });
    }
    channel.trySend(1);
    expect(await select({ off, channel })).toMatchObject({ name: "channel" });
    expect(await outcome(select([off, channel]))).toBe(waiting);
  },
);

test("D1: a select with a default and no live case gives the default", async () => {
  expect(await select([null, undefined, false], { default: true })).toMatchObject({ default: true, index: undefined });
  expect(await select({ off: null }, { default: true })).toMatchObject({ default: true, name: undefined });
  expect(await select([], { default: true })).toMatchObject({ default: true });
  expect(await select({}, { default: true })).toMatchObject({ default: true });
});

test("D3: a select with no live case and no default is a TypeError instead of a wait for ever", async () => {
  for (const cases of [
    [],
    [null],
    [undefined, false, null],
    {},
    { off: false, never: null, absent: undefined },
  ] as const) {
    expect(await rejection(select(cases))).toBeInstanceOf(TypeError);
    expect(await rejection(select(cases, { default: false }))).toBeInstanceOf(TypeError);
    expect(await rejection(select(cases, { signal: new AbortController().signal }))).toBeInstanceOf(TypeError);
    expect(trySelect(cases)).toBeUndefined();
  }
});

test("D2: switching a case off and on again gives exactly the values of what was on", async () => {
  const a = new Channel<string>(50);
  const b = new Channel<string>(50);
  for (let i = 0; i < 50; i += 1) {
    a.trySend("a");
    b.trySend("b");
  }
  const got: (string | undefined)[] = [];
  for (let round = 0; round < 100; round += 1) {
    const fromA = round % 2 === 0;
    got.push((await select([fromA && a, fromA ? null : b])).value);
  }
  expect(got.filter((value) => value === "a")).toHaveLength(50);
  expect(got.every((value, i) => value === (i % 2 === 0 ? "a" : "b"))).toBe(true);
});

test("D2: the relay that reads only while it is empty and writes only while it is full passes every value on", async () => {
  const input = new Channel<number>();
  const output = new Channel<number>();
  const relay = async (): Promise<void> => {
    let held: { readonly value: number } | undefined;
    for (;;) {
      const r = await select({
        read: held === undefined && input,
        write: held !== undefined && output.caseSend(held.value),
      });
      if (r.name === "write") held = undefined;
      else if (r.ok) held = { value: r.value };
      else return output.close();
    }
  };
  const feed = async (): Promise<void> => {
    for (let i = 0; i < 100; i += 1) await input.send(i);
    input.close();
  };
  const done = Promise.all([relay(), feed()]);
  const got: number[] = [];
  for await (const value of output) got.push(value);
  await done;
  expect(got).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

// D4: every list of one to three cases out of six kinds, with and without a default, as an array and as a record.
// "real" can happen, "dummy" never can, "off" is a falsy case: 258 lists, 1,032 selects, each also with trySelect.

const KINDS = ["receive real", "receive dummy", "receive off", "send real", "send dummy", "send off"] as const;
type Kind = (typeof KINDS)[number];

function lists(length: number): Kind[][] {
  if (length === 0) return [[]];
  return lists(length - 1).flatMap((list) => KINDS.map((kind) => [...list, kind]));
}

interface Entry {
  readonly kind: Kind;
  readonly channel: Channel<string>;
}

function entriesOf(kinds: readonly Kind[]): Entry[] {
  return kinds.map((kind, i) => {
    const channel = new Channel<string>(kind.endsWith("real") ? 1 : 0);
    if (kind === "receive real") channel.trySend(`value ${i}`);
    return { kind, channel };
  });
}

type Mixture = readonly (Case | Falsy)[] | Readonly<Record<string, Case | Falsy>>;

function casesOf(entries: readonly Entry[], record: boolean): Mixture {
  const list = entries.map(({ kind, channel }, i) => {
    if (kind.endsWith("off")) return ([null, undefined, false] as const)[i];
    return kind.startsWith("receive") ? channel : channel.caseSend(`value ${i}`);
  });
  return record ? Object.fromEntries(list.map((entry, i) => [`c${i}`, entry])) : list;
}

/** Which cases have happened, by what is in their channels now. */
function happened(entries: readonly Entry[]): number[] {
  return entries.flatMap(({ kind, channel }, i) => (channel.length === (kind === "receive real" ? 1 : 0) ? [] : [i]));
}

/** Dummies on which somebody waits. */
function waitedFor(entries: readonly Entry[]): number {
  const dummies = entries.filter(({ kind }) => kind.endsWith("dummy"));
  return dummies.filter(({ channel }) => channel.trySend("nobody") || channel.tryReceive() !== undefined).length;
}

/** The result that case `i` gives when it is the one. */
function resultOf(entries: readonly Entry[], i: number, record: boolean): object {
  const { kind, channel } = entries[i] as Entry;
  return {
    ...(record ? { name: `c${i}` } : { index: i }),
    channel,
    value: kind.startsWith("receive") ? `value ${i}` : undefined,
    ok: true,
  };
}

const MATRIX = [1, 2, 3].flatMap(lists);
const REAL = MATRIX.filter((kinds) => kinds.some((kind) => kind.endsWith("real")));
const DUMMIES = MATRIX.filter((kinds) => !REAL.includes(kinds) && kinds.some((kind) => kind.endsWith("dummy")));
const OFF = MATRIX.filter((kinds) => kinds.every((kind) => kind.endsWith("off")));

describe.each([
  { form: "an array", record: false },
  { form: "a record", record: true },
])("D4: every mixture of kinds as $form", ({ record }) => {
  test.each([
    ["select", (cases: Mixture): unknown => select(cases)],
    ["select with a default", (cases: Mixture): unknown => select(cases, { default: true })],
    ["trySelect", (cases: Mixture): unknown => trySelect(cases)],
  ] as const)("%s does exactly one of the cases that can happen", async (_way, choose) => {
    for (const kinds of REAL) {
      const entries = entriesOf(kinds);
      const result = await choose(casesOf(entries, record));
      const [chosen = -1, ...more] = happened(entries);
      expect({ kinds, result, more, waitedFor: waitedFor(entries) }).toStrictEqual({
        kinds,
        result: resultOf(entries, chosen, record),
        more: [],
        waitedFor: 0,
      });
    }
  });

  test("when none can happen, a default is given and trySelect gives undefined; nobody waits", async () => {
    for (const kinds of [...DUMMIES, ...OFF]) {
      const entries = entriesOf(kinds);
      const cases = casesOf(entries, record);
      const results = [(await select(cases, { default: true })).default, trySelect(cases), waitedFor(entries)];
      expect({ kinds, results }).toEqual({ kinds, results: [true, undefined, 0] });
    }
  });

  test("when none can happen yet, select waits for the first that can, and then waits for no other", async () => {
    for (const kinds of DUMMIES) {
      const entries = entriesOf(kinds);
      const parked = select(casesOf(entries, record));
      const before = await outcome(parked);
      const last = entries.findLastIndex(({ kind }) => kind.endsWith("dummy"));
      const { kind, channel } = entries[last] as Entry;
      const met = kind.startsWith("send")
        ? channel.tryReceive()?.value
        : channel.trySend(`value ${last}`) && `value ${last}`;
      expect({ kinds, before, met, result: await parked, waitedFor: waitedFor(entries) }).toStrictEqual({
        kinds,
        before: waiting,
        met: `value ${last}`,
        result: resultOf(entries, last, record),
        waitedFor: 0,
      });
    }
  });

  test("when all are off, select without a default rejects", async () => {
    for (const kinds of OFF)
      expect(await rejection(select(casesOf(entriesOf(kinds), record)))).toBeInstanceOf(TypeError);
  });
});
