// What iterables, streams and events give comes out once each, in order, whoever asks, gives up, or drops it.

import { time } from "@sluice/channels";
import { fromEvent, fromIterable, fromReadableStream, toReadableStream } from "@sluice/channels/interop";
import { type DeadlockError, virtualTime } from "@sluice/channels/testing";
import { array, assert, asyncProperty, boolean, constantFrom, integer, record } from "fast-check";
import { expect, test } from "vitest";
import { all, type Ask, askers } from "./askers.ts";
import { hunt, microtasks, turns } from "./progress.ts";
import { taken, upTo } from "./values.ts";

async function* slowly(values: readonly number[], steps: number): AsyncGenerator<number, void, void> {
  for (const value of values) {
    await microtasks(steps);
    yield value;
  }
}

async function* minutes(): AsyncGenerator<number, void, void> {
  for (let minute = 1; minute <= 24 * 60; minute += 1) {
    await time.sleep("1m");
    yield minute;
  }
}

const kinds = {
  iterable: (values: number[]) => fromIterable(values),
  "async iterable": (values: number[], steps: number) => fromIterable(slowly(values, steps)),
  stream: (values: number[], steps: number) => {
    const chunks = slowly(values, steps);
    return fromReadableStream(
      new ReadableStream<number>(
        {
          async pull(controller) {
            const { done, value } = await chunks.next();
            if (done === true) controller.close();
            else controller.enqueue(value);
          },
        },
        { highWaterMark: 0 },
      ),
    );
  },
};

const asker = record({
  ask: constantFrom(...askers.map(([, ask]) => ask)),
  before: integer({ min: 0, max: 3 }), // microtasks
  patience: integer({ min: 0, max: 12 }),
});

test("what is read on demand comes once, in order, whoever asks and gives up", { timeout: 120_000 }, async () => {
  const property = asyncProperty(
    constantFrom(...Object.values(kinds)),
    integer({ min: 0, max: 12 }),
    integer({ min: 0, max: 5 }),
    array(asker, { maxLength: 16 }),
    async (make, count, steps, asks) => {
      using channel = make(upTo(count), steps);
      const received: number[] = [];
      const reasons = new Set<unknown>(["gave up"]);
      const asked: Promise<void>[] = [];
      for (const { ask, before, patience } of asks) {
        await microtasks(before);
        asked.push(askOnce(ask, patience));
      }
      async function askOnce(ask: Ask, patience: number): Promise<void> {
        const controller = new AbortController();
        void microtasks(patience).then(() => controller.abort("gave up"));
        try {
          const got = await ask(channel, controller);
          if (got.ok) received.push(got.value);
        } catch (reason) {
          reasons.add(reason);
        }
      }
      await Promise.all(asked);
      expect([...received, ...(await all(channel))]).toEqual(upTo(count));
      expect([...reasons]).toEqual(["gave up"]);
    },
  );
  await assert(property, hunt(200));
});

test(
  "each event is received, dropped or still there, in order, under every overflow",
  { timeout: 120_000 },
  async () => {
    const scene = record({
      overflow: constantFrom("drop-oldest" as const, "drop-newest" as const, "close" as const),
      capacity: integer({ min: 1, max: 3 }),
      steps: array(boolean(), { maxLength: 20 }), // true: an event; false: a receive that gives up after a turn
    });
    const property = asyncProperty(scene, async ({ overflow, capacity, steps }) => {
      const target = new EventTarget();
      const dropped: unknown[] = [];
      const events = fromEvent(target, "tick", { capacity, overflow, onDrop: (event) => dropped.push(event) });
      const sent: Event[] = [];
      const received: unknown[] = [];
      for (const emits of steps) {
        if (emits) {
          if (!events.closed) sent.push(new Event("tick"));
          target.dispatchEvent(sent.at(-1) ?? new Event("other"));
        } else {
          const controller = new AbortController();
          const receiving = events.receive(controller).then(({ ok, value }) => ok && received.push(value));
          if (steps.length % 2 === 0) await turns(1);
          controller.abort();
          await receiving.catch(() => {});
        }
      }
      const kept = [...received, ...taken(events)];
      expect(new Set([...kept, ...dropped])).toEqual(new Set(sent));
      expect(kept.length + dropped.length).toBe(sent.length);
      expect(kept).toEqual(sent.filter((event) => kept.includes(event)));
      expect(events.closed).toBe(overflow === "close" && dropped.length > 0);
    });
    await assert(property, hunt(200));
  },
);

test("a day of an iterable and of a stream takes no time under virtual time, and a hang names its line", async () => {
  await virtualTime(async (clock) => {
    let last: number | undefined = 0;
    for await (const minute of fromIterable(minutes())) last = minute;
    expect([last, clock.now()]).toEqual([24 * 60, 24 * time.HOUR]);
    const reader = toReadableStream(time.ticker("1m").channel()).getReader();
    for (let seen = 0; seen < 24 * 60; seen += 1) await reader.read();
    expect(clock.now()).toBe(48 * time.HOUR);
    await reader.cancel();
  });
  const report = await virtualTime(() =>
    fromEvent(new EventTarget(), "never", { capacity: 1, overflow: "drop-oldest" }).receive(),
  ).catch((reason: unknown) => reason);
  expect((report as DeadlockError).parked).toMatchObject([{ operation: "receive" }]);
  expect((report as DeadlockError).parked[0]?.calledAt).toMatch(/interop\.laws\.test\.ts/);
});
