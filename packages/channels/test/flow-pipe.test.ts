// pipe: one value in hand at most, and that one is in `undelivered` however it ends.

import { Channel, ClosedError, errors, type SendChannel, SluiceError, time } from "@sluice/channels";
import { Broadcast } from "@sluice/channels/broadcast";
import { merge, pipe } from "@sluice/channels/flow";
import { type DeadlockError, virtualTime } from "@sluice/channels/testing";
import { assert, asyncProperty, boolean, constantFrom, integer, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { Meter } from "./busy.ts";
import { hunt, microtasks, outcome, rejection, turns, waiting } from "./progress.ts";
import { filled, taken, upTo } from "./values.ts";

describe("pipe", () => {
  test("moves every value, in order, and closes the target with the source", async () => {
    const target = new Channel<number>(9);
    expect(await pipe(filled([1, 2, 3]), target)).toEqual({ moved: 3, undelivered: [] });
    expect([target.closed, target.cause, taken(target)]).toEqual([true, undefined, [1, 2, 3]]);
  });

  test("passes the source's cause on", async () => {
    const source = filled([1], "stay open");
    source.close("why");
    const target = new Channel<number>(9);
    await pipe(source, target);
    expect(target.cause).toBe("why");
  });

  test("leaves the target open when told so", async () => {
    const target = new Channel<number>(9);
    expect(await pipe(filled([1]), target, { close: false })).toEqual({ moved: 1, undelivered: [] });
    expect(target.closed).toBe(false);
    expect(await pipe(filled([2]), target, { close: undefined, signal: undefined })).toEqual({
      moved: 1,
      undelivered: [],
    });
    expect([target.closed, taken(target)]).toEqual([true, [1, 2]]);
  });

  test("passes a promise as value untouched, and gives it back untouched", async () => {
    const promise = Promise.reject(new Error("not awaited"));
    promise.catch(() => {});
    const target = new Channel<Promise<never>>(1);
    const piped = pipe(filled([promise, promise], "stay open"), target);
    await turns();
    target.close();
    expect(target.tryReceive()?.value).toBe(promise);
    expect((await piped).undelivered[0]).toBe(promise);
  });

  test("has one value in hand at most: it takes the next when the target has accepted the last", async () => {
    const [source, target] = [filled(upTo(9), "stay open"), new Channel<number>(2)];
    const piped = pipe(source, target);
    await turns();
    expect([source.length, target.length]).toEqual([6, 2]);
    expect(target.tryReceive()?.value).toBe(0);
    await turns();
    expect([source.length, target.length]).toEqual([5, 2]);
    target.close();
    expect(await piped).toEqual({ moved: 3, undelivered: [3] });
    expect([taken(target), taken(source)]).toEqual([
      [1, 2],
      [4, 5, 6, 7, 8],
    ]);
  });

  test("ends when the target closes while it waits for the source, of which nothing is taken", async () => {
    const [source, target] = [new Channel<number>(), new Channel<number>(1)];
    const piped = pipe(source, target);
    await turns();
    target.close("full");
    expect(source.trySend(1)).toBe(false);
    expect(await piped).toEqual({ moved: 0, undelivered: [] });
    expect([source.closed, source.trySend(2)]).toEqual([false, false]);
  });

  test("ends when a broadcast that it feeds closes", async () => {
    const [source, news] = [new Channel<number>(), new Broadcast<number>()];
    using subscription = news.subscribe({ capacity: 1 });
    const piped = pipe(source, news.channel());
    for (const i of upTo(3)) {
      await source.send(i);
      await turns();
      expect((await subscription.receive()).value).toBe(i);
    }
    news.close();
    expect(await outcome(piped)).toEqual({ moved: 3, undelivered: [] });
    expect(source.trySend(3)).toBe(false);
  });

  test("takes nothing when the target has closed before, and does not mind who waits there", async () => {
    const [source, target] = [filled([1], "stay open"), new Channel<number>()];
    const received = target.receive();
    const piped = pipe(source, target);
    expect(await received).toMatchObject({ ok: true, value: 1 });
    target.close();
    expect(await piped).toEqual({ moved: 1, undelivered: [] });
    source.trySend(2);
    expect(await pipe(source, target)).toEqual({ moved: 0, undelivered: [] });
    expect(source.length).toBe(1);
  });

  test("leaves nothing in front of the target when it is over", async () => {
    const target = new Channel<number>();
    await pipe(filled<number>([]), target, { close: false });
    const received = target.receive();
    expect(target.trySend(1)).toBe(true);
    expect((await received).value).toBe(1);
  });

  test("may come from a merge and go to several, and several may go to one", async () => {
    const sources = upTo(3).map(() => new Channel<number>());
    const target = new Channel<number>(100);
    const pipes = sources.map((source) => pipe(source, target, { close: false }));
    const others = pipe(merge([filled([7, 8])]), target, { close: false });
    for (const [i, source] of sources.entries()) {
      await source.send(i);
      source.close();
    }
    expect((await Promise.all([...pipes, others])).map(({ moved }) => moved)).toEqual([1, 1, 1, 2]);
    expect(taken(target).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 7, 8]);
    expect(target.closed).toBe(false);
  });
});

describe("an abort", () => {
  test("with nothing in hand rejects with the reason; both channels stay open", async () => {
    const controller = new AbortController();
    const [source, target] = [new Channel<number>(), new Channel<number>()];
    const piped = pipe(source, target, controller);
    await turns();
    controller.abort("enough");
    expect(await rejection(piped)).toBe("enough");
    expect([source.trySend(1), source.closed, target.closed]).toEqual([false, false, false]);
  });

  test("with a value in hand resolves, and it is undelivered", async () => {
    const controller = new AbortController();
    const [source, target] = [filled([1, 2], "stay open"), new Channel<number>()];
    const piped = pipe(source, target, controller);
    await turns();
    controller.abort("enough");
    expect(await piped).toEqual({ moved: 0, undelivered: [1] });
    expect([taken(source), target.tryReceive()]).toEqual([[2], undefined]);
  });

  test("between the hand-off from the source and the send: the value is undelivered", async () => {
    const controller = new AbortController();
    const [source, target] = [new Channel<number>(), new Channel<number>(9)];
    const piped = pipe(source, target, controller);
    await turns();
    expect(source.trySend(7)).toBe(true);
    controller.abort("enough");
    expect(await piped).toEqual({ moved: 0, undelivered: [7] });
    expect(target.length).toBe(0);
  });

  test("before: rejects, and takes nothing", async () => {
    const source = filled([1], "stay open");
    expect(await rejection(pipe(source, new Channel<number>(1), { signal: AbortSignal.abort("before") }))).toBe(
      "before",
    );
    expect(source.length).toBe(1);
  });
});

test("a target that refuses a value for a reason of its own: the error has both", async () => {
  class Picky extends Channel<number> {
    override async send(value: number): Promise<void> {
      if (value === 2) throw new Error("not this one");
      this.trySend(value);
    }
  }
  const [source, target] = [filled([1, 2, 3], "stay open"), new Picky(9)];
  const failure = (await rejection(pipe(source, target))) as SluiceError;
  expect(failure).toBeInstanceOf(SluiceError);
  expect(failure).toMatchObject({ kind: errors.UNKNOWN, message: "The target has refused a value" });
  expect(String(failure.cause)).toBe("Error: not this one");
  expect([failure.details, failure.details["undelivered"]]).toEqual([{ moved: 1 }, [2]]);
  expect([taken(source), target.closed]).toEqual([[3], false]);
});

test(
  "in any interleaving every value is moved, undelivered, or still in the source",
  { timeout: 3_600_000 },
  async () => {
    const plans = record({
      values: integer({ min: 0, max: 12 }),
      from: integer({ min: 0, max: 3 }),
      to: integer({ min: 0, max: 3 }),
      end: constantFrom("source", "target", "abort"),
      after: integer({ min: 0, max: 40 }),
      pauses: record({ send: integer({ min: 0, max: 5 }), receive: integer({ min: 0, max: 5 }) }),
      drains: boolean(),
    });
    const ends = new Set<string>();
    const property = asyncProperty(plans, async ({ values, from, to, end, after, pauses, drains }) => {
      const [source, target] = [new Channel<number>(from), new Channel<number>(to)];
      const controller = new AbortController();
      const piped = pipe(source, target, controller).catch((reason: unknown) => ({
        moved: -1,
        undelivered: [] as number[],
        reason,
      }));
      const notSent: number[] = [];
      const feed = (async () => {
        for (const i of upTo(values)) {
          await microtasks(pauses.send);
          await source.send(i).catch(() => notSent.push(i));
        }
        if (end === "source") source.close();
      })();
      const seen: number[] = [];
      const drain = (async () => {
        for await (const value of target) {
          seen.push(value);
          await microtasks(pauses.receive);
          if (!drains && seen.length > 3) return;
        }
      })();
      await microtasks(after);
      if (end === "target") target.close();
      if (end === "abort") controller.abort("enough");
      await turns();
      if (!drains || end === "abort") target.close();
      const result = await piped;
      source.close();
      target.close();
      await Promise.all([feed, drain]);
      const arrived = [...seen, ...taken(target)];
      ends.add(`${result.moved < 0 ? "rejected" : "resolved"} ${result.undelivered.length}`);
      expect([...arrived, ...result.undelivered, ...taken(source), ...notSent]).toEqual(upTo(values));
      expect(result.moved < 0 ? arrived.length : result.moved).toBe(arrived.length);
    });
    await assert(property, hunt(150));
    expect([...ends].toSorted()).toEqual(["rejected 0", "resolved 0", "resolved 1"]);
  },
);

test("a day of a pipe takes no time under virtual time, and a hang is reported", async () => {
  await virtualTime(async (clock) => {
    const target = new Channel<Date>();
    const controller = new AbortController();
    const piped = pipe(time.ticker("1m").channel(), target, controller);
    for (let seen = 0; seen < 24 * 60; seen += 1) await target.receive();
    expect(clock.now()).toBe(24 * time.HOUR);
    controller.abort();
    await piped.catch(() => {});
  });
  const report = await virtualTime(() => pipe(new Channel<number>({ name: "from" }), new Channel<number>())).catch(
    (reason: unknown) => reason,
  );
  expect((report as DeadlockError).parked[0]?.waitsFor).toContain('a value on channel "from"');
});

test("law 3: host timers go on beside pipes that are never idle, and beside pipes that are over at once", async () => {
  const meter = new Meter();
  setTimeout(() => {
    setTimeout(() => (meter.stopped = true), 1);
  }, 0);
  const [source, target] = [new Channel<number>(1), new Channel<number>(1)];
  const feed = (async () => {
    while (meter.on()) await source.send(1);
    source.close();
  })();
  const piped = pipe(source, target);
  for await (const _ of target) meter.on();
  await Promise.all([feed, piped]);
  const other = new Meter();
  setTimeout(() => (other.stopped = true), 0);
  while (other.on()) await pipe(source, target);
  expect(meter.completions + other.completions).toBeGreaterThan(0);
});

describe("mistakes", () => {
  const call = pipe as unknown as (...values: unknown[]) => Promise<unknown>;
  const channel = new Channel<number>();

  test.each<[string, unknown[], string]>([
    [
      "no source",
      [undefined, channel],
      "TypeError: Expected `source` to be a channel to receive from, got `undefined`",
    ],
    ["no target", [channel], "TypeError: Expected `target` to be a channel to send on, got `undefined`"],
    [
      "a target that only gives",
      [channel, time.after("1s")],
      "TypeError: Expected `target` to be a channel to send on, got a channel to receive from",
    ],
    ["null as options", [channel, channel, null], "TypeError: Expected `options` to be an object, got `null`"],
    [
      "close that is none",
      [channel, channel, { close: "no" }],
      'TypeError: Expected `close` to be a boolean, got `"no"`',
    ],
    [
      "a misspelt option",
      [channel, channel, { closes: true }],
      "TypeError: There is no option `closes`: did you mean `close`?",
    ],
  ])("%s rejects", async (_, values, message) => {
    expect(String(await rejection(call(...values)))).toBe(message);
    expect(channel.trySend(1)).toBe(false); // nobody is left there
  });
});

test("what a sender gets back from a target that closed is not mixed up with the target's own closed sends", async () => {
  const other = new Channel<number>();
  other.close();
  const strange: SendChannel<number> = Object.assign(new Channel<number>(), {
    send: async (value: number) => other.send(value),
  });
  const source = filled([1], "stay open");
  expect(await pipe(source, strange)).toEqual({ moved: 0, undelivered: [1] });
  expect(await rejection(other.send(2))).toBeInstanceOf(ClosedError);
  expect(await outcome(new Channel().receive())).toBe(waiting);
});
