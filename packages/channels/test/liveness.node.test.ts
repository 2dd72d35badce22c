// Law 3 in numbers: completions between two turns of the event loop, which setImmediate shows one by one.

import { Channel, select } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { describe, expect, test } from "vitest";
import { Meter, programs } from "./busy.ts";

// By law at most 1,024 in a turn. A task that is woken in one turn counts its step in the next: pairs of tasks may blur
// that by one step each.
const BUDGET = 1024;

const nextImmediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("at most 1,024 completions pass before setImmediate callbacks run, turn after turn, beside", () => {
  test.each(programs)("%s", async (name, program) => {
    const meter = new Meter();
    const blur = name.includes("hundred") ? 200 : 8;
    const passed: number[] = [];
    const watch = (async () => {
      for (let turn = 0; turn < 40; turn += 1) {
        const before = meter.completions;
        await nextImmediate();
        passed.push(meter.completions - before);
      }
      meter.stopped = true;
    })();
    await program(meter);
    await watch;
    expect(Math.max(...passed)).toBeLessThanOrEqual(BUDGET + blur);
    expect(meter.completions).toBeGreaterThan(0);
  });
});

/** The loop has turned by itself for longer than a millisecond: what comes next is as in a fresh process. */
const renewal = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 3));

/** Work of a user's: `milliseconds` in which nothing else can run. */
function work(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe("with 1 ms of user work for each message, the loop turns after a few messages", () => {
  test.each<[string, (message: () => boolean) => Promise<unknown>]>([
    [
      "over a rendezvous",
      async (message) => {
        const channel = new Channel<number>();
        const send = async (): Promise<void> => {
          do await channel.send(1);
          while (!channel.closed);
        };
        const receive = async (): Promise<void> => {
          do await channel.receive();
          while (message());
          channel.close();
        };
        await Promise.allSettled([send(), receive()]);
      },
    ],
    [
      "over sends that complete at once",
      async (message) => {
        const channel = new Channel<number>(1, { overflow: "drop-oldest" });
        do await channel.send(1);
        while (message());
      },
    ],
    [
      "over select with a default",
      async (message) => {
        const channel = new Channel<number>();
        do await select([channel], { default: true });
        while (message());
      },
    ],
  ])("%s", async (_, program) => {
    await renewal();
    let messages = 0;
    const passed: number[] = [];
    const watch = (async () => {
      for (let before = 0; before < 250; before = messages) {
        await nextImmediate();
        passed.push(messages - before);
      }
    })();
    await program(() => {
      work(1);
      messages += 1;
      return messages < 250;
    });
    await watch;
    // A turn is over after 4 ms: four messages, and one or two that were under way. A slow machine makes it fewer.
    expect(Math.max(...passed)).toBeLessThanOrEqual(8);
  });
});

test("work that is slow after a fast stretch and a pause is noticed at once", async () => {
  const channel = new Channel<number>(1, { overflow: "drop-oldest" });
  for (let i = 0; i < 5000; i += 1) await channel.send(i);
  await renewal();
  const loop = { turned: false };
  setImmediate(() => (loop.turned = true));
  let messages = 0;
  for (; !loop.turned && messages < 300; messages += 1) {
    await channel.send(messages);
    work(5);
  }
  expect(messages).toBeLessThanOrEqual(4);
});

test("however often virtual time came and went, at most 1,024 completions pass in a turn", async () => {
  const channel = new Channel<number>(1);
  const loop = { completions: 0, stopped: false };
  const play = async (): Promise<void> => {
    for (; !loop.stopped; loop.completions += 2) {
      await channel.send(1);
      await channel.receive();
    }
  };
  const playing = play();
  await renewal();
  for (let run = 0; run < 20; run += 1) await virtualTime(() => undefined);
  await renewal();
  const passed: number[] = [];
  for (let turn = 0; turn < 40; turn += 1) {
    const before = loop.completions;
    await nextImmediate();
    passed.push(loop.completions - before);
  }
  loop.stopped = true;
  await playing;
  expect(Math.max(...passed)).toBeLessThanOrEqual(BUDGET);
});
