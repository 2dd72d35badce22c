// The heap before and after: what is left behind by what is over.

import { turns } from "./progress.ts";

/** Collects all garbage. */
export function collect(): void {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("These tests need --expose-gc");
  for (let i = 0; i < 3; i += 1) gc();
}

/** Bytes that each round leaves on the heap; the first rounds are not counted, since they warm the engine up. */
export async function residue(rounds: number, round: (i: number) => unknown): Promise<number> {
  for (let i = 0; i < rounds / 10; i += 1) await round(i);
  await turns();
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < rounds; i += 1) await round(i);
  await turns();
  collect();
  return (process.memoryUsage().heapUsed - before) / rounds;
}
