// What a broadcast holds, read off the heap, and what the collector tells of it.

import { AsyncLocalStorage } from "node:async_hooks";
import { Selector, select } from "@sluice/channels";
import { Broadcast, Latest, type Subscription } from "@sluice/channels/broadcast";
import { parked, recordParked } from "@sluice/channels/inspect";
import { afterEach, describe, expect, test } from "vitest";
import { turns } from "./progress.ts";
import { collect, residue } from "./residue.ts";
import { taken, upTo } from "./values.ts";

afterEach(() => recordParked(false));

/** Bytes on the heap for each value that every one of `count` subscribers has yet to receive. */
function weightOfValue(count: number): number {
  const values = 20_000;
  const news = new Broadcast<number>();
  const all = upTo(count).map(() => news.subscribe({ capacity: values }));
  news.trySend(0);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 1; i < values; i += 1) news.trySend(i);
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / values;
  expect(all.every(({ length }) => length === values)).toBe(true);
  return bytes;
}

test("a value is stored once, whatever the number of those who have yet to receive it", () => {
  weightOfValue(1);
  const [one, many] = [weightOfValue(1), weightOfValue(200)];
  expect(one).toBeLessThan(150);
  expect(many - one).toBeLessThan(16);
});

describe("nothing is left behind by", () => {
  const NOTHING = 8; // bytes a round

  test("values that were received, dropped, or handed over", async () => {
    const news = new Broadcast<object>({ replay: 1 });
    const all = [
      news.subscribe({ capacity: 4 }),
      news.subscribe({ capacity: 2, slow: "drop-oldest" }),
      news.subscribe({ capacity: 2, slow: "drop-newest" }),
      news.subscribe({ capacity: 1, slow: "close" }),
    ];
    const bytes = await residue(20_000, async (i) => {
      await news.send({ i });
      taken(all[0] as Subscription<object>);
      if (i % 7 === 0) taken(all[2] as Subscription<object>);
    });
    expect(bytes).toBeLessThan(NOTHING);
    expect(all.map(({ length }) => length < 3)).toEqual([true, true, true, true]);
  });

  test("subscribers that came and went, holding something or waiting", async () => {
    const news = new Broadcast<number>({ replay: 2 });
    const level = new Latest(0);
    const bytes = await residue(20_000, async (i) => {
      using waits = news.subscribe({ replay: 0 });
      using holds = news.subscribe({ slow: "drop-newest", capacity: 1 });
      using looks = level.changes();
      const received = waits.receive();
      news.trySend(i);
      level.value = i;
      await received;
      void waits.receive();
      expect(holds.length + looks.length).toBe(2);
    });
    expect(bytes).toBeLessThan(NOTHING);
    expect(news.subscribers).toBe(0);
  });

  test("sends that were aborted, selects that lost, and Selectors that were closed", async () => {
    const news = new Broadcast<number>();
    const full = news.subscribe({ capacity: 1 });
    const empty = new Broadcast<number>().subscribe();
    news.trySend(0);
    const bytes = await residue(20_000, async () => {
      const abort = new AbortController();
      const waits = [
        news.send(1, { signal: abort.signal }),
        select([news.channel().caseSend(2), empty], { signal: abort.signal }),
      ];
      using events = new Selector({ empty });
      void events.next();
      abort.abort("enough");
      await Promise.allSettled(waits);
    });
    expect(bytes).toBeLessThan(150); // what Node keeps of AbortControllers for a while; a waiter alone is 336
    expect([full.length, news.trySend(1)]).toEqual([1, false]);
  });

  test("untils that were accepted, aborted, or timed out", { timeout: 60_000 }, async () => {
    const level = new Latest(0);
    const bytes = await residue(1_000, async (i) => {
      const abort = new AbortController();
      const waits = [
        level.until((value) => value === i + 1, { timeout: "1h" }),
        level.until(() => false, { signal: abort.signal }),
        level.until(() => false, { signal: abort.signal, timeout: "1h" }),
        level.until(() => false, { timeout: 0 }),
      ];
      level.value = i + 1;
      abort.abort("enough");
      await Promise.allSettled(waits);
    });
    expect(bytes).toBeLessThan(NOTHING * 80);
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length).toBeLessThan(2);
  });
});

test("a subscription that became garbage stalls senders still, and the report says that it was abandoned", async () => {
  recordParked(true);
  const news = new Broadcast<number>({ name: "news" });
  const held = news.subscribe({ capacity: 1, name: "held" });
  (() => {
    const dropped = news.subscribe({ capacity: 1, name: "dropped" });
    news.trySend(1);
    expect(dropped.length).toBe(1);
  })();
  void news.send(2);
  for (let i = 0; i < 5; i += 1) {
    await turns(1);
    collect();
  }
  expect(parked()[0]?.waitsFor).toEqual([
    'room in subscription "held" of broadcast "news"',
    'room in subscription "dropped" of broadcast "news", which was abandoned',
  ]);
  expect([taken(held), news.subscribers, news.trySend(3)]).toEqual([[1], 2, false]);
});

test("a subscription that nobody holds, but on which somebody waits, is not garbage", async () => {
  const news = new Broadcast<number>();
  const level = new Latest(0);
  const received: unknown[] = [];
  const wait = async (subscription: Subscription<number>): Promise<void> => {
    received.push((await subscription.receive()).value);
  };
  const watch = async (events: Selector<{ one: number }>): Promise<void> => {
    received.push((await events.next())?.value);
  };
  const waits = [
    wait(news.subscribe()),
    watch(new Selector({ one: news.subscribe() })),
    wait(level.changes({ current: false })),
  ];
  for (let i = 0; i < 5; i += 1) {
    await turns(1);
    collect();
  }
  news.trySend(7);
  level.value = 8;
  await Promise.all(waits);
  expect(received).toEqual([7, 7, 8]);
});

test("whoever receives, or tests in until, does so in its own async context, not in the sender's", async () => {
  const who = new AsyncLocalStorage<string>();
  const news = new Broadcast<number>();
  const level = new Latest(0);
  const seen: unknown[] = [];
  const subscription = news.subscribe();
  const own = who.run("receiver", async () => {
    await subscription.receive();
    seen.push(who.getStore());
    for await (const value of subscription) seen.push([who.getStore(), value]);
    await level.until((value) => {
      seen.push([who.getStore(), value]);
      return value === 2;
    });
    seen.push(who.getStore());
  });
  await who.run("sender", async () => {
    for (const i of upTo(2)) await news.send(i);
    news.close();
    await turns();
    for (const i of [1, 2]) {
      level.value = i;
      await turns();
    }
  });
  await own;
  expect(seen).toEqual(["receiver", ["receiver", 1], ["receiver", 0], ["receiver", 1], ["receiver", 2], "receiver"]);
});
