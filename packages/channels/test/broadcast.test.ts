// Tells many: one order for all, nobody gets a value that another one has no room for.

import { Channel, ClosedError, select, Selector, trySelect } from "@sluice/channels";
import { Broadcast, type Subscription } from "@sluice/channels/broadcast";
import { describe, expect, test } from "vitest";
import { outcome, rejection, turns, waiting } from "./progress.ts";
import { taken, thrownBy, upTo } from "./values.ts";

/** What a loop over a channel gives, and how it ended. */
async function collected(channel: Subscription<number>): Promise<unknown[]> {
  const values: unknown[] = [];
  try {
    for await (const value of channel) values.push(value);
    values.push("end");
  } catch (cause) {
    values.push(cause);
  }
  return values;
}

describe("sending", () => {
  test("every subscriber gets every value, in the order in which they were sent", async () => {
    const news = new Broadcast<number>();
    const readers = upTo(3).map(() => collected(news.subscribe()));
    for (const i of upTo(50)) await news.send(i);
    news.close();
    for (const values of await Promise.all(readers)) expect(values).toEqual([...upTo(50), "end"]);
  });

  test("without subscribers a send resolves, and the value is gone", async () => {
    const news = new Broadcast<number>();
    expect(await outcome(news.send(1))).toBeUndefined();
    expect(news.trySend(2)).toBe(true);
    expect(news.subscribe().tryReceive()).toBeUndefined();
  });

  test("a send waits until every subscriber that blocks has room, and until then nobody gets the value", async () => {
    const news = new Broadcast<number>();
    const [slow, fast] = [news.subscribe({ capacity: 2 }), news.subscribe()];
    for (const i of upTo(2)) await news.send(i);
    const sending = news.send(2);
    expect(await outcome(sending)).toBe(waiting);
    expect(news.trySend(3)).toBe(false);
    expect([slow.length, fast.length]).toEqual([2, 2]);
    expect(slow.tryReceive()).toMatchObject({ value: 0 });
    expect([slow.length, fast.length]).toEqual([2, 3]); // at one instant, and before the receiver goes on
    expect(await outcome(sending)).toBeUndefined();
    expect([taken(slow), taken(fast)]).toEqual([[1, 2], upTo(3)]);
  });

  test("the slowest of many decides, whoever that is", async () => {
    const news = new Broadcast<number>();
    const all = [3, 1, 2].map((capacity) => news.subscribe({ capacity }));
    for (const [i, subscription] of all.entries()) {
      for (const other of all) if (other !== subscription) taken(other);
      while (news.trySend(i));
      expect(subscription.length).toBe(Math.min(...all.map(({ capacity }) => capacity)));
      for (const other of all) taken(other);
    }
    expect(upTo(5).map(() => news.trySend(0))).toEqual([true, false, false, false, false]);
    taken(all[1] as Subscription<number>);
    all[1]?.unsubscribe();
    expect(upTo(5).map(() => news.trySend(0))).toEqual([true, false, false, false, false]);
    taken(all[2] as Subscription<number>);
    expect(upTo(5).map(() => news.trySend(0))).toEqual([true, false, false, false, false]);
  });

  test("senders that wait are served first come, first served, as many as there is room for", async () => {
    const news = new Broadcast<number>();
    const subscription = news.subscribe({ capacity: 1 });
    const order: number[] = [];
    for (const i of upTo(5)) void news.send(i).then(() => order.push(i));
    await turns();
    expect(order).toEqual([0]);
    expect(await subscription.receiveMany(3)).toEqual([0, 1, 2]);
    expect(order).toEqual([0, 1, 2, 3]);
    expect(taken(subscription)).toEqual([3, 4]);
  });

  test("an aborted send was not sent to anybody, and those behind it keep their places", async () => {
    const news = new Broadcast<number>();
    const [slow, fast] = [news.subscribe({ capacity: 1 }), news.subscribe()];
    await news.send(0);
    const abort = new AbortController();
    const waits = [news.send(1), news.send(2, { signal: abort.signal }), news.send(3)];
    abort.abort("enough");
    expect(await rejection(waits[1] as Promise<void>)).toBe("enough");
    expect(taken(slow)).toEqual([0, 1, 3]);
    expect(taken(fast)).toEqual([0, 1, 3]);
    await Promise.all([waits[0], waits[2]]);
  });

  test("a signal that was aborted before sends nothing, even where there is room", async () => {
    const news = new Broadcast<number>();
    const subscription = news.subscribe();
    expect(await rejection(news.send(1, { signal: AbortSignal.abort("before") }))).toBe("before");
    expect(subscription.length).toBe(0);
  });

  test("a receiver that waits has the value when the send returns, and other tasks have not run", async () => {
    const news = new Broadcast<number>();
    const [one, two] = [news.subscribe(), news.subscribe()];
    const log: string[] = [];
    void one.receive().then(() => log.push("one"));
    void two.receive().then(() => log.push("two"));
    void news.send(1).then(() => log.push("sent"));
    expect([one.length, two.length, ...log]).toEqual([0, 0]);
    await turns();
    expect(log).toEqual(["one", "two", "sent"]);
  });

  test("a promise, undefined and a result of a receive travel as they are", async () => {
    const promise = Promise.resolve(1);
    const values: readonly unknown[] = [promise, undefined, null, { ok: false, done: true }];
    const news = new Broadcast<unknown>({ replay: values.length });
    const subscriptions = upTo(2).map(() => news.subscribe());
    const waits = subscriptions.map((subscription) => subscription.receive());
    for (const value of values) await news.send(value);
    for (const [i, wait] of waits.entries()) {
      const got = [(await wait).value, ...taken(subscriptions[i] as Subscription<unknown>)];
      for (const [j, value] of values.entries()) expect(got[j]).toBe(value);
    }
    const late = taken(news.subscribe());
    for (const [j, value] of values.entries()) expect(late[j]).toBe(value);
  });
});

describe("a subscription is a channel", () => {
  test("several tasks share it: each value goes to one of them, first come, first served", async () => {
    const news = new Broadcast<number>();
    const shared = news.subscribe();
    const other = news.subscribe();
    const waits = [shared.receive(), shared.receiveMany(5), shared[Symbol.asyncIterator]().next()];
    for (const i of upTo(4)) await news.send(i);
    expect(await Promise.all(waits)).toMatchObject([{ value: 0 }, [1], { value: 2 }]);
    expect(taken(shared)).toEqual([3]);
    expect(taken(other)).toEqual(upTo(4));
  });

  test("it says what it is: capacity, length, name, closed, missed", () => {
    const news = new Broadcast<number>({ name: "news" });
    const subscription = news.subscribe({ capacity: 3, name: "ann" });
    news.trySend(1);
    const { capacity, length, name, closed, cause, missed } = subscription;
    expect({ capacity, length, name, closed, cause, missed }).toEqual({
      capacity: 3,
      length: 1,
      name: "ann",
      closed: false,
      cause: undefined,
      missed: 0,
    });
    expect(news.subscribe()).toMatchObject({ capacity: 16, name: undefined });
    expect(news.name).toBe("news");
  });

  test("selects choose it, and one that lost takes nothing", async () => {
    const news = new Broadcast<number>();
    const [one, two] = [news.subscribe(), news.subscribe()];
    const parked = select({ one, two });
    await news.send(1);
    const chosen = await parked;
    expect([chosen.value, chosen.channel]).toEqual([1, chosen.name === "one" ? one : two]);
    expect(one.length + two.length).toBe(1);
    expect(trySelect([one, two])).toMatchObject({ value: 1 });
    expect(trySelect([one, two])).toBeUndefined();
  });

  test("a Selector watches many of them, and tells each one's value and end once", async () => {
    const news = new Broadcast<number>();
    const events = new Selector<Record<string, number>>();
    for (const i of upTo(4)) events.add(`${i}`, news.subscribe());
    const got: string[] = [];
    const watching = (async () => {
      for await (const { name, value, ok } of events) got.push(`${name}: ${ok ? value : "end"}`);
    })();
    await news.send(1);
    await news.send(2);
    await turns();
    news.close();
    await watching;
    expect(got.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(
      upTo(4).flatMap((i) => [`${i}: 1`, `${i}: 2`, `${i}: end`]),
    );
  });

  test("a Selector that got there first is served before receivers that came later, and the other way round", async () => {
    const news = new Broadcast<number>();
    const subscription = news.subscribe();
    const events = new Selector({ subscription });
    const order: string[] = [];
    const note = (who: string) => (): number => order.push(who);
    void subscription.receive().then(note("receive"));
    void events.next().then(note("next"));
    void subscription.receive().then(note("receive again"));
    for (const i of upTo(3)) await news.send(i);
    await turns();
    expect(order).toEqual(["receive", "next", "receive again"]);
  });
});

describe("the channel to send on", () => {
  test("is the same object every time, sends to all, and has nothing in it", async () => {
    const news = new Broadcast<number>({ name: "news" });
    const subscription = news.subscribe();
    const channel = news.channel();
    expect(news.channel()).toBe(channel);
    expect(channel.trySend(1)).toBe(true);
    await channel.send(2);
    const { name, length, capacity, closed, cause } = channel;
    expect({ name, length, capacity, closed, cause }).toEqual({
      name: "news",
      length: 0,
      capacity: 0,
      closed: false,
      cause: undefined,
    });
    expect(taken(subscription)).toEqual([1, 2]);
  });

  test("its case is ready when no subscriber that blocks is full, and sends when a select chooses it", async () => {
    const news = new Broadcast<number>();
    const channel = news.channel();
    const subscription = news.subscribe({ capacity: 1 });
    expect(trySelect([channel.caseSend(1)])).toMatchObject({ index: 0, channel, value: undefined, ok: true });
    expect(trySelect([channel.case_send(2)])).toBeUndefined();
    const parked = select({ out: channel.caseSend(3), never: new Channel<number>() });
    const behind = news.send(4);
    expect(taken(subscription)).toEqual([1, 3, 4]);
    expect(await parked).toMatchObject({ name: "out", channel, ok: true });
    await behind;
  });

  test("a select that lost takes its value back", async () => {
    const news = new Broadcast<number>();
    const subscription = news.subscribe({ capacity: 1 });
    news.trySend(1);
    const other = new Channel<string>(1);
    const parked = select([news.channel().caseSend(2), other]);
    other.trySend("other");
    expect(await parked).toMatchObject({ index: 1 });
    expect(taken(subscription)).toEqual([1]);
    expect(subscription.length).toBe(0);
  });

  test("a select that would both send and receive does one of them, and never meets itself", async () => {
    const news = new Broadcast<number>();
    const own = news.subscribe();
    const full = news.subscribe({ capacity: 1 });
    news.trySend(0);
    taken(own);
    const both = select({ sent: news.channel().caseSend(1), got: own });
    expect(taken(full)).toEqual([0, 1]);
    expect(await both).toMatchObject({ name: "sent" });
    expect(taken(own)).toEqual([1]);
  });

  test("closing it closes the broadcast, and so does `using` it", () => {
    const news = new Broadcast<number>();
    news.channel().close("why");
    expect([news.closed, news.cause, news.channel().closed]).toEqual([true, "why", true]);
    const other = new Broadcast<number>();
    {
      using channel = other.channel();
      expect(channel.closed).toBe(false);
    }
    expect(other.closed).toBe(true);
  });
});

describe("replay", () => {
  test("a late subscriber gets the last values first, then what comes", async () => {
    const news = new Broadcast<number>({ replay: 3 });
    for (const i of upTo(5)) await news.send(i);
    const late = news.subscribe();
    await news.send(5);
    expect(taken(late)).toEqual([2, 3, 4, 5]);
    expect(late.missed).toBe(0);
  });

  test.each([
    [0, []],
    [1, [4]],
    [2, [3, 4]],
    [9, [2, 3, 4]],
    [undefined, [2, 3, 4]],
  ])("it may ask for less: replay %s of three that are kept gives %j", async (replay, values) => {
    const news = new Broadcast<number>({ replay: 3 });
    for (const i of upTo(5)) await news.send(i);
    expect(taken(news.subscribe({ replay }))).toEqual(values);
  });

  test("more than fits: the newest `capacity` values, of which none counts as missed, and it is full", async () => {
    const news = new Broadcast<number>({ replay: 5 });
    for (const i of upTo(5)) await news.send(i);
    const late = news.subscribe({ capacity: 2 });
    expect([late.length, late.missed, news.trySend(5)]).toEqual([2, 0, false]);
    expect(taken(late)).toEqual([3, 4]);
  });

  test("fewer than are kept at first, and what others have received is kept too", async () => {
    const news = new Broadcast<number>({ replay: 3 });
    const early = news.subscribe();
    await news.send(1);
    expect(taken(early)).toEqual([1]);
    expect(taken(news.subscribe())).toEqual([1]);
    await news.send(2);
    expect([taken(news.subscribe()), taken(news.subscribe())]).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  test("after the close: what is kept, then the end with its cause; it does not count as a subscriber", async () => {
    const news = new Broadcast<number>({ replay: 2 });
    for (const i of upTo(3)) await news.send(i);
    news.close("why");
    const late = news.subscribe();
    expect([late.closed, late.cause, late.length, news.subscribers]).toEqual([true, "why", 2, 0]);
    expect(await collected(late)).toEqual([1, 2, "why"]);
    expect(await collected(news.subscribe({ replay: 0 }))).toEqual(["why"]);
  });
});

describe("coming and going", () => {
  test("a subscriber gets what is sent after it came, and none of what was there", async () => {
    const news = new Broadcast<number>();
    const early = news.subscribe();
    await news.send(1);
    const late = news.subscribe();
    await news.send(2);
    expect([taken(early), taken(late)]).toEqual([[1, 2], [2]]);
  });

  test("who was ended before, or came too late, counts no more when it leaves", async () => {
    const news = new Broadcast<number>();
    const [slow, other] = [news.subscribe({ capacity: 1, slow: "close" }), news.subscribe()];
    for (const i of upTo(2)) await news.send(i);
    expect(news.subscribers).toBe(1);
    slow.unsubscribe();
    expect(news.subscribers).toBe(1);
    other.unsubscribe();
    other.unsubscribe();
    expect(news.subscribers).toBe(0);
    const [last] = [news.subscribe(), news.subscribe()];
    news.close();
    const late = news.subscribe();
    expect(news.subscribers).toBe(0);
    for (const subscription of [last, late]) subscription.unsubscribe();
    expect(news.subscribers).toBe(0);
  });

  test("after unsubscribe what stood there is gone, and counts neither as missed nor as dropped", async () => {
    const news = new Broadcast<number>();
    const dropped: number[] = [];
    const subscription = news.subscribe({ onDrop: (value) => dropped.push(value) });
    for (const i of upTo(3)) await news.send(i);
    expect(news.subscribers).toBe(1);
    subscription.unsubscribe();
    subscription.unsubscribe();
    const { closed, cause, length, missed } = subscription;
    expect({ closed, cause, length, missed, dropped, subscribers: news.subscribers }).toEqual({
      closed: true,
      cause: undefined,
      length: 0,
      missed: 0,
      dropped: [],
      subscribers: 0,
    });
    await news.send(4);
    expect(await subscription.receive()).toMatchObject({ ok: false });
    expect(subscription.missed).toBe(0);
  });

  test("unsubscribe ends those who wait to receive, in order, without a cause", async () => {
    const news = new Broadcast<number>();
    const subscription = news.subscribe();
    const order: unknown[] = [];
    const waits = [subscription.receive(), select([subscription]), subscription.receive()];
    for (const [i, wait] of waits.entries()) void wait.then(({ ok }) => order.push([i, ok]));
    const loop = collected(subscription);
    subscription.unsubscribe();
    await Promise.all(waits);
    expect(order).toEqual([
      [0, false],
      [1, false],
      [2, false],
    ]);
    expect(await loop).toEqual(["end"]);
  });

  test("unsubscribe lets senders go on that waited for it", async () => {
    const news = new Broadcast<number>();
    const [slow, other] = [news.subscribe({ capacity: 1 }), news.subscribe()];
    const waits = upTo(3).map((i) => news.send(i));
    slow.unsubscribe();
    await Promise.all(waits);
    expect(taken(other)).toEqual(upTo(3));
  });

  test("leaving the block of a `using` unsubscribes", async () => {
    const news = new Broadcast<number>();
    {
      using subscription = news.subscribe();
      await news.send(1);
      expect([subscription.length, news.subscribers]).toEqual([1, 1]);
    }
    expect(news.subscribers).toBe(0);
  });

  test("break leaves it subscribed, dispose after an end drops what it holds and keeps the cause", async () => {
    const news = new Broadcast<number>();
    const subscription = news.subscribe();
    await news.send(1);
    await news.send(2);
    for await (const value of subscription) {
      expect(value).toBe(1);
      break;
    }
    expect([news.subscribers, subscription.length]).toEqual([1, 1]);
    news.close("why");
    subscription.unsubscribe();
    expect([subscription.length, subscription.cause, taken(subscription)]).toEqual([0, "why", []]);
  });

  test("a task that another's value woke may subscribe and unsubscribe", async () => {
    const news = new Broadcast<number>();
    const [one, two] = [news.subscribe(), news.subscribe()];
    let three: Subscription<number> | undefined;
    void (async () => {
      await one.receive();
      two.unsubscribe();
      three = news.subscribe();
    })();
    const ended = two.receive().then(() => two.receive());
    await news.send(1);
    await news.send(2);
    expect(await ended).toMatchObject({ ok: false });
    expect([news.subscribers, taken(one), taken(three as Subscription<number>)]).toEqual([2, [2], [2]]);
  });
});

describe("the end", () => {
  test("what was sent still arrives, then every subscriber learns the end and its cause", async () => {
    const news = new Broadcast<number>();
    const [slow, fast] = [news.subscribe(), news.subscribe()];
    const loop = collected(fast);
    for (const i of upTo(3)) await news.send(i);
    expect(news.subscribers).toBe(2);
    news.close("why");
    news.close("another");
    expect([news.closed, news.cause, news.subscribers]).toEqual([true, "why", 0]);
    expect([slow.closed, slow.cause, slow.length]).toEqual([true, "why", 3]);
    expect(await loop).toEqual([...upTo(3), "why"]);
    expect(await collected(slow)).toEqual([...upTo(3), "why"]);
  });

  test.each(["block", "drop-oldest", "drop-newest", "close"] as const)(
    "with %s, capacity 1 and full, the close overwrites nothing",
    async (slow) => {
      const news = new Broadcast<number>({ slow });
      const subscription = news.subscribe({ capacity: 1 });
      await news.send(1);
      news.close();
      expect([subscription.length, await collected(subscription)]).toEqual([1, [1, "end"]]);
    },
  );

  test("senders that wait reject with their values, in order, after the receivers have learnt it", async () => {
    const news = new Broadcast<number>();
    const [full, empty] = [news.subscribe({ capacity: 1 }), news.subscribe()];
    await news.send(0);
    taken(empty);
    const order: unknown[] = [];
    void empty.receive().then(({ ok }) => order.push(ok));
    const waits = [news.send(1), select([news.channel().caseSend(2)]), news.send(3)];
    for (const wait of waits) {
      void wait.catch((error: ClosedError) => order.push([error.value, error.channel === news.channel(), error.cause]));
    }
    news.close("why");
    await Promise.allSettled(waits);
    expect(order).toEqual([false, [1, true, "why"], [2, true, "why"], [3, true, "why"]]);
    expect(taken(full)).toEqual([0]);
  });

  test("sends on a closed broadcast fail with the value and the cause, in every form", async () => {
    const news = new Broadcast<number>({ name: "news" });
    const subscription = news.subscribe();
    news.close("why");
    const facts = { kind: "CLOSED", value: 7, channel: news.channel(), cause: "why" };
    expect(await rejection(news.send(7))).toMatchObject(facts);
    expect(thrownBy(() => news.trySend(7))).toMatchObject(facts);
    expect(thrownBy(() => news.channel().trySend(7))).toMatchObject(facts);
    expect(thrownBy(() => trySelect([news.channel().caseSend(7)]))).toMatchObject(facts);
    expect(await rejection(select([news.channel().caseSend(7)]))).toMatchObject(facts);
    expect(await rejection(news.send(7))).toBeInstanceOf(ClosedError);
    expect(String(await rejection(news.send(7)))).toContain('"news"');
    expect(subscription.length).toBe(0);
  });

  test("dispose closes", () => {
    const news = new Broadcast<number>();
    {
      using disposed = news;
      expect(disposed.closed).toBe(false);
    }
    expect(news.closed).toBe(true);
  });
});

test("what is kept for late subscribers is no subscriber", () => {
  const news = new Broadcast<number>({ replay: 2 });
  expect(news.subscribers).toBe(0);
  const subscriptions = [news.subscribe(), news.subscribe()];
  expect(news.subscribers).toBe(2);
  subscriptions[0]?.unsubscribe();
  subscriptions[0]?.unsubscribe();
  expect(news.subscribers).toBe(1);
  news.close();
  expect(news.subscribers).toBe(0);
});

test("the channel of a broadcast describes a send in both spellings", async () => {
  const news = new Broadcast<number>();
  const subscription = news.subscribe();
  await select([news.channel().caseSend(1)]);
  await select([news.channel().case_send(2)]);
  expect(taken(subscription)).toEqual([1, 2]);
});

describe("mistakes", () => {
  const news = new Broadcast<number>();
  test.each<[string, () => unknown, new () => Error, string]>([
    ["no options object", () => new Broadcast(1 as never), TypeError, "`options` to be an object, got `1`"],
    [
      "a policy that does not exist",
      () => new Broadcast({ slow: "drop" as never }),
      TypeError,
      "`slow` to be one of block",
    ],
    [
      "a negative replay",
      () => new Broadcast({ replay: -1 }),
      RangeError,
      "`replay` to be a non-negative integer, got `-1`",
    ],
    ["an infinite replay", () => new Broadcast({ replay: Infinity }), RangeError, "`replay`"],
    ["a replay in words", () => new Broadcast({ replay: "1" as never }), TypeError, "`replay`"],
    ["a name that is none", () => new Broadcast({ name: 1 as never }), TypeError, "`name` to be a string"],
    ["no options object", () => news.subscribe(null as never), TypeError, "`options`"],
    [
      "no capacity at all",
      () => news.subscribe({ capacity: 0 }),
      RangeError,
      "`capacity` to be a positive integer, got `0`",
    ],
    ["half a value", () => news.subscribe({ capacity: 1.5 }), RangeError, "`capacity`"],
    ["a capacity in words", () => news.subscribe({ capacity: "1" as never }), TypeError, "`capacity`"],
    ["a policy that does not exist", () => news.subscribe({ slow: "lag" as never }), TypeError, "`slow`"],
    ["a negative replay", () => news.subscribe({ replay: -1 }), RangeError, "`replay`"],
    ["a hook that is none", () => news.subscribe({ onDrop: 1 as never }), TypeError, "`onDrop` to be a function"],
    ["a name that is none", () => news.subscribe({ name: 1 as never }), TypeError, "`name`"],
    ["an option that does not exist", () => new Broadcast({ capacity: 1 } as never), TypeError, "no option `capacity`"],
    ["a misspelt one", () => news.subscribe({ capactiy: 1 } as never), TypeError, "did you mean `capacity`?"],
  ])("%s", (_what, task, Mistake, text) => {
    const thrown = thrownBy(task) as Error;
    expect(thrown).toBeInstanceOf(Mistake);
    expect(thrown.message).toContain(text);
    expect(news.subscribers).toBe(0);
  });

  test("options that are undefined are absent", () => {
    const absent = { slow: undefined, replay: undefined, name: undefined };
    const subscription = new Broadcast<number>(absent).subscribe({ ...absent, capacity: undefined, onDrop: undefined });
    expect(subscription.capacity).toBe(16);
  });

  test("a send with a signal that is none rejects, and sends nothing", async () => {
    const other = new Broadcast<number>();
    const subscription = other.subscribe();
    expect(await rejection(other.send(1, { signal: 1 as never }))).toBeInstanceOf(TypeError);
    expect(await rejection(other.send(1, 1 as never))).toBeInstanceOf(TypeError);
    expect(subscription.length).toBe(0);
  });
});
