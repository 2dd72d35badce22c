// `for await` over a channel. Written by hand: an async generator costs more for each step, and its `return` hangs
// behind a parked `next`.

import type { Port, Source } from "./source.ts";
import { rejected, settle, settled } from "./turn.ts";
import type { Received } from "./types.ts";
import type { Listening } from "./signal.ts";
import { arrive, leave, type Link, type List, type ReceivingWaiter, recorder, type Waiter } from "./waiter.ts";

/** A step of an iterator is a `Received` too. */
type Step<T> = Received<T> & IteratorResult<T, undefined>;

/** @internal */
export class ChannelIterator<T> implements AsyncIterator<T, undefined, undefined> {
  readonly #source: Port<T>;
  #returned = false;
  /** Steps that wait now. */
  parked = 0;

  constructor(source: Port<T>) {
    this.#source = source;
  }

  next(): Promise<Step<T>> {
    const source = this.#source;
    if (this.#returned) return settled(finished());
    if (!source.ready()) return this.#park();
    if (!source.drained()) return settled({ ok: true, value: source.take(), done: false });
    return source.cause === undefined ? settled(finished()) : rejected(source.cause);
  }

  #park(): Promise<Step<T>> {
    return new Promise((resolve, reject) => {
      const waiter = new IteratorStep(this, resolve, reject);
      this.#source.enlist(waiter);
      if (recorder !== undefined) recorder.parked(waiter, "for await", [this.#source]);
    });
  }

  /** Settles a parked `next` as done, takes nothing, and leaves the channel open: what `break` calls. */
  return(): Promise<Step<T>> {
    this.#returned = true;
    if (this.parked > 0) this.#source.dismiss(this);
    return settled(finished());
  }
}

/** @internal A parked `next`. */
export class IteratorStep<T> implements ReceivingWaiter<T>, Waiter {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  list: List<Link> | undefined = undefined;
  listening: Listening | undefined = undefined;
  readonly arrival: number;
  readonly iterator: ChannelIterator<T>;
  readonly #resolve: (step: Step<T>) => void;
  readonly #reject: (cause: unknown) => void;

  constructor(iterator: ChannelIterator<T>, resolve: (step: Step<T>) => void, reject: (cause: unknown) => void) {
    this.arrival = arrive();
    this.iterator = iterator;
    this.#resolve = resolve;
    this.#reject = reject;
    iterator.parked += 1;
  }

  leave(): void {
    leave(this);
    this.iterator.parked -= 1;
  }

  accept(value: T): void {
    this.leave();
    settle(this.#resolve, { ok: true, value, done: false });
  }

  end(source: Source<T>): void {
    this.leave();
    if (source.cause === undefined) settle(this.#resolve, finished());
    else settle(this.#reject, source.cause);
  }

  dismissed(): void {
    this.leave();
    settle(this.#resolve, finished());
  }
}

function finished(): Step<never> {
  return { ok: false, value: undefined, done: true };
}
