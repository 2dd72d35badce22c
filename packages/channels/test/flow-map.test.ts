// map: takes only for a receiver that waits, keeps order and concurrency, and loses nothing when something fails.

import { Channel, errors, type ReceiveChannel, select, Selector, SluiceError, time, trySelect } from "@sluice/channels";
import { map } from "@sluice/channels/flow";
import { type DeadlockError, virtualTime } from "@sluice/channels/testing";
import { array, assert, asyncProperty, integer, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { all, askers } from "./askers.ts";
import { Meter } from "./busy.ts";
import { deferred, hunt, outcome, rejection, turns, waiting } from "./progress.ts";
import { filled, taken, thrownBy, upTo } from "./values.ts";

const double = (value: number): number => value * 2;

/** What `cause.details.undelivered` has. */
function undelivered(channel: ReceiveChannel<unknown>): unknown {
  return channel.cause instanceof SluiceError ? channel.cause.details["undelivered"] : undefined;
}

/** A function that waits for a gate for each value; the gates are given by value. */
function gated(): {
  fn: (value: number, signal: AbortSignal) => Promise<number>;
  open: (value: number) => void;
  fail: (value: number, reason: unknown) => void;
  begun: number[];
  signals: AbortSignal[];
} {
  const gates = new Map<number, ReturnType<typeof deferred<number>>>();
  const begun: number[] = [];
  const signals: AbortSignal[] = [];
  const gate = (value: number): ReturnType<typeof deferred<number>> => {
    const it = gates.get(value) ?? deferred<number>();
    gates.set(value, it);
    return it;
  };
  return {
    fn: async (value, signal) => {
      begun.push(value);
      signals.push(signal);
      return gate(value).promise;
    },
    open: (value) => gate(value).resolve(value * 10),
    fail: (value, reason) => gate(value).reject(reason),
    begun,
    signals,
  };
}

function thenable(): void {}
Reflect.set(thenable, ["the", "n"].join(""), (resolve: (value: string) => void) => resolve("called"));

describe("map", () => {
  test("gives what the function gives for each value, in order, and ends with its source", async () => {
    expect(await all(map(filled([1, 2, 3]), double))).toEqual([2, 4, 6]);
    expect(await all(map(filled([1, 2, 3]), async (value) => value * 2))).toEqual([2, 4, 6]);
    expect(await all(map(filled<number>([]), double))).toEqual([]);
  });

  test("gives what a thenable or a function that is one comes to, and any other object as it is", async () => {
    const object = { a: 1 };
    const results = map(filled([0, 1, 2, 3]), (i): unknown => [object, thenable, Promise.resolve(i), null][i]);
    expect(await all(results)).toEqual([object, "called", 2, null]);
  });

  test("gives the function a promise as value untouched, and passes one inside a result", async () => {
    const promise = Promise.reject(new Error("not awaited"));
    promise.catch(() => {});
    const seen: unknown[] = [];
    const results = map(filled([promise]), (value) => {
      seen.push(value);
      return { value };
    });
    const got = await results.receive();
    expect(seen[0]).toBe(promise);
    expect(got.value?.value).toBe(promise);
  });

  test("passes the source's cause through, after the last result", async () => {
    const source = filled([1, 2], "stay open");
    source.close("why");
    const results = map(source, double);
    expect((await results.receive()).value).toBe(2);
    expect(results.closed).toBe(false);
    expect((await results.receive()).value).toBe(4);
    expect((await results.receive()).ok).toBe(false);
    expect([results.closed, results.cause]).toEqual([true, "why"]);
    expect(await rejection(all(map(source, double)))).toBe("why");
  });

  test("is a channel: a name, no capacity, results as its length, no send and no close", async () => {
    const results = map(filled([1, 2], "stay open"), double, { name: "doubled", concurrency: 2 });
    expect([results.name, results.capacity, results.length, results.closed, results.cause]).toEqual([
      "doubled",
      0,
      0,
      false,
      undefined,
    ]);
    expect((await results.receive()).value).toBe(2);
    await turns();
    expect(results.length).toBe(1);
    expect("send" in results || "close" in results).toBe(false);
  });
});

describe.each(askers)("a parked %s", (_way, ask) => {
  test("is what a value is taken for, and before it there is nobody", async () => {
    const source = new Channel<number>();
    const results = map(source, double);
    expect(source.trySend(0)).toBe(false);
    const asked = ask(results);
    expect(source.trySend(1)).toBe(true); // at once: it is asked, not told
    expect(source.trySend(2)).toBe(false);
    expect(await asked).toEqual({ ok: true, value: 2 });
    await turns();
    expect(source.trySend(3)).toBe(false);
  });

  test("lets up to `concurrency` values begin, from a buffer, from senders that wait, and as they come", async () => {
    for (const capacity of [0, 2, 10]) {
      const source = new Channel<number>(capacity);
      const { fn, begun, open } = gated();
      const results = map(source, fn, { concurrency: 3 });
      const sends = upTo(10).map((i) => source.send(i));
      await turns();
      expect(begun).toEqual([]);
      const asked = ask(results);
      await turns();
      expect(begun).toEqual([0, 1, 2]);
      open(0);
      expect(await asked).toEqual({ ok: true, value: 0 });
      await turns();
      expect(begun).toEqual([0, 1, 2]); // nobody waits
      const again = ask(results);
      await turns();
      expect(begun).toEqual([0, 1, 2, 3]);
      open(1);
      expect(await again).toEqual({ ok: true, value: 10 });
      expect(taken(source)).toEqual([4, 5, 6, 7, 8, 9]);
      await Promise.all(sends);
    }
  });

  test("that gives up leaves nothing: nothing is taken for it any more, and what is in hand stays for the next", async () => {
    const source = new Channel<number>();
    const { fn, begun, open } = gated();
    const results = map(source, fn, { concurrency: 2 });
    const controller = new AbortController();
    const asked = ask(results, controller);
    expect(source.trySend(1)).toBe(true);
    controller.abort("changed my mind");
    expect(await rejection(asked)).toBe("changed my mind");
    expect(source.trySend(2)).toBe(false);
    open(1);
    await turns();
    expect([begun, results.length]).toEqual([[1], 1]);
    expect(await ask(results)).toEqual({ ok: true, value: 10 });
  });

  test("learns the end of the source, with its cause", async () => {
    const source = new Channel<number>();
    const results = map(source, double);
    const asked = [ask(results), ask(results)];
    await turns();
    source.close("why");
    expect(await Promise.all(asked)).toEqual([
      { ok: false, cause: "why" },
      { ok: false, cause: "why" },
    ]);
  });

  test("learns the end of a source that had ended before, or ends while values are in hand", async () => {
    const source = filled([1, 2, 3]);
    const { fn, open } = gated();
    const results = map(source, fn, { concurrency: 5, ordered: false });
    const asked = upTo(5).map(() => ask(results));
    await turns();
    for (const value of [2, 3, 1]) open(value);
    expect(await Promise.all(asked)).toEqual([
      { ok: true, value: 20 },
      { ok: true, value: 30 },
      { ok: true, value: 10 },
      { ok: false, cause: undefined },
      { ok: false, cause: undefined },
    ]);
    expect(await ask(results)).toEqual({ ok: false, cause: undefined });
  });

  test("works over a timer, which keeps its moment", async () => {
    await virtualTime(async (clock) => {
      const ticker = time.ticker("1s");
      const moments = map(ticker.channel(), () => clock.now());
      expect(await ask(moments)).toEqual({ ok: true, value: 1000 });
      expect(await ask(moments)).toEqual({ ok: true, value: 2000 });
      expect(await ask(map(time.after("5s"), () => clock.now()))).toEqual({ ok: true, value: 7000 });
    });
  });

  test("works through a chain of maps, which take nothing by themselves", async () => {
    const source = new Channel<number>(10);
    const results = map(map(map(source, double), double), double);
    for (const i of upTo(3)) source.trySend(i);
    await turns();
    expect(source.length).toBe(3);
    expect(await ask(results)).toEqual({ ok: true, value: 0 });
    expect(source.length).toBe(2);
    const [second, third, fourth] = [ask(results), ask(results), ask(results)];
    expect([await second, await third, await outcome(fourth)]).toEqual([
      { ok: true, value: 8 },
      { ok: true, value: 16 },
      waiting,
    ]);
    expect(source.trySend(3)).toBe(true);
    expect(await fourth).toEqual({ ok: true, value: 24 });
    expect(source.trySend(4)).toBe(true); // the buffer
    expect(source.length).toBe(1);
  });
});

describe("what asks nothing takes nothing", () => {
  test("tryReceive, trySelect, tryNext and a select with a default give only what is finished", async () => {
    const source = filled([1, 2, 3], "stay open");
    const results = map(source, double, { concurrency: 2 });
    const events = new Selector({ results });
    for (const _ of upTo(3)) {
      expect(results.tryReceive()).toBeUndefined();
      expect(trySelect([results])).toBeUndefined();
      expect(events.tryNext()).toBeUndefined();
      expect((await select([results], { default: true })).default).toBe(true);
      await turns();
    }
    expect(source.length).toBe(3);
    expect((await results.receive()).value).toBe(2);
    await turns();
    expect(source.length).toBe(1);
    expect(results.tryReceive()).toMatchObject({ ok: true, value: 4 });
    await turns();
    expect([source.length, results.tryReceive()]).toEqual([1, undefined]);
  });

  test("a Selector that is only registered, and one whose next was answered by another channel", async () => {
    const source = new Channel<number>(3);
    const other = new Channel<string>(1);
    const results = map(source, double);
    using events = new Selector<{ results: number; other: string }>({ results, other });
    source.trySend(1);
    await turns();
    expect(source.length).toBe(1);
    other.trySend("first");
    expect((await events.next())?.value).toBe("first");
    await turns();
    expect(source.length).toBe(1);
    const next = events.next();
    await turns();
    expect(source.length).toBe(0);
    expect((await next)?.value).toBe(2);
    source.trySend(2);
    await turns();
    expect(source.length).toBe(1);
  });

  test("a Selector's next finds what was there before it was registered, and what was added under it", async () => {
    const source = filled([1, 2], "stay open");
    const events = new Selector<{ one: number; two: number }>();
    const next = events.next();
    events.add("one", map(source, double));
    expect((await next)?.value).toBe(2);
    const other = events.next();
    expect((await other)?.value).toBe(4);
    events.delete("one");
    events.add("two", map(filled([5], "stay open"), double));
    expect((await events.next())?.value).toBe(10);
  });

  test.each([
    ["next", (events: Selector<{ one: number }>) => events.next()],
    ["tryNext", (events: Selector<{ one: number }>) => events.tryNext()],
  ])("a result that came while nobody waited is what a Selector's %s gives", async (_, ask) => {
    const gate = new Channel<never>();
    const events = new Selector({
      one: map(filled([1, 2], "stay open"), async (value) => (value === 2 && (await gate.receive()), value), {
        concurrency: 2,
      }),
    });
    expect((await events.next())?.value).toBe(1);
    gate.close();
    await turns();
    expect(await outcome(Promise.resolve(ask(events)))).toMatchObject({ name: "one", value: 2 });
  });
});

describe("a select that stands on both sides", () => {
  test("sends to the source of the map it waits for: one loop feeds and drains a pool", async () => {
    const jobs = new Channel<number>();
    const results = map(jobs, async (value) => value * 2, { concurrency: 3 });
    const seen: number[] = [];
    let next = 0;
    while (seen.length < 10) {
      const r = await select({ sent: next < 10 && jobs.caseSend(next), result: results });
      if (r.name === "sent") next += 1;
      else if (r.ok) seen.push(r.value);
    }
    expect(seen).toEqual(upTo(10).map(double));
  });

  test("waits for a map and for its source: each value comes once, by one of the two", async () => {
    const source = new Channel<number>();
    const results = map(source, (value) => -value);
    const seen: number[] = [];
    const loop = (async () => {
      for (;;) {
        const r = await select([source, results]);
        if (!r.ok) return;
        seen.push(Math.abs(r.value));
      }
    })();
    for (const i of upTo(20)) await source.send(i + 1);
    source.close();
    await loop;
    while (seen.length < 20) seen.push(Math.abs((await results.receive()).value ?? 0));
    expect(seen.toSorted((a, b) => a - b)).toEqual(upTo(20).map((i) => i + 1));
  });
});

describe("order and concurrency", () => {
  test("in order, a head that is not finished holds the others back, and they count as in hand", async () => {
    const source = filled(upTo(6), "stay open");
    const { fn, begun, open } = gated();
    const results = map(source, fn, { concurrency: 3 });
    const asked = upTo(4).map(() => results.receive());
    await turns();
    open(1);
    open(2);
    await turns();
    expect(begun).toEqual([0, 1, 2]);
    expect(await outcome(asked[0] as Promise<unknown>)).toBe(waiting);
    open(0);
    await turns();
    expect(await Promise.all(asked.slice(0, 3))).toMatchObject([{ value: 0 }, { value: 10 }, { value: 20 }]);
    expect(begun).toEqual([0, 1, 2, 3, 4, 5]); // one still waits
  });

  test("unordered, each comes when it is finished", async () => {
    const source = filled(upTo(6), "stay open");
    const { fn, begun, open } = gated();
    const results = map(source, fn, { concurrency: 3, ordered: false });
    const asked = upTo(4).map(() => results.receive());
    await turns();
    open(2);
    await turns();
    open(1);
    expect(await asked[0]).toMatchObject({ value: 20 });
    expect(await asked[1]).toMatchObject({ value: 10 });
    await turns();
    expect(begun).toEqual([0, 1, 2, 3, 4]);
  });

  test.each([true, false])(
    "random latencies, ordered %s: order holds, and concurrency is reached and not exceeded",
    async (ordered) => {
      const plans = record({
        latencies: array(integer({ min: 0, max: 20 }), { maxLength: 40 }),
        capacity: integer({ min: 0, max: 4 }),
        concurrency: integer({ min: 1, max: 6 }),
        consumers: integer({ min: 1, max: 3 }),
        pause: integer({ min: 0, max: 10 }),
      });
      const property = asyncProperty(plans, ({ latencies, capacity, concurrency, consumers, pause }) =>
        virtualTime(async () => {
          const source = new Channel<number>(capacity);
          const feed = (async () => {
            for (const i of latencies.keys()) await source.send(i);
            source.close("fed");
          })();
          let [running, most] = [0, 0];
          const results = map(
            source,
            async (i) => {
              running += 1;
              most = Math.max(most, running);
              await time.sleep(latencies[i] ?? 0);
              running -= 1;
              return i;
            },
            { concurrency, ordered },
          );
          const seen: number[] = [];
          const consume = async (): Promise<void> => {
            for (let r = await results.receive(); r.ok; r = await results.receive()) {
              seen.push(r.value);
              await time.sleep(pause);
            }
          };
          await Promise.all([feed, ...upTo(consumers).map(consume)]);
          expect(most).toBeLessThanOrEqual(concurrency);
          const busy = pause === 0 && latencies.every((latency) => latency > 0);
          expect(most).toBeGreaterThanOrEqual(busy ? Math.min(concurrency, latencies.length) : 0);
          expect(ordered ? seen : seen.toSorted((a, b) => a - b)).toEqual(upTo(latencies.length));
          expect(results.cause).toBe("fed");
        }),
      );
      await assert(property, hunt(100));
    },
  );
});

describe("a function that fails", () => {
  test("ends the channel after the results before it; what is behind it is undelivered, the source untouched", async () => {
    const source = filled(upTo(10), "stay open");
    const { fn, open, fail, signals } = gated();
    const results = map(source, fn, { concurrency: 5 });
    const first = results.receive();
    await turns();
    const failure = new Error("boom");
    fail(2, failure);
    open(3);
    await turns();
    expect(results.closed).toBe(false); // two before it are not finished
    open(1);
    await turns();
    open(0);
    expect(await first).toMatchObject({ ok: true, value: 0 });
    await turns();
    expect([results.closed, results.length]).toEqual([true, 1]);
    expect(await results.receive()).toMatchObject({ ok: true, value: 10 });
    expect((await results.receive()).ok).toBe(false);
    const { cause } = results;
    expect(cause).toBeInstanceOf(SluiceError);
    expect(cause).toMatchObject({
      kind: errors.UNKNOWN,
      retryable: false,
      cause: failure,
      message: "A map failed, with 2 values in hand",
    });
    expect(undelivered(results)).toEqual([3, 4]);
    expect(Object.keys((cause as SluiceError).details)).toEqual([]);
    expect(signals.every(({ aborted, reason }) => aborted && reason === cause)).toBe(true);
    expect(taken(source)).toEqual([5, 6, 7, 8, 9]);
    expect(await rejection(all(results))).toBe(cause);
  });

  test("takes and begins nothing more once it has failed, though the results before it are not there yet", async () => {
    const source = filled(upTo(10), "stay open");
    const { fn, begun, open, fail } = gated();
    const results = map(source, fn, { concurrency: 3 });
    const asked = [results.receive(), results.receive(), results.receive()];
    await turns();
    fail(1, new Error("boom"));
    await turns();
    open(0);
    expect(await Promise.all(asked)).toMatchObject([{ value: 0 }, { ok: false }, { ok: false }]);
    expect([begun, undelivered(results), source.length]).toEqual([[0, 1, 2], [2], 7]);
  });

  test("that throws at once fails like one that rejects, and those taken with it never begin", async () => {
    const source = filled(upTo(5), "stay open");
    const begun: number[] = [];
    const results = map(
      source,
      (value) => {
        begun.push(value);
        throw new SluiceError(errors.UNAVAILABLE, "boom", { retryable: true });
      },
      { concurrency: 3, name: "pages" },
    );
    expect((await results.receive()).ok).toBe(false);
    expect(results.cause).toMatchObject({
      kind: errors.UNAVAILABLE,
      retryable: true,
      message: 'The map "pages" failed, with 2 values in hand',
    });
    expect([begun, undelivered(results), source.length]).toEqual([[0], [1, 2], 2]);
  });

  test("unordered, ends it at once; all others in hand are undelivered, and what they come to is nobody's", async () => {
    const source = filled(upTo(10), "stay open");
    const { fn, open, fail } = gated();
    const results = map(source, fn, { concurrency: 4, ordered: false });
    const asked = [results.receive(), results.receive()];
    await turns();
    open(3);
    await turns();
    fail(1, new Error("boom"));
    expect(await Promise.all(asked)).toMatchObject([{ value: 30 }, { ok: false }]);
    expect(undelivered(results)).toEqual([0, 2, 4]);
    open(0);
    fail(2, new Error("later"));
    await turns();
    expect([results.length, source.length]).toEqual([0, 5]);
  });

  test.each([undefined, null, 0, "text"])("may throw %j", async (thrown) => {
    const results = map(filled([1]), () => {
      throw thrown as unknown as Error;
    });
    await results.receive();
    expect((results.cause as SluiceError).cause).toBe(thrown);
  });
});

describe.each<[string, (map: Disposable, controller: AbortController) => void, unknown]>([
  ["its signal", (_, controller) => controller.abort("enough"), "enough"],
  ["dispose", (results) => results[Symbol.dispose](), undefined],
])("ended by %s", (_, end, reason) => {
  test("with nothing in hand: the reason itself is the cause; the source stays open", async () => {
    const controller = new AbortController();
    const source = new Channel<number>(1);
    const results = map(source, double, { signal: controller.signal });
    const asked = [results.receive(), results.receive()];
    await turns();
    end(results, controller);
    expect(await Promise.all(asked)).toMatchObject([{ ok: false }, { ok: false }]);
    expect([results.closed, results.cause]).toEqual([true, reason]);
    expect([source.trySend(1), source.trySend(2), source.closed]).toEqual([true, false, false]);
    expect((await results.receive()).ok).toBe(false);
  });

  test("while nobody waits, and before anybody ever did", async () => {
    const controller = new AbortController();
    const source = filled([1], "stay open");
    const results = map(source, double, { signal: controller.signal });
    end(results, controller);
    expect([results.closed, results.cause, results.length]).toEqual([true, reason, 0]);
    expect((await results.receive()).ok).toBe(false);
    expect(source.length).toBe(1);
  });

  test("with values in hand: they are undelivered, in order; results that are there stay receivable", async () => {
    for (const ordered of [true, false]) {
      const controller = new AbortController();
      const source = filled(upTo(10), "stay open");
      const { fn, open, signals } = gated();
      const results = map(source, fn, { concurrency: 4, ordered, signal: controller.signal });
      const first = results.receive();
      await turns();
      open(0);
      await first;
      open(1);
      open(3);
      await turns();
      end(results, controller);
      expect([results.closed, results.length]).toEqual([true, ordered ? 1 : 2]);
      expect(results.cause).toMatchObject({ kind: errors.CANCELED, cause: reason });
      expect(undelivered(results)).toEqual(ordered ? [2, 3] : [2]);
      expect(signals.every(({ aborted }) => aborted)).toBe(true);
      open(2);
      await turns();
      expect(taken(results)).toEqual(ordered ? [10] : [10, 30]);
      expect((await results.receive()).ok).toBe(false);
      expect(taken(source)).toEqual([4, 5, 6, 7, 8, 9]);
    }
  });

  test("between the hand-off and the function's begin: the value is undelivered, the function never begins", async () => {
    const controller = new AbortController();
    const source = new Channel<number>();
    let begun = 0;
    const results = map(source, () => (begun += 1), { signal: controller.signal });
    const asked = results.receive();
    expect(source.trySend(7)).toBe(true);
    end(results, controller);
    expect((await asked).ok).toBe(false);
    expect([begun, undelivered(results)]).toEqual([0, [7]]);
  });

  test("after it has ended by itself, changes nothing", async () => {
    const controller = new AbortController();
    const source = filled<number>([]);
    source.close("too late");
    const results = map(source, double, { signal: controller.signal });
    expect((await results.receive()).ok).toBe(false);
    end(results, controller);
    expect([results.closed, results.cause]).toEqual([true, undefined]);
  });
});

test("the first end counts", () => {
  const controller = new AbortController();
  const results = map(new Channel<number>(), double, { signal: controller.signal });
  results[Symbol.dispose]();
  controller.abort("late");
  expect([results.closed, results.cause]).toEqual([true, undefined]);
  const others = map(new Channel<number>(), double, { signal: controller.signal });
  others[Symbol.dispose]();
  expect([others.closed, others.cause]).toEqual([true, "late"]);
});

test("a signal that was aborted before: it has ended, with the reason, and takes nothing", async () => {
  const source = filled([1], "stay open");
  const results = map(source, double, { signal: AbortSignal.abort("before") });
  expect([results.closed, results.cause]).toEqual([true, "before"]);
  expect((await results.receive()).ok).toBe(false);
  expect(source.length).toBe(1);
});

test("a function may dispose its own map, close the source, or abort the signal, at once", async () => {
  for (const act of ["dispose", "close", "abort"]) {
    const controller = new AbortController();
    const source = filled(upTo(4), "stay open");
    const results: ReceiveChannel<number> & Disposable = map(
      source,
      (value) => {
        if (value < 1) return value;
        if (act === "dispose") results[Symbol.dispose]();
        else if (act === "close") source.close("closed");
        else controller.abort("aborted");
        return value;
      },
      { signal: controller.signal, concurrency: 2 },
    );
    const seen: number[] = [];
    for (let r = await results.receive(); r.ok; r = await results.receive()) seen.push(r.value);
    const left = [undelivered(results) ?? [], taken(source)].flat();
    expect([...seen, ...left].map(Number).toSorted((a, b) => a - b)).toEqual(upTo(4));
  }
});

test("law 5: the function runs neither in a send nor in a receive, but in a microtask", async () => {
  const order: string[] = [];
  const source = new Channel<number>();
  const results = map(source, () => order.push("function"));
  const asked = results.receive();
  order.push("received");
  source.trySend(1);
  order.push("sent");
  await asked;
  expect(order).toEqual(["received", "sent", "function"]);
});

test("first come, first served: those who wait for a map stand among those who wait for its source", async () => {
  const source = new Channel<number>();
  const results = map(source, double);
  const order: string[] = [];
  const note = (name: string) => (r: { value: unknown }) => order.push(`${name} ${String(r.value)}`);
  const waits = [
    source.receive().then(note("source")),
    results.receive().then(note("map")),
    source.receive().then(note("source")),
  ];
  for (const i of [1, 2, 3]) expect(source.trySend(i)).toBe(true);
  expect(source.trySend(4)).toBe(false);
  await Promise.all(waits);
  expect(order.toSorted()).toEqual(["map 4", "source 1", "source 3"]);
});

test("a day of a map takes no time under virtual time, and a hang names its line", async () => {
  await virtualTime(async (clock) => {
    let seen = 0;
    const checks = map(time.ticker("1m").channel(), () => time.sleep("30s"));
    while (clock.now() < 24 * time.HOUR) {
      await checks.receive();
      seen += 1;
    }
    expect(seen).toBe(24 * 60);
  });
  const report = await virtualTime(() =>
    map(new Channel<number>({ name: "jobs" }), double, { name: "doubled" }).receive(),
  ).catch((reason: unknown) => reason);
  expect((report as DeadlockError).parked).toMatchObject([
    { operation: "receive", waitsFor: ['a value on channel "doubled"'] },
  ]);
  expect((report as DeadlockError).parked[0]?.calledAt).toMatch(/flow-map\.test\.ts/);
});

test("law 3: host timers go on beside a loop over a map", async () => {
  const meter = new Meter();
  setTimeout(() => {
    setTimeout(() => (meter.stopped = true), 1);
  }, 0);
  const source = new Channel<number>(1);
  const results = map(source, double);
  const feed = (async () => {
    while (meter.on()) await source.send(1);
    source.close();
  })();
  for await (const _ of results) meter.on();
  await feed;
  expect(meter.completions).toBeGreaterThan(0);
});

describe("mistakes", () => {
  const call = map as unknown as (...values: unknown[]) => unknown;
  const source = new Channel<number>();

  test.each<[string, unknown[], string]>([
    ["no source", [undefined, double], "TypeError: Expected `source` to be a channel to receive from, got `undefined`"],
    ["an array", [[1], double], "TypeError: Expected `source` to be a channel to receive from, got an Array"],
    ["no function", [source], "TypeError: Expected `fn` to be a function, got `undefined`"],
    ["null as options", [source, double, null], "TypeError: Expected `options` to be an object, got `null`"],
    ["a name that is none", [source, double, { name: 1 }], "TypeError: Expected `name` to be a string, got `1`"],
    [
      "a signal that is none",
      [source, double, { signal: 1 }],
      "TypeError: Expected `signal` to be an AbortSignal, got `1`",
    ],
    [
      "no concurrency",
      [source, double, { concurrency: 0 }],
      "RangeError: Expected `concurrency` to be a positive integer, got `0`",
    ],
    [
      "half of one",
      [source, double, { concurrency: 0.5 }],
      "RangeError: Expected `concurrency` to be a positive integer, got `0.5`",
    ],
    [
      "text",
      [source, double, { concurrency: "2" }],
      'TypeError: Expected `concurrency` to be a positive integer, got `"2"`',
    ],
    ["order that is none", [source, double, { ordered: 1 }], "TypeError: Expected `ordered` to be a boolean, got `1`"],
  ])("%s throws", (_, values, message) => {
    expect(String(thrownBy(() => call(...values)))).toBe(message);
  });

  test("every option may be undefined, and concurrency Infinity", async () => {
    const none = { signal: undefined, name: undefined, concurrency: undefined, ordered: undefined };
    expect(await all(map(filled([1]), double, none))).toEqual([2]);
    expect(await all(map(filled(upTo(9)), double, { concurrency: Infinity }))).toEqual(upTo(9).map(double));
  });
});
