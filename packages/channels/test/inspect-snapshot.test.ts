// One look at everything: who waits and from where, grouped; which channel is the bottleneck; what the loop does.

import { Channel, select, Selector, time } from "@sluice/channels";
import { Broadcast } from "@sluice/channels/broadcast";
import { map } from "@sluice/channels/flow";
import { type ChannelReport, parked, record, recordParked, snapshot } from "@sluice/channels/inspect";
import { virtualTime } from "@sluice/channels/testing";
import * as fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { hunt, turns } from "./progress.ts";
import { thrownBy, upTo } from "./values.ts";

afterEach(() => {
  record(false);
  vi.useRealTimers();
});

function waitFor(channel: Channel<number>): void {
  void channel.receive();
}

/** The report on the channel of a name. */
function report(name: string): ChannelReport | undefined {
  return snapshot().channels.find((channel) => channel.name === name);
}

const sites = (): unknown => snapshot().sites.map(({ operation, count }) => [operation, count]);

test("off, a snapshot lists nothing, and counts what waits as unknown", () => {
  const { unknown } = snapshot();
  const channel = new Channel<number>();
  void channel.receive();
  const seen = snapshot();
  expect(seen).toMatchObject({ parked: [], sites: [], channels: [], abandoned: [], truncated: false });
  expect(seen.unknown).toBe(unknown + 1);
  channel.trySend(1);
  expect(snapshot().unknown).toBe(unknown);
});

test("what parked before recording began is unknown until it wakes", () => {
  const { unknown } = snapshot();
  const [early, other] = [new Channel<number>(), new Channel<number>()];
  waitFor(early);
  void select([early, other]);
  record({ parked: true });
  waitFor(other);
  expect([snapshot().unknown, snapshot().parked.length]).toEqual([unknown + 2, 1]);
  early.trySend(1);
  expect(snapshot().unknown).toBe(unknown + 1);
  other.trySend(2); // the select came first
  expect([snapshot().unknown, snapshot().parked.length]).toEqual([unknown, 1]);
  other.close();
  expect([snapshot().unknown, snapshot().parked.length]).toEqual([unknown, 0]);
});

test("operations are grouped by what and where, most first", () => {
  vi.useFakeTimers();
  record({ parked: true });
  const jobs = new Channel<number>({ name: "jobs" });
  void select([jobs, new Channel()]);
  vi.advanceTimersByTime(500);
  for (let i = 0; i < 3; i += 1) waitFor(jobs);
  vi.advanceTimersByTime(1500);
  const seen = snapshot();
  expect(seen.sites).toMatchObject([
    { operation: "receive", count: 3, oldest: 1500 },
    { operation: "select", count: 1, oldest: 2000 },
  ]);
  expect(seen.sites[0]?.calledAt).toMatch(/^waitFor \(.*inspect-snapshot\.test\.ts.*:\d+:\d+\)$/);
  expect(seen.parked).toHaveLength(4);
  expect(seen.parked).toEqual(parked());
});

test("ten thousand that wait at one line are one site, once the loop has turned", async () => {
  record({ parked: true, channels: true });
  const jobs = new Channel<number>({ name: "jobs" });
  for (let i = 0; i < 10_000; i += 1) waitFor(jobs);
  const first = snapshot();
  expect(first.sites.map(({ count, calledAt }) => [count, calledAt === "not yet known"])).toEqual([
    [9500, true],
    [500, false],
  ]);
  expect(first).toMatchObject({ truncated: false, parked: { length: 10_000 } });
  expect(report("jobs")?.receiversWaiting).toBe(10_000);
  while (snapshot().sites.length > 1) await turns(1);
  expect(sites()).toEqual([["receive", 10_000]]);
});

test("a look that is out of time says so, and lists what came first", () =>
  virtualTime(async (clock) => {
    for (const millisecond of upTo(100_000)) void time.sleep(millisecond + 1);
    const seen = snapshot();
    expect(seen).toMatchObject({ truncated: true, timers: { armed: 100_000 } });
    expect(seen.parked.length).toBeGreaterThanOrEqual(10_000);
    expect(seen.parked.length).toBeLessThan(100_000);
    expect(seen.parked[0]?.waitsFor).toEqual(["a timer due in 1 ms"]);
    expect(clock.now()).toBe(0);
  }));

test("a program with stacks of its own, or none, gets its lines", () => {
  record({ parked: true });
  const before = Object.getOwnPropertyDescriptor(Error, "prepareStackTrace");
  const limit = Object.getOwnPropertyDescriptor(Error, "stackTraceLimit");
  const own = vi.fn<(error: unknown, frames: unknown[]) => unknown>(() => {
    throw new Error("not of this kind");
  });
  Error.prepareStackTrace = own;
  Error.stackTraceLimit = 0;
  for (const channel of [new Channel<number>(), new Channel<number>()]) waitFor(channel);
  const seen = snapshot();
  expect([Reflect.get(Error, "prepareStackTrace"), Error.stackTraceLimit]).toEqual([own, 0]);
  Object.defineProperty(Error, "prepareStackTrace", before ?? { value: undefined, writable: true });
  Object.defineProperty(Error, "stackTraceLimit", limit ?? { value: 10, writable: true });
  expect(own.mock.calls.length).toBeLessThanOrEqual(1); // for a line, not for each that waits there
  expect(seen.sites).toMatchObject([{ count: 2 }]);
  expect(seen.sites[0]?.calledAt).toMatch(/waitFor.*inspect-snapshot\.test\.ts/);
});

test("code that is compiled as it runs has its lines, too", () => {
  record({ parked: true });
  const channel = new Channel<number>();
  for (const margin of ["", "\n\n"]) {
    // oxlint-disable-next-line typescript/no-implied-eval
    const wait = new Function("channel", `${margin}return void channel.receive();`) as typeof waitFor;
    wait(channel);
  }
  const lines = snapshot().sites.map(({ calledAt }) => /<anonymous>:(\d+)/.exec(calledAt)?.[1]);
  expect(lines.map(Number).toSorted((one, other) => one - other)).toEqual([3, 5]);
});

test("a channel with senders that wait has a slow receiver, one with receivers that wait a slow sender", () => {
  vi.useFakeTimers();
  record({ parked: true, channels: true });
  const full = new Channel<number>(2, { name: "full" });
  for (let i = 0; i < 4; i += 1) void full.send(i);
  waitFor(new Channel<number>({ name: "empty" }));
  const events = new Selector({ watched: new Channel({ name: "watched" }) });
  void events.next();
  void new Channel({ name: "rest" });
  vi.advanceTimersByTime(250);
  expect(report("full")).toMatchObject({
    kind: "Channel",
    capacity: 2,
    length: 2,
    closed: false,
    received: 0,
    dropped: 0,
    highest: 2,
    receiversWaiting: 0,
    sendersWaiting: 2,
    oldestWait: 250,
    verdict: "slow receiver",
  });
  expect(report("empty")).toMatchObject({ receiversWaiting: 1, sendersWaiting: 0, verdict: "slow sender" });
  expect(report("watched")).toMatchObject({ receiversWaiting: 1, oldestWait: 250, verdict: "slow sender" });
  expect(report("rest")).toMatchObject({ receiversWaiting: 0, oldestWait: undefined, verdict: "idle" });
});

test("a channel where nobody waits flows while values come or go, and for a second after", () => {
  vi.useFakeTimers();
  record({ channels: true });
  const orders = new Channel<number>(8, { name: "orders" });
  expect(report("orders")?.verdict).toBe("idle");
  orders.trySend(1);
  for (const _ of upTo(2)) expect(report("orders")?.verdict).toBe("flowing");
  vi.advanceTimersByTime(1000);
  expect(report("orders")?.verdict).toBe("idle");
  orders.tryReceive();
  orders.trySend(2); // as many as before, and yet another one
  expect(report("orders")?.verdict).toBe("flowing");
});

test("what was received, dropped, and in it at most is counted however it goes", async () => {
  record({ channels: true });
  const orders = new Channel<number>(4, { name: "orders", overflow: "drop-oldest" });
  for (const i of upTo(6)) orders.trySend(i);
  expect(report("orders")).toMatchObject({ received: 0, dropped: 2, highest: 4 });
  await orders.receive();
  await orders.receiveMany(2);
  await select([orders]);
  void orders.receive();
  orders.trySend(7);
  void select([orders]);
  orders.trySend(8);
  const events = new Selector({ orders });
  orders.trySend(9);
  await events.next();
  void events.next();
  orders.trySend(10);
  events.close();
  orders.trySend(11);
  orders.trySend(12);
  const doubled = map(orders, (value) => value * 2);
  expect((await doubled.receive()).value).toBe(22);
  for await (const value of orders) {
    expect(value).toBe(12);
    break;
  }
  expect(report("orders")).toMatchObject({ received: 10, dropped: 2, highest: 4, length: 0 });
});

test("broadcasts, their subscriptions and the stages of flows are channels", async () => {
  record({ parked: true, channels: true });
  const news = new Broadcast<number>({ name: "news" });
  const ann = news.subscribe({ name: "ann", capacity: 1 });
  const bob = news.subscribe({ name: "bob", capacity: 1, slow: "drop-oldest" });
  const stage = map(ann, String, { name: "written" });
  await news.send(1);
  void news.send(2);
  expect(report("news")).toMatchObject({ kind: "Broadcast", received: 1, sendersWaiting: 1, verdict: "slow receiver" });
  expect(report("ann")).toMatchObject({ kind: "Subscription", length: 1, capacity: 1 });
  expect((await stage.receive()).value).toBe("1");
  expect(report("bob")).toMatchObject({ dropped: 1, length: 1 });
  expect(report("written")).toMatchObject({ kind: "Flow", received: 1 });
  expect(bob.missed).toBe(1);
});

test("each channel is reported with the line that made it, whatever lies between", () => {
  record({ channels: true });
  class Jobs extends Channel<number> {}
  const made = [new Channel(), new Jobs(), new Broadcast().subscribe(), map(new Channel(), String)];
  const { channels } = snapshot();
  expect(channels).toHaveLength(made.length + 2);
  for (const { createdAt } of channels) expect(createdAt).toContain("inspect-snapshot.test.ts");
});

test("channels made before recording, and after it was switched off, are not listed", () => {
  const early = new Channel<number>(1, { name: "early" });
  record({ channels: true });
  early.trySend(1);
  early.tryReceive();
  expect(snapshot().channels).toEqual([]);
  const orders = new Channel<number>(1, { name: "orders" });
  record({ channels: true, parked: true });
  expect(snapshot().channels).toMatchObject([{ name: "orders" }]); // it goes on
  record({ parked: true });
  expect(snapshot().channels).toEqual([]);
  record({ channels: true });
  expect([snapshot().channels, orders.length]).toEqual([[], 0]);
});

test("recordParked leaves what else is recorded as it is", () => {
  record({ channels: true });
  recordParked(true);
  const orders = new Channel<number>({ name: "orders" });
  waitFor(orders);
  expect(snapshot()).toMatchObject({ parked: [{}], channels: [{ name: "orders" }] });
  recordParked(false);
  expect(snapshot()).toMatchObject({ parked: [], channels: [{ name: "orders" }] });
});

test("looking twice sees the same, and nobody is woken", async () => {
  vi.useFakeTimers();
  record({ parked: true, channels: true });
  const jobs = new Channel<number>(1, { name: "jobs" });
  let woken = 0;
  void jobs.receive().then(() => (woken += 1));
  void select([jobs, time.after("1h")]).then(() => (woken += 1));
  snapshot(); // knows all lines from now on
  await turns(1);
  const { turns: before, ...first } = snapshot();
  const { turns: after, ...second } = snapshot();
  expect(second).toEqual(first);
  expect(after.completions).toBe(before.completions);
  await turns(2);
  expect([woken, jobs.length]).toEqual([0, 0]);
});

test("it knows the timers that somebody waits for", async () => {
  vi.useFakeTimers({ now: Date.parse("2024-05-01T12:00:00Z") });
  expect(snapshot().timers).toEqual({ armed: 0, next: undefined });
  const sleeps = [time.sleep("5s"), time.sleep("3s")];
  void time.after("1s"); // nobody waits for it
  expect(snapshot().timers).toEqual({ armed: 2, next: new Date("2024-05-01T12:00:03Z") });
  await vi.advanceTimersByTimeAsync(5000);
  await Promise.all(sleeps);
  expect(snapshot()).toMatchObject({ timers: { armed: 0 }, at: new Date("2024-05-01T12:00:05Z") });
});

test("it counts completions, and how often the budget of a turn was spent", async () => {
  const before = snapshot().turns;
  const channel = new Channel<number>(1);
  for (const i of upTo(5000)) {
    await channel.send(i);
    await channel.receive();
  }
  const after = snapshot().turns;
  expect(after.completions - before.completions).toBeGreaterThanOrEqual(10_000);
  expect(after.budgeted).toBeGreaterThan(before.budgeted);
  expect(after.longest).toBeGreaterThan(0);
});

test("under virtual time all of it is virtual", () =>
  virtualTime(async (clock) => {
    record({ parked: true, channels: true });
    const began = snapshot().at.getTime();
    const orders = new Channel<number>({ name: "orders" });
    waitFor(orders);
    void time.sleep("3h");
    await clock.advance("2h");
    const seen = snapshot();
    expect(seen.at.getTime() - began).toBe(2 * time.HOUR);
    expect(seen.sites).toMatchObject([
      { operation: "receive", oldest: 2 * time.HOUR },
      { operation: "sleep", oldest: 2 * time.HOUR },
    ]);
    expect(seen.channels).toMatchObject([{ name: "orders", oldestWait: 2 * time.HOUR, verdict: "slow sender" }]);
    expect(seen.timers).toEqual({ armed: 1, next: new Date(began + 3 * time.HOUR) });
    expect(seen.parked[0]?.since).toBe(began);
  }));

test("under virtual time the run's own operations are listed without being asked for", () =>
  virtualTime(async (clock) => {
    waitFor(new Channel<number>({ name: "inner" }));
    await clock.idle();
    expect(snapshot()).toMatchObject({ sites: [{ operation: "receive", count: 1 }], channels: [] });
  }));

test("mistakes in what to record are told", () => {
  for (const [given, message] of [
    [true, /`options` to be an object, got `true`/],
    [undefined, /`options` to be an object/],
    [{ parked: 1 }, /`parked` to be a boolean, got `1`/],
    [{ channel: true }, /no option `channel`: did you mean `channels`/],
  ] as const) {
    expect(thrownBy(() => record(given as never))).toMatchObject({ name: "TypeError", message });
  }
});

test("what is reported agrees with what is listed and with what was sent", () => {
  const names = ["a", "b", "c"];
  const step = fc.record({
    at: fc.nat(names.length - 1),
    what: fc.constantFrom("receive", "send", "trySend", "tryReceive", "select", "receiveMany"),
  });
  const cases = fc.tuple(fc.array(step, { maxLength: 40 }), fc.array(fc.nat(2), { minLength: 3, maxLength: 3 }));
  fc.assert(
    fc.property(cases, ([steps, capacities]) => {
      record(false);
      record({ parked: true, channels: true });
      const channels = names.map((name, i) => new Channel<number>(capacities[i] as number, { name }));
      let given = 0; // as values in a buffer or sent by who waits
      for (const { at, what } of steps) {
        const channel = channels[at] as Channel<number>;
        if (what === "receive") void channel.receive();
        if (what === "receiveMany") void channel.receiveMany(2);
        if (what === "tryReceive") channel.tryReceive();
        if (what === "select") void select([channel, channels[(at + 1) % 3] as Channel<number>]);
        if (what === "send") void channel.send(1);
        if (what === "send" || (what === "trySend" && channel.trySend(2))) given += 1;
      }
      const seen = snapshot();
      const counted = seen.sites.reduce((sum, { count }) => sum + count, 0);
      expect(counted).toBe(seen.parked.length);
      let waitingValues = 0;
      let received = 0;
      for (const channel of seen.channels) {
        const told = (words: string): number =>
          seen.parked.flatMap(({ waitsFor }) => waitsFor).filter((text) => text === words).length;
        expect(channel.receiversWaiting).toBe(told(`a value on channel "${channel.name}"`));
        expect(channel.sendersWaiting).toBe(told(`a receiver on channel "${channel.name}"`));
        const [isCrowded, isStarved] = [channel.sendersWaiting > 0, channel.receiversWaiting > 0];
        expect(isCrowded && isStarved).toBe(false);
        const wanted = isCrowded ? "slow receiver" : isStarved ? "slow sender" : "flowing or idle";
        expect(wanted).toContain(channel.verdict);
        expect(isCrowded ? channel.capacity : isStarved ? 0 : channel.length).toBe(channel.length);
        waitingValues += channel.length + channel.sendersWaiting;
        received += channel.received;
      }
      expect(received + waitingValues).toBe(given);
    }),
    hunt(200),
  );
});
