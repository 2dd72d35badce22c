// batch: arrays by size and by the age of the first value; nothing is taken before somebody asks, and nothing is lost.

import { Channel, errors, select, Selector, time } from "@sluice/channels";
import { batch, map } from "@sluice/channels/flow";
import { type DeadlockError, virtualTime } from "@sluice/channels/testing";
import { array, assert, asyncProperty, constantFrom, integer, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { all, askers } from "./askers.ts";
import { Meter } from "./busy.ts";
import { hunt, outcome, rejection, turns, waiting } from "./progress.ts";
import { filled, taken, thrownBy, upTo } from "./values.ts";

describe("batch", () => {
  test("gives arrays of `size`, and the rest when the source ends", async () => {
    expect(await all(batch(filled(upTo(7)), { size: 3, within: "1h" }))).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    expect(await all(batch(filled<number>([]), { size: 3, within: "1h" }))).toEqual([]);
    expect(await all(batch(filled(upTo(4)), { size: 2, within: "1h" }))).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  test("passes the source's cause through, after the last batch", async () => {
    const source = filled([1, 2, 3], "stay open");
    source.close("why");
    const batches = batch(source, { size: 2, within: "1h" });
    expect([(await batches.receive()).value, (await batches.receive()).value]).toEqual([[1, 2], [3]]);
    expect([(await batches.receive()).ok, batches.closed, batches.cause]).toEqual([false, true, "why"]);
  });

  test("passes promises as values untouched", async () => {
    const promise = Promise.reject(new Error("not awaited"));
    promise.catch(() => {});
    const { value } = await batch(filled([promise]), { size: 2, within: 0 }).receive();
    expect(value?.[0]).toBe(promise);
  });

  test("is a channel: a name, no capacity, no send and no close", () => {
    const batches = batch(new Channel<number>(), { size: 2, within: 0, name: "rows" });
    expect([batches.name, batches.capacity, batches.length, batches.closed]).toEqual(["rows", 0, 0, false]);
    expect("send" in batches || "close" in batches).toBe(false);
  });

  test("within 0 gives what is there", async () => {
    const source = filled(upTo(5), "stay open");
    const batches = batch(source, { size: 3, within: 0 });
    expect((await batches.receive()).value).toEqual([0, 1, 2]);
    expect((await batches.receive()).value).toEqual([3, 4]);
    const next = batches.receive();
    await turns();
    source.trySend(5);
    expect((await next).value).toEqual([5]);
    source.trySend(6);
    expect(batches.tryReceive()?.value).toEqual([6]);
    const sends = upTo(2).map((i) => source.send(i));
    expect(batches.tryReceive()?.value).toEqual([0, 1]);
    await Promise.all(sends);
  });

  test("a batch that is there, whole, needs no wait: tryReceive, and a receive before the next microtask", async () => {
    const source = filled(upTo(5), "stay open");
    const batches = batch(source, { size: 2, within: "1h" });
    expect(batches.tryReceive()?.value).toEqual([0, 1]);
    const received = batches.receive();
    expect(source.length).toBe(1);
    expect((await received).value).toEqual([2, 3]);
    expect([batches.tryReceive(), source.length]).toEqual([undefined, 1]);
  });
});

describe.each(askers)("a parked %s", (_way, ask) => {
  const SIZE = { size: 3, within: "1s" } as const;

  test("is what values are taken for, and before it none is", async () => {
    const source = new Channel<number>(1);
    const batches = batch(source, SIZE);
    source.trySend(0);
    await turns();
    expect(source.length).toBe(1);
    const asked = ask(batches);
    await turns();
    for (const i of [1, 2]) expect(source.trySend(i)).toBe(true);
    expect(source.length).toBe(0);
    expect(await asked).toEqual({ ok: true, value: [0, 1, 2] });
    expect([source.trySend(3), source.trySend(4)]).toEqual([true, false]);
  });

  test("gets what came when the first of it is `within` old, though a trickle goes on", async () => {
    await virtualTime(async (clock) => {
      const source = new Channel<number>();
      const feed = (async () => {
        for (const i of upTo(12)) {
          await time.sleep("400ms"); // each faster than `within`: it must not start the clock anew
          await source.send(i);
        }
        source.close();
      })();
      const batches = batch(source, { size: 100, within: "1s" });
      const moments: number[] = [];
      for (;;) {
        const got = await ask(batches);
        if (!got.ok) break;
        moments.push(clock.now());
        expect(got.value.length).toBe(3);
      }
      expect(moments).toEqual([1400, 2600, 3800, 4800]);
      await feed;
    });
  });

  test("that gives up leaves the batch under way; its clock runs on, and nothing more is taken meanwhile", async () => {
    await virtualTime(async (clock) => {
      const source = new Channel<number>();
      const batches = batch(source, SIZE);
      const controller = new AbortController();
      const asked = ask(batches, controller);
      await clock.idle();
      expect(source.trySend(1)).toBe(true);
      await clock.advance("600ms");
      controller.abort("changed my mind");
      expect(await asked.catch((reason: unknown) => reason)).toBe("changed my mind");
      expect([source.trySend(2), batches.length]).toEqual([false, 0]);
      const again = ask(batches);
      await clock.idle();
      expect(source.trySend(3)).toBe(true);
      expect(await again).toEqual({ ok: true, value: [1, 3] });
      expect(clock.now()).toBe(1000);
    });
  });

  test("after a while finds what is overdue, with what is there beside it", async () => {
    await virtualTime(async (clock) => {
      const source = new Channel<number>(5);
      const batches = batch(source, SIZE);
      const controller = new AbortController();
      const asked = ask(batches, controller);
      source.trySend(1);
      await clock.idle();
      controller.abort("changed my mind");
      await asked.catch(() => {});
      await clock.advance("1h");
      expect(batches.length).toBe(1);
      expect(await ask(batches)).toEqual({ ok: true, value: [1] });
      const other = new AbortController();
      const once = ask(batches, other);
      source.trySend(2);
      await clock.idle();
      other.abort("changed my mind");
      await once.catch(() => {});
      for (const i of [3, 4, 5]) source.trySend(i);
      expect(await ask(batches)).toEqual({ ok: true, value: [2, 3, 4] });
      expect([clock.now(), source.length]).toEqual([3_600_000, 1]);
    });
  });

  test("gets the last batch when the source ends, then the end", async () => {
    const source = new Channel<number>();
    const batches = batch(source, { size: 9, within: "1h" });
    const asked = [ask(batches), ask(batches)];
    await turns();
    source.trySend(1);
    source.trySend(2);
    source.close("why");
    expect(await Promise.all(asked)).toEqual([
      { ok: true, value: [1, 2] },
      { ok: false, cause: "why" },
    ]);
  });

  test("gets batches of a map, of a timer, of senders that wait", async () => {
    await virtualTime(async (clock) => {
      const ticks = batch(time.ticker("1s").channel(), { size: 3, within: "1m" });
      expect((await ask(ticks)).ok).toBe(true);
      expect(clock.now()).toBe(3000);
      const source = new Channel<number>();
      const sends = upTo(6).map((i) => source.send(i));
      const doubled = map(source, async (value) => value * 2, { concurrency: 2 });
      const batches = batch(doubled, { size: 3, within: "1m" });
      expect(await ask(batches)).toEqual({ ok: true, value: [0, 2, 4] });
      expect(await ask(batches)).toEqual({ ok: true, value: [6, 8, 10] });
      await Promise.all(sends);
    });
  });
});

test("first come, first served: who comes when a batch is due does not overtake who waits for it", async () => {
  await virtualTime(async (clock) => {
    const source = new Channel<number>();
    const batches = batch(source, { size: 9, within: "1s" });
    const first = batches.receive();
    await clock.idle();
    source.trySend(1);
    const order: unknown[] = [];
    void time
      .after("1s")
      .receive()
      .then(() => order.push(batches.tryReceive()));
    expect((await first).value).toEqual([1]);
    await clock.idle();
    expect(order).toEqual([undefined]);
  });
});

test("a select that sends to the source of the batch it waits for: one loop feeds and drains", async () => {
  const rows = new Channel<number>();
  const batches = batch(rows, { size: 4, within: "1h" });
  const seen: (readonly number[])[] = [];
  for (let next = 0; seen.length < 3;) {
    const r = await select({ sent: rows.caseSend(next), rows: batches });
    if (r.name === "sent") next += 1;
    else if (r.ok) seen.push(r.value);
  }
  expect(seen.flat()).toEqual(upTo(12));
});

test("a Selector that is only registered takes nothing, and its next has the alarm of the batch", async () => {
  await virtualTime(async (clock) => {
    const [source, other] = [new Channel<number>(9), new Channel<string>(1)];
    const events = new Selector<{ rows: readonly number[]; other: string }>({
      rows: batch(source, { size: 5, within: "1s" }),
      other,
    });
    source.trySend(1);
    await clock.advance("1m");
    expect(source.length).toBe(1);
    other.trySend("first");
    expect((await events.next())?.value).toBe("first");
    expect(source.length).toBe(1);
    const next = events.next();
    await clock.advance("500ms");
    expect(source.length).toBe(0);
    other.trySend("second");
    expect((await next)?.value).toBe("second");
    source.trySend(2);
    expect((await events.next())?.value).toEqual([1, 2]);
    expect(clock.now()).toBe(61_000);
    source.trySend(3);
    expect((await events.next())?.value).toEqual([3]);
    expect(clock.now()).toBe(62_000);
  });
});

describe.each<[string, (batches: Disposable, controller: AbortController) => void, unknown]>([
  ["its signal", (_, controller) => controller.abort("enough"), "enough"],
  ["dispose", (batches) => batches[Symbol.dispose](), undefined],
])("ended by %s", (_, end, cause) => {
  test("while somebody waits: what it holds is the last batch, then the end; the source stays open", async () => {
    const controller = new AbortController();
    const source = new Channel<number>();
    const batches = batch(source, { size: 9, within: "1h", signal: controller.signal });
    const asked = [batches.receive(), batches.receive()];
    await turns();
    for (const i of upTo(3)) source.trySend(i);
    end(batches, controller);
    expect(await Promise.all(asked)).toMatchObject([{ ok: true, value: [0, 1, 2] }, { ok: false }]);
    expect([batches.closed, batches.cause, source.closed, source.trySend(3)]).toEqual([true, cause, false, false]);
  });

  test("with nothing in it", async () => {
    const controller = new AbortController();
    const batches = batch(new Channel<number>(), { size: 9, within: "1h", signal: controller.signal });
    const asked = batches.receive();
    end(batches, controller);
    expect([(await asked).ok, batches.closed, batches.cause]).toEqual([false, true, cause]);
  });

  test("while nobody waits: what it holds is still there to receive, and nothing more is taken", async () => {
    const controller = new AbortController();
    const [source, impatient] = [new Channel<number>(9), new AbortController()];
    const batches = batch(source, { size: 9, within: "1h", signal: controller.signal });
    const asked = batches.receive(impatient);
    source.trySend(1);
    await turns();
    impatient.abort("impatient");
    await asked.catch(() => {});
    source.trySend(2);
    end(batches, controller);
    expect([batches.closed, batches.length, batches.cause]).toEqual([true, 1, cause]);
    expect((await batches.receive()).value).toEqual([1]);
    expect([batches.length, (await batches.receive()).ok, taken(source)]).toEqual([0, false, [2]]);
  });
});

test(
  "random arrivals, receivers that give up, sources that end: each value comes once, in order, no batch too large or too old",
  { timeout: 3_600_000 },
  async () => {
    const plans = record({
      capacity: integer({ min: 0, max: 4 }),
      gaps: array(integer({ min: 0, max: 12 }), { maxLength: 40 }),
      size: integer({ min: 1, max: 6 }),
      within: integer({ min: 0, max: 20 }),
      pause: integer({ min: 0, max: 30 }),
      patience: integer({ min: 1, max: 60 }),
      way: constantFrom(...askers.map(([name]) => name)),
      end: constantFrom("source", "dispose", "abort"),
      after: integer({ min: 0, max: 300 }),
    });
    const property = asyncProperty(plans, (plan) =>
      virtualTime(async (clock) => {
        const source = new Channel<{ readonly i: number; readonly at: number }>(plan.capacity);
        const controller = new AbortController();
        const batches = batch(source, { size: plan.size, within: plan.within, signal: controller.signal });
        const notSent: number[] = [];
        const feed = (async () => {
          for (const [i, gap] of plan.gaps.entries()) {
            await time.sleep(gap);
            await source.send({ i, at: clock.now() }).catch(() => notSent.push(i));
          }
          if (plan.end === "source") source.close();
        })();
        if (plan.end !== "source") {
          void (async () => {
            await time.sleep(plan.after);
            if (plan.end === "dispose") batches[Symbol.dispose]();
            else controller.abort("enough");
          })();
        }
        const ask = (askers.find(([name]) => name === plan.way) as (typeof askers)[number])[1];
        const seen: number[] = [];
        const complaints: unknown[] = [];
        for (let since = clock.now(); ;) {
          const impatient = new AbortController();
          void time
            .after(plan.patience)
            .receive()
            .then(() => impatient.abort("impatient"));
          const got = await ask(batches, impatient).catch(() => undefined);
          if (got?.ok === false) break;
          if (got === undefined) continue;
          const { length } = got.value;
          const began = Math.max(got.value[0]?.at ?? 0, since);
          // Older than `within` only by the time in which nobody waited.
          if (length < 1 || length > plan.size || clock.now() - began > plan.within) complaints.push([length, began]);
          seen.push(...got.value.map(({ i }) => i));
          await time.sleep(plan.pause);
          since = clock.now();
        }
        source.close();
        await feed;
        const left = taken(source).map(({ i }) => i);
        expect([...seen, ...left, ...notSent]).toEqual(upTo(plan.gaps.length));
        expect(complaints).toEqual([]);
      }),
    );
    await assert(property, hunt(150));
  },
);

test("a day of a batch takes no time under virtual time, and a hang names its line", async () => {
  await virtualTime(async (clock) => {
    let values = 0;
    for await (const rows of batch(time.ticker("10s").channel(), { size: 100, within: "1m" })) {
      values += rows.length;
      if (clock.now() >= 24 * time.HOUR) break;
    }
    expect(values).toBeGreaterThanOrEqual(24 * 360);
  });
  const report = await virtualTime(() =>
    batch(new Channel<number>(), { size: 2, within: "1s", name: "rows" }).receive(),
  ).catch((reason: unknown) => reason);
  expect((report as DeadlockError).parked).toMatchObject([
    { operation: "receive", waitsFor: ['a value on channel "rows"'] },
  ]);
});

test("law 3: host timers go on beside a loop over batches", async () => {
  const meter = new Meter();
  setTimeout(() => {
    setTimeout(() => (meter.stopped = true), 1);
  }, 0);
  const source = new Channel<number>(4);
  const feed = (async () => {
    while (meter.on()) await source.send(1);
    source.close();
  })();
  for await (const _ of batch(source, { size: 2, within: 0 })) meter.on();
  await feed;
  expect(meter.completions).toBeGreaterThan(0);
});

describe("mistakes", () => {
  const call = batch as unknown as (...values: unknown[]) => unknown;
  const source = new Channel<number>();

  test.each<[string, unknown[], string]>([
    [
      "no source",
      [undefined, { size: 1, within: 0 }],
      "TypeError: Expected `source` to be a channel to receive from, got `undefined`",
    ],
    ["no options", [source], "TypeError: Expected `size` to be a positive integer, got `undefined`"],
    ["size 0", [source, { size: 0, within: 0 }], "RangeError: Expected `size` to be a positive integer, got `0`"],
    [
      "an endless size",
      [source, { size: Infinity, within: 0 }],
      "RangeError: Expected `size` to be a positive integer, got `Infinity`",
    ],
    [
      "size that is text",
      [source, { size: "2", within: 0 }],
      'TypeError: Expected `size` to be a positive integer, got `"2"`',
    ],
    [
      "a misspelt option",
      [source, { size: 2, whitin: 0 }],
      "TypeError: There is no option `whitin`: did you mean `within`?",
    ],
  ])("%s throws", (_, values, message) => {
    expect(String(thrownBy(() => call(...values)))).toBe(message);
  });

  test.each([undefined, "soon", NaN])("within that is %j is INVALID", (within) => {
    expect(
      errors.is(
        thrownBy(() => call(source, { size: 2, within })),
        errors.INVALID,
      ),
    ).toBe(true);
  });

  test("an aborted signal, given before, ends it with its reason", async () => {
    const full = filled([1, 2], "stay open");
    const batches = batch(full, { size: 2, within: 0, signal: AbortSignal.abort("before") });
    expect([batches.closed, batches.cause, (await batches.receive()).ok, full.length]).toEqual([
      true,
      "before",
      false,
      2,
    ]);
    expect(await rejection(all(batches))).toBe("before");
    expect(await outcome(new Channel().receive())).toBe(waiting);
  });
});
