// How a turn of the loop is let through: by a host primitive taken at load, which no fake timer can stop.

import { Channel } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { microtasks } from "./progress.ts";
import { upTo } from "./values.ts";

afterEach(() => {
  vi.useRealTimers();
});

async function burst(length: number): Promise<number[]> {
  const channel = new Channel<number>(length);
  for (const i of upTo(length)) await channel.send(i);
  return channel.receiveMany(length);
}

describe("fake timers", () => {
  test("of every kind do not stop the turn: a burst goes on by itself", async () => {
    vi.useFakeTimers({
      toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "performance", "queueMicrotask"],
    });
    expect(await burst(5000)).toEqual(upTo(5000));
  });

  test("that stand still do not stop the clock of the budget: slow work still lets the loop turn", async () => {
    const realNow = performance.now.bind(performance);
    const realSetTimeout = setTimeout;
    const loop = { turns: 0 };
    const turned = (): void => {
      loop.turns += 1;
      if (loop.turns < 5) realSetTimeout(turned, 0);
    };
    realSetTimeout(turned, 0);
    vi.useFakeTimers();
    const channel = new Channel<number>(1, { overflow: "drop-oldest" });
    let messages = 0;
    for (; loop.turns < 5 && messages < 900; messages += 1) {
      await channel.send(messages);
      for (const end = realNow() + 0.5; realNow() < end;);
    }
    // 1,024 completions for each turn by the count alone; by the clock, 4 ms after at most one stride of 64.
    expect(loop.turns).toBe(5);
    expect(messages).toBeLessThan(300);
  });

  test("installed in the middle of a burst change nothing about it", async () => {
    const sending = burst(4000);
    await Promise.resolve();
    vi.useFakeTimers();
    expect((await sending).length).toBe(4000);
  });
});

test("an immediate send shares one promise with the others, and is one all the same", async () => {
  const channel = new Channel<number>(4);
  const sent = channel.send(1);
  expect(sent).toBeInstanceOf(Promise);
  expect(await sent).toBeUndefined();
});

/** How two tasks come to run: one that awaits the library, beside one that awaits nothing but microtasks. */
async function run(slow: boolean): Promise<string> {
  return virtualTime(async () => {
    const log: string[] = [];
    const channel = new Channel<number>(1, { overflow: "drop-oldest" });
    const progress = { ended: false };
    const aside = async (): Promise<void> => {
      while (!progress.ended && log.length < 50_000) {
        await microtasks(3);
        log.push("aside");
      }
    };
    const going = aside();
    for (const i of upTo(900)) {
      await channel.send(i);
      log.push("sent");
      if (slow && i % 100 === 0) for (const end = performance.now() + 6; performance.now() < end;);
    }
    progress.ended = true;
    await going;
    return log.join(" ");
  });
}

test("under virtual time a run does not depend on how fast the machine is: the budget counts completions alone", async () => {
  const fast = await run(false);
  expect(await run(true)).toBe(fast);
});
