// Timers by Go 1.23's rules. Every test runs on both clocks a test can have: virtual time, and a host with fake timers.

import { Channel, errors, type ReceiveChannel, select, time, trySelect } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { describe, expect, test, vi } from "vitest";
import { heldClock } from "./held-clock.ts";
import { outcome, rejection, turns, waiting } from "./progress.ts";

interface Lab {
  /** Lets time pass, and everything that happens in it happen. */
  readonly advance: (milliseconds: number) => Promise<void>;
  /** What a promise gives without time passing, or `waiting`. */
  readonly settled: <T>(promise: Promise<T>) => Promise<T | typeof waiting>;
}

function inVirtualTime(body: (lab: Lab) => Promise<void>): Promise<void> {
  return virtualTime((clock) =>
    body({
      advance: (milliseconds) => clock.advance(milliseconds),
      settled: (promise) => clock.external(outcome(promise)),
    }),
  );
}

async function withFakeTimers(body: (lab: Lab) => Promise<void>): Promise<void> {
  vi.useFakeTimers();
  try {
    await body({
      advance: async (milliseconds) => {
        await vi.advanceTimersByTimeAsync(milliseconds);
        await turns();
      },
      settled: outcome,
    });
  } finally {
    vi.useRealTimers();
  }
}

/** The time of day now, as the library sees it. */
const wall = (): number => take(time.after(0));

/** The value that is ready now; fails when there is none. */
function take(channel: ReceiveChannel<Date>): number {
  const received = channel.tryReceive();
  if (received?.ok !== true) throw new Error("Expected the timer to be due");
  return received.value.getTime();
}

describe.each([
  ["virtual time", inVirtualTime],
  ["fake timers", withFakeTimers],
])("F21: with %s", (_clock, inLab) => {
  test("F1: after gives one value, not early, and then never again", () =>
    inLab(async ({ advance, settled }) => {
      const channel = time.after("100ms");
      await advance(99);
      expect(channel.tryReceive()).toBeUndefined();
      await advance(1);
      expect(channel.tryReceive()?.ok).toBe(true);
      await advance(1e9);
      expect(channel.tryReceive()).toBeUndefined();
      expect(await settled(channel.receive())).toBe(waiting);
      expect(channel.closed).toBe(false);
    }));

  test("F1: a parked receive gets the value of after, not early", () =>
    inLab(async ({ advance, settled }) => {
      const start = wall();
      const received = time.after("100ms").receive();
      await advance(99);
      expect(await settled(received)).toBe(waiting);
      await advance(1);
      expect(await settled(received)).toEqual({ ok: true, value: new Date(start + 100), done: false });
    }));

  test("F2: the value is the moment the timer was due, however late it is received", () =>
    inLab(async ({ advance }) => {
      const start = wall();
      const once = time.after(10);
      const ticker = time.ticker(10);
      await advance(500);
      expect(take(once)).toBe(start + 10);
      expect(take(ticker.channel())).toBe(start + 10);
    }));

  test("F3: the channel of a timer always has length 0 and capacity 0", () =>
    inLab(async ({ advance, settled }) => {
      const timer = time.timer(5);
      const ticker = time.ticker(5);
      const channels = [time.after(5), timer.channel(), ticker.channel()];
      const look = (): unknown[] =>
        channels.flatMap(({ length, capacity, closed, cause }) => [length, capacity, closed, cause]);
      const nothing = channels.flatMap(() => [0, 0, false, undefined]);
      expect(look()).toEqual(nothing);
      await advance(5);
      expect(look()).toEqual(nothing);
      for (const channel of channels) take(channel);
      expect(look()).toEqual(nothing);
      await settled(select(channels));
      timer.stop();
      ticker.stop();
      expect(look()).toEqual(nothing);
    }));

  test("F4: stop before the moment is true and no value comes; a second stop is false", () =>
    inLab(async ({ advance }) => {
      const timer = time.timer(100);
      expect(timer.stop()).toBe(true);
      expect(timer.stop()).toBe(false);
      await advance(1000);
      expect(timer.channel().tryReceive()).toBeUndefined();
      expect(timer.stop()).toBe(false);
    }));

  test("F4: a timer that has been received is no longer pending", () =>
    inLab(async ({ advance }) => {
      const timer = time.timer(100);
      await advance(100);
      take(timer.channel());
      expect(timer.stop()).toBe(false);
      expect(timer.reset(50)).toBe(false);
      expect(timer.reset(50)).toBe(true);
    }));

  test("F5: stop of a due timer is true and its value is gone", () =>
    inLab(async ({ advance, settled }) => {
      const timer = time.timer(100);
      await advance(100);
      expect(timer.stop()).toBe(true);
      expect(timer.channel().tryReceive()).toBeUndefined();
      expect(await settled(timer.channel().receive())).toBe(waiting);
    }));

  test("F5: reset of a due timer is true and only the new value comes", () =>
    inLab(async ({ advance }) => {
      const start = wall();
      const timer = time.timer(100);
      await advance(150);
      expect(timer.reset(100)).toBe(true);
      expect(timer.channel().tryReceive()).toBeUndefined();
      await advance(100);
      expect(take(timer.channel())).toBe(start + 250);
      expect(timer.channel().tryReceive()).toBeUndefined();
    }));

  test("F5: stop and reset of a ticker drop the tick it held", () =>
    inLab(async ({ advance }) => {
      const start = wall();
      const ticker = time.ticker(100);
      await advance(120);
      expect(ticker.stop()).toBe(true);
      expect(ticker.channel().tryReceive()).toBeUndefined();
      expect(ticker.stop()).toBe(false);
      ticker.reset(100);
      await advance(130);
      ticker.reset(50);
      expect(ticker.channel().tryReceive()).toBeUndefined();
      await advance(50);
      expect(take(ticker.channel())).toBe(start + 300);
    }));

  test("F6: reset to a longer duration does not fire early", () =>
    inLab(async ({ advance }) => {
      const timer = time.timer(100);
      await advance(50);
      expect(timer.reset(150)).toBe(true);
      await advance(149);
      expect(timer.channel().tryReceive()).toBeUndefined();
      await advance(1);
      expect(timer.channel().tryReceive()?.ok).toBe(true);
    }));

  test("F6: reset to a shorter duration fires early", () =>
    inLab(async ({ advance }) => {
      const timer = time.timer(1000);
      expect(timer.reset(10)).toBe(true);
      await advance(10);
      expect(timer.channel().tryReceive()?.ok).toBe(true);
      await advance(1000);
      expect(timer.channel().tryReceive()).toBeUndefined();
    }));

  test("F7: stop and reset move the timer under those who wait on it", () =>
    inLab(async ({ advance, settled }) => {
      const start = wall();
      const timer = time.timer(100);
      const received = timer.channel().receive();
      expect(timer.stop()).toBe(true);
      await advance(200);
      expect(await settled(received)).toBe(waiting);
      expect(timer.reset(1000)).toBe(false);
      await advance(500);
      expect(await settled(received)).toBe(waiting);
      expect(timer.reset(20)).toBe(true);
      await advance(20);
      expect(await settled(received)).toMatchObject({ value: new Date(start + 720) });
    }));

  test("F7: a reset to a moment that has come wakes who waits, at once", () =>
    inLab(async ({ settled }) => {
      const timer = time.timer("1h");
      const received = timer.channel().receive();
      expect(timer.reset(-1)).toBe(true);
      expect(timer.stop()).toBe(false);
      expect(await settled(received)).toMatchObject({ ok: true });
    }));

  test("F7: of two selects on one timer the first gets the value and the other stays", () =>
    inLab(async ({ advance, settled }) => {
      const timer = time.timer(100);
      const first = select([timer.channel(), new Channel()]);
      const second = select([timer.channel(), new Channel()]);
      await advance(100);
      expect(await settled(first)).toMatchObject({ index: 0 });
      expect(await settled(second)).toBe(waiting);
      timer.reset(50);
      await advance(50);
      expect(await settled(second)).toMatchObject({ index: 0 });
    }));

  test("F8: a select on a stopped timer waits, and its other case works", () =>
    inLab(async ({ advance, settled }) => {
      const timer = time.timer(100);
      timer.stop();
      const other = new Channel<string>();
      const selected = select({ timer: timer.channel(), other });
      await advance(1000);
      expect(await settled(selected)).toBe(waiting);
      expect(other.trySend("x")).toBe(true);
      expect(await settled(selected)).toMatchObject({ name: "other", value: "x" });
      timer.reset(0);
      expect(timer.channel().tryReceive()?.ok).toBe(true);
    }));

  test("F8: a select that waits on a timer that was received gets the next one after a reset", () =>
    inLab(async ({ advance, settled }) => {
      const timer = time.timer(0);
      take(timer.channel());
      const selected = select([timer.channel()]);
      expect(await settled(selected)).toBe(waiting);
      expect(timer.reset(10)).toBe(false);
      await advance(10);
      expect(await settled(selected)).toMatchObject({ index: 0, ok: true });
    }));

  test("F10: a duration of zero or less is due at once", () =>
    inLab(async ({ settled }) => {
      for (const duration of [0, "0s", -1, "-1h"]) {
        const start = wall();
        expect(take(time.after(duration))).toBe(start);
        expect(take(time.timer(duration).channel())).toBe(start);
        expect(await settled(time.after(duration).receive())).toMatchObject({ value: new Date(start) });
        expect(trySelect([time.after(duration)])).toMatchObject({ index: 0 });
        expect(await settled(select([time.after(duration)], { default: true }))).toMatchObject({ index: 0 });
        const timer = time.timer(duration);
        expect(timer.stop()).toBe(true);
        expect(timer.reset(duration)).toBe(false);
        expect(take(timer.channel())).toBe(start);
        await settled(time.sleep(duration));
      }
    }));

  test("F11: delays beyond what a host timer can do do not fire early", () =>
    inLab(async ({ advance, settled }) => {
      const start = wall();
      for (const delay of [2 ** 31 - 1, 2 ** 31, 2 ** 32 + 5]) {
        const received = time.after(delay).receive();
        await advance(delay - 1);
        expect(await settled(received)).toBe(waiting);
        await advance(1);
        expect(await settled(received)).toMatchObject({ ok: true });
      }
      expect(wall() - start).toBe(2 ** 31 - 1 + 2 ** 31 + 2 ** 32 + 5);
      const never = [time.after(Number.MAX_SAFE_INTEGER), time.after("2540400h"), time.ticker(2 ** 52).channel()];
      const selected = select(never);
      await advance(2 ** 33);
      expect(await settled(selected)).toBe(waiting);
      expect(trySelect(never)).toBeUndefined();
    }));

  test("F12: a ticker ticks once for each period", () =>
    inLab(async ({ advance }) => {
      const start = wall();
      const ticker = time.ticker(100);
      for (let tick = 1; tick <= 10; tick += 1) {
        await advance(99);
        expect(ticker.channel().tryReceive()).toBeUndefined();
        await advance(1);
        expect(take(ticker.channel())).toBe(start + tick * 100);
      }
    }));

  test("F12: a parked loop over a ticker gets every tick", () =>
    inLab(async ({ advance }) => {
      const start = wall();
      const ticks: number[] = [];
      const loop = async (channel: ReceiveChannel<Date>): Promise<void> => {
        for await (const tick of channel) ticks.push(tick.getTime() - start);
      };
      void loop(time.ticker("100ms").channel());
      await advance(1000);
      expect(ticks).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
    }));

  test("F12: reset changes the period, counted from the reset; a stopped ticker is silent", () =>
    inLab(async ({ advance }) => {
      const start = wall();
      const ticker = time.ticker(100);
      await advance(150);
      take(ticker.channel());
      const nothing: unknown = ticker.reset(200);
      expect(nothing).toBeUndefined();
      await advance(199);
      expect(ticker.channel().tryReceive()).toBeUndefined();
      await advance(201);
      expect(take(ticker.channel())).toBe(start + 350);
      await advance(199);
      expect(ticker.channel().tryReceive()).toBeUndefined();
      await advance(1);
      expect(take(ticker.channel())).toBe(start + 750);
      expect(ticker.stop()).toBe(true);
      await advance(1000);
      expect(ticker.channel().tryReceive()).toBeUndefined();
      ticker.reset(10);
      await advance(10);
      expect(ticker.channel().tryReceive()?.ok).toBe(true);
    }));

  test("F13: a slow consumer gets one tick, the rest is dropped and the phase kept", () =>
    inLab(async ({ advance }) => {
      const start = wall();
      const channel = time.ticker("100ms").channel();
      await advance(350);
      expect(take(channel)).toBe(start + 100);
      expect(channel.tryReceive()).toBeUndefined();
      await advance(49);
      expect(channel.tryReceive()).toBeUndefined();
      await advance(1);
      expect(take(channel)).toBe(start + 400);
    }));

  test("F13: a tick that is taken at the moment of a later one drops that one too", () =>
    inLab(async ({ advance }) => {
      const start = wall();
      const channel = time.ticker(100).channel();
      await advance(300);
      expect(take(channel)).toBe(start + 100);
      await advance(99);
      expect(channel.tryReceive()).toBeUndefined();
      await advance(1);
      expect(take(channel)).toBe(start + 400);
    }));

  test("F13: receiveMany takes one tick, never a backlog", () =>
    inLab(async ({ advance, settled }) => {
      const start = wall();
      const channel = time.ticker(100).channel();
      await advance(1000);
      expect(await settled(channel.receiveMany(64))).toEqual([new Date(start + 100)]);
    }));

  test("F14: a period of zero or less is refused, and a refused reset changes nothing", () =>
    inLab(async ({ advance }) => {
      const ticker = time.ticker(100);
      for (const period of [0, -1, "0s", "-5s"]) {
        expect(() => time.ticker(period)).toThrow(expect.objectContaining({ kind: errors.INVALID }));
        expect(() => time.ticker(period)).toThrow(String(period));
        expect(() => {
          ticker.reset(period);
        }).toThrow(expect.objectContaining({ kind: errors.INVALID }));
      }
      await advance(100);
      expect(ticker.channel().tryReceive()?.ok).toBe(true);
    }));

  test("F14: a refused reset of a timer changes nothing", () =>
    inLab(async ({ advance }) => {
      const timer = time.timer(100);
      expect(() => timer.reset("soon")).toThrow(expect.objectContaining({ kind: errors.INVALID }));
      await advance(100);
      expect(timer.channel().tryReceive()?.ok).toBe(true);
    }));

  test("F15: timers fire in the order of their moments, not of their creation", () =>
    inLab(async ({ advance }) => {
      const fired: number[] = [];
      const delays = [70, 20, 110, 50, 10, 90, 30, 130, 60, 120, 40, 80, 100];
      for (const delay of delays)
        void time
          .after(delay)
          .receive()
          .then(() => fired.push(delay));
      await advance(130);
      expect(fired).toEqual(delays.toSorted((a, b) => a - b));
    }));

  test("F16: timers of one moment all fire, and a select gives each its chance", () =>
    inLab(async ({ advance }) => {
      const wins = [0, 0];
      for (let round = 0; round < 200; round += 1) {
        const pair = [time.after(5), time.after(5)];
        const parked = [time.after(5).receive(), time.after(5).receive()];
        await advance(5);
        const winner = trySelect(pair);
        if (winner === undefined) throw new Error("Expected both to be due");
        wins[winner.index] = (wins[winner.index] ?? 0) + 1;
        expect(pair[1 - winner.index]?.tryReceive()?.ok).toBe(true);
        expect(await Promise.all(parked)).toMatchObject([{ ok: true }, { ok: true }]);
      }
      expect(Math.min(...wins)).toBeGreaterThan(50);
    }));

  test("F19: tasks that share one timer channel share its values, each once", () =>
    inLab(async ({ advance }) => {
      const taken: number[] = [];
      const share = async (channel: ReceiveChannel<Date>, task: number): Promise<void> => {
        for await (const tick of channel) taken.push(tick.getTime() > 0 ? task : -1);
      };
      const ticker = time.ticker(10);
      for (const task of [0, 1, 2]) void share(ticker.channel(), task);
      await advance(80);
      ticker.stop();
      await advance(100);
      expect(taken).toEqual([0, 1, 2, 0, 1, 2, 0, 1]);
    }));

  test("F19: a thousand timers, each with three who wait, fire a thousand times in all", () =>
    inLab(async ({ advance }) => {
      let hits = 0;
      const channels = Array.from({ length: 1000 }, (_, i) => time.after(i % 50));
      for (const channel of channels) {
        for (let i = 0; i < 3; i += 1) void select([channel, new Channel()]).then(() => (hits += 1));
      }
      await advance(50);
      expect(hits).toBe(1000);
    }));

  test("F20: the task that a timer woke may reset it", () =>
    inLab(async ({ advance }) => {
      const start = wall();
      const seen: number[] = [];
      const timer = time.timer(10);
      const task = async (): Promise<void> => {
        for await (const moment of timer.channel()) {
          seen.push(moment.getTime() - start);
          if (seen.length < 4) timer.reset(10 * (seen.length + 1));
        }
      };
      void task();
      await advance(1000);
      expect(seen).toEqual([10, 30, 60, 100]);
      expect(timer.stop()).toBe(false);
    }));

  test("F22: sleeps take their time, one after the other", () =>
    inLab(async ({ advance, settled }) => {
      const start = wall();
      const task = (async (): Promise<number[]> => {
        const seen: number[] = [];
        for (const duration of [100, "50ms", "1.5s", 0, -3]) {
          await time.sleep(duration);
          seen.push(wall() - start);
        }
        return seen;
      })();
      await advance(1649);
      expect(await settled(task)).toBe(waiting);
      await advance(1);
      expect(await settled(task)).toEqual([100, 150, 1650, 1650, 1650]);
    }));

  test("an aborted sleep rejects with the reason and what it waited for is forgotten", () =>
    inLab(async ({ advance, settled }) => {
      const controller = new AbortController();
      const options = { signal: controller.signal };
      const [later, now] = [time.sleep("1h", options), time.sleep(0, options)];
      const reasons = Promise.all([later, now].map((promise) => promise.catch((reason: unknown) => reason)));
      controller.abort("enough");
      expect(await settled(reasons)).toEqual(["enough", "enough"]);
      expect(await settled(time.sleep(5, options).catch((reason: unknown) => reason))).toBe("enough");
      await advance(4e6);
    }));

  test("an aborted wait on a timer leaves the timer to the next who waits", () =>
    inLab(async ({ advance, settled }) => {
      const controller = new AbortController();
      const channel = time.after(100);
      const aborted = channel.receive({ signal: controller.signal }).catch((reason: unknown) => reason);
      const next = channel.receive();
      controller.abort("enough");
      expect(await settled(aborted)).toBe("enough");
      await advance(100);
      expect(await settled(next)).toMatchObject({ ok: true });
    }));

  test("disposing of a timer or ticker stops it", () =>
    inLab(async ({ advance }) => {
      const timer = time.timer(10);
      const ticker = time.ticker(10);
      timer[Symbol.dispose]();
      ticker[Symbol.dispose]();
      await advance(100);
      expect(trySelect([timer.channel(), ticker.channel()])).toBeUndefined();
      expect([timer.stop(), ticker.stop()]).toEqual([false, false]);
    }));

  test("a loop with a timeout in each round gets either the value or the timeout", () =>
    inLab(async ({ advance }) => {
      const socket = new Channel<number>();
      const seen: unknown[] = [];
      const task = async (): Promise<void> => {
        while (seen.length < 7) {
          const r = await select({ message: socket, timeout: time.after("1s") });
          seen.push(r.name === "message" ? r.value : r.name);
        }
      };
      void task();
      for (const pause of [999, 999, 1000, 2500]) {
        await advance(pause);
        expect(socket.trySend(pause)).toBe(true);
      }
      await advance(0);
      expect(seen).toEqual([999, 999, "timeout", 1000, "timeout", "timeout", 2500]);
    }));
});

test("channel() gives the same object every time, across stop and reset", () => {
  const timer = time.timer(1);
  const ticker = time.ticker(1);
  const [ofTimer, ofTicker] = [timer.channel(), ticker.channel()];
  timer.stop();
  timer.reset(1);
  ticker.reset(2);
  ticker.stop();
  expect(timer.channel()).toBe(ofTimer);
  expect(ticker.channel()).toBe(ofTicker);
});

test("the channel of a timer has no send and no close, also at run time", () => {
  for (const channel of [time.after(1), time.timer(1).channel(), time.ticker(1).channel()]) {
    for (const name of ["send", "trySend", "caseSend", "case_send", "close", Symbol.dispose]) {
      expect(name in channel).toBe(false);
    }
  }
});

test("a value of a ticker is a Date of its own", () => {
  const channel = time.after(0);
  const received = channel.tryReceive();
  expect(received?.value).toBeInstanceOf(Date);
});

test("a timer whose moment has passed is ready although the event loop did not turn", async () => {
  const pass = heldClock();
  const [polled, selected, tried, received] = [time.after(3), time.after(3), time.after(3), time.timer(3).channel()];
  expect(polled.tryReceive()).toBeUndefined();
  pass(4);
  const order: string[] = [];
  queueMicrotask(() => order.push("microtask"));
  expect(polled.tryReceive()?.ok).toBe(true);
  expect(trySelect([tried])).toMatchObject({ index: 0 });
  const both = Promise.all([select([selected], { default: true }), received.receive()]);
  expect(await both).toMatchObject([{ index: 0, ok: true }, { ok: true }]);
  expect(order).toEqual(["microtask"]);
});

test("a ticker that was kept from ticking keeps its phase although the event loop did not turn", () => {
  const pass = heldClock();
  const ticker = time.ticker(4);
  pass(10);
  const first = take(ticker.channel());
  expect(ticker.channel().tryReceive()).toBeUndefined();
  pass(1.75);
  expect(ticker.channel().tryReceive()).toBeUndefined();
  pass(0.25);
  expect(take(ticker.channel()) - first).toBe(8);
});

test("law 2: whoever waits on a timer is served before somebody who looks at it later", async () => {
  const pass = heldClock();
  const channel = time.after(2);
  const parked = channel.receive();
  pass(3);
  expect(channel.tryReceive()).toBeUndefined();
  expect(await parked).toMatchObject({ ok: true });
});

test("law 2: of two who wait on one timer and one who looks later, the first gets the value", async () => {
  const pass = heldClock();
  const timer = time.timer(2);
  const first = select([timer.channel(), new Channel()]);
  const second = timer.channel().receive();
  pass(3);
  const third = timer.channel().receive();
  expect(await first).toMatchObject({ index: 0 });
  expect(await outcome(second)).toBe(waiting);
  timer.reset(0);
  expect(await second).toMatchObject({ ok: true });
  timer.reset(0);
  expect(await third).toMatchObject({ ok: true });
});

test("sleep of zero or less lets the event loop turn", async () => {
  for (const duration of [0, -1, "0s", "-1h"]) {
    const turned: unknown[] = [];
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener("message", (message) => turned.push(message));
    port1.start();
    port2.postMessage(undefined);
    for (let sleeps = 0; turned.length === 0 && sleeps < 1000; sleeps += 1) await time.sleep(duration);
    port1.close();
    expect(turned).toHaveLength(1);
  }
});

test("sleep rejects, never throws, for a bad duration, a bad signal and one that was aborted before", async () => {
  expect(await rejection(time.sleep("soon"))).toMatchObject({ kind: errors.INVALID });
  expect(await rejection(time.sleep("1h", { signal: {} as never }))).toBeInstanceOf(TypeError);
  expect(await rejection(time.sleep("1h", { signal: AbortSignal.abort("early") }))).toBe("early");
  expect(await outcome(time.sleep(0, { signal: undefined }))).toBeUndefined();
});
