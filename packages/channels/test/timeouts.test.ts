// A receive and a send with a deadline: select with a timer. A deadline that passes takes and sends nothing.

import { Channel, select, time } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { expect, test } from "vitest";
import { taken, upTo } from "./values.ts";

test("B12: a receive whose deadline passes takes nothing: the next value goes to the next receiver", () =>
  virtualTime(async (clock) => {
    for (const capacity of [0, 1]) {
      const channel = new Channel<number>(capacity);
      const timeout = time.after("1s");
      const started = clock.now();
      expect(await select({ channel, timeout })).toMatchObject({ name: "timeout", ok: true });
      expect(clock.now() - started).toBe(1000);
      const received = channel.receive();
      await channel.send(7);
      expect((await received).value).toBe(7);
    }
  }));

test("B12: a send whose deadline passes sends nothing", () =>
  virtualTime(async () => {
    for (const capacity of [0, 1]) {
      const channel = new Channel<number>(capacity);
      for (const i of upTo(capacity)) channel.trySend(i);
      expect(await select([channel.caseSend(99), time.after("1s")])).toMatchObject({ index: 1, ok: true });
      expect(taken(channel)).toEqual(upTo(capacity));
      expect(channel.tryReceive()).toBeUndefined();
    }
  }));

test("B12: a value that comes before the deadline is received, and the timer does not disturb what follows", () =>
  virtualTime(async (clock) => {
    const channel = new Channel<number>();
    const sender = (async () => {
      await time.sleep("999ms");
      await channel.send(7);
    })();
    expect(await select([channel, time.after("1s")])).toMatchObject({ index: 0, value: 7 });
    expect(clock.now()).toBe(999);
    await sender;
    await clock.advance("1h");
    expect(channel.tryReceive()).toBeUndefined();
  }));

test("B12: one deadline may stand over many receives, and is spent by the first that meets it", () =>
  virtualTime(async () => {
    const channel = new Channel<number>();
    const deadline = time.after("10s");
    const seen: number[] = [];
    const sender = (async () => {
      for (const i of upTo(100)) {
        await time.sleep("3s");
        if (!channel.trySend(i)) return i;
      }
      return -1;
    })();
    for (;;) {
      const r = await select({ channel, deadline });
      if (r.name === "deadline" || !r.ok) break;
      seen.push(r.value);
    }
    expect(seen).toEqual([0, 1, 2]);
    expect(await sender).toBe(3);
    expect(deadline.tryReceive()).toBeUndefined();
  }));

test("B13: a value that is ready beats a deadline that has passed, with priority; without, both have their chance", () =>
  virtualTime(async () => {
    const channel = new Channel<number>(1);
    for (const i of upTo(200)) {
      channel.trySend(i);
      expect(await select([channel, time.after(0)], { priority: true })).toMatchObject({ index: 0, value: i });
    }
    const chosen = new Set<number>();
    for (const i of upTo(200)) {
      channel.trySend(i);
      chosen.add((await select([channel, time.after(0)])).index);
      channel.tryReceive();
    }
    expect([...chosen].toSorted((a, b) => a - b)).toEqual([0, 1]);
  }));

test("B13: a deadline that has passed does not keep a plain receive from a value that is ready", () =>
  virtualTime(async (clock) => {
    const channel = new Channel<number>(1);
    const deadline = time.after("1s");
    channel.trySend(7);
    await clock.advance("2s");
    expect((await channel.receive()).value).toBe(7);
    expect(deadline.tryReceive()?.ok).toBe(true);
  }));

test.each([0, 1, 4])(
  "B14: with capacity %i and deadlines racing on both sides, no value is lost or doubled",
  async (capacity) => {
    const { sent, received, tries } = await virtualTime(async () => {
      const channel = new Channel<number>(capacity);
      const arrived: number[] = [];
      let attempts = 0;
      // The sender offers each value until it is taken; both sides give up at moments that often coincide.
      const sender = (async () => {
        for (const i of upTo(100)) {
          for (let turn = 0; ; turn += 1) {
            attempts += 1;
            const r = await select({ out: channel.caseSend(i), timeout: time.after((i * 3 + turn) % 5) });
            if (r.name === "out") break;
            await time.sleep((i + turn) % 3);
          }
        }
        channel.close();
      })();
      for (let turn = 0; ; turn += 1) {
        attempts += 1;
        const r = await select({ channel, timeout: time.after((turn * 2) % 5) });
        if (r.name === "timeout") await time.sleep(turn % 4);
        else if (r.ok) arrived.push(r.value);
        else break;
      }
      await sender;
      return { sent: upTo(100), received: arrived, tries: attempts };
    });
    expect(received).toEqual(sent);
    expect(tries).toBeGreaterThan(220); // some deadlines were met
  },
);
