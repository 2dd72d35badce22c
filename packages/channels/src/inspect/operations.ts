// The operations that are parked now: for `parked`, for snapshots, and for the deadlocks of virtual time, which has a
// record of its own beside the ordinary one. A record holds what it lists, unless it is to tell what was abandoned: then
// it knows the operations weakly, and the collector says which of them nobody can wake any more.

import { macrotask } from "../host.ts";
import { isObject } from "../object.ts";
import { type Asked, asked, front } from "../protocol.ts";
import { Round } from "../selector.ts";
import { clock } from "../time/clock.ts";
import { HeldTimer, remaining, TimerChannel } from "../time/timer.ts";
import { type Recorder, vanishes } from "../waiter.ts";
import { type Book, type Entry, WeakBook } from "./book.ts";
import { ENTRIES } from "./entries.ts";
import { Place, reading } from "./place.ts";
import { faded, shuffle, Words } from "./subjects.ts";
import { readSome, Unread } from "./unread.ts";

/** An operation that waits. */
export interface ParkedOperation {
  /** What waits: "receive", "send", "select", "receiveMany", "for await", "sleep", "Selector.next" or "until". */
  readonly operation: string;
  /** What it waits for, one entry for each channel, in words. */
  readonly waitsFor: readonly string[];
  /** Since when, as `Date.now()` gives it. */
  readonly since: number;
  /**
   * The line that called it, as the host writes stack frames. Empty where the host gives no stack, and under virtual
   * time without `record({ parked: true })` for what a timer is certain to wake, which has no part in a deadlock. In a
   * snapshot "not yet known" where more than 500 stacks are new: those that follow know more.
   */
  readonly calledAt: string;
}

/** A channel that stands for a whole operation; it comes first among those that are waited for. */
interface Whole {
  readonly [asked]: Asked;
}

const ABANDONED_KEPT = 10_000;
const TURNS_READ = 20; // at most so many times 500 stacks are read behind one snapshot

/** @internal */
function told({ operation, on, since, place }: Entry, words: Words): ParkedOperation {
  return { operation, waitsFor: words.of(on, operation), since, calledAt: place.site.line };
}

/** @internal */
export class ParkedOperations implements Recorder {
  readonly #wholes = new WeakMap<Whole, Place>();
  #book: Book = ordinary?.isWeak === true ? new WeakBook() : new Map<object, Entry>();
  #registry: FinalizationRegistry<Entry> | undefined = undefined;
  #selectors = 0;
  readonly #unread = new Unread();
  #reading = false;
  /** Operations that nobody can wake any more, in the order in which the collector told. */
  readonly abandoned: ParkedOperation[] = [];
  /** Operations seen so far, parked or not. */
  operations = 0;

  get isWeak(): boolean {
    return this.#book instanceof WeakBook;
  }

  /** Operations that are parked. */
  get size(): number {
    return this.#book.size;
  }

  /** In the order in which they parked. */
  entries(): Iterable<Entry> {
    return this.#book.values();
  }

  parked(operation: object, what: string, on: object, entry: unknown = ENTRIES[what]): void {
    this.operations += 1;
    const isRound = on instanceof Round;
    const whole = wholeOf(on);
    const wait: Entry = {
      operation: whole?.[asked].what ?? what,
      on: this.isWeak ? faded(on, what) : on,
      since: clock().wall(),
      place: ordinary === undefined && this.#isCertain(what, on) ? Place.none : this.#placeOf(whole, entry),
      isRound,
      left: false,
    };
    if (isRound) this.#selectors += 1;
    shuffle(wait.on);
    this.#add(operation, wait);
    if (ordinary !== undefined && ordinary !== this) ordinary.#add(operation, wait);
  }

  left(operation: object): void {
    const entry = this.#remove(operation);
    if (entry?.isRound === true) this.#selectors -= 1;
    if (ordinary !== undefined && ordinary !== this) ordinary.#remove(operation);
  }

  passed(): void {
    this.operations += 1;
  }

  /** Lists what is parked; every stack is read for it. */
  list(): ParkedOperation[] {
    const words = new Words();
    return reading(() =>
      Array.from(this.#book.values(), (entry) => {
        entry.place.read();
        return told(entry, words);
      }),
    );
  }

  /** Knows the operations weakly from now on, and tells which of them nobody can wake. */
  fade(): void {
    if (this.#book instanceof Map) this.#book = WeakBook.of(this.#book as Map<object, Entry>);
  }

  /** As `fade`, and lets the collector tell. */
  watch(): void {
    if (this.#registry !== undefined) return;
    this.#registry = new FinalizationRegistry(vanish);
    const before = this.#book;
    this.fade();
    if (before instanceof Map) {
      for (const [operation, entry] of before as Map<object, Entry>) this.#follow(operation, entry);
    }
  }

  /** The collector took it. */
  forget(entry: Entry, as: ParkedOperation): void {
    if (!(this.#book instanceof WeakBook) || !this.#book.forget(entry)) return;
    if (entry.isRound) this.#selectors -= 1;
    if (this.abandoned.length === ABANDONED_KEPT) this.abandoned.shift();
    this.abandoned.push(as);
  }

  /** Reads the stacks of what is parked, some in each turn of the loop: the next snapshot knows more sites. */
  readBehind(): void {
    if (this.#reading) return;
    this.#reading = true;
    let turns = TURNS_READ;
    const entries = this.#book.values()[Symbol.iterator]();
    const go = (): void => {
      turns -= 1;
      this.#reading = turns > 0 && readSome(entries);
      if (this.#reading) macrotask(go);
    };
    macrotask(go);
  }

  #add(operation: object, entry: Entry): void {
    this.#book.set(operation, entry);
    if (this.#registry !== undefined) this.#follow(operation, entry);
  }

  #remove(operation: object): Entry | undefined {
    const entry = this.#book.get(operation);
    if (entry === undefined) return undefined;
    entry.left = true;
    shuffle(entry.on);
    this.#book.delete(operation);
    this.#registry?.unregister(operation);
    return entry;
  }

  #follow(operation: object, entry: Entry): void {
    this.#registry?.register(operation, entry, operation);
    this.#unread.push(entry);
  }

  // What is a part of another operation may park again and again: only the first time does the program call it.
  #placeOf(whole: Whole | undefined, entry: unknown): Place {
    if (whole === undefined) return Place.of(entry);
    const place = this.#wholes.get(whole) ?? Place.of(whole[asked].entry);
    this.#wholes.set(whole, place);
    return place;
  }

  // Who sleeps, and the first in the queue of a moment that nobody can stop, is certain to be woken: it has no part in
  // any deadlock, and its line, half of what a simulated day costs, is not captured. Not while a `Selector.next` of this
  // run waits: it came earlier, and `add` would let it take that moment; nor for one itself: `delete` may take its timer.
  #isCertain(what: string, on: object): boolean {
    if (what === "sleep") return true;
    if (this.#selectors > 0) return false;
    return (Array.isArray(on) ? on : [on]).some(
      (part) =>
        part instanceof TimerChannel &&
        !(part instanceof HeldTimer) &&
        part[remaining]() < Infinity &&
        part[front].head === undefined,
    );
  }
}

function wholeOf(on: object): Whole | undefined {
  const first: unknown = Array.isArray(on) ? on[0] : undefined;
  return isObject(first) && asked in first ? (first as Whole) : undefined;
}

let ordinary: ParkedOperations | undefined;
let virtual: ParkedOperations | undefined;

function vanish(entry: Entry): void {
  if (entry.left) return;
  entry.left = true;
  vanishes();
  const as = Object.freeze(told(entry, new Words()));
  ordinary?.forget(entry, as);
  virtual?.forget(entry, as);
}

/** @internal The record of a program's own time, where one is kept. */
export function ordinaryOperations(): ParkedOperations | undefined {
  return ordinary;
}

/** @internal The record that decides now: of virtual time while it runs. */
export function operationsNow(): ParkedOperations | undefined {
  return virtual ?? ordinary;
}

/** @internal Begins the ordinary record, or ends it. Where it is to tell what was abandoned, it does so to its end. */
export function keepOrdinary(on: boolean, abandoned: boolean): void {
  ordinary = on ? (ordinary ?? new ParkedOperations()) : undefined;
  if (!abandoned) return;
  ordinary?.watch();
  virtual?.fade();
}

/** @internal */
export function keepVirtual(operations?: ParkedOperations): void {
  virtual = operations;
}
