// What the hot paths cost, counted and not timed: promises, host timers, abort listeners, microtasks, bytes at rest.
// The times are in bench/; these counts are the same on every machine, and one more of anything is a regression.

import { Channel, select, Selector } from "@sluice/channels";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { Child } from "./child.ts";
import { turns } from "./progress.ts";
import { upTo } from "./values.ts";

let child: Child;
beforeAll(async () => {
  child = await Child.prepare();
});

const TIMES = 50; // fewer than the completions before the library's first look at the clock

/** What Node makes while an operation is done `TIMES` times in a fresh process, between two turns of its loop. */
async function made(type: "PROMISE" | "Timeout", prepare: string, operation: string): Promise<number> {
  const { lines, stderr } = await child.run(`
    const { createHook } = await import("node:async_hooks");
    const none = () => new Channel();
    const filled = () => { const it = new Channel(500); for (let i = 0; i < 500; i += 1) it.trySend(i); return it; };
    ${prepare};
    await new Promise(setImmediate);
    new Channel(1).send(0); // the first completion of a turn asks for a look at the clock
    let count = 0;
    const hook = createHook({ init: (_id, made) => { if (made === ${JSON.stringify(type)}) count += 1; } }).enable();
    for (let i = 0; i < ${TIMES}; i += 1) { ${operation}; }
    hook.disable();
    console.log(count);
    process.exit(0);
  `);
  if (stderr !== "") throw new Error(stderr);
  return Number(lines[0]);
}

describe("promises", () => {
  test.concurrent.for<[string, number, string, string]>([
    ["a send into a buffer: one serves them all", 0, "const it = new Channel(500)", "it.send(i)"],
    ["trySend", 0, "const it = new Channel(500)", "it.trySend(i)"],
    ["tryReceive", 0, "const it = filled()", "it.tryReceive()"],
    ["trySelect", 0, "const all = [none(), filled()]", "trySelect(all)"],
    [
      "a hand-off to a waiting receiver",
      0,
      "const it = none(); for (let i = 0; i < 50; i += 1) it.receive()",
      "it.trySend(i)",
    ],
    [
      "a hand-off to a waiting select",
      0,
      "const all = [none(), none()]; for (let i = 0; i < 50; i += 1) select(all)",
      "all[1].trySend(i)",
    ],
    ["what is only made", 0, "const it = none()", "none(); it.caseSend(i); it.caseReceive(); time.after(1000)"],
    ["a receive of what is there", 1, "const it = filled()", "it.receive()"],
    ["receiveMany, whatever it takes", 1, "const it = filled()", "it.receiveMany(3)"],
    ["a step of an iterator", 1, "const it = filled()[Symbol.asyncIterator]()", "it.next()"],
    ["a select of which a case is ready", 1, "const all = [none(), filled()]", "select(all)"],
    ["a select that takes its default", 1, "const all = [none()]", "select(all, { default: true })"],
    ["an event of a Selector", 1, "const it = new Selector({ full: filled() })", "it.next()"],
    ["a send that parks", 1, "const it = none()", "it.send(i)"],
    ["a receive that parks", 1, "const it = none()", "it.receive()"],
    [
      "a receive that parks, with a signal",
      1,
      "const it = none(), options = new AbortController()",
      "it.receive(options)",
    ],
    ["a step of an iterator that parks", 1, "const it = none()[Symbol.asyncIterator]()", "it.next()"],
    ["a select that parks in 64 channels", 1, "const all = Array.from({ length: 64 }, none)", "select(all)"],
    ["a select with a fresh timeout", 1, "const it = none()", 'select([it, time.after("30s")])'],
    ["a Selector's next that parks", 1, "const it = new Selector({ none: none() })", "it.next()"],
  ])("%s: %i", async ([, each, prepare, operation], { expect }) => {
    expect(await made("PROMISE", prepare, operation)).toBe(each * TIMES);
  });
});

describe("host timers", () => {
  test.concurrent.for<[string, number, string, string]>([
    ["timeouts that lose, in one turn", 1, "const it = none()", 'select([it, time.after("30s")]); it.trySend(i)'],
    ["waits for ever later moments", 1, "", "time.after(60_000 + i).receive()"],
    [
      "a Selector over many timers",
      1,
      "const it = new Selector()",
      "it.add(`t${i}`, time.after(60_000 + i)); it.tryNext(); it.next()",
    ],
    [
      "timers made, polled, stopped, dropped",
      0,
      "",
      'time.after("1s").tryReceive(); time.timer("1s").stop(); time.ticker("1s")',
    ],
  ])("%s: %i", async ([, all, prepare, operation], { expect }) => {
    expect(await made("Timeout", prepare, operation)).toBe(all);
  });
});

describe("abort listeners", () => {
  test("operations that wait on one signal add one between them; the last to end removes it", async () => {
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    const channels = upTo(TIMES).map(() => new Channel<number>());
    const receives = channels.map(async (channel) => channel.receive({ signal }));
    const selects = upTo(TIMES).map(async () => select(channels, { signal }));
    expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([1, 0]);
    for (const channel of channels) channel.close();
    await Promise.all([...receives, ...selects]);
    expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([1, 1]);
  });

  test("operations that complete at once add none", async () => {
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const channel = filled();
    await channel.receive({ signal });
    await channel.receiveMany(2, { signal });
    await select([channel], { signal });
    expect(added).not.toHaveBeenCalled();
  });
});

function filled(): Channel<number> {
  const channel = new Channel<number>(8);
  for (const value of upTo(8)) channel.trySend(value);
  return channel;
}

/** Microtasks until what `start` begins has settled, in a turn of its own: of a turn that lasts long the library keeps some for the next. */
async function until(start: () => Promise<unknown>): Promise<number> {
  await turns();
  const settled = vi.fn<() => void>();
  void start().then(settled);
  let count = 0;
  for (; settled.mock.calls.length === 0 && count < 100; count += 1) await Promise.resolve();
  return count;
}

describe("microtasks until an operation settles", () => {
  test("a send, a receive, a select, a Selector that need not wait: 1", async () => {
    expect(await until(() => filled().receive())).toBe(1);
    expect(await until(() => new Channel<number>(1).send(1))).toBe(1);
    expect(await until(() => select([filled()]))).toBe(1);
    expect(await until(() => new Selector({ full: filled() }).next())).toBe(1);
  });

  test("those that waited, from the moment of the match on: 1", async () => {
    const channel = new Channel<number>();
    const parked = [
      channel.receive(),
      select([new Channel<number>(), channel]),
      new Selector({ channel }).next(),
      channel[Symbol.asyncIterator]().next(),
    ];
    for (const promise of parked) {
      const match = (): Promise<unknown> => {
        channel.trySend(1);
        return promise;
      };
      expect(await until(match)).toBe(1);
    }
  });
});

// Code that V8 compiles meanwhile, in the background, is on the heap too: without that every run weighs the same.
const INTERPRETED = ["--expose-gc", "--no-opt", "--no-sparkplug", "--no-concurrent-recompilation"];

describe("bytes at rest", () => {
  // What they are now and a little more: two added fields of eight bytes are seen, the engine's own noise is not.
  test.concurrent.for<[string, number, number, string, string]>([
    ["an idle channel", 152, 1_000, "undefined", "new Channel()"],
    ["a receive that waits", 256, 1_000, "new Channel()", "it.receive()"],
    ["a send that waits, with the queue that the first one makes", 360, 1_000, "new Channel()", "it.send(1)"],
    [
      "a select over 64 channels that waits",
      5_500,
      100,
      "Array.from({ length: 64 }, () => new Channel())",
      "select(it)",
    ],
  ])("%s: at most %i", async ([, limit, count, prepare, make], { expect }) => {
    const { lines, stderr } = await child.run(
      `
        const weigh = () => { for (let i = 0; i < 4; i += 1) gc(); return process.memoryUsage().heapUsed; };
        const held = []; // or what an earlier round leaves would be counted as a gain
        const weights = [];
        for (let round = 0; round < 5; round += 1) {
          const prepared = Array.from({ length: ${count} }, () => ${prepare});
          const all = new Array(${count}).fill(undefined);
          held.push(prepared, all);
          const before = weigh();
          for (let i = 0; i < ${count}; i += 1) { const it = prepared[i]; all[i] = ${make}; }
          weights.push((weigh() - before) / all.length);
        }
        console.log(Math.round(weights.toSorted((a, b) => a - b)[2]));
        process.exit(0);
      `,
      ...INTERPRETED,
    );
    expect(stderr).toBe("");
    expect(Number(lines[0])).toBeLessThanOrEqual(limit);
  });
});
