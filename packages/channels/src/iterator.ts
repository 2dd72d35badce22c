// `for await` over a channel. Written by hand: an async generator costs more for each step, and its `return` hangs
// behind a parked `next`.

import type { Port, Source } from "./source.ts";
import { rejected, settle, settled } from "./turn.ts";
import type { Received } from "./types.ts";
import type { Kind } from "./waiter.ts";

/** A step of an iterator is a `Received` too. */
type Step<T> = Received<T> & IteratorResult<T, undefined>;

const STEP: Kind = {
  what: "for await",
  fails: true,
  finish: (waiter, value, ok, channel) => {
    const { cause } = channel as Source<unknown>;
    (waiter.value as ChannelIterator<unknown>).parked -= 1;
    if (ok || cause === undefined) settle(waiter.resolve, { ok, value, done: !ok });
    else settle(waiter.reject as (cause: unknown) => void, cause);
  },
};

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
    if (source.ready()) {
      if (!source.drained()) return settled({ ok: true, value: source.take(), done: false });
      return source.cause === undefined ? settled(finished()) : rejected(source.cause);
    }
    this.parked += 1;
    return source.park(STEP, undefined, this);
  }

  /** Settles a parked `next` as done, takes nothing, and leaves the channel open: what `break` calls. */
  return(): Promise<Step<T>> {
    this.#returned = true;
    if (this.parked > 0) this.#source.dismiss(this);
    return settled(finished());
  }
}

function finished(): Step<never> {
  return { ok: false, value: undefined, done: true };
}
