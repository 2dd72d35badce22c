// Virtual time: timers without waiting, and a report instead of a hang.
// Time stands still while anything of ours can run and then jumps to the next deadline. "Can run" is decided by asking
// the event loop: several macrotasks in a row in which no operation of the library happened.

import { type Alarm, type Clock, installClock, ringDue } from "./time/clock.ts";
import { Deadlines } from "./time/deadlines.ts";
import { named } from "./error-name.ts";
import { parseDuration } from "./time/duration.ts";
import { CONFLICT, INTERNAL, INVALID, SluiceError } from "./errors.ts";
import { macrotask } from "./host.ts";
import { formatParked } from "./inspect.ts";
import { type ParkedOperation, ParkedOperations } from "./inspect/operations.ts";
import { recordVirtual } from "./inspect/record.ts";
import { setRandom } from "./random.ts";
import { budgetByCount, completions, holding } from "./turn.ts";
import type { Duration } from "./types.ts";

export type { ParkedOperation } from "./inspect.ts";

const CALM_MACROTASKS = 3;

/** What the body of `virtualTime` gets. */
export interface VirtualTime {
  /** Milliseconds of virtual time since the start. */
  now(): number;
  /**
   * Lets a stretch of time pass; resolves when all that happens in it has happened. Rejects when the run ends before,
   * which a task that loops over it in the background must expect.
   */
  advance(duration: Duration): Promise<void>;
  /** Resolves when nothing of the library can run any more without time passing. Rejects when the run ends before. */
  idle(): Promise<void>;
  /** Marks real I/O: until the promise settles, time neither jumps nor is a deadlock declared. Gives what it gives. */
  external<T>(promise: PromiseLike<T>): Promise<T>;
}

/** Nothing of the library could ever happen again while the body of `virtualTime` was still waiting. */
export class DeadlockError extends SluiceError {
  /** Every operation that was parked. */
  readonly parked: readonly ParkedOperation[];

  /** Makes the error, with a message that lists what was parked. */
  constructor(parked: readonly ParkedOperation[]) {
    const list =
      parked.length === 0 ? "  nothing is parked: the body waits for something outside" : formatParked(parked);
    super(
      INTERNAL,
      `Deadlock: nothing can ever happen again\n${list}\n  If real I/O is under way, wrap it: await clock.external(promise)`,
      { details: { parked } },
    );
    named(this, "DeadlockError");
    this.parked = parked;
  }
}

/**
 * Runs `body` under virtual time and gives what it gives. Every timer of this library that is created inside is
 * virtual; host timers and I/O are not. The fair draw of `select` is seeded: two runs happen in the same order.
 *
 * @throws DeadlockError (as a rejection) when nothing can ever happen again, with every parked operation.
 * @throws SluiceError of kind CONFLICT (as a rejection) when another run is under way in this process.
 *
 * @example
 * import { time } from "@sluice/channels";
 * import { virtualTime } from "@sluice/channels/testing";
 *
 * const slept = await virtualTime(async (clock) => {
 *   await time.sleep("24h");
 *   return clock.now();
 * });
 * console.log(slept); // → 86400000
 */
export async function virtualTime<R>(body: (clock: VirtualTime) => R | PromiseLike<R>): Promise<R> {
  if (running) throw new SluiceError(CONFLICT, "Virtual time runs already: one at a time for a process");
  const run = new Run();
  running = true;
  installClock(run);
  recordVirtual(run.operations);
  setRandom(seeded());
  budgetByCount(true);
  try {
    return await run.drive(body);
  } finally {
    running = false;
    installClock();
    recordVirtual();
    setRandom(Math.random);
    budgetByCount(false);
  }
}

let running = false;

class Run implements Clock, VirtualTime {
  readonly operations = new ParkedOperations();
  readonly #alarms = new Deadlines<Alarm>();
  readonly #start = Date.now();
  #now = 0;
  #idlers: (() => void)[] = []; // wait for the next calm
  readonly #open = new Set<() => void>(); // the promises of the clock that have not settled: each can be ended
  #externals = 0;
  #resume: () => void = () => {}; // looks again, where looking rests because an external promise is open
  #ended = false;

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#start + Math.floor(this.#now);
  }

  set(alarm: Alarm, due: number): void {
    this.#alarms.set(alarm, due);
  }

  clear(alarm: Alarm): void {
    this.#alarms.delete(alarm);
  }

  get armed(): number {
    return this.#alarms.size;
  }

  get next(): number | undefined {
    return this.#alarms.first?.due;
  }

  advance(duration: Duration): Promise<void> {
    return this.#calmAfter((ring) => {
      const milliseconds = parseDuration(duration);
      if (milliseconds < 0) throw new SluiceError(INVALID, `Expected a duration of zero or more, got \`${duration}\``);
      this.#alarms.set({ due: 0, position: -1, order: 0, holds: true, ring }, this.#now + milliseconds);
    });
  }

  idle(): Promise<void> {
    return this.#calmAfter((ring) => ring());
  }

  async external<T>(promise: PromiseLike<T>): Promise<T> {
    this.#externals += 1;
    try {
      return await promise;
    } finally {
      this.#externals -= 1;
      this.#resume();
    }
  }

  drive<R>(body: (clock: VirtualTime) => R | PromiseLike<R>): Promise<R> {
    const result = (async () => body(this))();
    const end = (): void => this.#end();
    result.then(end, end);
    return new Promise((resolve, reject) => {
      let seen = -1;
      let calm = 0;
      const start = (): void => {
        calm = 0;
        this.#resume = () => {};
        macrotask(look);
      };
      // Callbacks, not awaits: a day of heartbeats is ten thousand macrotasks.
      const look = (): void => {
        const now = completions() + this.operations.operations;
        calm = now === seen && !holding() ? calm + 1 : 1;
        seen = now;
        if (this.#ended) resolve(result);
        else if (calm < CALM_MACROTASKS) macrotask(look);
        else if (this.#wake()) start();
        else if (this.#externals > 0) this.#resume = start;
        else if (this.#jump()) start();
        else {
          this.#end();
          reject(new DeadlockError([...this.operations.abandoned, ...this.operations.list()]));
        }
      };
      start();
    });
  }

  /** Resolves at the first calm after `ring` was called. */
  #calmAfter(begin: (ring: () => void) => void): Promise<void> {
    const calm = new Promise<void>((resolve, reject) => {
      if (this.#ended) throw ended();
      const end = (): void => {
        calm.catch(() => {}); // nobody need wait for it
        reject(ended());
      };
      begin(() => {
        this.#idlers.push(() => {
          this.#open.delete(end);
          resolve();
        });
        this.#resume();
      });
      this.#open.add(end);
    });
    return calm;
  }

  #end(): void {
    this.#ended = true;
    this.#resume();
    for (const end of this.#open) end();
  }

  /** Wakes whoever waits for calm; false when nobody does. */
  #wake(): boolean {
    const idlers = this.#idlers;
    this.#idlers = [];
    for (const wake of idlers) wake();
    return idlers.length > 0;
  }

  /** Lets time jump to the next deadline; false when there is none. */
  #jump(): boolean {
    const first = this.#alarms.first;
    if (first === undefined) return false;
    this.#now = Math.max(this.#now, first.due);
    ringDue(this, this.#alarms, this.#now);
    return true;
  }
}

function ended(): SluiceError {
  return new SluiceError(CONFLICT, "This run of virtual time has ended, and its clock with it");
}

// A small generator (mulberry32), always from the same seed.
function seeded(): () => number {
  let state = 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
