// Exactly one case happens. The others keep their place, their values and their waiters, in any interleaving.

import { Channel, select } from "@sluice/channels";
import { expect, test } from "vitest";
import { microtasks, outcome, rejection, waiting } from "./progress.ts";

test("E6: exactly one case commits and the losers keep their values and places", async () => {
  const a = new Channel<string>(1);
  const b = new Channel<string>(1);
  a.trySend("a");
  b.trySend("b");
  const { index } = await select([a, b]);
  expect([a.length, b.length]).toEqual(index === 0 ? [0, 1] : [1, 0]);

  const rendezvous = new Channel<string>();
  const sender = rendezvous.send("still here");
  expect(await select([a, b, rendezvous], { priority: true })).toMatchObject({ ok: true });
  expect(await outcome(sender)).toBe(waiting);
  expect(rendezvous.tryReceive()).toMatchObject({ value: "still here" });
  await sender;
});

test("E6: the channels that lost keep the order of those who wait around the select", async () => {
  const shared = new Channel<number>();
  const other = new Channel<number>();
  const order: string[] = [];
  const first = shared.receive().then(({ value }) => order.push(`first ${value}`));
  const loser = select([shared, other]);
  const last = shared.receive().then(({ value }) => order.push(`last ${value}`));
  other.trySend(0);
  expect(await loser).toMatchObject({ index: 1 });
  expect([shared.trySend(1), shared.trySend(2), shared.trySend(3)]).toEqual([true, true, false]);
  await Promise.all([first, last]);
  expect(order).toEqual(["first 1", "last 2"]);
});

test("E6: a parked select has its place among plain receivers and senders", async () => {
  const channel = new Channel<number>();
  const other = new Channel<number>();
  const before = channel.receive();
  const parked = select([other, channel]);
  const after = channel.receive();
  for (const value of [1, 2, 3]) channel.trySend(value);
  expect([(await before).value, (await parked).value, (await after).value]).toEqual([1, 2, 3]);

  const sendBefore = channel.send(1);
  const parkedSend = select([other.caseSend(0), channel.caseSend(2)]);
  const sendAfter = channel.send(3);
  expect([1, 2, 3].map(() => channel.tryReceive()?.value)).toEqual([1, 2, 3]);
  await Promise.all([sendBefore, parkedSend, sendAfter]);
});

test("E6: closing a loser afterwards does not disturb the winner", async () => {
  const winner = new Channel<number>();
  const loser = new Channel<number>();
  const out = new Channel<number>();
  const parked = select([winner, loser, out.caseSend(1)]);
  winner.trySend(7);
  loser.close(new Error("later"));
  out.close(new Error("later"));
  expect(await parked).toEqual({ index: 0, channel: winner, value: 7, ok: true });
});

test("E6: of several channels fed in one go a parked select takes from the first alone", async () => {
  const channels = Array.from({ length: 5 }, () => new Channel<number>(1));
  const parked = select(channels);
  for (const [i, channel] of channels.entries()) channel.trySend(i);
  expect(await parked).toMatchObject({ index: 0, value: 0 });
  expect(channels.map(({ length }) => length)).toEqual([0, 1, 1, 1, 1]);
});

test("E8: the same channel may stand in several cases, as receive and as send; each is reachable and none is left behind", async () => {
  const channel = new Channel<string>();
  const receiving = select([channel, channel.caseReceive(), channel]);
  expect([channel.trySend("x"), channel.trySend("y")]).toEqual([true, false]);
  expect(await receiving).toMatchObject({ value: "x" });

  const sending = select([channel.caseSend("first"), channel.caseSend("second")]);
  expect(channel.tryReceive()).toMatchObject({ value: "first" });
  expect(channel.tryReceive()).toBeUndefined();
  expect(await sending).toMatchObject({ index: 0 });

  const chosen = new Set<number>();
  for (let i = 0; i < 200; i += 1) {
    const sender = channel.send("z");
    chosen.add((await select([channel, channel.caseReceive()])).index);
    await sender;
  }
  expect(chosen).toEqual(new Set([0, 1]));
});

test("E8: ten thousand cases of one channel are one receive", async () => {
  const channel = new Channel<number>();
  const parked = select(Array.from({ length: 10_000 }, () => channel));
  expect([channel.trySend(1), channel.trySend(2)]).toEqual([true, false]);
  expect(await parked).toMatchObject({ value: 1, ok: true });
});

test("E12: a select sees one instant: when one of two channels always holds a token, the default is never given", async () => {
  const a = new Channel<string>(1);
  const b = new Channel<string>(1);
  a.trySend("token");
  const mover = (async () => {
    for (let i = 0; i < 5_000; i += 1) {
      b.trySend("token");
      a.tryReceive();
      await microtasks(1);
      a.trySend("token");
      b.tryReceive();
      await microtasks(1);
    }
  })();
  let missed = 0;
  for (let i = 0; i < 5_000; i += 1) {
    const r = await select([a, b], { default: true });
    if (r.default) missed += 1;
    else if (r.channel === a) a.trySend("token");
    else b.trySend("token");
  }
  await mover;
  expect(missed).toBe(0);
});

test("E17: selects nest: the value of a case may come out of another select, and a result may lead to a select", async () => {
  const inner = new Channel<number>(1);
  const outer = new Channel<number>(1);
  inner.trySend(41);
  const r = await select([outer.caseSend(((await select([inner])).value ?? 0) + 1)]);
  expect(r.index).toBe(0);
  const first = await select({ outer });
  await inner.send(first.value ?? 0);
  expect(await select({ inner, outer })).toMatchObject({ name: "inner", value: 42 });
});

test("E18: cases may be kept and used again, and a reused send case sends its value again", async () => {
  const input = new Channel<number>();
  const output = new Channel<string>();
  const cases = { input: input.caseReceive(), output: output.caseSend("again") };
  for (let round = 0; round < 10_000; round += 1) {
    const parked = select(cases);
    const sends = round % 2 === 0;
    expect(sends ? input.trySend(round) : output.tryReceive()?.value).toBe(sends || "again");
    expect((await parked).name).toBe(sends ? "input" : "output");
  }
});

test("E18: one case may stand in several selects at once; each value meets one of them", async () => {
  const channel = new Channel<number>();
  const receive = channel.caseReceive();
  const parked = [select([receive]), select({ receive }), select([null, receive, receive])] as const;
  for (const value of [1, 2, 3]) expect(channel.trySend(value)).toBe(true);
  expect(channel.trySend(4)).toBe(false);
  const results = await Promise.all(parked);
  expect(results.map(({ value }) => value)).toEqual([1, 2, 3]);

  const send = channel.caseSend(9);
  const sends = [select([send]), select([send, send])] as const;
  expect([channel.tryReceive()?.value, channel.tryReceive()?.value, channel.tryReceive()]).toEqual([9, 9, undefined]);
  await Promise.all(sends);
});

test("a case is inert: making one takes no place and no value", async () => {
  const channel = new Channel<number>();
  channel.caseReceive();
  channel.caseSend(1);
  expect([channel.trySend(1), channel.tryReceive(), channel.length]).toEqual([false, undefined, 0]);
  const buffered = new Channel<number>(1);
  buffered.caseSend(1);
  expect(buffered.length).toBe(0);
});

test("H1, H2: an aborted select leaves its neighbours in their order, at the front, in the middle and at the end", async () => {
  for (const place of [0, 1, 2]) {
    const channel = new Channel<number>();
    const abort = new AbortController();
    const receives = [0, 1, 2].map((i) =>
      select([channel, new Channel<number>()], i === place ? { signal: abort.signal } : {}),
    );
    abort.abort("stop");
    expect(await rejection(receives[place] as Promise<unknown>)).toBe("stop");
    expect([channel.trySend(1), channel.trySend(2), channel.trySend(3)]).toEqual([true, true, false]);
    const values = await Promise.all(receives.filter((_, i) => i !== place));
    expect(values.map(({ value }) => value)).toEqual([1, 2]);
  }
});

test("a send case sends by itself, whatever a subclass makes of trySend", async () => {
  class Picky extends Channel<number> {
    override trySend(value: number): boolean {
      return value > 0 && super.trySend(value);
    }
  }
  const picky = new Picky(1);
  expect(await select([picky.caseSend(-1)])).toMatchObject({ index: 0, ok: true });
  expect(picky.tryReceive()).toMatchObject({ value: -1 });
});
