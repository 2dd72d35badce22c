// The host's clock, under fake timers: what is armed and when, which clock decides, and that fakes need no configuration.

import { Channel, type ReceiveChannel, select, Selector, time, trySelect } from "@sluice/channels";
import { afterEach, describe, expect, test, vi } from "vitest";
import { heldClock } from "./held-clock.ts";
import { outcome, turns, waiting } from "./progress.ts";

afterEach(() => {
  vi.restoreAllMocks(); // now: after the last test vitest would, and put a fake back
  vi.useRealTimers();
});

const armed = (): number => vi.getTimerCount();
const realNow = performance.now.bind(performance);

/** Uses up real time. */
function spend(milliseconds: number): void {
  for (const end = realNow() + milliseconds; realNow() < end;);
}

/** Counts the turns of the event loop, by messages, which no fake holds up. */
function countedTurns(): { turns(): number; stop(): void } {
  const { port1, port2 } = new MessageChannel();
  let count = 0;
  port1.addEventListener("message", () => {
    count += 1;
    port2.postMessage(undefined);
  });
  port1.start();
  port2.postMessage(undefined);
  return { turns: () => count, stop: () => port1.close() };
}

describe("a host timer is armed only while somebody waits", () => {
  test("creating, polling, moving and dropping timers arms none", async () => {
    vi.useFakeTimers();
    const timer = time.timer("1h");
    const ticker = time.ticker("1s");
    const once = time.after("1m");
    timer.reset("2h");
    timer.stop();
    timer.reset("1h");
    ticker.reset("2s");
    const channels = [timer.channel(), ticker.channel(), once];
    for (const channel of channels) channel.tryReceive();
    trySelect(channels);
    await select(channels, { default: true });
    await select([time.after(0)]);
    using events = new Selector({ once, tick: ticker.channel() });
    events.tryNext();
    expect(armed()).toBe(0);
  });

  test.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
    ["receive", (signal) => time.after("1h").receive({ signal })],
    ["receiveMany", (signal) => time.after("1h").receiveMany(8, { signal })],
    ["select", (signal) => select([new Channel(), time.ticker("1h").channel()], { signal })],
    ["sleep", (signal) => time.sleep("1h", { signal })],
    ["Selector", (signal) => new Selector({ timer: time.timer("1h").channel() }).next({ signal })],
  ])("%s arms one, and an abort clears it", async (_title, wait) => {
    vi.useFakeTimers();
    const controller = new AbortController();
    const aborted = wait(controller.signal).catch((reason: unknown) => reason);
    expect(armed()).toBe(1);
    controller.abort("enough");
    expect(armed()).toBe(0);
    expect(await outcome(aborted)).toBe("enough");
  });

  test("a select that another case wins clears the timer of its timeout", async () => {
    vi.useFakeTimers();
    const channel = new Channel<string>();
    const selected = select([channel, time.after("30s")]);
    expect(armed()).toBe(1);
    channel.trySend("x");
    expect(armed()).toBe(0);
    expect(await selected).toMatchObject({ index: 0, value: "x" });
  });

  test("breaking out of a loop over a ticker clears its timer", async () => {
    vi.useFakeTimers();
    const iterator = time.ticker("1s").channel()[Symbol.asyncIterator]();
    const step = iterator.next();
    expect(armed()).toBe(1);
    await iterator.return?.();
    expect(armed()).toBe(0);
    expect(await outcome(step)).toMatchObject({ done: true });
  });

  test("stop clears the timer of those who wait, reset arms it again, and after the value there is none", async () => {
    vi.useFakeTimers();
    const timer = time.timer("1h");
    const received = timer.channel().receive();
    expect(armed()).toBe(1);
    timer.stop();
    expect(armed()).toBe(0);
    timer.reset("1m");
    expect(armed()).toBe(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await outcome(received)).toMatchObject({ ok: true });
    const next = timer.channel().receive();
    expect(armed()).toBe(0);
    expect(await outcome(next)).toBe(waiting);
  });

  test("a ticker is armed while a loop waits for it and not while the loop works", async () => {
    vi.useFakeTimers();
    const ticker = time.ticker("1s");
    const work = new Channel();
    const counts: number[] = [];
    const loop = async (): Promise<void> => {
      for await (const tick of ticker.channel()) {
        counts.push(armed());
        await work.send(tick);
      }
    };
    void loop();
    for (let round = 0; round < 3; round += 1) {
      expect(armed()).toBe(1);
      await vi.advanceTimersByTimeAsync(1000);
      expect(armed()).toBe(0);
      work.tryReceive();
      await turns();
    }
    expect(counts).toEqual([0, 0, 0]);
  });
});

describe("one host timer serves all deadlines", () => {
  test("a thousand waits arm one timer, for the earliest", async () => {
    vi.useFakeTimers();
    let fired = 0;
    for (let i = 0; i < 1000; i += 1) void time.sleep(((i * 7919) % 1000) + 1).then(() => (fired += 1));
    expect(armed()).toBe(1);
    for (const [pause, total] of [
      [1, 1],
      [9, 10],
      [490, 500],
      [500, 1000],
    ] as const) {
      await vi.advanceTimersByTimeAsync(pause);
      await turns();
      expect([fired, armed()]).toEqual([total, total < 1000 ? 1 : 0]);
    }
  });

  test("F18: lost timeouts beside thousands of waits arm no further timer", async () => {
    vi.useFakeTimers();
    const set = vi.spyOn(globalThis, "setTimeout");
    const loop = countedTurns();
    const controller = new AbortController();
    const channel = new Channel<number>();
    const waits = Array.from({ length: 5000 }, (_, i) => time.sleep(10_000 + i, controller));
    const settled = Promise.allSettled(waits);
    expect(set).toHaveBeenCalledTimes(1);
    for (let i = 0; i < 20_000; i += 1) {
      const selected = select([channel, time.after("30s")]);
      channel.trySend(i);
      await selected;
    }
    loop.stop();
    expect(set.mock.calls.length).toBeLessThanOrEqual(loop.turns() + 2); // once for each turn of the loop, not for each select
    expect(set.mock.calls.length).toBeLessThan(20_000);
    expect(armed()).toBe(1);
    controller.abort();
    expect(armed()).toBe(0);
    await settled;
    set.mockRestore();
  });

  test("an earlier deadline is armed in place of a later one", async () => {
    vi.useFakeTimers();
    const late = time.sleep(1000);
    const early = time.sleep(10);
    expect(armed()).toBe(1);
    await vi.advanceTimersByTimeAsync(10);
    expect(await outcome(early)).toBeUndefined();
    expect(await outcome(late)).toBe(waiting);
    expect(armed()).toBe(1);
    await vi.advanceTimersByTimeAsync(990);
    expect(await outcome(late)).toBeUndefined();
  });

  test("a Selector with a hundred tickers arms one timer while it waits", async () => {
    vi.useFakeTimers();
    const events = new Selector();
    for (let i = 1; i <= 100; i += 1) events.add(`every ${i} s`, time.ticker(i * 1000).channel());
    expect(armed()).toBe(0);
    const next = events.next();
    expect(armed()).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await outcome(next)).toMatchObject({ name: "every 1 s" });
    expect(armed()).toBe(0);
    const parked = events.next();
    for (let i = 1; i <= 99; i += 1) events.delete(`every ${i} s`);
    await vi.advanceTimersByTimeAsync(98_999);
    expect(await outcome(parked)).toBe(waiting);
    expect(armed()).toBe(1);
    events.close();
    expect(armed()).toBe(0);
    expect(await outcome(parked)).toBeUndefined();
  });

  test("a spy on setTimeout that comes and goes leaves the timer shared", () => {
    vi.useFakeTimers();
    void time.sleep("1h");
    const set = vi.spyOn(globalThis, "setTimeout");
    void time.sleep("2h");
    expect(set).toHaveBeenCalledTimes(1);
    set.mockRestore();
    void time.sleep("3h");
    expect(armed()).toBe(2);
  });

  test("a delay beyond 2^31-1 ms is armed piece by piece", async () => {
    vi.useFakeTimers();
    const set = vi.spyOn(globalThis, "setTimeout");
    const slept = time.sleep(2 ** 32);
    expect(set.mock.calls.map(([, delay]) => delay)).toEqual([2 ** 31 - 1]);
    await vi.advanceTimersByTimeAsync(2 ** 32 - 1);
    expect(await outcome(slept)).toBe(waiting);
    await vi.advanceTimersByTimeAsync(1);
    expect(await outcome(slept)).toBeUndefined();
    expect(set.mock.calls.map(([, delay]) => delay)).toEqual([2 ** 31 - 1, 2 ** 31 - 1, 2]);
    set.mockRestore();
  });
});

describe("which clock decides", () => {
  test.each([-86_400_000, 86_400_000])(
    "the wall clock may jump by %i ms: deadlines do not move, values do",
    async (jump) => {
      vi.useFakeTimers();
      const start = Date.now();
      const once = time.after(1000);
      const ticker = time.ticker(400);
      vi.setSystemTime(start + jump);
      expect(trySelect([once, ticker.channel()])).toBeUndefined();
      await vi.advanceTimersByTimeAsync(999);
      expect(once.tryReceive()).toBeUndefined();
      await vi.advanceTimersByTimeAsync(1);
      expect(once.tryReceive()?.value).toEqual(new Date(start + jump + 1000));
      expect(ticker.channel().tryReceive()?.value).toEqual(new Date(start + jump + 400));
      await vi.advanceTimersByTimeAsync(200);
      expect(ticker.channel().tryReceive()?.value).toEqual(new Date(start + jump + 1200));
      expect(time.after(0).tryReceive()?.value).toEqual(new Date(start + jump + 1200));
    },
  );

  test("after a suspend, in which the monotonic clock stood still, the next tick says about now, and so do all after it", async () => {
    const before = Date.now();
    const timeOfDay = Date.now;
    let asleep = 0;
    const set = vi.spyOn(Date, "now").mockImplementation(() => timeOfDay() + asleep);
    const ticks = time.ticker(1).channel();
    const [slept, once] = [time.after(1), time.timer(1)];
    await ticks.receive();
    asleep = 8 * time.HOUR;
    for (const channel of [ticks, slept, once.channel(), ticks, ticks]) {
      const { value } = await channel.receive();
      expect(Number(value) - before).toBeGreaterThanOrEqual(8 * time.HOUR - 1);
      expect(Number(value)).toBeLessThanOrEqual(Date.now());
    }
    set.mockRestore();
  });

  test("a time of day that a test replaces is seen by the very next timer", () => {
    const before = Number(time.after(0).tryReceive()?.value);
    const now = vi.spyOn(Date, "now").mockReturnValue(1e12);
    expect(time.after(0).tryReceive()?.value).toEqual(new Date(1e12));
    now.mockRestore();
    expect(Number(time.after(0).tryReceive()?.value)).toBeGreaterThanOrEqual(before);
  });

  test("when only setTimeout is faked, the timer is due when the host timer fires, whatever the clock says", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const once = time.after("1h").receive();
    const ticker = time.ticker("10m");
    const ticks: number[] = [];
    const loop = async (): Promise<void> => {
      for await (const tick of ticker.channel()) ticks.push(tick.getTime());
    };
    void loop();
    await vi.advanceTimersByTimeAsync(3_590_000);
    await turns();
    expect([ticks.length, await outcome(once)]).toEqual([5, waiting]);
    await vi.advanceTimersByTimeAsync(20_000);
    await turns();
    expect(await outcome(once)).toMatchObject({ ok: true });
    expect(ticks.map((tick) => tick - (ticks[0] ?? 0))).toEqual([0, 6e5, 12e5, 18e5, 24e5, 30e5]);
  });

  test("when only setTimeout is faked, sleeps follow one another at their distances", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let slept = 0;
    const task = async (): Promise<void> => {
      for (; slept < 10; slept += 1) await time.sleep("1m");
    };
    void task();
    for (let minute = 1; minute <= 10; minute += 1) {
      await vi.advanceTimersByTimeAsync(60_000);
      await turns();
      expect(slept).toBe(minute);
    }
  });

  test("when only setTimeout is faked, what was made one after the other keeps to the fake's time, however slow the machine is", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const beats = { two: 0, three: 0, slept: 0 };
    const count = async (channel: ReceiveChannel<Date>, name: "two" | "three"): Promise<void> => {
      for await (const _ of channel) beats[name] += 1;
    };
    void count(time.ticker("2s").channel(), "two");
    spend(3); // real time, which is none of the fake's
    void time.sleep("20s").then(() => (beats.slept += 1));
    spend(3);
    void count(time.ticker("3s").channel(), "three");
    for (let i = 0; i < 60; i += 1) await vi.advanceTimersByTimeAsync(1000);
    await turns(); // what a turn had no more time for
    expect(beats).toEqual({ two: 30, three: 20, slept: 1 });
  });

  test("when only setTimeout is faked, a wait that begins between two others takes its time by the fake's clock", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const woken: string[] = [];
    const wait = async (name: string, milliseconds: number): Promise<void> => {
      await time.sleep(milliseconds);
      woken.push(name);
    };
    void wait("first", 2000);
    await vi.advanceTimersByTimeAsync(500);
    void wait("second", 1000);
    for (const [pause, expected] of [
      [999, []],
      [1, ["second"]],
      [499, ["second"]],
      [1, ["second", "first"]],
    ] as const) {
      await vi.advanceTimersByTimeAsync(pause);
      await turns();
      expect(woken).toEqual(expected);
    }
  });
});

describe("fake timers need no configuration", () => {
  test("vi.useFakeTimers() drives after, timer, ticker, sleep, select and Selector", async () => {
    vi.useFakeTimers();
    const events = new Selector({ tick: time.ticker("4s").channel() });
    const timer = time.timer("3s");
    const seen: unknown[] = [];
    void time
      .after("1s")
      .receive()
      .then(() => seen.push("after"));
    void time.sleep("2s").then(() => seen.push("sleep"));
    void select({ timer: timer.channel(), never: new Channel() }).then(({ name }) => seen.push(name));
    void events.next().then((event) => seen.push(event?.name));
    for (const expected of ["after", "sleep", "timer", "tick"]) {
      await vi.advanceTimersByTimeAsync(999);
      await turns();
      expect(seen).not.toContain(expected);
      await vi.advanceTimersByTimeAsync(1);
      await turns();
      expect(seen.at(-1)).toBe(expected);
    }
    expect(armed()).toBe(0);
  });

  test("the synchronous vi.advanceTimersByTime and vi.runAllTimers work too", async () => {
    vi.useFakeTimers();
    const first = time.sleep("1s");
    vi.advanceTimersByTime(1000);
    expect(await outcome(first)).toBeUndefined();
    const second = time.sleep("1000h");
    vi.runAllTimers();
    expect(await outcome(second)).toBeUndefined();
  });

  test("fakes cannot stop the turn of law 3", async () => {
    vi.useFakeTimers({
      toFake: ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "Date", "performance"],
    });
    const channel = new Channel<number>(1);
    const { port1, port2 } = new MessageChannel();
    const turned: unknown[] = [];
    port1.addEventListener("message", (message) => turned.push(message));
    port1.start();
    port2.postMessage(undefined);
    for (let i = 0; i < 100_000 && turned.length === 0; i += 1) {
      await channel.send(i);
      await channel.receive();
    }
    port1.close();
    expect(turned).toHaveLength(1);
    await time.sleep(0);
  });

  test("what one test left waiting under fakes is not there in the next", async () => {
    for (let round = 0; round < 3; round += 1) {
      vi.useFakeTimers();
      void time.ticker("7s").channel().receive();
      void new Selector({ tick: time.ticker("3s").channel() }).next();
      expect(armed()).toBe(1);
      await vi.advanceTimersByTimeAsync(1000);
      vi.useRealTimers();
    }
    vi.useFakeTimers();
    await vi.advanceTimersByTimeAsync(1e6);
    expect(armed()).toBe(0);
  });

  test("after all timers of the fakes were cleared, later ones fire", async () => {
    vi.useFakeTimers();
    void time.ticker("7s").channel().receive();
    vi.clearAllTimers();
    await turns();
    for (let round = 0; round < 2; round += 1) {
      const slept = time.sleep("10s");
      const polled = time.after("10s");
      expect(armed()).toBe(1);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(await outcome(slept)).toBeUndefined();
      expect(polled.tryReceive()?.ok).toBe(true);
      vi.clearAllTimers(); // which sets the clock back to where it began
      const alone = time.after("10s");
      await vi.advanceTimersByTimeAsync(10_000);
      expect(alone.tryReceive()?.ok).toBe(true);
      vi.clearAllTimers();
    }
  });

  test("a timer from before the fakes keeps what is left of its duration, and so do the timers of a Selector", async () => {
    const [once, ticker, soon] = [time.after("1h"), time.ticker("10s"), time.timer("5s")];
    const events = new Selector({ tick: ticker.channel(), soon: soon.channel() });
    vi.useFakeTimers();
    const received = once.receive();
    for (const name of ["soon", "tick", "tick"]) {
      const next = events.next();
      await vi.advanceTimersByTimeAsync(5000);
      const event = await outcome(next);
      if (event === waiting) await vi.advanceTimersByTimeAsync(5000);
      expect(await outcome(next)).toMatchObject({ name });
    }
    await vi.advanceTimersByTimeAsync(3_579_000);
    expect(await outcome(received)).toBe(waiting);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await outcome(received)).toMatchObject({ ok: true });
    const later = time.timer("1h");
    vi.useRealTimers();
    later.reset(1);
    expect(await later.channel().receive()).toMatchObject({ ok: true });
  });

  test("a Selector that was parked before the fakes came keeps its moments when it is touched under them, and after", async () => {
    const [a, b, c] = [time.after("5s"), time.after("8s"), time.after(30)];
    const [deleted, polled] = [new Selector({ a, b }), new Selector<Record<string, Date>>({ d: time.after("9s") })];
    const next = [deleted.next(), polled.next()];
    vi.useFakeTimers();
    vi.advanceTimersByTime(time.HOUR); // so that the clocks are far apart: what is left starts from the first touch
    deleted.delete("a");
    polled.add("a", a);
    expect(a.tryReceive()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(5000);
    expect(await outcome(next[1] as Promise<unknown>)).toMatchObject({ name: "a" });
    await vi.advanceTimersByTimeAsync(3000);
    expect(await outcome(next[0] as Promise<unknown>)).toMatchObject({ name: "b" });
    const back = new Selector({ a: time.after(20), c });
    const last = back.next();
    vi.useRealTimers();
    back.delete("a");
    expect(await last).toMatchObject({ name: "c" });
  });

  test("a wait left behind under fakes does not keep real timers from firing, nor the other way round", async () => {
    const controller = new AbortController();
    const leftBehind = [time.sleep("1h", controller)];
    vi.useFakeTimers();
    leftBehind.push(time.sleep("1h", controller));
    const faked = time.sleep(50);
    await vi.advanceTimersByTimeAsync(50);
    expect(await outcome(faked)).toBeUndefined();
    vi.useRealTimers();
    await time.sleep(1);
    await Promise.race([time.after(1).receive(), ...leftBehind]);
    vi.useFakeTimers();
    const again = time.sleep(50);
    await vi.advanceTimersByTimeAsync(50);
    expect(await outcome(again)).toBeUndefined();
    const settled = Promise.allSettled(leftBehind);
    controller.abort();
    expect((await settled).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    vi.useRealTimers();
    await time.sleep(1);
  });
});

test("N6: timers that a sleeping host fires late and all at once come in the order of their moments, ticks without a backlog", async () => {
  const pass = heldClock();
  const arrived: number[] = [];
  const ticker = time.ticker(2);
  const moments = [7, 3, 9, 1, 5].map(async (wait) => {
    await time.after(wait).receive();
    arrived.push(wait);
  });
  pass(21); // as a laptop with its lid closed
  await Promise.all(moments);
  expect(arrived).toEqual([1, 3, 5, 7, 9]);
  expect(ticker.channel().tryReceive()?.ok).toBe(true);
  expect(ticker.channel().tryReceive()).toBeUndefined();
});

test("N6: so they do for a Selector among others, and the select that waits for the earlier moment gets that one", async () => {
  const pass = heldClock();
  const arrived: unknown[] = [];
  const [a, b, c] = [time.after(1), time.after(2), time.after(3)];
  const selected = select({ b, c });
  const events = new Selector({ a, c });
  const waits = [
    selected.then((result) => arrived.push(result.name)),
    events.next().then((event) => arrived.push(event?.name)),
    events.next().then((event) => arrived.push(event?.name)),
  ];
  pass(20);
  await Promise.all(waits);
  expect(arrived).toEqual(["a", "b", "c"]);
});
