// H11: one listener for each signal, however many operations wait on it, and none once they are done. Only Node tells.

import { getEventListeners } from "node:events";
import { Channel, select, Selector, time } from "@sluice/channels";
import { expect, test } from "vitest";
import { outcome, waiting } from "./progress.ts";
import { upTo } from "./values.ts";

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

/** Starts one of everything that can wait on a signal; each rejection is seen. */
function startAll(channel: Channel<number>, full: Channel<number>, signal: AbortSignal): Promise<unknown>[] {
  const waits: Promise<unknown>[] = [
    channel.receive({ signal }),
    channel.receiveMany(2, { signal }),
    select([channel, new Channel()], { signal }),
    new Selector({ channel }).next({ signal }),
    full.send(1, { signal }),
    select([full.caseSend(2)], { signal }),
    time.sleep("1h", { signal }),
    time.after("1h").receive({ signal }),
  ];
  for (const wait of waits) wait.catch(() => {});
  return waits;
}

test("H11: one listener serves a thousand operations of every kind, on many channels", async () => {
  const { signal, abort } = withAbort();
  const waits = upTo(125).flatMap(() => startAll(new Channel(), new Channel(), signal));
  expect(waits.length).toBe(1000);
  expect(listeners(signal)).toBe(1);
  abort();
  expect(listeners(signal)).toBe(0);
  const results = await Promise.allSettled(waits);
  expect(results.every(({ status }) => status === "rejected")).toBe(true);
});

test("H11: the listener goes with the last operation that waits, whichever way they end", async () => {
  const { signal } = withAbort();
  const [channel, full] = [new Channel<number>(), new Channel<number>()];
  const waits = startAll(channel, full, signal).slice(0, 6);
  const timers = new AbortController();
  const others = startAll(new Channel(), new Channel(), timers.signal);
  for (const i of upTo(2)) expect(channel.trySend(i)).toBe(true); // receive and receiveMany are served
  expect(listeners(signal)).toBe(1);
  channel.close(); // select and Selector see the end
  expect(full.tryReceive()?.value).toBe(1);
  full.close(); // the select that sends fails
  expect(listeners(signal)).toBe(1); // the two timers are left
  await Promise.allSettled(waits);
  timers.abort();
  await Promise.allSettled(others);
  expect(listeners(timers.signal)).toBe(0);
});

test.each<
  [string, (channel: Channel<number>, signal: AbortSignal) => Promise<unknown>, (channel: Channel<number>) => void]
>([
  ["a value", async (channel, signal) => channel.receive({ signal }), (channel) => channel.trySend(1)],
  ["a close", async (channel, signal) => channel.receive({ signal }), (channel) => channel.close()],
  ["a taken value", async (channel, signal) => channel.send(1, { signal }), (channel) => channel.tryReceive()],
  ["a close under a send", async (channel, signal) => channel.send(1, { signal }), (channel) => channel.close()],
  ["a batch", async (channel, signal) => channel.receiveMany(2, { signal }), (channel) => channel.trySend(1)],
  [
    "a select",
    async (channel, signal) => select([channel, new Channel()], { signal }),
    (channel) => channel.trySend(1),
  ],
  [
    "a select that sends",
    async (channel, signal) => select([channel.caseSend(1)], { signal }),
    (channel) => channel.tryReceive(),
  ],
  [
    "a Selector",
    async (channel, signal) => new Selector({ channel }).next({ signal }),
    (channel) => channel.trySend(1),
  ],
])(
  "H11: the listener is gone as soon as the operation was ended by %s, before its promise settles",
  async (_, start, end) => {
    const { signal } = withAbort();
    const channel = new Channel<number>();
    const wait = start(channel, signal);
    wait.catch(() => {});
    expect(await outcome(wait)).toBe(waiting);
    expect(listeners(signal)).toBe(1);
    end(channel);
    expect(listeners(signal)).toBe(0);
    await wait.catch(() => {});
  },
);

test("H11: an operation that completes at once, or is refused, adds no listener", async () => {
  const { signal } = withAbort();
  const calls: string[] = [];
  const add = signal.addEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    calls.push(args[0]);
    add(...args);
  };
  const channel = new Channel<number>(4);
  await channel.send(1, { signal });
  await channel.receive({ signal });
  await channel.send(2, { signal });
  await channel.receiveMany(3, { signal });
  await select([channel.caseSend(3)], { signal });
  await select([channel], { signal });
  await select([channel], { signal, default: true });
  await channel.send(4, { signal });
  await new Selector({ channel }).next({ signal });
  await channel.receiveMany(0, { signal }).catch(() => {});
  await select([null], { signal }).catch(() => {});
  channel.close();
  await channel.receive({ signal });
  await channel.send(5, { signal }).catch(() => {});
  expect(calls).toEqual([]);
  expect(listeners(signal)).toBe(0);
});

test("H11: the listener comes and goes with the operations, again and again", async () => {
  const { signal } = withAbort();
  const channel = new Channel<number>();
  for (const i of upTo(100)) {
    const [first, second] = [channel.receive({ signal }), channel.receive({ signal })];
    expect(listeners(signal)).toBe(1);
    channel.trySend(i);
    expect(listeners(signal)).toBe(1);
    channel.trySend(i);
    expect(listeners(signal)).toBe(0);
    await Promise.all([first, second]);
  }
});

test("H11: the listeners of others are left alone", () => {
  const { signal, abort } = withAbort();
  let heard = 0;
  signal.addEventListener("abort", () => (heard += 1));
  new Channel().receive({ signal }).catch(() => {});
  expect(listeners(signal)).toBe(2);
  abort();
  expect(heard).toBe(1);
  expect(listeners(signal)).toBe(1);
});

function withAbort(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort("done") };
}
