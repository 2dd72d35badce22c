// Leaks found by running other libraries: what is left on the heap and in the event loop, where Node can tell.

import { Channel, select, Selector, time } from "@sluice/channels";
import { expect, test } from "vitest";
import { turns } from "./progress.ts";

function held(): number {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("These tests need --expose-gc");
  for (let i = 0; i < 3; i += 1) gc();
  return process.memoryUsage().heapUsed;
}

async function bytesPerRound(rounds: number, round: (i: number) => Promise<unknown>): Promise<number> {
  for (let i = 0; i < rounds / 10; i += 1) await round(i);
  const before = held();
  for (let i = 0; i < rounds; i += 1) await round(i);
  return (held() - before) / rounds;
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
}

const ROUNDS = 20_000;
// The leaks are 480 to 2,700 bytes a round; noise, such as code that was compiled meanwhile, is up to 50.
const FLAT = 120;

test("@nodeguy/channel: each select leaves 2.7 kB in a channel that is silent", async () => {
  const busy = new Channel<number>();
  const silent = new Channel<number>();
  const bytes = await bytesPerRound(ROUNDS, async (i) => {
    const parked = select([busy, silent]);
    busy.trySend(i);
    await parked;
  });
  expect(bytes).toBeLessThan(FLAT);
});

test("spica, repeater#65, node#17469 (Promise.race): each turn leaves 480 bytes on a promise that lives long", async () => {
  const busy = new Channel<number>();
  const events = new Selector({ busy, silent: new Channel<number>() });
  const bytes = await bytesPerRound(ROUNDS, async (i) => {
    const next = events.next();
    busy.trySend(i);
    await next;
  });
  expect(bytes).toBeLessThan(FLAT);
});

test("deno std#7086, dotnet#761: cancelled waiters pile up under a poll with timeouts", async () => {
  const channel = new Channel<number>();
  const live = channel.receive();
  const bytes = await bytesPerRound(ROUNDS, async () => {
    const abort = new AbortController();
    const parked = channel.receive({ signal: abort.signal });
    abort.abort("timeout");
    await parked.catch(() => {});
  });
  expect(bytes).toBeLessThan(FLAT);
  expect([channel.trySend(1), channel.trySend(2), (await live).value]).toEqual([true, false, 1]);
});

test("node#43337, go-go-scope: each wait with one long-lived signal leaves an abort listener", async () => {
  const { signal } = new AbortController();
  const busy = new Channel<number>();
  const bytes = await bytesPerRound(ROUNDS, async (i) => {
    const parked = select([busy, new Channel<number>()], { signal });
    busy.trySend(i);
    await parked;
  });
  expect(bytes).toBeLessThan(FLAT);
});

test("js-csp#110, @thi.ng/csp, medium: the timeouts of selects that ended keep their timers, and the process, alive", async () => {
  await turns();
  const before = timers();
  const busy = new Channel<number>();
  for (let i = 0; i < 1_000; i += 1) {
    const parked = select([busy, time.after("1h")]);
    busy.trySend(i);
    await parked;
  }
  await turns();
  expect(timers()).toBeLessThanOrEqual(before); // one of an earlier test may have gone meanwhile
});
