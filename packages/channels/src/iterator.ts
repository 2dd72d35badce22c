// `for await` over a channel or a Selector. Written by hand: an async generator costs more for each step, and its
// `return` hangs behind a parked `next`.

import { settled } from "./turn.ts";

/** @internal */
export type Step<T> = IteratorResult<T, undefined>;

/** @internal What an iterator goes over. */
export interface Steps<T> {
  step(iterator: object): Promise<Step<T>>;
  /** Ends the parked steps of one iterator, as a plain close does, and gives its last. */
  dismiss(iterator: object): Step<T>;
}

/** @internal */
export class StepIterator<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #steps: Steps<T>;
  #returned = false;

  constructor(steps: Steps<T>) {
    this.#steps = steps;
  }

  next(): Promise<Step<T>> {
    return this.#returned ? this.return() : this.#steps.step(this);
  }

  /** Settles a parked `next` as done, takes nothing, and leaves the channel open: what `break` calls. */
  return(): Promise<Step<T>> {
    this.#returned = true;
    return settled(this.#steps.dismiss(this));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
