// Host timers as Node counts them, and the fake timers of Jest and of Sinon.

import { ModernFakeTimers } from "@jest/fake-timers";
import { Channel, select, Selector, time } from "@sluice/channels";
import FakeTimers from "@sinonjs/fake-timers";
import { beforeAll, expect, test, vi } from "vitest";
import { Child } from "./child.ts";
import { turns } from "./progress.ts";

let child: Child;
beforeAll(async () => {
  child = await Child.prepare();
});

test("F9: no host timer is left after 10^5 lost timeouts, right away, however they were lost", async () => {
  const { lines, code } = await child.run(`
    const channel = new Channel();
    const events = new Selector({ channel, tick: time.ticker("1h").channel() });
    const live = () => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
    for (let i = 0; i < 100_000; i += 1) {
      const selected = select([channel, time.after("1h")]);
      channel.trySend(i);
      await selected;
    }
    const counts = [live()];
    for (let i = 0; i < 10_000; i += 1) {
      const controller = new AbortController();
      const slept = time.sleep("1h", controller).catch(() => undefined);
      controller.abort();
      await slept;
    }
    counts.push(live());
    for (let i = 0; i < 10_000; i += 1) {
      const next = events.next();
      channel.trySend(i);
      await next;
    }
    counts.push(live());
    const parked = time.after("1h").receive({ signal: AbortSignal.timeout(5) }).catch(() => counts.push(live()));
    counts.push(live());
    await parked;
    console.log(counts.join(" "));
  `);
  expect([code, lines]).toEqual([0, ["0 0 0 1 0"]]);
});

test("F9: a wait that comes after a lost one keeps the process alive again", async () => {
  const { lines, code } = await child.run(`
    const channel = new Channel();
    const selected = select([channel, time.after(30)]);
    channel.trySend(1);
    await selected;
    await time.after(30).receive();
    const again = select([channel, time.after(30)]);
    channel.trySend(1);
    await again;
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    await time.sleep(10);
    console.log("woken");
  `);
  expect([code, lines]).toEqual([0, ["woken"]]);
});

test("F9: timers that nobody holds any more are garbage, stopped or not, waited for once or never", async () => {
  const { lines } = await child.run(
    `
    const made = [];
    const make = async () => {
      for (const handle of [time.timer("1h"), time.ticker("1h")]) made.push(handle, handle.channel());
      made.push(time.after("1h"));
      const lost = time.after("1h");
      const channel = new Channel(1);
      const selected = select([channel, lost]);
      channel.trySend(1);
      await selected;
      made.push(lost);
      const events = new Selector({ watched: time.ticker("1h").channel() });
      events.tryNext();
      made.push(events);
      for (let i = 0; i < made.length; i += 1) made[i] = new WeakRef(made[i]);
    };
    await make();
    let left = made.length;
    for (let i = 0; i < 1000 && left > 0; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      gc();
      left = made.filter((reference) => reference.deref() !== undefined).length;
    }
    console.log(made.length, left);
  `,
    "--expose-gc",
  );
  expect(lines).toEqual(["7 0"]);
});

test("when the host timer fires the timer is due: each sleep sets one, also when Node fires early", async () => {
  const set = vi.spyOn(globalThis, "setTimeout");
  try {
    for (let i = 1; i <= 40; i += 1) {
      await time.sleep(0.6 + i / 60);
      expect(set).toHaveBeenCalledTimes(i);
    }
  } finally {
    set.mockRestore();
  }
});

/** What every kind of our timers does while somebody else's fakes let time pass, second by second. */
async function driven(advance: (milliseconds: number) => Promise<unknown>, count: () => number): Promise<unknown[]> {
  const seen: unknown[] = [];
  const ticker = time.ticker("4s");
  const timer = time.timer("1h");
  timer.reset("3s");
  const events = new Selector({ tick: ticker.channel() });
  void time
    .after("1s")
    .receive()
    .then(() => seen.push("after"));
  void time.sleep("2s").then(() => seen.push("sleep"));
  void select({ timer: timer.channel(), never: new Channel() }).then(({ name }) => seen.push(name));
  void events.next().then((event) => seen.push(event?.name));
  void time
    .after("1000h")
    .receive()
    .then(() => seen.push("after 1000 hours"));
  for (let second = 1; second <= 4; second += 1) {
    await advance(999);
    await turns();
    seen.push(count());
    await advance(1);
    await turns();
  }
  await advance(1000 * 3_600_000 - 4001);
  await turns();
  seen.push(count());
  await advance(1);
  await turns();
  seen.push(count());
  await time.sleep(0); // waits for a turn of the loop, which no fake can hold up
  return seen;
}

const expected = [1, "after", 1, "sleep", 1, "timer", 1, "tick", 1, "after 1000 hours", 0];

test("Jest's fake timers drive our timers", async () => {
  const config = { fakeTimers: { enableGlobally: false }, rootDir: process.cwd() };
  const jest = new ModernFakeTimers({ global: globalThis, config: config as never });
  jest.useFakeTimers({ doNotFake: ["nextTick"] }); // by which Node hears from the test runner's other process
  try {
    const seen = await driven(
      (milliseconds) => jest.advanceTimersByTimeAsync(milliseconds),
      () => jest.getTimerCount(),
    );
    expect(seen).toEqual(expected);
  } finally {
    jest.useRealTimers();
  }
});

test("@sinonjs/fake-timers drives our timers", async () => {
  const sinon = FakeTimers.install({ toNotFake: ["nextTick"] });
  try {
    const seen = await driven(
      (milliseconds) => sinon.tickAsync(milliseconds),
      () => sinon.countTimers(),
    );
    expect(seen).toEqual(expected);
  } finally {
    sinon.uninstall();
  }
});

test("vitest's fake timers drive our timers", async () => {
  vi.useFakeTimers();
  try {
    const seen = await driven(
      (milliseconds) => vi.advanceTimersByTimeAsync(milliseconds),
      () => vi.getTimerCount(),
    );
    expect(seen).toEqual(expected);
  } finally {
    vi.useRealTimers();
  }
});
