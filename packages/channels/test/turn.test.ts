// How a turn of the loop is let through: by a host primitive taken at load, which no fake timer can stop.

import { Channel, select, time } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
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
    const { port1, port2 } = new MessageChannel();
    const loop = { turned: false };
    port1.addEventListener("message", () => {
      loop.turned = true;
      port1.close();
    });
    port1.start();
    vi.useFakeTimers();
    port2.postMessage(undefined);
    const channel = new Channel<number>(1, { overflow: "drop-oldest" });
    let messages = 0;
    for (; !loop.turned && messages < 900; messages += 1) {
      await channel.send(messages);
      for (const end = realNow() + 0.5; realNow() < end;);
    }
    // 1,024 completions by the count alone; by the clock, 4 ms after at most one stride of 64.
    expect(loop.turned).toBe(true);
    expect(messages).toBeLessThan(200);
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

/** What two tasks that select over two channels and timers do, in order. */
async function run(slow: boolean): Promise<string> {
  return virtualTime(async () => {
    const log: string[] = [];
    const [a, b] = [new Channel<number>(3), new Channel<number>()];
    const task = async (name: string, from: Channel<number>, to: Channel<number>): Promise<void> => {
      for (const i of upTo(400)) {
        const r = await select([from, to.caseSend(i), time.after(i % 3)]);
        log.push(`${name}${r.index}`);
        if (slow && i % 50 === 0) for (const end = performance.now() + 6; performance.now() < end;);
      }
    };
    await Promise.all([task("x", a, b), task("y", b, a)]);
    return log.join(" ");
  });
}

test("under virtual time a run does not depend on how fast the machine is: the budget counts completions alone", async () => {
  const fast = await run(false);
  expect(await run(true)).toBe(fast);
});
