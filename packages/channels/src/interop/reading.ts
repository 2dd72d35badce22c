// Reading one value at a time from something that is asked for it and may take its time: an iterator, a stream.
// A read is begun when somebody waits; what it gives is kept when nobody does any more, so that an abort loses nothing.

import { awaited, turnedReady } from "../source.ts";
import { type Ending, inThisContext, Supply } from "../supply.ts";
import type { SignalOptions } from "../types.ts";

/** Options of what reads on demand. */
export interface InteropOptions extends SignalOptions {
  /** For people who read errors and reports. */
  readonly name?: string | undefined;
}

/** @internal A value, or the end. */
export interface Step<T> {
  readonly done?: boolean | undefined;
  readonly value?: T | undefined;
}

/** @internal What is read from. */
export interface Readable<T> {
  next(): Step<T> | PromiseLike<Step<T>>;
  /** Nobody will read any more. */
  close(cause: unknown): unknown;
}

/** @internal */
export class Reading<T> extends Supply<T> {
  readonly #from: Readable<T> | undefined = undefined;
  readonly #wake = inThisContext(() => void this.#read());
  #kept: { readonly value: T } | undefined = undefined;
  #reading = false;

  // With a signal that was aborted before, nothing is touched.
  constructor(open: () => Readable<T>, options: InteropOptions) {
    super(options);
    if (options.signal?.aborted !== true) this.#from = open();
    this.begin();
  }

  async #read(): Promise<void> {
    const from = this.#from;
    if (from === undefined || this.ended) return;
    try {
      const { done, value } = await from.next();
      this.#reading = false;
      if (done === true) this.end(undefined);
      else this.#got(value as T);
    } catch (failure) {
      this.#reading = false;
      this.end(failure);
    }
  }

  #got(value: T): void {
    const { outlet } = this;
    if (!this.give(value)) {
      this.#kept = { value };
      outlet[turnedReady]();
    }
    if (outlet[awaited]()) this.rouse();
  }

  ready(): boolean {
    return this.#kept !== undefined;
  }

  take(): T {
    const { value } = this.#kept as { value: T };
    this.#kept = undefined;
    return value;
  }

  override get length(): number {
    return this.#kept === undefined ? 0 : 1;
  }

  exhausted(): Ending | undefined {
    return undefined;
  }

  override busy(): boolean {
    return true;
  }

  override dormant(): boolean {
    return !this.#reading && this.#kept === undefined && !this.ended;
  }

  rouse(): void {
    if (!this.dormant()) return;
    this.#reading = true;
    this.#wake();
  }

  override stop(cause: unknown): void {
    this.end(cause);
    void this.#close(cause);
  }

  // Nobody is left who could be told that it failed.
  async #close(cause: unknown): Promise<void> {
    try {
      await this.#from?.close(cause);
    } catch {}
  }
}
