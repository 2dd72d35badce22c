// Looks at promises without waiting for time: what has settled, once everything that can run has run.

import { Channel } from "@sluice/channels";

/** Stands for a promise that has not settled. */
export const waiting: unique symbol = Symbol("waiting");

/** Lets `count` microtasks pass. */
export async function microtasks(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await Promise.resolve();
}

/** Lets the event loop turn `count` times; without a count, until what the library held back for a later turn has settled. */
export async function turns(count?: number): Promise<void> {
  if (count === undefined) return caughtUp();
  for (let i = 0; i < count; i += 1) {
    await new Promise<void>((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.addEventListener("message", () => {
        port1.close();
        resolve();
      });
      port1.start();
      port2.postMessage(undefined);
    });
  }
}

/**
 * However many turns a slow machine needs: completions settle in order, so a value of our own stands behind all that
 * wait. One that need not wait itself says that there were none; what settled before may have set off more.
 */
async function caughtUp(asked: { readonly over: boolean } = { over: false }): Promise<void> {
  for (let calm = 0, looks = 0; calm < 3 && looks < 20; looks += 1) {
    await turns(1);
    if (asked.over) return;
    const last = new Channel<number>(1);
    last.trySend(0);
    const received = last.receive();
    const soon = microtasks(8).then(() => waiting);
    calm = (await Promise.race([received, soon])) === waiting ? 0 : calm + 1;
    await received;
  }
  await turns(1);
}

/** What a promise gives once everything that can run has run, or `waiting`; rejects when the promise did. */
export async function outcome<T>(promise: Promise<T>): Promise<T | typeof waiting> {
  const asked = { over: false };
  try {
    return await Promise.race<T | typeof waiting>([promise, quiet(asked)]);
  } finally {
    asked.over = true; // who went on looking would spend the budget of whatever runs next
  }
}

async function quiet(asked: { readonly over: boolean }): Promise<typeof waiting> {
  for (let chain = 0; chain < 8 && !asked.over; chain += 1) await caughtUp(asked); // what settles may set off more
  return waiting;
}

/** A promise, and the two functions that settle it. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
}

/** What a promise was rejected with; fails when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await outcome(promise);
  } catch (reason) {
    return reason;
  }
  throw new Error(`Expected a rejection, got ${String(value)}`);
}

/** The number of runs of a property: `RUNS`, an environment variable, multiplies the ordinary one, for long hunts. */
function runs(ordinary: number): number {
  const host = (globalThis as { process?: { readonly env?: Readonly<Record<string, string | undefined>> } }).process;
  return ordinary * Number(host?.env?.["RUNS"] ?? 1);
}

/** For properties that could hang: a run that does is reported like another failure, shrunk a little, with its seed. */
export function hunt(ordinary: number): { numRuns: number; timeout: number; interruptAfterTimeLimit: number } {
  return { numRuns: runs(ordinary), timeout: 60_000, interruptAfterTimeLimit: runs(60_000) };
}
