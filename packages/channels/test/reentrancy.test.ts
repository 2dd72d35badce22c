// Law 5: an operation never runs another task's code before it returns.

import { Channel, select, Selector, time, trySelect } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { turns } from "./progress.ts";
import { upTo } from "./values.ts";

interface Scene {
  readonly channel: Channel<number>;
  readonly full: Channel<number>;
  readonly controller: AbortController;
  readonly watching: Selector;
  readonly timer: time.Timer;
}

/** A channel with everybody waiting on it, one that senders wait on, and a note of whoever runs. */
function crowd(ran: string[]): Scene {
  const [channel, full] = [new Channel<number>(), new Channel<number>(1)];
  const controller = new AbortController();
  const { signal } = controller;
  const note =
    (who: string): (() => void) =>
    () =>
      ran.push(who);
  const watching = new Selector();
  const timer = time.timer("1h");
  full.trySend(0);
  const waits: [string, Promise<unknown>][] = upTo(3).flatMap((): [string, Promise<unknown>][] => [
    ["receive", channel.receive({ signal })],
    ["receiveMany", channel.receiveMany(2)],
    ["next", channel[Symbol.asyncIterator]().next()],
    ["select", select([channel, full.caseSend(1)])],
    ["Selector", new Selector({ channel }).next({ signal })],
    ["Selector that gets more", watching.next()],
    ["timer", timer.channel().receive()],
    ["send", full.send(1, { signal })],
    ["select that sends", select({ out: full.caseSend(2) })],
  ]);
  for (const [who, wait] of waits) wait.then(note(who), note(who));
  const loop = async (): Promise<void> => {
    for await (const _ of channel) ran.push("loop");
  };
  loop().catch(note("loop"));
  return { channel, full, controller, watching, timer };
}

const operations: [string, (scene: Scene) => unknown][] = [
  ["send", ({ channel }) => channel.send(1)],
  ["trySend", ({ channel }) => channel.trySend(1)],
  ["receive", ({ full }) => full.receive()],
  ["tryReceive", ({ full }) => full.tryReceive()],
  ["receiveMany", ({ full }) => full.receiveMany(5)],
  ["an iterator's next", ({ full }) => full[Symbol.asyncIterator]().next()],
  ["select", ({ channel }) => select([channel.caseSend(1)])],
  ["trySelect", ({ channel, full }) => [trySelect([channel.caseSend(1)]), trySelect([full])]],
  ["a Selector's add", ({ full }) => new Selector().add("full", full).tryNext()],
  ["an add for a Selector that waits", ({ full, watching }) => watching.add("full", full)],
  ["a timer's reset", ({ timer }) => timer.reset(0)],
  ["a Selector's close", ({ watching }) => watching.close()],
  ["close", ({ channel, full }) => [channel.close(new Error("why")), full.close()]],
  ["abort", ({ controller }) => controller.abort()],
];

describe("L3: nobody else runs before the return of", () => {
  test.each(operations)("%s", async (_, operate) => {
    const ran: string[] = [];
    const scene = crowd(ran);
    await turns();
    expect(ran).toEqual([]);
    const promise = operate(scene);
    expect(ran).toEqual([]);
    if (promise instanceof Promise) promise.catch(() => {});
    await turns();
    expect(ran.length).toBeGreaterThan(0);
    scene.channel.close();
    scene.full.close();
    scene.timer.stop();
  });
});

test("L3: a task goes on until it waits: what it woke runs afterwards, in order", async () => {
  const channel = new Channel<number>();
  const log: string[] = [];
  const receivers = upTo(3).map(async (i) => {
    await channel.receive();
    log.push(`receiver ${i}`);
  });
  for (const i of upTo(3)) {
    channel.trySend(i);
    log.push(`sent ${i}`);
  }
  await Promise.all(receivers);
  expect(log).toEqual(["sent 0", "sent 1", "sent 2", "receiver 0", "receiver 1", "receiver 2"]);
});

test("L4: one value wakes one waiter, and only once", async () => {
  const channel = new Channel<number>();
  let woken = 0;
  const count = (): void => {
    woken += 1;
  };
  for (const i of upTo(30)) void (i % 2 === 0 ? channel.receive() : select([channel, new Channel()])).then(count);
  for (const i of upTo(30)) {
    expect(woken).toBe(i);
    channel.trySend(i);
    await turns();
    expect(woken).toBe(i + 1);
  }
  channel.close();
  await turns();
  expect(woken).toBe(30);
});

test("L5: a task that was woken may at once use, and close, the channel that woke it", async () => {
  const channel = new Channel<number>();
  const log: unknown[] = [];
  const first = (async () => {
    log.push((await channel.receive()).value);
    channel.trySend(8); // to the one who waits behind
    channel.close();
    log.push((await channel.receive()).ok);
  })();
  const second = channel.receive().then(({ value }) => log.push(value));
  const third = channel.receive().then(({ ok }) => log.push(ok));
  await channel.send(7);
  await Promise.all([first, second, third]);
  expect(log).toEqual([7, 8, false, false]);
});
