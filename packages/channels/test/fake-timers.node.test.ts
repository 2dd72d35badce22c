// Other people's fake timers drive ours: host timers and clock are looked up when they are used.

import { ModernFakeTimers } from "@jest/fake-timers";
import * as sinon from "@sinonjs/fake-timers";
import { mock } from "node:test";
import { Channel, select, time } from "@sluice/channels";
import { afterEach, describe, expect, test } from "vitest";
import { turns } from "./progress.ts";

interface Fakes extends Disposable {
  advance(milliseconds: number): Promise<unknown>;
}

// Not `nextTick`, by which Node hears from the test runner's other process: what is said meanwhile would be lost.
function sinonFakes(): Fakes {
  const clock = sinon.install({ toNotFake: ["nextTick"] });
  return { advance: (ms) => clock.tickAsync(ms), [Symbol.dispose]: () => clock.uninstall() };
}

function jestFakes(): Fakes {
  const timers = new ModernFakeTimers({
    global: globalThis,
    config: { rootDir: "." } as ConstructorParameters<typeof ModernFakeTimers>[0]["config"],
  });
  timers.useFakeTimers({ doNotFake: ["nextTick"] });
  return { advance: (ms) => timers.advanceTimersByTimeAsync(ms), [Symbol.dispose]: () => timers.useRealTimers() };
}

describe.each([
  { who: "@sinonjs/fake-timers", install: sinonFakes },
  { who: "Jest's", install: jestFakes },
])("$who fake timers", ({ install }) => {
  test("a sleep of an hour ends when the fake hour is over, and not before", async () => {
    using fakes = install();
    let over = false;
    const sleeping = time.sleep("1h").then(() => (over = true));
    await fakes.advance(3_599_999);
    expect(over).toBe(false);
    await fakes.advance(1);
    expect(await sleeping).toBe(true);
  });

  test("a select beside a silent channel is ended by its timeout, whose value is the fake moment", async () => {
    using fakes = install();
    const due = Date.now() + 30_000;
    const ended = select({ message: new Channel<string>(), timeout: time.after("30s") });
    await fakes.advance(30_000);
    expect(await ended).toMatchObject({ name: "timeout", ok: true, value: new Date(due) });
  });

  test("a ticker ticks at each fake period", async () => {
    using fakes = install();
    const ticks = time.ticker("10s").channel();
    for (let tick = 0; tick < 3; tick++) {
      const due = Date.now() + 10_000;
      const next = ticks.receive();
      await fakes.advance(10_000);
      expect((await next).value).toEqual(new Date(due));
    }
  });

  test("ten thousand exchanges need no fake time: fakes cannot stop the turns of the loop", async () => {
    using fakes = install();
    const numbers = new Channel<number>();
    const producing = (async () => {
      for (let n = 0; n < 10_000; n++) await numbers.send(n);
      numbers.close();
    })();
    let sum = 0;
    for await (const n of numbers) sum += n;
    await producing;
    expect(sum).toBe(49_995_000);
    await fakes.advance(0);
  });
});

describe("node:test's fake timers, which leave the monotonic clock alone", () => {
  afterEach(() => {
    mock.timers.reset();
  });

  test("let a timer be due that was made before the tick, and waited for or looked at after it", async () => {
    mock.timers.enable();
    const [polled, waited] = [time.after("1s"), time.after("1s")];
    mock.timers.tick(999);
    expect(polled.tryReceive()).toBeUndefined();
    mock.timers.tick(1);
    expect(polled.tryReceive()).toEqual({ ok: true, value: new Date(1000), done: false });
    expect(await select([waited, new Channel()])).toMatchObject({ index: 0, value: new Date(1000) });
  });

  test("drive sleeps, tickers and a select's timeout, tick by tick", async () => {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: 5000 });
    const ticks = time.ticker("10s").channel();
    const ended = select({ message: new Channel<string>(), timeout: time.after("25s") });
    const seen: unknown[] = [];
    const loop = async (): Promise<void> => {
      for await (const tick of ticks) seen.push(tick.getTime());
    };
    void loop();
    void time.sleep("20s").then(() => seen.push("slept"));
    for (let second = 0; second < 30; second += 1) {
      mock.timers.tick(1000);
      await turns();
    }
    expect(seen).toEqual([15_000, "slept", 25_000, 35_000]); // who began to wait first comes first
    expect(await ended).toMatchObject({ name: "timeout", value: new Date(30_000) });
  });

  test.each([
    ["alone", ["setTimeout"]],
    ["with `Date`", ["setTimeout", "Date"]],
  ] as const)(
    "when `setTimeout` is faked %s, a wait between two others takes its time by the fakes",
    async (_, apis) => {
      mock.timers.enable({ apis: [...apis] });
      const woken: string[] = [];
      const wait = async (name: string, milliseconds: number): Promise<void> => {
        await time.sleep(milliseconds);
        woken.push(name);
      };
      void wait("first", 2000);
      mock.timers.tick(500);
      for (const end = performance.now() + 3; performance.now() < end;); // real time, which is none of the fakes'
      void wait("second", 1000);
      for (const [pause, expected] of [
        [999, []],
        [1, ["second"]],
        [499, ["second"]],
        [1, ["second", "first"]],
      ] as const) {
        mock.timers.tick(pause);
        await turns();
        expect(woken).toEqual(expected);
      }
    },
  );
});
