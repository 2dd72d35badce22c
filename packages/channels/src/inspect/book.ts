// Parked operations in the order in which they parked: held, or known weakly.

import type { Place } from "./place.ts";
import { faded } from "./subjects.ts";

/** @internal A parked operation. */
export interface Entry {
  readonly operation: string;
  /** What it waits for: a channel, cases, the state of a Selector; what is noted of them where none may be held. */
  on: object;
  readonly since: number;
  readonly place: Place;
  /** It is a `next` of a Selector. */
  readonly isRound: boolean;
  /** It waits no longer. */
  left: boolean;
}

/** @internal */
export interface Book {
  readonly size: number;
  get(operation: object): Entry | undefined;
  set(operation: object, entry: Entry): unknown;
  delete(operation: object): unknown;
  values(): Iterable<Entry>;
}

/** @internal One that holds nothing of the program: an operation that nobody else holds is garbage. */
export class WeakBook implements Book {
  readonly #of = new WeakMap<object, Entry>();
  readonly #entries = new Set<Entry>();

  /** Takes over what is in another, which is of no use then. */
  static of(entries: Iterable<[object, Entry]>): WeakBook {
    const book = new WeakBook();
    for (const [operation, entry] of entries) {
      entry.on = faded(entry.on, entry.operation);
      book.set(operation, entry);
    }
    return book;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(operation: object): Entry | undefined {
    return this.#of.get(operation);
  }

  set(operation: object, entry: Entry): void {
    this.#of.set(operation, entry);
    this.#entries.add(entry);
  }

  delete(operation: object): void {
    const entry = this.#of.get(operation);
    if (entry === undefined) return;
    this.#of.delete(operation);
    this.#entries.delete(entry);
  }

  /** Deletes one of which the operation is gone; false when it was not there. */
  forget(entry: Entry): boolean {
    return this.#entries.delete(entry);
  }

  values(): Iterable<Entry> {
    return this.#entries;
  }
}
