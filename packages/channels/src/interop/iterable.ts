// A channel of what an iterable gives.

import { check } from "../source.ts";
import { supplyOptions } from "../supply.ts";
import type { ReceiveChannel } from "../types.ts";
import { type InteropOptions, Reading, type Step } from "./reading.ts";

interface AnyIterator<T> {
  next(): Step<T> | PromiseLike<Step<T>>;
  return?(): unknown;
}

type Maker<T> = (() => AnyIterator<T>) | undefined;

/**
 * Makes a channel of an iterable, async or not: its iterator is asked for one value at a time, when somebody receives.
 *
 * It ends when the iterator is done, or with what it threw as cause. Dispose, or the signal, ends it early and calls the
 * iterator's `return()`, of which a failure is dropped. A value that was under way when a receiver gave up is kept for
 * the next one. Promises that an ordinary iterable gives are values, and are not awaited.
 *
 * @throws TypeError for what is not iterable.
 *
 * @example
 * import { select, time } from "@sluice/channels";
 * import { fromIterable } from "@sluice/channels/interop";
 *
 * async function* pages() {
 *   yield "first";
 *   yield "second";
 * }
 * using book = fromIterable(pages());
 * const r = await select({ page: book, late: time.after("5s") });
 * if (r.name === "page" && r.ok) console.log(r.value); // → first
 */
export function fromIterable<T>(
  source: AsyncIterable<T> | Iterable<T>,
  options?: InteropOptions,
): ReceiveChannel<T> & Disposable {
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = Object(source) as Record<symbol, Maker<T>>;
  const make = later ?? now;
  check(typeof make === "function", "source", "an iterable", source);
  const open = (): { next(): Step<T> | PromiseLike<Step<T>>; close(): unknown } => {
    const iterator = make.call(source);
    return { next: () => iterator.next(), close: () => iterator.return?.() };
  };
  return new Reading(open, supplyOptions(options, [])).outlet;
}
