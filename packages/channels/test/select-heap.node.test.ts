// A select leaves nothing behind in the channels it did not choose (law 4), read off the heap.

import { Channel, select, time } from "@sluice/channels";
import { expect, test } from "vitest";

/** Bytes on the heap that something still holds. */
function held(): number {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("These tests need --expose-gc");
  for (let i = 0; i < 3; i += 1) gc();
  return process.memoryUsage().heapUsed;
}

/** What `rounds` of `turn` add to the heap, for each round; the first rounds are not counted: they warm up. */
async function growth(rounds: number, turn: (round: number) => Promise<unknown>): Promise<number> {
  for (let i = 0; i < rounds / 10; i += 1) await turn(i);
  const before = held();
  for (let i = 0; i < rounds; i += 1) await turn(i);
  return (held() - before) / rounds;
}

// V8 holds a closure while it compiles it in the background, however long it waits for a processor there.
const PATIENTLY = { interval: 10, timeout: 60_000 };
// A leak is hundreds of bytes for each round (peers: 480 to 2,700); what V8 itself keeps is a few in all.
const FLAT = 4;

test("E22: a million selects beside a silent channel hold the heap flat", async () => {
  const busy = new Channel<number>();
  const silent = new Channel<number>();
  const bytes = await growth(1_000_000, async (round) => {
    const parked = select([busy, silent, silent.caseSend(round)]);
    busy.trySend(round);
    await parked;
  });
  expect(bytes).toBeLessThan(FLAT);
  expect([silent.trySend(1), silent.tryReceive()]).toEqual([false, undefined]);
});

test("E22: a hundred thousand selects that lose their timeout hold the heap flat and no host timer", async () => {
  const busy = new Channel<number>();
  const bytes = await growth(100_000, async (round) => {
    const parked = select([busy, time.after("1h")]);
    busy.trySend(round);
    await parked;
  });
  expect(bytes).toBeLessThan(FLAT * 10);
});

test("H3: a hundred thousand aborted selects behind a live one leave no waiter", async () => {
  const channel = new Channel<number>();
  const live = channel.receive();
  const bytes = await growth(100_000, async () => {
    const abort = new AbortController();
    const parked = select([channel], { signal: abort.signal });
    abort.abort("stop");
    await parked.catch(() => {});
  });
  expect(bytes).toBeLessThan(FLAT * 25); // what Node keeps of its AbortControllers for a while; a waiter is 336
  expect([channel.trySend(1), channel.trySend(2)]).toEqual([true, false]);
  expect((await live).value).toBe(1);
});

test("H11: a hundred thousand selects with one shared signal leave no listener", async () => {
  const busy = new Channel<number>();
  const { signal } = new AbortController();
  const bytes = await growth(100_000, async (round) => {
    const parked = select([busy], { signal });
    busy.trySend(round);
    await parked;
  });
  expect(bytes).toBeLessThan(FLAT * 10);
});

test("C13: a value that a select took, and one of a select that lost, are not held by the channels", async () => {
  const taken = new Channel<object>();
  const other = new Channel<object>();
  const gone: WeakRef<object>[] = [];
  const make = (): object => {
    const value = { big: new Array(1_000).fill(0) };
    gone.push(new WeakRef(value));
    return value;
  };
  await (async () => {
    const parked = select([taken, other.caseSend(make())]);
    taken.trySend(make());
    await parked;
  })();
  const left = (): number => {
    held();
    return gone.filter((ref) => ref.deref() !== undefined).length;
  };
  await expect.poll(left, PATIENTLY).toBe(0);
  expect(other.tryReceive()).toBeUndefined();
});

test("C13: the signal of a select is not held by anything once it is done", async () => {
  const jobs = new Channel<number>();
  const gone = await (async () => {
    const { signal } = new AbortController();
    const parked = select([jobs], { signal });
    jobs.trySend(1);
    await parked;
    return new WeakRef(signal);
  })();
  const isThere = (): boolean => {
    held();
    return gone.deref() !== undefined;
  };
  await expect.poll(isThere, PATIENTLY).toBe(false);
});
