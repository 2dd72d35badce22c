// What a ring keeps of the memory that it needed once, as the heap tells.

import { Channel } from "@sluice/channels";
import { expect, test } from "vitest";

const VALUES = 1_000_000;

function heap(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

test("law 4: a buffer that was large lets go of its memory when it is empty", () => {
  const jobs = new Channel<number>(VALUES);
  const before = heap();
  for (let i = 0; i < VALUES; i += 1) jobs.trySend(i);
  const full = heap() - before;
  for (let i = 0; i < VALUES; i += 1) jobs.tryReceive();
  expect(full).toBeGreaterThan(VALUES * 4);
  expect(heap() - before).toBeLessThan(full / 20);
  jobs.trySend(1);
  expect(jobs.tryReceive()?.value).toBe(1);
});

test("law 4: a buffer that was large gives memory back before it is empty, with what it still holds", () => {
  const jobs = new Channel<number>(VALUES);
  const before = heap();
  for (let i = 0; i < VALUES; i += 1) jobs.trySend(i);
  const full = heap() - before;
  for (const held of [VALUES / 10, VALUES / 100, 10]) {
    while (jobs.length > held) jobs.tryReceive();
    expect(heap() - before).toBeLessThan((full * held * 8) / VALUES + full / 16); // and what V8 compiles meanwhile
  }
  expect(jobs.tryReceive()?.value).toBe(VALUES - 10);
});
