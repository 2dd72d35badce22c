// Applies a function to each value. An entry is in hand from the moment its value is taken until its result is received;
// results that nobody has received yet stand in `#results`. The function runs in a microtask of the async context of
// whoever called `map`: never inside a `send`, and never in the sender's context.

import { awaited, check, isObject, type Link, List, option, Ring, turnedReady, unlink, whole } from "../source.ts";
import { CANCELED, type ErrorKind, SluiceError, UNKNOWN } from "../errors.ts";
import { type Ending, inThisContext, supplyOptions } from "../supply.ts";
import type { ReceiveChannel } from "../types.ts";
import type { FlowOptions } from "./options.ts";
import { Stage } from "./stage.ts";

/** Options of `map`. */
export interface MapOptions extends FlowOptions {
  /** Values in hand at once, 1 or more: `fn` runs for so many, finished ones before their turn included. Default 1. */
  readonly concurrency?: number | undefined;
  /** Results in the order of the values, the default, or in the order in which they come. */
  readonly ordered?: boolean | undefined;
}

type Apply<T, R> = (value: T, signal: AbortSignal) => R | PromiseLike<R>;

/**
 * Applies a function to every value of a channel, for several of them at once if so wanted.
 *
 * A value is taken only while a receiver waits, and at most `concurrency` are in hand. Results come in the order of the
 * values unless `ordered` is false. The channel ends when the source has, with its cause.
 *
 * Where `fn` throws, the results before it still come, then the channel ends with a `SluiceError` whose `cause` is what
 * was thrown; it has the kind of that, where that is a `SluiceError`, else UNKNOWN. Values that were in hand behind it
 * are in its `details.undelivered`, the source stays open and keeps the rest. The same holds when it ends early, by
 * dispose or by its signal, with kind CANCELED; with nothing in hand the cause is the signal's reason itself. Then, too,
 * the signal that `fn` got is aborted.
 *
 * @throws TypeError or RangeError for a bad argument.
 *
 * @example
 * import { Channel } from "@sluice/channels";
 * import { map } from "@sluice/channels/flow";
 *
 * const numbers = new Channel<number>(3);
 * for (const number of [1, 2, 3]) await numbers.send(number);
 * numbers.close();
 * for await (const square of map(numbers, (number) => number * number)) console.log(square);
 * // → 1
 * // → 4
 * // → 9
 */
export function map<T, R>(
  source: ReceiveChannel<T>,
  fn: (value: T, signal: AbortSignal) => R | PromiseLike<R>,
  options?: MapOptions,
): ReceiveChannel<R> & Disposable {
  return new Mapping(source, fn, supplyOptions(options, ["concurrency", "ordered"])).outlet;
}

class Entry<T> implements Link {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  readonly value: T;
  result: unknown = undefined;
  done = false;
  failed = false;

  constructor(value: T) {
    this.value = value;
  }
}

class Mapping<T, R> extends Stage<T, R> {
  readonly #apply: Apply<T, R>;
  readonly #concurrency: number;
  readonly #ordered: boolean;
  readonly #controller = new AbortController();
  readonly #hand = new List<Entry<T>>(); // in the order of the values; of an ordered map finished ones too
  #next: Entry<T> | undefined = undefined; // the first of them that has not begun
  readonly #results = new Ring<R>();
  #count = 0; // in hand, results included
  #failed = false;
  #ended = false; // with entries in hand: what still comes of them is nobody's
  readonly #wake = inThisContext(() => this.#work());

  constructor(source: ReceiveChannel<T>, apply: Apply<T, R>, options: MapOptions) {
    super(source, options);
    const { concurrency = 1 } = options;
    check(typeof apply === "function", "fn", "a function", apply);
    this.#apply = apply;
    this.#concurrency = concurrency === Infinity ? concurrency : whole(concurrency, "concurrency", 1);
    this.#ordered = option(options, "ordered", "boolean") ?? true;
  }

  #work(): void {
    this.pull();
    for (let entry = this.#next; entry !== undefined; entry = this.#next) {
      this.#next = entry.next === this.#hand ? undefined : (entry.next as Entry<T> | undefined);
      this.#run(entry);
    }
  }

  schedule(): void {
    this.#wake();
  }

  room(): boolean {
    return this.#count < this.#concurrency && !this.#failed && !this.ended;
  }

  put(value: T): void {
    const entry = new Entry(value);
    this.#count += 1;
    this.#hand.append(entry);
    this.#next ??= entry;
  }

  override arrived(value: T, ok: boolean): void {
    super.arrived(value, ok);
    this.#wake();
  }

  #run(entry: Entry<T>): void {
    if (this.#failed || this.ended) return; // its value is among the undelivered
    try {
      const result = this.#apply(entry.value, this.#controller.signal);
      // A result that cannot be a promise spares the two that a look at one costs (bench: map).
      if (!isObject(result) && typeof result !== "function") this.#settle(entry, result, false);
      else void this.#await(entry, result);
    } catch (failure) {
      this.#settle(entry, failure, true);
    }
  }

  async #await(entry: Entry<T>, result: R | PromiseLike<R>): Promise<void> {
    try {
      this.#settle(entry, await result, false);
    } catch (failure) {
      this.#settle(entry, failure, true);
    }
  }

  #settle(entry: Entry<T>, result: unknown, failed: boolean): void {
    if (this.#ended) return;
    entry.done = true;
    entry.failed = failed;
    entry.result = result;
    this.#failed ||= failed;
    const hand = this.#hand;
    for (let next = this.#ordered ? hand.head : entry; next?.done === true; next = hand.head) {
      if (next.failed) return this.#fail(next);
      unlink(next);
      this.#result(next.result as R);
      if (!this.#ordered) break;
    }
    if (this.outlet[awaited]()) this.rouse();
    if (hand.head !== undefined) return;
    if (this.ending !== undefined) this.finish();
    else this.heed();
  }

  // Whoever waits has it at once: then no result stands there before it. Out of hand before it is given, since a Selector
  // in front asks at once whether another value would be taken.
  #result(result: R): void {
    this.#count -= 1;
    if (this.give(result)) return;
    this.#count += 1;
    this.#results.push(result);
    this.outlet[turnedReady]();
  }

  finish(): void {
    const ending = this.ending; // while entries are in hand there is none
    if (ending !== undefined) this.end(ending.cause);
  }

  override exhausted(): Ending | undefined {
    return this.#hand.head === undefined ? super.exhausted() : undefined;
  }

  override busy(): boolean {
    return this.#hand.head !== undefined;
  }

  #fail(entry: Entry<T>): void {
    unlink(entry);
    const failure = entry.result;
    const known = failure instanceof SluiceError;
    this.#end(this.#undelivered(known ? failure.kind : UNKNOWN, "failed", failure, known && failure.retryable));
  }

  override stop(cause: unknown): void {
    this.#end(this.#hand.head === undefined ? cause : this.#undelivered(CANCELED, "was ended", cause));
  }

  #end(cause: unknown): void {
    this.#ended = true;
    this.end(cause);
    this.#controller.abort(cause);
  }

  // Values are not enumerable on errors, so that no log has them by accident.
  #undelivered(kind: ErrorKind, what: string, cause: unknown, retryable = false): SluiceError {
    const undelivered: T[] = [];
    for (let entry = this.#hand.head; entry !== undefined; entry = this.#hand.head) {
      unlink(entry);
      undelivered.push(entry.value);
    }
    const name = this.name === undefined ? "A map" : `The map "${this.name}"`;
    const message = `${name} ${what}, with ${undelivered.length} values in hand`;
    const details = Object.defineProperty({}, "undelivered", { value: undelivered });
    return new SluiceError(kind, message, { cause, retryable, details });
  }

  ready(): boolean {
    return this.#results.length > 0;
  }

  take(): R {
    this.#count -= 1;
    return this.#results.shift();
  }

  override get length(): number {
    return this.#results.length;
  }
}
