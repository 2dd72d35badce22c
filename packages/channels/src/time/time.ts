// Time as channels: what Go's package time gives to a select.

import { disposeBy } from "../dispose.ts";
import { NANOSECOND, parseDuration } from "./duration.ts";
import { INVALID, SluiceError } from "../errors.ts";
import { macrotask } from "../host.ts";
import { List } from "../list.ts";
import { park, type Waiting } from "../protocol.ts";
import { refusal } from "../signal.ts";
import { HeldTimer, restart, stop, TimerChannel } from "./timer.ts";
import { rejected, settle } from "../turn.ts";
import type { Duration, ReceiveChannel, SignalOptions } from "../types.ts";
import { type Kind, parkIn } from "../waiter.ts";

export { HOUR, MICROSECOND, MILLISECOND, MINUTE, NANOSECOND, parseDuration, SECOND } from "./duration.ts";

/** One moment, that can be moved and called off. */
export interface Timer extends Disposable {
  /** The channel that gets the moment; the same object every time. */
  channel(): ReceiveChannel<Date>;
  /** Calls it off: no value arrives after this. True when it was still pending (due but not received counts). */
  stop(): boolean;
  /** Starts it again with another duration; no value of the old one arrives after this. The boolean is that of `stop`. */
  reset(duration: Duration): boolean;
}

/** Moments at a steady rate. At most one due tick is held, the oldest; later ones are dropped and the phase is kept. */
export interface Ticker extends Disposable {
  /** The channel that gets the moments; the same object every time. */
  channel(): ReceiveChannel<Date>;
  /** Stops it: no tick arrives after this. True when it was running. */
  stop(): boolean;
  /** Starts it again with another period, counted from now. */
  reset(period: Duration): void;
}

/**
 * Gives a channel that gets one value, the moment it was due, after a duration, and nothing more. It never closes.
 *
 * A duration of zero or less is due at once. No host timer runs until somebody waits on the channel, so a channel that
 * lost its select needs no clean-up.
 *
 * @throws SluiceError of kind INVALID for a bad duration.
 */
export function after(duration: Duration): ReceiveChannel<Date> {
  return new TimerChannel(parseDuration(duration));
}

/**
 * Starts a timer, by the rules of Go 1.23.
 *
 * @throws SluiceError of kind INVALID for a bad duration.
 */
export function timer(duration: Duration): Timer {
  return new Handle(parseDuration(duration), false);
}

/**
 * Starts a ticker; the first tick is due after one period.
 *
 * @throws SluiceError of kind INVALID for a bad duration, and for one that is not positive.
 */
export function ticker(period: Duration): Ticker {
  return new Handle(parsePeriod(period), true);
}

/**
 * Waits for a duration; zero or less still lets the event loop turn once.
 *
 * On abort it rejects with the signal's reason and leaves no timer behind.
 *
 * @throws SluiceError of kind INVALID (as a rejection) for a bad duration.
 */
export function sleep(duration: Duration, options?: SignalOptions): Promise<void> {
  let milliseconds: number;
  try {
    milliseconds = parseDuration(duration);
  } catch (mistake) {
    return rejected(mistake);
  }
  return refusal(options) ?? fallAsleep(milliseconds, options);
}

const SLEEP: Kind = { what: "sleep", fails: false, finish: (waiter) => settle(waiter.resolve, undefined) };

function fallAsleep(milliseconds: number, options: SignalOptions | undefined): Promise<void> {
  const channel = new TimerChannel(milliseconds);
  if (milliseconds > 0) return channel[park](SLEEP, options);
  // One that is due already waits for no alarm, only for the loop to turn.
  const queue = new List<Waiting>();
  macrotask(() => queue.head?.wake(channel, undefined, true));
  return parkIn(queue, SLEEP, channel, options);
}

function parsePeriod(period: Duration): number {
  const milliseconds = parseDuration(period);
  if (milliseconds >= NANOSECOND) return milliseconds;
  throw new SluiceError(INVALID, `Expected a period of at least a nanosecond, got \`${period}\``, {
    details: { period },
  });
}

class Handle implements Timer, Ticker {
  readonly #channel: HeldTimer;
  readonly #repeats: boolean;
  declare readonly [Symbol.dispose]: () => void;

  static {
    disposeBy(this.prototype, "stop");
  }

  constructor(delay: number, repeats: boolean) {
    this.#channel = new HeldTimer(delay, repeats ? delay : 0);
    this.#repeats = repeats;
  }

  get [Symbol.toStringTag](): string {
    return this.#repeats ? "Ticker" : "Timer";
  }

  channel(): ReceiveChannel<Date> {
    return this.#channel;
  }

  stop(): boolean {
    return this.#channel[stop]();
  }

  reset(duration: Duration): boolean {
    const pending = this.#channel[restart]((this.#repeats ? parsePeriod : parseDuration)(duration));
    return (this.#repeats ? undefined : pending) as boolean; // of a ticker nobody asks
  }
}
