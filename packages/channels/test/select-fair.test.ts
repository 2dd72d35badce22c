// Whom a select chooses among several ready cases: each with the same chance, or the first written with `priority`.

import { Channel, select, trySelect } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { expect, test } from "vitest";

const TRIALS = 10_000;

/** How far a count is from its fair share, in standard deviations. */
function bias(count: number, share: number, trials = TRIALS): number {
  return Math.abs(count - share * trials) / Math.sqrt(share * (1 - share) * trials);
}

// Go's bound for two cases is |p - 1/2| <= 4.89 / (2 sqrt n): a fair draw is outside it once in a million runs.
const FAIR = 4.89;

/** A channel that is always ready. */
function endless(): Channel<number> {
  const channel = new Channel<number>();
  channel.close();
  return channel;
}

test.each([
  [0, 1],
  [0, 2],
  [0, 3],
  [1, 2],
  [1, 3],
  [2, 3],
])("E14: two ready cases, %i and %i, among two that never are, have the same chance", async (a, b) => {
  const channels = Array.from({ length: 4 }, (_, i) => (i === a || i === b ? endless() : new Channel<number>()));
  let first = 0;
  for (let i = 0; i < TRIALS; i += 1) {
    const { index } = await select(channels);
    expect([a, b]).toContain(index);
    if (index === a) first += 1;
  }
  expect(bias(first, 1 / 2)).toBeLessThanOrEqual(FAIR);
});

test("E14: ready receives and sends, in an array, in a record and with trySelect, have the same chance", async () => {
  const ready = new Channel<number>(1);
  const room = new Channel<number>(1);
  const quiet = new Channel<number>();
  const counts = { array: 0, record: 0, try: 0, default: 0 };
  for (let i = 0; i < TRIALS; i += 1) {
    ready.trySend(i);
    const r = await select([quiet, ready, quiet.caseSend(1), room.caseSend(i)]);
    if (r.index === 1) counts.array += 1;
    ready.trySend(i);
    room.tryReceive();
    const s = await select({ quiet, ready, never: quiet.caseSend(1), room: room.caseSend(i) });
    if (s.name === "ready") counts.record += 1;
    ready.trySend(i);
    room.tryReceive();
    if (trySelect([quiet, ready, quiet.caseSend(1), room.caseSend(i)])?.index === 1) counts.try += 1;
    ready.trySend(i);
    room.tryReceive();
    const d = await select({ ready, room: room.caseSend(i), quiet }, { default: true });
    if (d.name === "ready") counts.default += 1;
    room.tryReceive();
  }
  for (const count of Object.values(counts)) expect(bias(count, 1 / 2)).toBeLessThanOrEqual(FAIR);
});

test("E14: each of five ready cases has a fifth of the draws", () => {
  const channels = Array.from({ length: 5 }, endless);
  const chosen = new Map<number, number>();
  for (let i = 0; i < TRIALS; i += 1) {
    const index = trySelect(channels)?.index ?? -1;
    chosen.set(index, (chosen.get(index) ?? 0) + 1);
  }
  expect(chosen.size).toBe(5);
  for (const count of chosen.values()) expect(bias(count, 1 / 5)).toBeLessThanOrEqual(FAIR);
});

test("E14: the draw does not depend on the draw before", () => {
  const channels = [endless(), endless()];
  let same = 0;
  let before = trySelect(channels)?.index;
  for (let i = 0; i < TRIALS; i += 1) {
    const now = trySelect(channels)?.index;
    if (now === before) same += 1;
    before = now;
  }
  expect(bias(same, 1 / 2)).toBeLessThanOrEqual(FAIR);
});

test("E8: the same channel in several cases: each case has its own chance", () => {
  const twice = endless();
  const once = endless();
  const chosen = [0, 0, 0];
  for (let i = 0; i < TRIALS; i += 1) {
    const index = trySelect([twice, once, twice.caseReceive()])?.index ?? 0;
    chosen[index] = (chosen[index] ?? 0) + 1;
  }
  for (const count of chosen) expect(bias(count, 1 / 3)).toBeLessThanOrEqual(FAIR);
});

test("E14: a sender that selects over two parked receivers chooses each with the same chance", async () => {
  const a = new Channel<number>();
  const b = new Channel<number>();
  let chosen = 0;
  const trials = 2_000;
  for (let i = 0; i < trials; i += 1) {
    const received = [a.receive(), b.receive()];
    const r = await select([a.caseSend(1), b.caseSend(2)]);
    if (r.index === 0) chosen += 1;
    (r.index === 0 ? b : a).trySend(0);
    await Promise.all(received);
  }
  expect(bias(chosen, 1 / 2, trials)).toBeLessThanOrEqual(FAIR);
});

test("E15: with priority the first ready case in the order written is chosen, always", async () => {
  const channels = [endless(), endless(), endless()];
  const chosen = [0, 0, 0];
  const note = (index: number): void => {
    chosen[index] = (chosen[index] ?? 0) + 1;
  };
  for (let i = 0; i < 1_000; i += 1) note((await select(channels, { priority: true })).index);
  expect(chosen).toEqual([1_000, 0, 0]);
  for (let i = 0; i < 1_000; i += 1) note((await select([null, ...channels.slice(1)], { priority: true })).index);
  expect(chosen).toEqual([1_000, 1_000, 0]);
  for (let i = 0; i < 1_000; i += 1) {
    expect(trySelect({ b: channels[1], a: channels[0] }, { priority: true })).toMatchObject({ name: "b" });
    expect(await select([new Channel<number>(), ...channels], { priority: true, default: true })).toMatchObject({
      index: 1,
    });
  }
});

test("with priority, names that look like integers come first, as JavaScript orders them", async () => {
  const channel = endless();
  expect(await select({ first: channel, 2: channel, 1: channel }, { priority: true })).toMatchObject({ name: "1" });
  expect(await select({ first: channel, second: channel }, { priority: true })).toMatchObject({ name: "first" });
});

test("priority decides among sends and receives alike", async () => {
  const room = new Channel<string>(1);
  const ready = new Channel<string>(1);
  ready.trySend("x");
  expect(await select([room.caseSend("y"), ready], { priority: true })).toMatchObject({ index: 0 });
  room.tryReceive();
  expect(await select([ready, room.caseSend("y")], { priority: true })).toMatchObject({ index: 0, value: "x" });
});

async function chooseUnderVirtualTime(): Promise<number[]> {
  return virtualTime(async () => {
    const channels = Array.from({ length: 4 }, endless);
    const chosen: number[] = [];
    for (let i = 0; i < 100; i += 1) chosen.push((await select(channels)).index);
    return chosen;
  });
}

test("E16: under virtual time the draw is seeded: two runs choose the same cases", async () => {
  const first = await chooseUnderVirtualTime();
  expect(new Set(first).size).toBe(4);
  expect(await chooseUnderVirtualTime()).toEqual(first);
});
