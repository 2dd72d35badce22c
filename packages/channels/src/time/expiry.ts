// An abort after a time of this library's clock. Whoever drops the signal gets rid of all of it: the alarm knows only a
// source of the signal, which platforms let go of its followers, and a registry calls the alarm off.

import { type Alarm, type Clock, clock } from "./clock.ts";
import { inWords } from "./duration.ts";
import { SluiceError, TIMEOUT } from "../errors.ts";
import { onAbort } from "../signal.ts";
import type { Duration } from "../types.ts";
import { recorder } from "../waiter.ts";

/** @internal The reason of a deadline that has passed. */
export function exceeded(duration: Duration): SluiceError {
  return new SluiceError(TIMEOUT, `The deadline of ${inWords(duration)} has passed`, {
    retryable: true,
    details: { duration },
  });
}

/** @internal Gives a signal that is aborted after `milliseconds`, or with another signal that is not aborted yet. */
export function expiring(milliseconds: number, duration: Duration, signal: AbortSignal | undefined): AbortSignal {
  const controller = new AbortController();
  const expiry = new Expiry(controller, milliseconds, duration, signal);
  const { any } = AbortSignal as { readonly any?: typeof AbortSignal.any };
  if (any === undefined || typeof FinalizationRegistry === "undefined") return controller.signal;
  // A follower, not the controller's own: hosts keep one alive while somebody listens to it, and only then.
  const follower = any.call(AbortSignal, [controller.signal]);
  dropped ??= new FinalizationRegistry((unheard) => unheard.cancel());
  dropped.register(follower, expiry);
  return follower;
}

let dropped: FinalizationRegistry<Expiry> | undefined;

class Expiry implements Alarm {
  due = Infinity;
  position = -1;
  order = 0;
  readonly holds = false;
  readonly #clock: Clock = clock();
  readonly #controller: AbortController;
  readonly #duration: Duration;
  readonly #forget: (() => void) | undefined;

  constructor(controller: AbortController, milliseconds: number, duration: Duration, signal: AbortSignal | undefined) {
    this.#controller = controller;
    this.#duration = duration;
    this.#forget = signal && onAbort(signal, () => this.#end(signal.reason));
    recorder?.passed();
    this.#clock.set(this, this.#clock.now() + milliseconds);
  }

  ring(): void {
    recorder?.passed();
    this.#end(exceeded(this.#duration));
  }

  cancel(): void {
    this.#clock.clear(this);
    this.#forget?.();
  }

  #end(reason: unknown): void {
    this.cancel();
    this.#controller.abort(reason);
  }
}
