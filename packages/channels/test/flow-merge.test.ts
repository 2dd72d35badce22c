// merge: several channels as one, fair in rounds; it holds nothing, so what is sent is received or still in its channel.

import { Channel, select, Selector, time, trySelect } from "@sluice/channels";
import { map, merge } from "@sluice/channels/flow";
import { type DeadlockError, virtualTime } from "@sluice/channels/testing";
import { array, assert, asyncProperty, constantFrom, integer, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { all, askers } from "./askers.ts";
import { Meter } from "./busy.ts";
import { hunt, microtasks, outcome, rejection, turns, waiting } from "./progress.ts";
import { filled, taken, thrownBy, upTo } from "./values.ts";

const sorted = (list: readonly (readonly [number, number])[]): string[] => list.map(String).toSorted();

describe("merge", () => {
  test("gives all values of all channels, those of each in order, and ends with the last of them", async () => {
    const both = merge([filled([1, 2, 3]), filled([10, 20]), filled<number>([])]);
    expect(await all(both)).toEqual([1, 10, 2, 20, 3]);
    expect([both.closed, both.cause]).toEqual([true, undefined]);
  });

  test("ends with the first cause there was", async () => {
    const channels = upTo(4).map(() => new Channel<number>(1));
    const merged = merge(channels);
    channels[1]?.trySend(1);
    channels[0]?.close();
    channels[2]?.close("first");
    channels[1]?.close("second, though it has a value");
    expect((await merged.receive()).value).toBe(1);
    const last = merged.receive();
    channels[3]?.close("third");
    expect((await last).ok).toBe(false);
    expect([merged.closed, merged.cause]).toEqual([true, "first"]);
    expect(await rejection(all(merged))).toBe("first");
  });

  test("of no channels has ended", async () => {
    const none = merge([]);
    expect([none.closed, none.cause, none.tryReceive()?.ok]).toEqual([true, undefined, false]);
    expect(await all(none)).toEqual([]);
  });

  test("takes any iterable, one channel several times, and channels that have ended", async () => {
    const channel = filled([1, 2]);
    const merged = merge(new Set([channel, channel]));
    expect(await all(merged)).toEqual([1, 2]);
    const twice = merge([filled([1]), filled<number>([])].flatMap((one) => [one, one]));
    expect(await all(twice)).toEqual([1]);
  });

  test("is a channel: a name, no capacity, no length, no send and no close", () => {
    const merged = merge([filled([1])], { name: "all" });
    expect([merged.name, merged.capacity, merged.length, merged.closed]).toEqual(["all", 0, 0, false]);
    expect("send" in merged || "close" in merged).toBe(false);
  });

  test("passes a promise as value untouched", async () => {
    const promise = Promise.reject(new Error("not awaited"));
    promise.catch(() => {});
    const got = await merge([filled([promise])]).receive();
    expect(got.value).toBe(promise);
  });

  test("is fair: no channel that stays ready waits more than a round", async () => {
    const channels = upTo(5).map((i) => filled(Array<number>(100).fill(i)));
    const merged = merge(channels);
    for (const _ of upTo(100)) {
      const round = await merged.receiveMany(5);
      expect(round.toSorted((a, b) => a - b)).toEqual(upTo(5));
    }
  });

  test("gives to tryReceive, trySelect and tryNext what is there, without waiting", () => {
    const [left, right] = [new Channel<number>(1), new Channel<number>()];
    const merged = merge([left, right]);
    const events = new Selector({ merged });
    expect([merged.tryReceive(), trySelect([merged]), events.tryNext()]).toEqual([undefined, undefined, undefined]);
    left.trySend(1);
    expect(merged.tryReceive()?.value).toBe(1);
    left.trySend(2);
    expect(trySelect([merged])?.value).toBe(2);
    left.trySend(3);
    expect(events.tryNext()?.value).toBe(3);
    void right.send(4);
    expect(merged.tryReceive()?.value).toBe(4);
  });
});

describe.each(askers)("a parked %s", (_way, ask) => {
  test("is who a sender meets, in each channel, and before it nobody", async () => {
    const channels = [new Channel<number>(), new Channel<number>()];
    const merged = merge(channels);
    for (const [i, channel] of channels.entries()) {
      expect(channel.trySend(0)).toBe(false);
      const asked = ask(merged);
      expect(channel.trySend(i)).toBe(true);
      expect(channel.trySend(0)).toBe(false);
      expect(await asked).toEqual({ ok: true, value: i });
    }
  });

  test("that gives up takes nothing", async () => {
    const channel = new Channel<number>();
    const merged = merge([channel, new Channel<number>()]);
    const controller = new AbortController();
    const asked = ask(merged, controller);
    controller.abort("changed my mind");
    expect(await rejection(asked)).toBe("changed my mind");
    expect(channel.trySend(1)).toBe(false);
  });

  test("learns the end when the last channel closes, from where its last value was taken by another, and at once", async () => {
    const [left, right] = [filled([1]), new Channel<number>()];
    const merged = merge([left, right]);
    const asked = [ask(merged), ask(merged), ask(merged)];
    expect(await asked[0]).toEqual({ ok: true, value: 1 });
    right.close("why");
    expect(await asked[1]).toEqual({ ok: false, cause: "why" });
    expect(await asked[2]).toEqual({ ok: false, cause: "why" });
    expect(await ask(merged)).toEqual({ ok: false, cause: "why" });

    const shared = filled([1]);
    const other = merge([shared]);
    expect(shared.tryReceive()?.value).toBe(1);
    expect(await ask(other)).toEqual({ ok: false, cause: undefined });
  });

  test("gets timers' moments, and time passes for it", async () => {
    await virtualTime(async (clock) => {
      const merged = merge([time.ticker("3s").channel(), time.after("4s"), time.ticker("10s").channel()]);
      const moments: number[] = [];
      for (const _ of upTo(5)) {
        expect((await ask(merged)).ok).toBe(true);
        moments.push(clock.now());
      }
      expect(moments).toEqual([3000, 4000, 6000, 9000, 10_000]);
    });
  });

  test("reaches through merges of merges and maps", async () => {
    const channels = upTo(4).map(() => new Channel<number>());
    const [a, b, c, d] = channels as [Channel<number>, Channel<number>, Channel<number>, Channel<number>];
    const merged = merge([merge([a, map(b, (value) => value * 2)]), map(merge([c, d]), (value) => value * 3)]);
    for (const [i, channel] of channels.entries()) {
      expect(channel.trySend(i + 1)).toBe(false);
      const asked = ask(merged);
      await turns();
      expect(channel.trySend(i + 1)).toBe(true);
      expect(await asked).toEqual({ ok: true, value: [1, 4, 9, 12][i] });
      await turns();
    }
    const waiters = channels.map((channel) => channel.send(1));
    await turns();
    expect(await ask(merged)).toMatchObject({ ok: true });
    for (const channel of channels) taken(channel);
    await Promise.all(waiters);
  });
});

test("first come, first served among those who wait for it and for its channels", async () => {
  const [left, right] = [new Channel<number>(), new Channel<number>()];
  const merged = merge([left, right]);
  const order: string[] = [];
  const note = (name: string) => (r: { value: unknown }) => order.push(`${name} ${String(r.value)}`);
  const events = new Selector({ merged });
  const waits = [
    left.receive().then(note("left")),
    merged.receive().then(note("merge")),
    select([right, merged]).then(note("select")),
    right.receive().then(note("right")),
    events.next().then((event) => order.push(`event ${String(event?.value)}`)),
  ];
  for (const [i, channel] of [left, right, right, right, left].entries()) expect(channel.trySend(i)).toBe(true);
  expect([left.trySend(9), right.trySend(9)]).toEqual([false, false]);
  await Promise.all(waits);
  expect(order).toEqual(["left 0", "merge 1", "select 2", "right 3", "event 4"]);
});

test("a select that holds the merge and a send on one of its channels does not meet itself", async () => {
  const channel = new Channel<number>();
  const merged = merge([channel]);
  const selected = select({ got: merged, sent: channel.caseSend(1) });
  expect(await outcome(selected)).toBe(waiting);
  expect(channel.tryReceive()?.value).toBe(1);
  expect((await selected).name).toBe("sent");
  const other = select({ got: merged, sent: channel.caseSend(2) });
  expect(channel.trySend(3)).toBe(true);
  expect(await other).toMatchObject({ name: "got", value: 3 });
});

describe.each<[string, (merged: Disposable, controller: AbortController) => void, unknown]>([
  ["its signal", (_, controller) => controller.abort("enough"), "enough"],
  ["dispose", (merged) => merged[Symbol.dispose](), undefined],
])("ended by %s", (_, end, cause) => {
  test("tells who waits, and leaves the channels as they are", async () => {
    const controller = new AbortController();
    const [left, right] = [new Channel<number>(1), new Channel<number>()];
    const merged = merge([left, right], { signal: controller.signal });
    const asked = [merged.receive(), select([merged]), new Selector({ merged }).next()];
    end(merged, controller);
    expect((await Promise.all(asked)).map((r) => r?.ok)).toEqual([false, false, false]);
    expect([merged.closed, merged.cause]).toEqual([true, cause]);
    expect([left.trySend(1), right.trySend(1), left.closed]).toEqual([true, false, false]);
    expect((await merged.receive()).ok).toBe(false);
    expect(left.length).toBe(1);
  });

  test("while nobody waits and values stand in the channels: they stay there", () => {
    const controller = new AbortController();
    const left = filled([1], "stay open");
    const merged = merge([left], { signal: controller.signal });
    end(merged, controller);
    expect([merged.closed, merged.cause, merged.tryReceive()?.ok]).toEqual([true, cause, false]);
    expect(taken(left)).toEqual([1]);
  });

  test("after its own end changes nothing", async () => {
    const controller = new AbortController();
    const left = new Channel<number>();
    const merged = merge([left], { signal: controller.signal });
    left.close("why");
    end(merged, controller);
    expect([merged.closed, merged.cause]).toEqual([true, "why"]);
  });
});

test("a signal that was aborted before: it has ended, with the reason", async () => {
  const left = filled([1], "stay open");
  const merged = merge([left], { signal: AbortSignal.abort("before") });
  expect([merged.closed, merged.cause, (await merged.receive()).ok]).toEqual([true, "before", false]);
  expect(taken(left)).toEqual([1]);
});

test(
  "every value comes once, in the order of its sender, in any interleaving; what is not received is still inside",
  { timeout: 3_600_000 },
  async () => {
    const plans = record({
      channels: array(
        record({
          capacity: integer({ min: 0, max: 3 }),
          values: integer({ min: 0, max: 8 }),
          pause: integer({ min: 0, max: 4 }),
        }),
        { maxLength: 5 },
      ),
      consumers: array(
        record({
          way: constantFrom(...askers.map(([name]) => name), "direct"),
          pause: integer({ min: 0, max: 4 }),
          patience: integer({ min: 0, max: 6 }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      end: constantFrom("close", "dispose", "abort"),
      after: integer({ min: 0, max: 30 }),
    });
    const property = asyncProperty(plans, async ({ channels: makers, consumers, end, after }) => {
      const channels = makers.map(({ capacity }) => new Channel<readonly [number, number]>(capacity));
      const controller = new AbortController();
      const merged = merge(channels, { signal: controller.signal });
      const seen: (readonly [number, number])[] = [];
      const notSent: (readonly [number, number])[] = [];
      const senders = makers.map(async ({ values, pause }, from) => {
        for (const i of upTo(values)) {
          await microtasks(pause);
          await channels[from]?.send([from, i]).catch(() => notSent.push([from, i]));
        }
        channels[from]?.close();
      });
      const takers = consumers.map(async ({ way, pause, patience }, i) => {
        const ask = askers.find(([name]) => name === way)?.[1];
        for (;;) {
          const impatient = new AbortController();
          const channel = ask === undefined ? channels[i % Math.max(1, channels.length)] : merged;
          if (channel === undefined) return;
          const asked = (ask ?? (askers[0] as (typeof askers)[number])[1])(
            channel,
            patience < 3 ? impatient : undefined,
          );
          void microtasks(patience * 3).then(() => impatient.abort("impatient"));
          const got = await asked.catch(() => undefined);
          if (got?.ok === true) seen.push(got.value);
          if (got?.ok === false) return;
          await microtasks(pause);
        }
      });
      await microtasks(after);
      if (end === "dispose") merged[Symbol.dispose]();
      if (end === "abort") controller.abort("enough");
      await turns();
      expect(merged.closed || end === "close").toBe(true);
      for (const channel of channels) channel.close();
      await Promise.all([...senders, ...takers]);
      const left = channels.flatMap(taken);
      const every = makers.flatMap(({ values }, from) => upTo(values).map((i): readonly [number, number] => [from, i]));
      expect(sorted([...seen, ...left, ...notSent])).toEqual(sorted(every));
      for (const from of consumers.length === 1 ? channels.keys() : []) {
        const order = seen.filter(([sender]) => sender === from).map(([, i]) => i);
        expect(order).toEqual(order.toSorted((a, b) => a - b));
      }
    });
    await assert(property, hunt(150));
  },
);

test("a day of a merge takes no time under virtual time, and a hang names its line", async () => {
  await virtualTime(async (clock) => {
    const merged = merge([time.ticker("1m").channel(), time.ticker("90s").channel()]);
    let seen = 0;
    for (; clock.now() < 24 * time.HOUR; seen += 1) await merged.receive();
    expect(seen).toBeGreaterThanOrEqual(24 * 60 + 16 * 60 - 1);
  });
  const report = await virtualTime(() => merge([new Channel<number>()], { name: "both" }).receive()).catch(
    (reason: unknown) => reason,
  );
  expect((report as DeadlockError).parked).toMatchObject([
    { operation: "receive", waitsFor: ['a value on channel "both"'] },
  ]);
  expect((report as DeadlockError).parked[0]?.calledAt).toMatch(/flow-merge\.test\.ts/);
});

test("law 3: host timers go on beside a loop over a merge", async () => {
  const meter = new Meter();
  setTimeout(() => {
    setTimeout(() => (meter.stopped = true), 1);
  }, 0);
  const channels = [new Channel<number>(1), new Channel<number>()];
  const feeds = channels.map(async (channel) => {
    while (meter.on()) await channel.send(1);
    channel.close();
  });
  for await (const _ of merge(channels)) meter.on();
  await Promise.all(feeds);
  expect(meter.completions).toBeGreaterThan(0);
});

describe("mistakes", () => {
  const call = merge as unknown as (...values: unknown[]) => unknown;
  const channel = new Channel<number>();

  test.each<[string, unknown[], string]>([
    ["nothing", [], "TypeError: Expected `channels` to be an iterable of channels, got `undefined`"],
    ["null", [null], "TypeError: Expected `channels` to be an iterable of channels, got `null`"],
    ["a channel alone", [channel], "TypeError: Expected `channels` to be an iterable of channels, got a Channel"],
    [
      "a number among them",
      [[channel, 1]],
      "TypeError: Expected `channels.1` to be a channel to receive from, got `1`",
    ],
    ["null as options", [[channel], null], "TypeError: Expected `options` to be an object, got `null`"],
    [
      "an option of another's",
      [[channel], { concurrency: 2 }],
      "TypeError: There is no option `concurrency`, only `signal`, `name`",
    ],
    [
      "a misspelt option",
      [[channel], { signl: undefined }],
      "TypeError: There is no option `signl`: did you mean `signal`?",
    ],
  ])("%s throws", (_, values, message) => {
    expect(String(thrownBy(() => call(...values)))).toBe(message);
    expect(channel.trySend(1)).toBe(false);
  });

  test("leave nothing registered, also where the iterable throws", async () => {
    const own = new Channel<number>();
    const failure = new Error("no more");
    const channels = function* (): Generator<Channel<number>> {
      yield own;
      throw failure;
    };
    expect(thrownBy(() => merge(channels()))).toBe(failure);
    const received = own.receive();
    own.trySend(1);
    expect((await received).value).toBe(1);
    expect(thrownBy(() => merge([own, 1 as never]))).toBeInstanceOf(TypeError);
  });
});
