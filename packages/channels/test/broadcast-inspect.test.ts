// A hang names its line, and whom a broadcast waits for.

import { Channel, select, time } from "@sluice/channels";
import { Broadcast, Latest } from "@sluice/channels/broadcast";
import { formatParked, parked, recordParked } from "@sluice/channels/inspect";
import { DeadlockError, virtualTime } from "@sluice/channels/testing";
import { afterEach, expect, test } from "vitest";
import { turns } from "./progress.ts";
import { taken, upTo } from "./values.ts";

afterEach(() => recordParked(false));

/** Everything but the time and the line. */
const waits = (): unknown => parked().map(({ operation, waitsFor }) => [operation, ...waitsFor]);

/** What a run under virtual time that never ends reports. */
async function deadlock(body: () => Promise<unknown>): Promise<DeadlockError> {
  const error = await virtualTime(body).catch((reason: unknown) => reason);
  if (error instanceof DeadlockError) return error;
  throw new Error(`Expected a deadlock, got ${String(error)}`);
}

test("a send that waits says which subscriptions have no room", () => {
  recordParked(true);
  const news = new Broadcast<number>({ name: "news" });
  const slow = [news.subscribe({ capacity: 1, name: "ann" }), news.subscribe({ capacity: 1 })];
  news.subscribe({ capacity: 3, name: "bob" });
  news.subscribe({ capacity: 1, slow: "drop-oldest", name: "display" });
  void news.send(1);
  void news.send(2);
  void select([news.channel().caseSend(3), new Channel({ name: "other" })]);
  const both = [
    'room in subscription "ann" of broadcast "news"',
    'room in an unnamed subscription of broadcast "news"',
  ];
  expect(waits()).toEqual([
    ["send", ...both],
    ["select", ...both, 'a value on channel "other"'],
  ]);
  taken(slow[0] as never);
  expect(waits()).toEqual([
    ["send", both[1]],
    ["select", both[1], 'a value on channel "other"'],
  ]);
  taken(slow[1] as never);
  taken(slow[0] as never);
  expect(waits()).toEqual([]);
  const unnamed = new Broadcast<number>();
  unnamed.subscribe({ capacity: 1, name: "ann" });
  unnamed.trySend(1);
  void unnamed.channel().send(2);
  expect(waits()).toEqual([["send", 'room in subscription "ann" of an unnamed broadcast']]);
});

async function tellTwice(news: Broadcast<number>): Promise<void> {
  for (const i of upTo(2)) await news.send(i);
}

test("a subscriber that never receives stalls all: the deadlock report names it, and the line that sends", async () => {
  const news = new Broadcast<number>({ name: "news" });
  const forgotten = news.subscribe({ capacity: 1, name: "audit" });
  const error = await deadlock(() => tellTwice(news));
  expect(error.parked).toMatchObject([
    { operation: "send", waitsFor: ['room in subscription "audit" of broadcast "news"'] },
  ]);
  expect(error.parked[0]?.calledAt).toMatch(/tellTwice.*broadcast-inspect\.test\.ts/);
  expect(error.message).toContain('send waits for room in subscription "audit" of broadcast "news"');
  expect(forgotten.length).toBe(1);
});

async function sendOnItsChannel(news: Broadcast<number>): Promise<void> {
  await news.channel().send(2);
}

test("a send on its channel is reported with the line that called it", async () => {
  const news = new Broadcast<number>();
  const held = news.subscribe({ capacity: 1 });
  news.trySend(1);
  const error = await deadlock(() => sendOnItsChannel(news));
  expect(error.parked[0]?.calledAt).toMatch(/sendOnItsChannel.*broadcast-inspect\.test\.ts/);
  expect(held.length).toBe(1);
});

async function untilDeep(depth: Latest<number>): Promise<void> {
  await depth.until((metres) => metres > 100);
}

test("an until that waits is reported with the line that called it, also after it has looked again", async () => {
  recordParked(true);
  const depth = new Latest(0, { name: "depth" });
  void untilDeep(depth);
  for (const metres of upTo(3)) {
    expect(waits()).toEqual([["until", 'a value on channel "depth"']]);
    expect(formatParked()).toMatch(/until waits for a value on channel "depth".*\n.*untilDeep.*broadcast-inspect/);
    depth.value = metres;
    await turns();
  }
  depth.value = 101;
  await turns();
  expect(waits()).toEqual([]);
});

test("a deadlock in until names its line", async () => {
  const error = await deadlock(async () => {
    const depth = new Latest(0);
    void time.sleep("1h").then(() => (depth.value = 5));
    await untilDeep(depth);
  });
  expect(error.parked).toMatchObject([{ operation: "until" }]);
  expect(error.parked[0]?.calledAt).toMatch(/untilDeep.*broadcast-inspect\.test\.ts/);
});

test("a day of broadcasts and of changes passes at once", async () => {
  const minutes = await virtualTime(async (clock) => {
    const news = new Broadcast<number>();
    const level = new Latest(0);
    const readers = upTo(3).map(async () => {
      let sum = 0;
      for await (const value of news.subscribe()) sum += value;
      return sum;
    });
    const reached = level.until((value) => value === 24 * 60 - 1);
    for (const minute of upTo(24 * 60)) {
      await time.sleep("1m");
      await news.send(1);
      level.value = minute;
    }
    news.close();
    expect([await reached, clock.now()]).toEqual([24 * 60 - 1, 24 * time.HOUR]);
    return Promise.all(readers);
  });
  expect(minutes).toEqual([1440, 1440, 1440]);
});
