// `for await` over a channel or a Selector. Written by hand: an async generator costs more for each step, and its
// `return` hangs behind a parked `next`.

import * as protocol from "./protocol.ts";
import { dismiss, end, type Waiting } from "./protocol.ts";
import type { Link } from "./list.ts";
import { settled } from "./turn.ts";
import type { SignalOptions } from "./types.ts";

// Constants of this module: an import is looked up at each use, which costs a hot path 15 % (bench: receive-many).
const step: typeof protocol.step = protocol.step;

/** @internal */
export type Step<T> = IteratorResult<T, undefined>;

/** @internal What an iterator goes over. */
export interface Steps<T> {
  [step](iterator: StepIterator<T>, options: SignalOptions | undefined): Promise<Step<T>>;
  [dismiss](iterator: object): void;
  [end](): Step<T>;
}

/** @internal The step of an iterator that parked last: while any waits that one does, since they are served in order. */
export const latest: unique symbol = Symbol("latest");

/** @internal A step got what it waited for, which must not stay reachable through its iterator. */
export function arrived(waiter: Waiting): void {
  const iterator = waiter.value as StepIterator<unknown>;
  if (iterator[latest] === waiter) iterator[latest] = undefined;
}

// What every async iterator of the language inherits from, and with it being iterable; it has no name of its own.
const prototype: object = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}.prototype));

/** @internal */
export class StepIterator<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #steps: Steps<T>;
  readonly #options: SignalOptions | undefined;
  #returned = false;
  [latest]: Link | undefined = undefined;
  declare readonly [Symbol.asyncIterator]: () => this;

  static {
    Object.setPrototypeOf(this.prototype, prototype);
  }

  constructor(steps: Steps<T>, options?: SignalOptions) {
    this.#steps = steps;
    this.#options = options;
  }

  next(): Promise<Step<T>> {
    return this.#returned ? this.return() : this.#steps[step](this, this.#options);
  }

  /** Settles a parked `next` as done, takes nothing, and leaves the channel open: what `break` calls. */
  return(): Promise<Step<T>> {
    this.#returned = true;
    if (this[latest]?.next !== undefined) this.#steps[dismiss](this);
    return settled(this.#steps[end]());
  }
}
