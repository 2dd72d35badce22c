// A stage takes from one channel and gives to another. It stands in front of its source only while somebody waits for
// it, or might, and is handed a value only where it has room for one; what the source holds already it takes in a
// microtask: a select that waits for a stage and for the stage's source must stand in both before either moves.

import {
  awaited,
  counting,
  dormant,
  drained,
  due,
  fire,
  front,
  holds,
  ready,
  rouse,
  Source,
  take,
  turnedReady,
  Watch,
} from "../source.ts";
import { type Ending, sourceOf, Supply, type SupplyOptions } from "../supply.ts";
import type { ReceiveChannel } from "../types.ts";

/** @internal */
export abstract class Stage<T, R> extends Supply<R> {
  readonly source: Source<T>;
  readonly #timely: boolean; // its source turns ready by itself at some moment
  #place: Place<T> | undefined = undefined;
  #taking = false;
  #pulling = false;
  #over = false; // the source has ended, though not yet all that came of it

  constructor(source: ReceiveChannel<T>, options: SupplyOptions) {
    super(options);
    this.source = sourceOf(source);
    this.#timely = this.source[due] !== Source.prototype[due];
  }

  /** There is room for one more value. */
  abstract room(): boolean;
  /** Takes in a value. */
  abstract put(value: T): void;
  /** Lets `pull` run, in a microtask. */
  abstract schedule(): void;
  /** The source has ended, while somebody waits. */
  abstract finish(): void;

  // Not while it is about to take what is there, which comes first; and a source that lets more in when a value leaves it
  // (a socket) must not let that overtake what is being taken.
  get arrival(): number {
    return this.#pulling || this.#taking || !this.#takes() ? Infinity : (this.outlet[front].head?.arrival ?? Infinity);
  }

  #takes(): boolean {
    return !this.#over && this.room();
  }

  /** The source turned ready, or its moment is another. */
  told(): void {
    this.wait();
    if (this.outlet[awaited]()) this.rouse();
    this.outlet[turnedReady]();
  }

  arrived(value: T, ok: boolean): void {
    if (ok) this.put(value);
    else this.#finish();
  }

  #finish(): void {
    this.#over = true;
    this.finish();
  }

  override attend(): void {
    this.#place = new Place(this.source, this);
  }

  override forsake(): void {
    this.#place?.leave();
  }

  // While a value is being taken whoever stands in front may look already: it has left the source, and is not here yet.
  exhausted(): Ending | undefined {
    return !this.#taking && this.source[drained]() ? { cause: this.source.cause } : undefined;
  }

  override dormant(): boolean {
    return this.#takes() && (this.source[ready]() || this.source[dormant]());
  }

  rouse(): void {
    if (!this.#takes()) return;
    if (!this.#sees()) this.source[rouse]();
    else if (!this.#pulling) {
      this.#pulling = true;
      this.schedule();
    }
  }

  // A source on demand has nothing for who looks while somebody waits: this stage must not be the one who does.
  #sees(): boolean {
    const pulling = this.#pulling;
    this.#pulling = true;
    const isReady = this.source[ready]();
    this.#pulling = pulling;
    return isReady;
  }

  // It waits in the source only afterwards: what is there for whoever waits, a source on demand gives to nobody who looks.
  pull(): void {
    const { source, outlet } = this;
    let drains = false;
    while (!drains && this.#takes() && outlet[awaited]() && source[ready]()) {
      drains = source[drained]();
      if (!drains) this.put(this.receive());
    }
    this.#pulling = false;
    this.wait();
    if (drains) this.#finish();
    else if (outlet[awaited]()) this.rouse();
    else outlet[turnedReady]();
  }

  /** Takes one value that is there. */
  receive(): T {
    this.#taking = true;
    counting?.taking(this.source);
    const value = this.source[take]();
    this.#taking = false;
    return value;
  }

  override moment(): number {
    return this.#timely && !this.#pulling && this.#takes() ? this.source[due]() : Infinity;
  }

  override holding(): boolean {
    return this.source[holds];
  }

  override ring(): void {
    this.source[fire]();
    this.wait();
  }
}

/** Where a stage stands in front of its source. */
class Place<T> extends Watch<Source<T>> {
  readonly #stage: Stage<T, unknown>;

  constructor(source: Source<T>, stage: Stage<T, unknown>) {
    super(source);
    this.#stage = stage;
  }

  get arrival(): number {
    return this.#stage.arrival;
  }

  told(): void {
    this.#stage.told();
  }

  wake(_channel: object, value: unknown, ok: boolean): void {
    this.#stage.arrived(value as T, ok);
  }
}
