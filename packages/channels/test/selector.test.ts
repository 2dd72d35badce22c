// A select that stays registered: what it gives, what registering does not do, and who comes first.

import { Channel, errors, type ReceiveChannel, select, Selector, type SelectorEvent, time } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { outcome, rejection, waiting } from "./progress.ts";

function filled<T>(...values: T[]): Channel<T> {
  const channel = new Channel<T>(values.length);
  for (const value of values) channel.trySend(value);
  return channel;
}

/** The names of the events that are ready now. */
function names(events: { tryNext(): { readonly name: string } | undefined }): string[] {
  const all: string[] = [];
  for (let event = events.tryNext(); event !== undefined; event = events.tryNext()) all.push(event.name);
  return all;
}

describe("an event", () => {
  test("says which channel, by name and as the very object, and what it gave", async () => {
    const letters = filled("a");
    const numbers = new Channel<number>();
    const events = new Selector({ letters, numbers });
    expect(await events.next()).toStrictEqual({ name: "letters", channel: letters, value: "a", ok: true });
    const parked = events.next();
    numbers.trySend(7);
    expect(await parked).toStrictEqual({ name: "numbers", channel: numbers, value: 7, ok: true });
    numbers.trySend(8);
    const cause = new Error("why");
    numbers.close(cause);
    expect(events.tryNext()).toStrictEqual({ name: "numbers", channel: numbers, value: undefined, ok: false, cause });
    const last = events.next();
    letters.close(null);
    expect(await last).toStrictEqual({
      name: "letters",
      channel: letters,
      value: undefined,
      ok: false,
      cause: null,
    });
  });

  test("is a union that name and ok narrow", () => {
    const events = new Selector({ letters: new Channel<string>(), numbers: new Channel<number>() });
    expectTypeOf(events.tryNext()).toEqualTypeOf<SelectorEvent<{ letters: string; numbers: number }> | undefined>();
    const event = events.tryNext();
    expect(event).toBeUndefined();
    if (event === undefined) return;
    expectTypeOf(event.name).toEqualTypeOf<"letters" | "numbers">();
    if (event.name === "letters") expectTypeOf(event.value).toEqualTypeOf<string | undefined>();
    if (event.name === "numbers" && event.ok) expectTypeOf(event.value).toEqualTypeOf<number>();
  });

  test("of a dynamic Selector is typed by its type parameters", async () => {
    const sockets = new Selector<Record<string, string>>();
    sockets.add("first", filled("hello"));
    // @ts-expect-error a channel of numbers is not one of strings
    sockets.add("second", new Channel<number>());
    const event = await sockets.next();
    expectTypeOf(event).toEqualTypeOf<SelectorEvent<Record<string, string>> | undefined>();
    expect(event?.value).toBe("hello");
    const mixed = new Selector<{ tick: Date; message: string }>({ tick: time.ticker(1).channel() });
    mixed.add("message", new Channel<string>());
    // @ts-expect-error a name that is not among the parameters
    mixed.add("other", new Channel<string>());
    expect(mixed.size).toBe(3);
  });

  test("carries any value as it is", () => {
    const promise = Promise.resolve(1);
    const values = [undefined, null, Number.NaN, promise, { name: "x", ok: false, done: true }, new Error("value")];
    const events = new Selector({ values: filled<unknown>(...values) });
    for (const value of values) {
      const event = events.tryNext();
      expect(event?.ok).toBe(true);
      expect(event?.value).toBe(value);
    }
  });
});

describe("registering", () => {
  test("consumes nothing: values stay, also for others, until somebody asks", async () => {
    const channel = filled(1, 2, 3);
    const events = new Selector({ channel });
    expect(channel.length).toBe(3);
    expect(channel.tryReceive()?.value).toBe(1);
    expect((await events.next())?.value).toBe(2);
    expect(channel.length).toBe(1);
    expect((await channel.receive()).value).toBe(3);
    expect(events.tryNext()).toBeUndefined();
  });

  test("holds no place: a rendezvous finds a receiver only while a next is parked", async () => {
    const channel = new Channel<number>();
    const events = new Selector({ channel });
    expect(channel.trySend(1)).toBe(false);
    expect(await select([channel.caseSend(1)], { default: true })).toMatchObject({ default: true });
    const next = events.next();
    expect(channel.trySend(2)).toBe(true);
    expect(channel.trySend(3)).toBe(false);
    expect((await next)?.value).toBe(2);
    const controller = new AbortController();
    const aborted = rejection(events.next(controller));
    controller.abort();
    expect(channel.trySend(4)).toBe(false);
    await aborted;
  });

  test("keeps a sender waiting until somebody asks, and then takes its value", async () => {
    const channel = new Channel<string>();
    const events = new Selector({ channel });
    const sent = channel.send("x");
    expect(await outcome(sent)).toBe(waiting);
    expect(events.tryNext()).toMatchObject({ value: "x" });
    expect(await outcome(sent)).toBeUndefined();
  });

  test("twice under two names is allowed: a value comes once, the close to each", () => {
    const channel = filled(1, 2);
    const events = new Selector({ a: channel, b: channel });
    expect([events.tryNext()?.value, events.tryNext()?.value, events.tryNext()]).toEqual([1, 2, undefined]);
    channel.close();
    const ends = [events.tryNext(), events.tryNext()];
    expect(ends).toMatchObject([
      { name: "a", ok: false },
      { name: "b", ok: false },
    ]);
    expect(events.size).toBe(0);
  });

  test("twice under two names: a parked next gets the value once, the close under one name and then the other", async () => {
    const channel = new Channel<number>();
    const events = new Selector({ a: channel, b: channel });
    const first = events.next();
    const second = events.next();
    channel.trySend(1);
    expect(await first).toMatchObject({ value: 1 });
    expect(await outcome(second)).toBe(waiting);
    channel.close();
    expect(await second).toMatchObject({ ok: false });
    expect(await events.next()).toMatchObject({ ok: false });
    expect(await events.next()).toBeUndefined();
  });

  test("the same channel in two Selectors: each value goes to one of them", async () => {
    const channel = new Channel<number>();
    const [one, two] = [new Selector({ channel }), new Selector({ channel })];
    const received = [one.next(), two.next(), one.next()];
    for (const value of [1, 2, 3]) expect(channel.trySend(value)).toBe(true);
    expect((await Promise.all(received)).map((event) => event?.value)).toEqual([1, 2, 3]);
    channel.close();
    expect(await Promise.all([one.next(), two.next()])).toMatchObject([{ ok: false }, { ok: false }]);
  });

  test("takes only what can be received from, under a name that is free", () => {
    const events: Selector = new Selector();
    events.add("taken", new Channel());
    for (const wrong of [undefined, null, 1, {}, [], new Channel().caseSend(1), events]) {
      expect(() => events.add("wrong", wrong as never)).toThrow(TypeError);
    }
    expect(() => events.add(1 as never, new Channel())).toThrow(TypeError);
    expect(() => new Selector({ wrong: {} as never })).toThrow(/Expected `channels.wrong` to be a channel/);
    expect(() => events.add("taken", new Channel())).toThrow(expect.objectContaining({ kind: errors.ALREADY_EXISTS }));
    expect(() => events.add("taken", new Channel())).toThrow(/"taken"/);
    expect(events.size).toBe(1);
    expect(new Selector({ absent: undefined, there: new Channel() }).size).toBe(1);
  });
});

describe("add and delete", () => {
  test.each(["abc", "acb", "bac", "bca", "cab", "cba"])(
    "of three that watch one channel, those who leave (%s, in turn) hear no more, and the others do",
    async (order) => {
      const jobs = new Channel<string>(1);
      const watching = new Map(
        order
          .split("")
          .toSorted()
          .map((name) => [name, new Selector({ jobs })]),
      );
      for (const leaver of order) {
        watching.get(leaver)?.close();
        watching.delete(leaver);
        for (const [name, events] of watching) {
          jobs.trySend(name);
          expect(await outcome(events.next())).toMatchObject({ value: name });
        }
      }
      expect(jobs.trySend("free")).toBe(true);
      expect(jobs.length).toBe(1);
    },
  );

  test("add wakes a next that waits, when the channel is ready", async () => {
    const events = new Selector();
    const next = events.next();
    expect(await outcome(next)).toBe(waiting);
    expect(events.add("silent", new Channel())).toBe(events);
    expect(await outcome(next)).toBe(waiting);
    events.add("ready", filled("x"));
    expect(await next).toMatchObject({ name: "ready", value: "x" });
  });

  test("add serves as many as wait, in order, from what the channel holds", async () => {
    const events = new Selector();
    const next = [events.next(), events.next(), events.next()];
    events.add("ready", filled(1, 2));
    expect(await Promise.all(next.slice(0, 2))).toMatchObject([{ value: 1 }, { value: 2 }]);
    expect(await outcome(next[2] as Promise<unknown>)).toBe(waiting);
  });

  test("add of a closed channel gives its end to one who waits, and undefined to the others", async () => {
    const events = new Selector();
    const next = [events.next(), events.next()];
    const closed = new Channel();
    closed.close();
    events.add("closed", closed);
    expect(await Promise.all(next)).toMatchObject([{ name: "closed", ok: false }, undefined]);
  });

  test("a constructor that refuses one channel watches none of the others", () => {
    const channel = new Channel();
    const { front } = channel as unknown as { readonly front: object };
    expect(() => new Selector({ channel, mistake: 5 as never })).toThrow("channels.mistake");
    expect((channel as unknown as { readonly front: object }).front).toBe(front);
  });

  test("a next that waits has its place in a channel that is added while it waits", async () => {
    const events = new Selector();
    const channel = new Channel<string>();
    const next = events.next();
    const later = channel.receive();
    events.add("channel", channel);
    channel.trySend("first");
    channel.trySend("second");
    expect(await next).toMatchObject({ value: "first" });
    expect(await later).toMatchObject({ value: "second" });
  });

  test("delete tells whether there was one, and nothing comes from it any more", async () => {
    const [a, b] = [filled(1, 2), new Channel<number>()];
    const events = new Selector({ a, b });
    expect(events.delete("a")).toBe(true);
    expect(events.delete("a")).toBe(false);
    expect(events.delete("never" as "a")).toBe(false);
    const next = events.next();
    expect(await outcome(next)).toBe(waiting);
    expect([a.length, events.size]).toEqual([2, 1]);
    expect(events.delete("b")).toBe(true);
    expect(b.trySend(1)).toBe(false);
    expect(await outcome(next)).toBe(waiting);
    events.add("a", a);
    expect(await next).toMatchObject({ value: 1 });
  });

  test("delete does not recall an event already given", async () => {
    const channel = new Channel<string>();
    const events = new Selector({ channel });
    const next = events.next();
    channel.trySend("x");
    expect(events.delete("channel")).toBe(true);
    events.close();
    expect(await next).toMatchObject({ name: "channel", value: "x" });
  });

  test("a name is free again after delete and after a close", () => {
    const closed = new Channel<number>();
    const events = new Selector({ name: closed });
    closed.close();
    expect(events.tryNext()).toMatchObject({ ok: false });
    events.add("name", filled(1));
    events.delete("name");
    events.add("name", filled(2));
    expect(events.tryNext()).toMatchObject({ name: "name", value: 2 });
  });

  test("from inside the loop, also of the channel whose event it is", async () => {
    const doors = new Channel<Channel<string>>(3);
    const guests = new Selector<Record<string, Channel<string> | string>>({ doors });
    for (const guest of ["ann", "bob"]) doors.trySend(filled(`${guest} came`, `${guest} stays`));
    const seen: unknown[] = [];
    let count = 0;
    for await (const event of guests) {
      if (event.value instanceof Channel) {
        count += 1;
        guests.add(`guest ${count}`, event.value);
        if (count === 2) guests.delete("doors");
      } else {
        seen.push(event.value);
        if (event.value === "ann came") guests.delete(event.name);
        if (seen.length === 3) guests.close();
      }
    }
    expect(seen).toEqual(["ann came", "bob came", "bob stays"]);
  });
});

describe("the end of channels", () => {
  test("a channel that closes gives what it holds, then one event without value, and is dropped", () => {
    const channel = filled(1, 2);
    const events = new Selector({ channel, other: new Channel<number>() });
    channel.close(new Error("why"));
    expect([events.tryNext(), events.tryNext(), events.tryNext(), events.tryNext()]).toMatchObject([
      { value: 1, ok: true },
      { value: 2, ok: true },
      { value: undefined, ok: false },
      undefined,
    ]);
    expect(events.size).toBe(1);
  });

  test("next never rejects because a channel was closed with a cause", async () => {
    const channel = new Channel<number>();
    const events = new Selector({ channel });
    const next = events.next();
    channel.close(new Error("why"));
    expect(await next).toMatchObject({ ok: false });
    expect((channel.cause as Error).message).toBe("why");
  });

  test("once a close left no channel, next gives undefined to everybody, and loops end", async () => {
    const channel = new Channel<number>();
    const events = new Selector({ channel });
    const parked = [events.next(), events.next(), events.next()];
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const event of events) seen.push(event);
    })();
    channel.close();
    expect(await Promise.all(parked)).toMatchObject([{ ok: false }, undefined, undefined]);
    await loop;
    expect(seen).toEqual([]);
    expect(await events.next()).toBeUndefined();
    expect([events.tryNext(), events.size]).toEqual([undefined, 0]);
    expect(await events[Symbol.asyncIterator]().next()).toEqual({ value: undefined, done: true });
  });

  test("a Selector that ended lives again with the next add", async () => {
    const closed = new Channel<string>();
    closed.close();
    const events = new Selector<Record<string, string>>({ closed });
    await events.next();
    expect(await events.next()).toBeUndefined();
    events.add("again", filled("x"));
    expect(await events.next()).toMatchObject({ name: "again", value: "x" });
    expect(await outcome(events.next())).toBe(waiting);
  });

  test("emptied by delete, or never filled, it waits for add; tryNext gives undefined and size tells the two apart", async () => {
    const events = new Selector<Record<string, string>>({ a: new Channel<string>() });
    events.delete("a");
    for (const empty of [events, new Selector<Record<string, string>>()]) {
      expect([empty.tryNext(), empty.size]).toEqual([undefined, 0]);
      const next = empty.next();
      expect(await outcome(next)).toBe(waiting);
      empty.add("late", filled("x"));
      expect(await next).toMatchObject({ name: "late" });
    }
  });

  test("emptied by a close and then a delete, it waits as well", async () => {
    const [a, b] = [new Channel<number>(), new Channel<number>()];
    const events = new Selector({ a, b });
    a.close();
    expect(await events.next()).toMatchObject({ name: "a", ok: false });
    events.delete("b");
    expect(await outcome(events.next())).toBe(waiting);
  });
});

describe("close and dispose", () => {
  test.each(["close", "dispose"])(
    "%s unregisters everything and ends the loops; the channels stay as they are",
    async (how) => {
      const channel = new Channel<number>(1);
      const events = new Selector({ channel, tick: time.ticker("1h").channel() });
      const parked = [events.next(), events.next()];
      const loop = (async () => {
        for await (const _ of events) throw new Error("Expected no event");
      })();
      if (how === "close") events.close();
      else events[Symbol.dispose]();
      expect(await Promise.all(parked)).toEqual([undefined, undefined]);
      await loop;
      expect([events.size, channel.closed, channel.trySend(1)]).toEqual([0, false, true]);
      expect(await events.next()).toBeUndefined();
      expect(events.tryNext()).toBeUndefined();
      expect(() => events.add("channel", channel)).toThrow(expect.objectContaining({ kind: errors.CLOSED }));
      events.close();
      expect(channel.tryReceive()?.value).toBe(1);
    },
  );

  test("break leaves it registered, for the next loop", async () => {
    const channel = filled(1, 2, 3);
    const events = new Selector({ channel });
    const seen: unknown[] = [];
    for await (const event of events) {
      seen.push(event.value);
      break;
    }
    expect([events.size, channel.length]).toEqual([1, 2]);
    for await (const event of events) {
      seen.push(event.value);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual([1, 2, 3]);
  });

  test("return settles the parked step of its own iterator, takes nothing, and leaves the others waiting", async () => {
    const channel = new Channel<number>();
    const events = new Selector({ channel });
    const [mine, other] = [events[Symbol.asyncIterator](), events[Symbol.asyncIterator]()];
    const steps = [mine.next(), other.next(), mine.next()];
    expect(await mine.return?.()).toEqual({ value: undefined, done: true });
    expect(await outcome(steps[0] as Promise<unknown>)).toEqual({ value: undefined, done: true });
    expect(await outcome(steps[2] as Promise<unknown>)).toEqual({ value: undefined, done: true });
    expect(await mine.next()).toEqual({ value: undefined, done: true });
    channel.trySend(1);
    expect(await steps[1]).toMatchObject({ value: { value: 1 }, done: false });
  });
});

describe("who comes first", () => {
  test("four thousand Selectors may watch the channel of a shutdown: all learn it, in the order in which they asked", async () => {
    const stop = new Channel<never>();
    const learned: number[] = [];
    const servers = Array.from({ length: 4_000 }, (_, i) => {
      const events = new Selector<Record<string, never>>({ stop });
      return events.next().then((event) => learned.push(event?.ok === false ? i : -1));
    });
    stop.close();
    await Promise.all(servers);
    expect(learned).toEqual(Array.from({ length: 4_000 }, (_, i) => i));
  });

  test("Selectors that watch one channel may leave it in any order", () => {
    const channel = new Channel<number>(1);
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const all = Array.from({ length: 3 }, () => new Selector({ channel }));
      channel.trySend(1);
      for (const leaves of order) {
        for (const [i, events] of all.entries()) if (events.size > 0 && i !== leaves) events.tryNext();
        all[leaves]?.close();
        for (const events of all.filter(({ size }) => size > 0)) {
          channel.trySend(2);
          expect(events.tryNext()?.value).toBeDefined();
        }
        channel.trySend(3);
      }
      expect(channel.tryReceive()).toMatchObject({ value: 3 });
    }
  });

  test("several tasks may ask: first come, first served", async () => {
    const [a, b] = [new Channel<number>(), new Channel<number>()];
    const events = new Selector({ a, b });
    const asked = [events.next(), events.next(), events.next()];
    b.trySend(1);
    a.trySend(2);
    b.trySend(3);
    expect((await Promise.all(asked)).map((event) => [event?.name, event?.value])).toEqual([
      ["b", 1],
      ["a", 2],
      ["b", 3],
    ]);
  });

  test("among receives, selects and other Selectors, the earliest call", async () => {
    const channel = new Channel<string>();
    const [one, two] = [new Selector({ channel }), new Selector({ x: new Channel(), channel })];
    const order: string[] = [];
    const asks: [string, () => Promise<unknown>][] = [
      ["receive", () => channel.receive()],
      ["one", () => one.next()],
      ["select", () => select([channel, new Channel()])],
      ["two", () => two.next()],
      ["one again", () => one.next()],
      ["batch", () => channel.receiveMany(4)],
      ["two's loop", () => two[Symbol.asyncIterator]().next()],
      ["last", () => channel.receive()],
    ];
    const all = asks.map(async ([name, ask]) => {
      await ask();
      order.push(name);
    });
    for (const [name] of asks) expect(channel.trySend(name)).toBe(true);
    await Promise.all(all);
    expect(order).toEqual(asks.map(([name]) => name));
  });

  test("an abort gives up its place and takes nothing", async () => {
    const channel = new Channel<number>();
    const events = new Selector({ channel });
    const controller = new AbortController();
    const asked = [rejection(events.next(controller)), events.next()];
    controller.abort("enough");
    channel.trySend(1);
    expect(await Promise.all(asked)).toMatchObject(["enough", { value: 1 }]);
  });

  test("a signal aborted before rejects and touches nothing, even when an event is ready", async () => {
    const channel = filled(1);
    const events = new Selector({ channel });
    expect(await rejection(events.next({ signal: AbortSignal.abort("early") }))).toBe("early");
    expect(channel.length).toBe(1);
    expect(await rejection(events.next({ signal: {} as never }))).toBeInstanceOf(TypeError);
    expect(await events.next({ signal: undefined })).toMatchObject({ value: 1 });
  });

  test("fair: channels that stay ready take turns, however much they hold", () => {
    const [a, b, c] = [filled(1, 1, 1, 1, 1, 1), filled(2, 2, 2), filled(3, 3, 3)];
    expect(names(new Selector({ a, b, c }))).toEqual(["a", "b", "c", "a", "b", "c", "a", "b", "c", "a", "a", "a"]);
  });

  test("fair: a channel that turns ready waits for each of the others once at most", () => {
    const busy = Array.from({ length: 5 }, () => filled(...Array.from({ length: 50 }, (_, i) => i)));
    const late = new Channel<number>(1);
    const events = new Selector<Record<string, number>>({ late });
    for (const [i, channel] of busy.entries()) events.add(`busy ${i}`, channel);
    for (let round = 0; round < 20; round += 1) {
      events.tryNext();
      late.trySend(round);
      const waited: string[] = [];
      for (let event = events.tryNext(); event !== undefined && event.name !== "late"; event = events.tryNext()) {
        waited.push(event.name);
      }
      expect(waited.length).toBeLessThanOrEqual(5);
      expect(new Set(waited).size).toBe(waited.length);
    }
  });
});

describe("timers as sources", () => {
  test("timers, tickers and channels in one loop", () =>
    virtualTime(async (clock) => {
      const jobs = new Channel<string>();
      const deadline = time.timer("1s");
      const events = new Selector({ jobs, tick: time.ticker("300ms").channel(), deadline: deadline.channel() });
      const seen: unknown[] = [];
      void time.sleep(450).then(() => jobs.send("job"));
      for await (const event of events) {
        seen.push([clock.now(), event.name]);
        if (event.name === "deadline") break;
        if (event.name === "jobs") deadline.reset("1s");
      }
      expect(seen).toEqual([
        [300, "tick"],
        [450, "jobs"],
        [600, "tick"],
        [900, "tick"],
        [1200, "tick"],
        [1450, "deadline"],
      ]);
    }));

  test("a timer that is due is there for the next call, whether one waits or not; a ticker keeps its phase", () =>
    virtualTime(async (clock) => {
      const ticker = time.ticker(100);
      const once = time.after(250);
      const events = new Selector({ tick: ticker.channel(), once });
      await clock.advance(350);
      const ready = [events.tryNext(), events.tryNext(), events.tryNext()];
      expect(ready.map((event) => event?.name)).toEqual(["tick", "once", undefined]);
      const start = Number(ready[0]?.value) - 100;
      expect(Number(ready[1]?.value) - start).toBe(250);
      const next = await events.next();
      expect([Number(next?.value) - start, clock.now()]).toEqual([400, 400]);
    }));

  test("stop and reset of a timer reach a next that waits", () =>
    virtualTime(async (clock) => {
      const timer = time.timer(100);
      const ticker = time.ticker("1h");
      const events = new Selector({ timer: timer.channel(), tick: ticker.channel() });
      const next = events.next();
      timer.stop();
      await clock.advance(200);
      timer.reset(1000);
      await clock.advance(500);
      timer.reset(50);
      await clock.advance(49);
      expect(await clock.external(outcome(next))).toBe(waiting);
      await clock.advance(1);
      expect(await next).toMatchObject({ name: "timer", ok: true });
      ticker.reset(10);
      expect(await events.next()).toMatchObject({ name: "tick" });
      expect(clock.now()).toBe(760);
      timer.reset(-1);
      expect(events.tryNext()).toMatchObject({ name: "timer" });
    }));

  test("a timer never closes: it stays until deleted, and alone it is waited for", () =>
    virtualTime(async (clock) => {
      const timer = time.timer(10);
      const events = new Selector({ timer: timer.channel() });
      await events.next();
      expect(events.size).toBe(1);
      const next = events.next();
      await clock.advance("1h");
      timer.reset(5);
      expect(await next).toMatchObject({ name: "timer" });
      events.delete("timer");
      timer.reset(0);
      expect(events.tryNext()).toBeUndefined();
      events.add("timer", timer.channel());
      expect(events.tryNext()).toMatchObject({ name: "timer" });
    }));

  test("a tick that was ready and that somebody else took: the next one comes", () =>
    virtualTime(async (clock) => {
      const [one, two] = [time.ticker(100), time.ticker(100)];
      const events = new Selector({ one: one.channel(), two: two.channel() });
      await clock.advance(100);
      const first = events.tryNext();
      const other = first?.name === "one" ? two : one;
      expect(other.channel().tryReceive()?.ok).toBe(true);
      expect(events.tryNext()).toBeUndefined();
      const next = [await events.next(), await events.next()];
      expect(new Set(next.map((event) => event?.name))).toEqual(new Set(["one", "two"]));
      expect(clock.now()).toBe(200);
    }));

  test("add of a timer that is due wakes a next that waits, at once", async () => {
    const events = new Selector<Record<string, Date>>();
    const next = events.next();
    events.add("due", time.after(0));
    expect(await outcome(next)).toMatchObject({ name: "due" });
  });

  test("law 2: who waits on a timer comes in the order of the calls, the Selector too", () =>
    virtualTime(async (clock) => {
      const timer = time.timer(10);
      const events = new Selector({ timer: timer.channel() });
      const order: string[] = [];
      const note = (name: string, promise: Promise<unknown>): void => {
        void promise.then(() => order.push(name));
      };
      note("receive", timer.channel().receive());
      note("next", events.next());
      note("select", select([timer.channel()]));
      note("next again", events.next());
      for (let i = 0; i < 4; i += 1) {
        timer.reset(10);
        await clock.advance(10);
      }
      expect(order).toEqual(["receive", "next", "select", "next again"]);
    }));
});

describe("as a value", () => {
  test("a view of a channel can be watched, and the event gives it back", async () => {
    const plain = filled(1);
    const view: ReceiveChannel<number> = plain;
    const event = await new Selector({ view }).next();
    expect(event?.channel).toBe(plain);
  });

  test("it is no thenable and no iterator of its own", () => {
    const events = new Selector();
    expect("then" in events).toBe(false);
    expect(events[Symbol.asyncIterator]()).not.toBe(events[Symbol.asyncIterator]());
  });
});
