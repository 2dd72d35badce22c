// Waits, drawn where the host draws time: in Node as measures, for whoever observes them.

import diagnostics from "node:diagnostics_channel";
import { type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { Channel, select, time } from "@sluice/channels";
import { parked, recordParked, trace } from "@sluice/channels/inspect";
import { virtualTime } from "@sluice/channels/testing";
import { afterEach, expect, test, vi } from "vitest";
import { thrownBy } from "./values.ts";

afterEach(() => {
  recordParked(false);
  vi.useRealTimers();
});

/** What an observer of measures is given while a task runs. */
async function measured(count: number, task: () => Promise<unknown>): Promise<PerformanceEntry[]> {
  const entries: PerformanceEntry[] = [];
  let observer: PerformanceObserver | undefined;
  const all = new Promise<void>((resolve) => {
    observer = new PerformanceObserver((list) => {
      entries.push(...list.getEntries().filter(({ name }) => name.startsWith("sluice: ")));
      if (entries.length >= count) resolve();
    });
    observer.observe({ entryTypes: ["measure"] });
  });
  await task();
  await all;
  observer?.disconnect();
  return entries;
}

test("waits longer than the limit are measured, each on the track of its channel, and nothing is kept", async () => {
  using tracing = trace({ longerThan: 5 });
  expect(tracing).toBeDefined();
  const entries = await measured(2, () =>
    virtualTime(async (clock) => {
      await clock.advance(1000);
      const orders = new Channel<number>({ name: "orders" });
      const waits = [orders.receive(), select([new Channel(), orders]), new Channel({ name: "other" }).receive()];
      await clock.advance(5);
      void new Channel({ name: "short" }).receive();
      orders.trySend(1); // has waited for no longer than the limit
      await clock.advance(1);
      orders.trySend(2);
      await Promise.all(waits.slice(0, 2));
      await time.sleep(20);
    }),
  );
  expect(entries.map(({ name, startTime, duration }) => [name, startTime, duration])).toEqual([
    ["sluice: select on orders", 1000, 6],
    ["sluice: sleep on unnamed channels", 1006, 20],
  ]);
  expect((entries[0] as PerformanceEntry & { detail: unknown }).detail).toEqual({
    devtools: { dataType: "track-entry", track: "orders", trackGroup: "Sluice" },
  });
  expect(performance.getEntriesByType("measure")).toEqual([]);
});

test("disposed, it measures no more, and recording goes on", async () => {
  recordParked(true);
  const first = trace();
  const second = trace({ longerThan: 0 });
  void new Channel<number>({ name: "orders" }).receive();
  expect(parked()).toHaveLength(1);
  first[Symbol.dispose]();
  second[Symbol.dispose]();
  const measure = vi.spyOn(performance, "measure");
  await time.sleep(3);
  expect(measure).not.toHaveBeenCalled();
  measure.mockRestore();
  expect(parked()).toHaveLength(1);
});

test("subscribers of the diagnostics channel are told of each wait", async () => {
  const told: unknown[] = [];
  const tell = (message: unknown): unknown => told.push(message);
  diagnostics.subscribe("sluice:wait", tell);
  using tracing = trace();
  expect(tracing).toBeDefined();
  await virtualTime(async () => time.sleep("2s"));
  diagnostics.unsubscribe("sluice:wait", tell);
  await virtualTime(async () => time.sleep("3s"));
  expect(told).toEqual([{ operation: "sleep", track: "unnamed channels", start: 0, end: 2000 }]);
});

test("mistakes in its options are told", () => {
  expect(thrownBy(() => trace({ longerThan: -1 }))).toMatchObject({
    name: "RangeError",
    message: "Expected `longerThan` to be zero or more milliseconds, got `-1`",
  });
  expect(thrownBy(() => trace({ longer: 1 } as never))).toMatchObject({ message: /did you mean `longerThan`/ });
});
