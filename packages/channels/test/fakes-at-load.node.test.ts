// The library is loaded while fake timers of some kind are installed already, as setup files and hooks do it: neither
// they nor their end may stop or blind the turn of law 3, and timers follow the fakes and the real clock as ever.

import { LegacyFakeTimers, ModernFakeTimers } from "@jest/fake-timers";
import type * as channels from "@sluice/channels";
import * as sinon from "@sinonjs/fake-timers";
import { mock } from "node:test";
import { afterEach, describe, expect, test, vi } from "vitest";

interface Fakes {
  advance(milliseconds: number): void;
  remove(): void;
}

const jestConfig = { rootDir: "." } as ConstructorParameters<typeof ModernFakeTimers>[0]["config"];

function vitestFakes(): Fakes {
  vi.useFakeTimers();
  return { advance: (ms) => vi.advanceTimersByTime(ms), remove: () => vi.useRealTimers() };
}

function sinonFakes(): Fakes {
  const clock = sinon.install();
  return { advance: (ms) => clock.tick(ms), remove: () => clock.uninstall() };
}

function jestFakes(): Fakes {
  const timers = new ModernFakeTimers({ global: globalThis, config: jestConfig });
  timers.useFakeTimers();
  return { advance: (ms) => timers.advanceTimersByTime(ms), remove: () => timers.useRealTimers() };
}

function oldJestFakes(): Fakes {
  const moduleMocker = { fn: (does?: () => void) => vi.fn<() => void>(does) };
  const timerConfig = { idToRef: (id: number) => id, refToId: (id: number) => id };
  const timers = new LegacyFakeTimers({ global: globalThis, config: jestConfig, moduleMocker, timerConfig } as never);
  timers.useFakeTimers();
  return { advance: (ms) => timers.advanceTimersByTime(ms), remove: () => timers.useRealTimers() };
}

function nodeFakes(): Fakes {
  mock.timers.enable();
  return { advance: (ms) => mock.timers.tick(ms), remove: () => mock.timers.reset() };
}

/** Somebody's own fakes, in a few lines, which nothing gives away. */
function ownFakes(): Fakes {
  const real = { setTimeout, setImmediate };
  const later: (() => void)[] = [];
  const fake = {
    setTimeout: (task: () => void) => later.push(task),
    setImmediate: (task: () => void) => later.push(task),
  };
  Object.assign(globalThis, fake);
  return {
    advance: () => {
      for (const task of later.splice(0)) task();
    },
    remove: () => void Object.assign(globalThis, real),
  };
}

const kinds: readonly { readonly who: string; readonly install: () => Fakes }[] = [
  { who: "Vitest's", install: vitestFakes },
  { who: "@sinonjs/fake-timers", install: sinonFakes },
  { who: "Jest's", install: jestFakes },
  { who: "Jest's legacy ones", install: oldJestFakes },
  { who: "node:test's", install: nodeFakes },
  { who: "hand-made ones", install: ownFakes },
];

const realNow = performance.now.bind(performance);
let fakes: Fakes | undefined;
afterEach(() => {
  fakes?.remove();
});

/** A copy of the library that sees these fakes from its first line on. */
async function loadedUnder(install: () => Fakes): Promise<typeof channels> {
  await import("@sluice/channels"); // so that nothing need be fetched while time stands still
  vi.resetModules();
  const nextTick = process.nextTick.bind(process);
  fakes = install();
  process.nextTick = nextTick; // by which Node hears from the test runner's other process: what is said meanwhile would be lost
  return import("@sluice/channels");
}

describe.each(kinds)("loaded under $who fake timers", ({ install }) => {
  test("a burst goes on by itself, under the fakes and after them", async () => {
    const { Channel, time } = await loadedUnder(install);
    const exchange = async (): Promise<number> => {
      const numbers = new Channel<number>(1);
      let sum = 0;
      for (let i = 0; i < 5000; i += 1) {
        await numbers.send(i);
        sum += (await numbers.receive()).value ?? 0;
      }
      await time.sleep(0);
      return sum;
    };
    expect(await exchange()).toBe(12_497_500);
    fakes?.remove();
    expect(await exchange()).toBe(12_497_500);
  });

  test("real timers have their turns after the fakes, beside a loop with 1 ms of work for each message", async () => {
    const { Channel } = await loadedUnder(install);
    fakes?.remove();
    const loop = { turns: 0 };
    const turned = (): void => {
      loop.turns += 1;
      if (loop.turns < 5) setTimeout(turned, 0);
    };
    setTimeout(turned, 0);
    const busy = new Channel<number>(1);
    let messages = 0;
    for (; loop.turns < 5 && messages < 2000; messages += 1) {
      await busy.send(messages);
      await busy.receive();
      for (const end = realNow() + 1; realNow() < end;);
    }
    expect(messages).toBeLessThan(300); // by the count alone, 2,560
  });

  test("timers are driven by the fakes while they are there, and by the real clock after them", async () => {
    const { time } = await loadedUnder(install);
    let slept = 0;
    const hour = time.sleep("1h").then(() => (slept += 1));
    fakes?.advance(3_600_000);
    await hour;
    fakes?.remove();
    await time.sleep(5);
    expect(slept).toBe(1);
  });
});
