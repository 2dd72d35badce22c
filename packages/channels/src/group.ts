// Tasks that belong together: none outlives the group, and the first failure ends the others.
// A task parked on a channel that nobody else holds would just vanish, and its `finally` never run; in a group it is a
// hang, which `virtualTime` reports with its line. Surprising: a group that fails settles only once every task has.

import { check, onAbort, option, refusal, rejected, Ring, settle, shown, whole } from "./source.ts";
import { CANCELED, SluiceError, TIMEOUT, UNKNOWN } from "./errors.ts";
import { inWords, parseDuration } from "./time/duration.ts";
import { sleep } from "./time/time.ts";
import type { Duration } from "./types.ts";

/** Options of `group`. */
export interface GroupOptions {
  /** Aborts the group, which then rejects with its reason. Already aborted: the body does not run. */
  readonly signal?: AbortSignal | undefined;
  /** Tasks that run at once, 1 or more: `go` starts the next when one has ended. No limit unless given. */
  readonly limit?: number | undefined;
  /** After this the group is aborted, and fails with kind TIMEOUT. */
  readonly timeout?: Duration | undefined;
  /** For people who read errors. */
  readonly name?: string | undefined;
}

/** Starts tasks: what the body of `group` gets. */
export interface Group {
  /**
   * Aborted when the first task fails, when the body throws, when the outer signal is, after the timeout, and when the
   * group is done. Its reason is the failure; of a group that is done, a `SluiceError` of kind CANCELED.
   */
  readonly signal: AbortSignal;
  /**
   * Starts a task, in a microtask and in the caller's async context; with a `limit` as soon as there is a place, first
   * come, first served.
   *
   * Its promise settles as the task does. A rejection counts as handled, since the group fails with it. Where the group
   * is aborted before the task started, it never starts, and the promise rejects with the signal's reason.
   */
  go<R>(task: (signal: AbortSignal) => R | PromiseLike<R>): Promise<R>;
  /**
   * Starts a task that serves the others, such as a heartbeat: nobody waits for its end, its failure is nobody's, and it
   * is aborted when the body and every task of `go` have ended. It takes no place of a `limit`.
   *
   * @throws TypeError when the task is not a function.
   */
  background(task: (signal: AbortSignal) => unknown): void;
  /** Tasks of `go` that have a place and have not ended. */
  readonly running: number;
}

/**
 * Runs a body that starts tasks, waits until every one of them has ended, and gives what the body gave.
 *
 * The first failure, of a task or of the body, aborts `group.signal`. The rest is awaited all the same, and then the
 * group rejects with that first failure itself. Failures that came later are in `details.later` of it, in order, where
 * it is a `SluiceError`; else the group rejects with a `SluiceError` that has them, and the first failure as its
 * `cause`. What rejects with the signal's own reason is no failure of its own.
 *
 * An abort of `options.signal` does the same with its reason, the timeout with an error of kind TIMEOUT. What a task
 * that does not look at its signal goes on doing is waited for.
 *
 * @throws RangeError, TypeError or SluiceError of kind INVALID (as a rejection) for a bad option; nothing has run.
 *
 * @example
 * import { Channel } from "@sluice/channels";
 * import { group } from "@sluice/channels/group";
 *
 * const total = await group(async (tasks) => {
 *   const numbers = new Channel<number>();
 *   void tasks.go(async (signal) => {
 *     for (const number of [1, 2, 3]) await numbers.send(number, { signal });
 *     numbers.close();
 *   });
 *   let sum = 0;
 *   for await (const number of numbers) sum += number;
 *   return sum;
 * });
 * console.log(total); // → 6
 */
export function group<R>(body: (group: Group) => R | PromiseLike<R>, options: GroupOptions = {}): Promise<R> {
  try {
    check(typeof body === "function", "body", "a function", body);
    return refusal(options, NAMES) ?? new Tasks(options).run(body, options);
  } catch (mistake) {
    return rejected(mistake);
  }
}

const NAMES = ["signal", "limit", "timeout", "name"];

function ignore(): void {}

const atOnce: Promise<void> = Promise.resolve();

class Tasks implements Group {
  readonly #controller = new AbortController();
  readonly #name: string;
  readonly #limit: number;
  readonly #queue = new Ring<() => void>(); // who waits for a place
  readonly #failures: unknown[] = []; // the first of them aborts
  #running = 0;
  #open = 1; // the body, and the tasks that have not ended, those that wait for a place included
  #done: () => void = ignore;

  constructor(options: GroupOptions) {
    const { limit = Infinity, timeout } = options;
    this.#limit = limit === Infinity ? limit : whole(limit, "limit", 1);
    const name = option(options, "name", "string");
    this.#name = name === undefined ? "The group" : `The group "${name}"`;
    if (timeout !== undefined) parseDuration(timeout); // a mistake is told before anything runs
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get running(): number {
    return this.#running;
  }

  run<R>(body: (group: Group) => R | PromiseLike<R>, { signal, timeout }: GroupOptions): Promise<R> {
    return new Promise((resolve, reject) => {
      let result: R;
      const run = async (): Promise<void> => {
        try {
          result = await body(this);
        } catch (failure) {
          this.#fail(failure);
        }
        this.#end();
      };
      const abort = (): void => {
        if (!this.signal.aborted) this.#fail(signal?.reason);
      };
      const forget = signal && onAbort(signal, abort);
      this.#done = () => {
        forget?.();
        this.#controller.abort(new SluiceError(CANCELED, `${this.#name} has ended`));
        if (this.#failures.length === 0) settle(resolve as (result: R) => void, result);
        else settle(reject, failureOf(this.#failures));
      };
      if (timeout !== undefined) void this.#expire(timeout);
      void run();
    });
  }

  go<R>(task: (signal: AbortSignal) => R | PromiseLike<R>): Promise<R> {
    const { signal } = this;
    const result = signal.aborted ? rejected(signal.reason) : this.#start(task);
    result.catch(ignore);
    return result;
  }

  background(task: (signal: AbortSignal) => unknown): void {
    check(typeof task === "function", "task", "a function", task);
    const { signal } = this;
    void atOnce.then(() => (signal.aborted ? undefined : task(signal))).catch(ignore);
  }

  // An async function keeps the context of whoever called `go`, also where the end of another task gives it its place.
  #start<R>(task: (signal: AbortSignal) => R | PromiseLike<R>): Promise<R> {
    const { signal } = this;
    this.#open += 1;
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        try {
          await this.#place();
          if (signal.aborted) throw signal.reason;
          check(typeof task === "function", "task", "a function", task);
          settle(resolve as (result: R) => void, await task(signal));
        } catch (failure) {
          this.#fail(failure);
          settle(reject, failure);
        }
        this.#leave();
      };
      void run();
    });
  }

  #place(): Promise<void> {
    if (this.#running === this.#limit) return new Promise((enter) => this.#queue.push(enter));
    this.#running += 1;
    return atOnce;
  }

  // The place goes to whoever has waited longest; nobody gets in between.
  #leave(): void {
    if (this.#queue.length > 0) this.#queue.shift()();
    else this.#running -= 1;
    this.#end();
  }

  #end(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#done();
  }

  #fail(failure: unknown): void {
    const { aborted, reason } = this.signal;
    if (!aborted || !isAbort(failure, reason)) this.#failures.push(failure);
    if (aborted) return;
    this.#controller.abort(failure);
    while (this.#queue.length > 0) {
      this.#running += 1;
      this.#queue.shift()();
    }
  }

  async #expire(timeout: Duration): Promise<void> {
    try {
      await sleep(timeout, this);
    } catch {
      return; // failed or done before
    }
    const message = `${this.#name} was not done within ${inWords(timeout)}`;
    this.#fail(new SluiceError(TIMEOUT, message, { details: { timeout } }));
  }
}

// Node's own functions reject with an `AbortError` that has the signal's reason as its cause.
function isAbort(failure: unknown, reason: unknown): boolean {
  const { name, cause } = Object(failure) as Partial<Error>;
  return failure === reason || (name === "AbortError" && cause === reason);
}

function failureOf([first, ...later]: readonly unknown[]): unknown {
  if (later.length === 0) return first;
  if (first instanceof SluiceError) {
    const { later: before } = first.details; // of a group inside this one
    const value = Array.isArray(before) ? [...(before as unknown[]), ...later] : later;
    // By descriptors: what is not enumerable (values on their way) stays so. A frozen error stays as it is.
    const others = Object.getOwnPropertyDescriptors(first.details);
    Reflect.set(first, "details", Object.defineProperties({}, { ...others, later: { value, enumerable: true } }));
    return first;
  }
  const message = first instanceof Error ? first.message : typeof first === "string" ? first : shown(first);
  return new SluiceError(UNKNOWN, `${message} (the first of ${later.length + 1} failures)`, {
    cause: first,
    details: { later },
  });
}
