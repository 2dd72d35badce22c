// What is parked now, asked for in an ordinary program: which operations, on which channels, since when, from where.

import { Channel, select, Selector, time } from "@sluice/channels";
import { formatParked, parked, type ParkedOperation, recordParked } from "@sluice/channels/inspect";
import { virtualTime } from "@sluice/channels/testing";
import { afterEach, describe, expect, test, vi } from "vitest";

afterEach(() => {
  recordParked(false);
  vi.useRealTimers();
});

async function namedCaller(channel: Channel<number>): Promise<void> {
  await channel.receive();
}

async function lineOf(wait: () => Promise<unknown>): Promise<string | undefined> {
  const waiting = wait();
  const [operation] = parked();
  await waiting;
  return operation?.calledAt;
}

/** Everything but the time and the line. */
const waits = (list: readonly ParkedOperation[] = parked()): unknown =>
  list.map(({ operation, waitsFor }) => [operation, ...waitsFor]);

test("off, nothing is recorded; what parked before it was switched on is not known", () => {
  const channel = new Channel({ name: "early" });
  void channel.receive();
  expect(parked()).toEqual([]);
  expect(formatParked()).toBe("");
  recordParked(true);
  expect(parked()).toEqual([]);
  channel.trySend(1);
  expect(parked()).toEqual([]);
});

test("on, every kind of operation that waits is listed, in the order in which they parked", () => {
  recordParked(true);
  const jobs = new Channel<number>({ name: "jobs" });
  const out = new Channel<number>();
  const timer = time.timer("1h");
  timer.stop();
  void jobs.receive();
  void jobs.receiveMany(5);
  void jobs[Symbol.asyncIterator]().next();
  void out.send(1);
  void select([jobs.caseReceive(), out.caseSend(2), null, timer.channel().caseReceive()]);
  void new Selector({ jobs, tick: timer.channel() }).next();
  void new Selector().next();
  void new Selector({ jobs })[Symbol.asyncIterator]().next();
  expect(waits()).toEqual([
    ["receive", 'a value on channel "jobs"'],
    ["receiveMany", 'a value on channel "jobs"'],
    ["for await", 'a value on channel "jobs"'],
    ["send", "a receiver on an unnamed Channel"],
    [
      "select",
      'a value on channel "jobs"',
      "a receiver on an unnamed Channel",
      "a timer that was stopped or has fired",
    ],
    ["Selector.next", 'a value on channel "jobs"', "a timer that was stopped or has fired"],
    ["Selector.next"],
    ["for await", 'a value on channel "jobs"'],
  ]);
  // Each from a line of this file, whatever lies between it and the queue.
  for (const { calledAt } of parked()) expect(calledAt).toContain("inspect.test.ts");
});

test("a timer is listed with what is left of it, a sleep with its own", async () => {
  vi.useFakeTimers();
  recordParked(true);
  const slept = time.sleep("10s");
  void time.after(1500.4).receive();
  await vi.advanceTimersByTimeAsync(1000);
  expect(waits()).toEqual([
    ["sleep", "a timer due in 9000 ms"],
    ["receive", "a timer due in 500 ms"],
  ]);
  expect(parked()[0]?.calledAt).toContain("inspect.test.ts");
  await vi.advanceTimersByTimeAsync(9000);
  await slept;
  expect(parked()).toEqual([]);
});

test("what is served, aborted, closed or dismissed is no longer listed", async () => {
  recordParked(true);
  const channel = new Channel<number>();
  const controller = new AbortController();
  const all: Promise<unknown>[] = [
    channel.receive(),
    select([channel, new Channel()]),
    channel.receive(controller).catch(() => undefined),
    channel.receiveMany(2),
  ];
  const iterator = channel[Symbol.asyncIterator]();
  all.push(iterator.next());
  expect(parked()).toHaveLength(5);
  channel.trySend(1);
  expect(parked()).toHaveLength(4);
  channel.trySend(2);
  expect(parked()).toHaveLength(3);
  controller.abort();
  expect(parked()).toHaveLength(2);
  await iterator.return?.();
  expect(parked()).toHaveLength(1);
  channel.close();
  expect(parked()).toEqual([]);
  await Promise.all(all);
});

test("the channels of a Selector are those it watches when somebody asks", () => {
  recordParked(true);
  const events = new Selector();
  void events.next();
  events.add("a", new Channel({ name: "a" }));
  events.add("b", new Channel({ name: "b" }));
  events.delete("a");
  expect(waits()).toEqual([["Selector.next", 'a value on channel "b"']]);
});

test("each is listed with the time it parked and the line that called it", async () => {
  vi.useFakeTimers();
  vi.setSystemTime(new Date("2024-05-01T12:00:00Z"));
  recordParked(true);
  void namedCaller(new Channel({ name: "replies" }));
  await vi.advanceTimersByTimeAsync(2500);
  const [operation] = parked();
  expect(operation?.since).toBe(Date.parse("2024-05-01T12:00:00Z"));
  expect(operation?.calledAt).toMatch(/^namedCaller \(.*inspect\.test\.ts.*:\d+:\d+\)$/);
  const report = formatParked();
  expect(report).toContain('  receive waits for a value on channel "replies", parked 2500 ms ago\n    at namedCaller');
  expect(formatParked(parked())).toBe(report);
});

test("no stack is captured while it is off", () => {
  const capture = vi.spyOn(Error, "captureStackTrace");
  void new Channel().receive();
  void select([new Channel(), time.after("1h")]);
  expect(capture).not.toHaveBeenCalled();
  recordParked(true);
  void new Channel().receive();
  expect(capture).toHaveBeenCalledTimes(1);
  capture.mockRestore();
});

test("a program whose stacks are no texts gets its report all the same", () => {
  recordParked(true);
  void namedCaller(new Channel({ name: "replies" }));
  const before = Object.getOwnPropertyDescriptor(Error, "prepareStackTrace");
  Error.prepareStackTrace = (_error, frames) => frames;
  const [operation] = parked();
  Object.defineProperty(Error, "prepareStackTrace", before ?? { value: undefined, writable: true });
  expect(operation?.calledAt).toMatch(/^namedCaller \(.*inspect\.test\.ts.*:\d+:\d+\)$/);
});

test("looking changes nothing: a timer stays on the clock it waits for", async () => {
  recordParked(true);
  const slept = time.sleep(20);
  vi.useFakeTimers();
  const [{ waitsFor } = { waitsFor: [] }] = parked();
  const [, left] = /^a timer due in (-?\d+) ms$/.exec(waitsFor[0] ?? "") ?? [];
  // By the fakes' clock, which begins at 0, all the life of this process would be left of it.
  expect(Number(left)).toBeLessThanOrEqual(20);
  vi.useRealTimers();
  await slept;
  expect(parked()).toEqual([]);
});

test("formatParked writes a list from elsewhere, without a line where the host gave none", () => {
  const since = Date.now();
  const text = formatParked([{ operation: "receive", waitsFor: [], since, calledAt: "" }]);
  expect(text).toMatch(/^ {2}receive waits for no channel, parked \d+ ms ago$/);
});

test("switched off it forgets, switched on again it starts anew; on twice is on", () => {
  recordParked(true);
  const channel = new Channel();
  void channel.receive();
  recordParked(true);
  expect(parked()).toHaveLength(1);
  recordParked(false);
  expect(parked()).toEqual([]);
  recordParked(true);
  expect(parked()).toEqual([]);
  void channel.receive();
  expect(parked()).toHaveLength(1);
});

describe("under virtual time", () => {
  test("the run's own operations are listed, on demand, and nobody had to switch it on", () =>
    virtualTime(async () => {
      void new Channel({ name: "inner" }).receive();
      await time.sleep("2s");
      expect(waits()).toEqual([["receive", 'a value on channel "inner"']]);
      expect(formatParked()).toContain("parked 2000 ms ago");
    }));

  test("the line of what a timer is certain to wake is known where recording is on", () =>
    virtualTime(async () => {
      const certain = [
        () => time.sleep("1s"),
        () => time.after("1s").receive(),
        () => select([new Channel(), time.after("1s")]),
      ];
      await new Selector({ end: time.after("1s") }).next();
      for (const wait of certain) {
        expect(await lineOf(wait)).toBe("");
        recordParked(true);
        expect(await lineOf(wait)).toContain("inspect.test.ts");
        recordParked(false);
      }
      void new Selector().next(); // may be given any moment yet, but for that of a sleep
      const waiting = [time.sleep("1s"), time.after("1s").receive()];
      expect(parked().map(({ calledAt }) => calledAt === "")).toEqual([false, true, false]);
      await Promise.all(waiting);
    }));

  test("what was recorded before it or in it goes on after it, and what ended in between is gone", async () => {
    recordParked(true);
    const [ended, going] = [new Channel<number>({ name: "ended" }), new Channel<number>({ name: "going" })];
    const receives = [ended.receive(), going.receive()];
    await virtualTime(async (clock) => {
      expect(parked()).toEqual([]);
      ended.trySend(1);
      await clock.advance("1h");
      void new Channel({ name: "inner" }).receive();
      await clock.idle();
    });
    expect(formatParked()).toMatch(/"inner", parked 0 ms ago/);
    expect(waits()).toEqual([
      ["receive", 'a value on channel "going"'],
      ["receive", 'a value on channel "inner"'],
    ]);
    going.trySend(1);
    expect(waits()).toEqual([["receive", 'a value on channel "inner"']]);
    await Promise.all(receives);
  });

  test("switching it on or off inside does not disturb the run", async () => {
    await virtualTime(async (clock) => {
      recordParked(true);
      await time.sleep("1h");
      recordParked(false);
      await time.sleep("1h");
      recordParked(true);
      expect(clock.now()).toBe(2 * time.HOUR);
    });
    void new Channel({ name: "after" }).receive();
    expect(waits()).toEqual([["receive", 'a value on channel "after"']]);
  });
});
