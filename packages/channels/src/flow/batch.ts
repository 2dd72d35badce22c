// Arrays of values. The clock of a batch is the age of its first value, never started anew by a later one: a steady
// trickle would else hold a batch back until it is full.

import { awaited, check, drained, ready, turnedReady, whole } from "../source.ts";
import { parseDuration } from "../time/duration.ts";
import type { Duration, ReceiveChannel } from "../types.ts";
import { supplyOptions } from "../supply.ts";
import type { FlowOptions } from "./options.ts";
import { Stage } from "./stage.ts";

/** Options of `batch`. */
export interface BatchOptions extends FlowOptions {
  /** Values in a batch at most, 1 or more. */
  readonly size: number;
  /** How long the first value of a batch waits for others; zero or less gives what is there. */
  readonly within: Duration;
}

const atOnce: Promise<void> = Promise.resolve();

/**
 * Collects values into arrays of 1 to `size`, none of which waits longer than `within` for a receiver that is there.
 *
 * Nothing is taken until somebody receives; then it collects until the batch is full or its first value is `within`
 * old. A receiver that gives up leaves the batch under way for the next one, and its clock runs on; while nobody waits,
 * nothing more is taken. When the source ends, or the batch is ended by dispose or by its signal, what it holds comes
 * as a last batch, then the end with the source's cause, or the signal's reason.
 *
 * @throws TypeError, RangeError or SluiceError of kind INVALID for a bad argument.
 *
 * @example
 * import { Channel } from "@sluice/channels";
 * import { batch } from "@sluice/channels/flow";
 *
 * const lines = new Channel<string>(3);
 * for (const line of ["a", "b", "c"]) await lines.send(line);
 * lines.close();
 * for await (const some of batch(lines, { size: 2, within: "50ms" })) console.log(some.join());
 * // → a,b
 * // → c
 */
export function batch<T>(source: ReceiveChannel<T>, options: BatchOptions): ReceiveChannel<readonly T[]> & Disposable {
  return new Batching(source, supplyOptions(options, ["size", "within"])).outlet;
}

class Batching<T> extends Stage<T, readonly T[]> {
  readonly #size: number;
  readonly #within: number;
  #values: T[] = [];
  #due = Infinity;

  constructor(source: ReceiveChannel<T>, options: BatchOptions) {
    super(source, options);
    const { size } = options as Partial<BatchOptions>;
    check(size !== undefined, "size", "a positive integer", size);
    this.#size = whole(size, "size", 1);
    this.#within = parseDuration(options.within);
  }

  schedule(): void {
    void atOnce.then(() => this.pull());
  }

  room(): boolean {
    return this.#values.length < this.#size && !this.ended;
  }

  put(value: T): void {
    if (this.#values.length === 0) this.#due = this.clock().now() + this.#within;
    this.#values.push(value);
    if (this.#values.length === this.#size) this.#flush();
  }

  override arrived(value: T, ok: boolean): void {
    super.arrived(value, ok);
    this.#begun();
  }

  override pull(): void {
    super.pull();
    this.#begun();
  }

  // Only now: of what is there already, a batch that waits for nothing has as much as fits.
  #begun(): void {
    if (this.#values.length === 0) return;
    if (this.#within <= 0) this.#flush();
    else this.#moved();
  }

  #moved(): void {
    this.wait();
    this.outlet[turnedReady]();
  }

  // Nobody is told of the change before the values are given: a stage in front would look, and not be there for them.
  #flush(): void {
    if (!this.outlet[awaited]()) return;
    this.give(this.#cut());
    this.wait();
  }

  #cut(): readonly T[] {
    const values = this.#values;
    this.#values = [];
    this.#due = Infinity;
    return values;
  }

  finish(): void {
    this.stop(this.source.cause);
  }

  override stop(cause: unknown): void {
    if (this.#values.length > 0) this.#flush();
    this.end(cause);
  }

  // Whoever waits is served when the batch is full or due, and nobody overtakes.
  ready(): boolean {
    if (this.outlet[awaited]()) return false;
    if (this.#complete()) return true;
    const { source } = this;
    if (this.ending !== undefined || !source[ready]()) return false;
    return this.#within <= 0 || this.#values.length + source.length >= this.#size;
  }

  #complete(): boolean {
    const { length } = this.#values;
    if (length === 0) return false;
    return length === this.#size || this.ending !== undefined || this.clock().now() >= this.#due;
  }

  take(): readonly T[] {
    while (this.room() && this.source[ready]() && !this.source[drained]()) this.put(this.receive());
    const values = this.#cut();
    this.#moved();
    return values;
  }

  override get length(): number {
    return this.#complete() ? 1 : 0;
  }

  override moment(): number {
    return Math.min(this.#due, super.moment());
  }

  override holding(): boolean {
    return this.#due < Infinity || super.holding();
  }

  override moved(ahead: number): void {
    this.#due += ahead;
  }

  override ring(): void {
    if (this.#complete()) this.#flush();
    super.ring();
  }
}
