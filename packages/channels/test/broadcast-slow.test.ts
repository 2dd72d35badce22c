// What becomes of a value for a subscriber that has no room, and what is told about it.

import { errors, Selector } from "@sluice/channels";
import { Broadcast, type SlowPolicy, type Subscription } from "@sluice/channels/broadcast";
import { describe, expect, test } from "vitest";
import { outcome, rejection } from "./progress.ts";
import { taken, upTo } from "./values.ts";

interface Slow {
  readonly news: Broadcast<number>;
  readonly subscription: Subscription<number>;
  readonly dropped: number[];
}

function slow(policy: SlowPolicy, capacity: number): Slow {
  const news = new Broadcast<number>();
  const dropped: number[] = [];
  const subscription = news.subscribe({ capacity, slow: policy, onDrop: (value) => dropped.push(value) });
  return { news, subscription, dropped };
}

test.each([1, 2, 5])("with drop-oldest and capacity %i the newest values stay, in order", async (capacity) => {
  const { news, subscription, dropped } = slow("drop-oldest", capacity);
  for (const i of upTo(10)) expect(await outcome(news.send(i))).toBeUndefined();
  expect([subscription.length, subscription.missed]).toEqual([capacity, 10 - capacity]);
  expect(dropped).toEqual(upTo(10 - capacity));
  expect(taken(subscription)).toEqual(upTo(10).slice(10 - capacity));
});

test.each([1, 2, 5])("with drop-newest and capacity %i the oldest values stay, in order", async (capacity) => {
  const { news, subscription, dropped } = slow("drop-newest", capacity);
  for (const i of upTo(10)) expect(await outcome(news.send(i))).toBeUndefined();
  expect([subscription.length, subscription.missed]).toEqual([capacity, 10 - capacity]);
  expect(dropped).toEqual(upTo(10).slice(capacity));
  expect(taken(subscription)).toEqual(upTo(capacity));
});

test("with drop-newest there may be many gaps in what a subscriber has, whatever the others have", () => {
  const { news, subscription, dropped } = slow("drop-newest", 3);
  const all = news.subscribe({ capacity: 100 });
  const newest = news.subscribe({ capacity: 1, slow: "drop-oldest" });
  const got: number[] = [];
  for (const i of upTo(40)) {
    news.trySend(i);
    // Four come for each that goes, then more go than come, and sometimes it runs dry.
    if (i % 4 === 3) got.push(subscription.tryReceive()?.value as number);
    if (i % 13 === 12) got.push(...taken(subscription));
  }
  got.push(...taken(subscription));
  expect(got.toSorted((a, b) => a - b)).toEqual(got);
  expect([...got, ...dropped].toSorted((a, b) => a - b)).toEqual(upTo(40));
  expect([subscription.missed, dropped.length > 20, got.length > 10]).toEqual([dropped.length, true, true]);
  expect([taken(all), taken(newest)]).toEqual([upTo(40), [39]]);
});

test("with close it ends after what it holds, with a cause that says how many it missed", async () => {
  const { news, subscription, dropped } = slow("close", 2);
  const other = news.subscribe();
  for (const i of upTo(4)) await news.send(i);
  const { closed, cause, length, missed } = subscription;
  expect([closed, length, missed, dropped, news.subscribers]).toEqual([true, 2, 1, [2], 1]);
  expect(errors.is(cause, errors.UNAVAILABLE)).toBe(true);
  expect(cause).toMatchObject({ retryable: true, details: { missed: 1 } });
  expect(await subscription.receiveMany(5)).toEqual([0, 1]);
  expect(await subscription.receive()).toMatchObject({ ok: false });
  expect(await rejection(subscription[Symbol.asyncIterator]().next())).toBe(cause);
  expect(taken(other)).toEqual(upTo(4));
  news.close("why");
  subscription.unsubscribe();
  expect([subscription.cause, subscription.missed]).toEqual([cause, 1]);
});

test("the cause names the subscription", async () => {
  const news = new Broadcast<number>({ slow: "close" });
  const [named, unnamed] = [news.subscribe({ capacity: 1, name: "ann" }), news.subscribe({ capacity: 1 })];
  for (const i of upTo(2)) await news.send(i);
  expect(String(named.cause)).toBe('SluiceError: Subscription "ann" fell more than 1 values behind');
  expect(String(unnamed.cause)).toContain("Subscription fell");
});

test("what was ended by close, and is drained, gets nothing that is sent later", async () => {
  const { news, subscription } = slow("close", 1);
  for (const i of upTo(2)) await news.send(i);
  expect(taken(subscription)).toEqual([0]);
  for (const i of upTo(3)) await news.send(i);
  expect([subscription.length, taken(subscription), subscription.missed]).toEqual([0, [], 1]);
});

test("the subscriber's policy counts, else the broadcast's, else block", async () => {
  for (const [whole, own, sent] of [
    [undefined, undefined, false],
    ["drop-oldest", undefined, true],
    ["drop-oldest", "block", false],
    ["block", "drop-newest", true],
  ] as const) {
    const news = new Broadcast<number>({ slow: whole });
    const subscription = news.subscribe({ capacity: 1, slow: own });
    expect([news.trySend(0), news.trySend(1)]).toEqual([true, sent]);
    expect(subscription.missed).toBe(sent ? 1 : 0);
  }
});

test("nothing is dropped for those who drop while one who blocks has no room", async () => {
  const { news, subscription, dropped } = slow("drop-oldest", 1);
  const blocking = news.subscribe({ capacity: 1 });
  await news.send(0);
  expect(news.trySend(1)).toBe(false);
  const sending = news.send(1);
  expect([subscription.length, subscription.missed, dropped]).toEqual([1, 0, []]);
  taken(blocking);
  await sending;
  expect([taken(subscription), subscription.missed, dropped]).toEqual([[1], 1, [0]]);
});

test("a Selector that watches one that drops gets what is there, once each", async () => {
  const { news, subscription, dropped } = slow("drop-oldest", 2);
  const events = new Selector({ subscription });
  for (const i of upTo(5)) await news.send(i);
  expect(await events.next()).toMatchObject({ name: "subscription", value: 3 });
  expect(await events.next()).toMatchObject({ value: 4 });
  expect(events.tryNext()).toBeUndefined();
  const next = events.next();
  await news.send(5);
  expect([(await next)?.value, dropped]).toEqual([5, [0, 1, 2]]);
});

describe("the hook", () => {
  test("runs once every subscriber has the value, and may use the broadcast", () => {
    const news = new Broadcast<number>();
    const seen: unknown[] = [];
    const first = news.subscribe({
      capacity: 1,
      slow: "drop-oldest",
      onDrop: (value) => {
        seen.push([value, first.length, last.length]);
        if (value < 2) news.trySend(10 + value);
      },
    });
    const last = news.subscribe({ capacity: 100 });
    for (const i of upTo(2)) news.trySend(i);
    expect(seen).toEqual([
      [0, 1, 2],
      [1, 1, 3],
      [10, 1, 4],
    ]);
    expect([taken(first), taken(last)]).toEqual([[11], [0, 1, 10, 11]]);
  });

  test("runs for what others drop when a receive lets a sender go on, after all that waited have been served", async () => {
    const news = new Broadcast<number>();
    const blocking = news.subscribe({ capacity: 1 });
    const seen: unknown[] = [];
    const dropping = news.subscribe({
      capacity: 1,
      slow: "drop-newest",
      onDrop: (value) => seen.push([value, news.trySend(99), blocking.length]),
    });
    const waits = upTo(3).map((i) => news.send(i));
    expect(blocking.tryReceive()).toMatchObject({ value: 0 });
    expect(seen).toEqual([[1, false, 1]]);
    expect(taken(blocking)).toEqual([1, 2]);
    await Promise.all(waits);
    expect([seen, taken(dropping), dropping.missed]).toEqual([
      [
        [1, false, 1],
        [2, false, 1],
      ],
      [0],
      2,
    ]);
  });

  test("may unsubscribe its own subscription and others, in the middle of a send", async () => {
    const news = new Broadcast<number>({ slow: "drop-oldest" });
    const one: Subscription<number> = news.subscribe({
      capacity: 1,
      onDrop: () => (one.unsubscribe(), two.unsubscribe()),
    });
    const two = news.subscribe({ capacity: 1 });
    const three = news.subscribe({ capacity: 1 });
    for (const i of upTo(3)) await news.send(i);
    expect([one.missed, two.missed, three.missed, news.subscribers]).toEqual([1, 1, 2, 1]);
    expect([taken(one), taken(two), taken(three)]).toEqual([[], [], [2]]);
  });
});
