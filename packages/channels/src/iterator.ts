// `for await` over a channel or a Selector. Written by hand: an async generator costs more for each step, and its
// `return` hangs behind a parked `next`.

import * as protocol from "./protocol.ts";
import { dismiss, end } from "./protocol.ts";
import { settled } from "./turn.ts";

// Constants of this module: an import is looked up at each use, which costs a hot path 15 % (bench: receive-many).
const step: typeof protocol.step = protocol.step;

/** @internal */
export type Step<T> = IteratorResult<T, undefined>;

/** @internal What an iterator goes over. */
export interface Steps<T> {
  [step](iterator: StepIterator<T>): Promise<Step<T>>;
  [dismiss](iterator: object): void;
  [end](): Step<T>;
}

/** @internal */
export class StepIterator<T> implements AsyncIterator<T, undefined, undefined> {
  readonly #steps: Steps<T>;
  #returned = false;
  /** Steps that wait now. A loop that breaks has none, and then need not look for them among all who wait. */
  parked = 0;

  constructor(steps: Steps<T>) {
    this.#steps = steps;
  }

  next(): Promise<Step<T>> {
    return this.#returned ? this.return() : this.#steps[step](this);
  }

  /** Settles a parked `next` as done, takes nothing, and leaves the channel open: what `break` calls. */
  return(): Promise<Step<T>> {
    this.#returned = true;
    if (this.parked > 0) this.#steps[dismiss](this);
    return settled(this.#steps[end]());
  }
}
