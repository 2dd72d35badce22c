// Time as channels: what Go's package time gives to a select.

import { displayBy, facts } from "../display.ts";
import { disposeBy } from "../dispose.ts";
import { NANOSECOND, parseDuration } from "./duration.ts";
import { INVALID, SluiceError } from "../errors.ts";
import { exceeded, expiring } from "./expiry.ts";
import { macrotask } from "../host.ts";
import { List } from "../list.ts";
import { checkOptions, option } from "../mistake.ts";
import { park, type Waiting } from "../protocol.ts";
import { checkSignalOptions, refusal } from "../signal.ts";
import { HeldTimer, hold, moments, restart, stop, TimerChannel } from "./timer.ts";
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
  /** Lets whoever waits for a tick keep the process alive, as without `unref`. */
  ref(): this;
  /** Lets the process end although somebody waits for a tick; hosts without processes ignore it. */
  unref(): this;
}

/** Options of a ticker. */
export interface TickerOptions {
  /** False: whoever waits for a tick does not keep the process alive. */
  readonly ref?: boolean | undefined;
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
 * Starts a ticker; the first tick is due after one period. Whoever waits for a tick keeps the process alive, unless
 * `ref` is false.
 *
 * @throws SluiceError of kind INVALID for a bad duration, and for one that is not positive.
 */
export function ticker(period: Duration, options?: TickerOptions): Ticker {
  if (options !== undefined) checkOptions(options, ["ref"]);
  const handle = new TickerHandle(parsePeriod(period), true);
  return option(options, "ref", "boolean") === false ? handle.unref() : handle;
}

/**
 * Gives a signal that is aborted after a duration on this library's clock, which fake timers and virtual time drive, or
 * with another signal, if that comes first. Its reason is then a `SluiceError` of kind TIMEOUT, or that signal's.
 *
 * As with `AbortSignal.timeout`, it does not keep the process alive, and is garbage once nobody holds it or listens to
 * it; then nothing is left behind, on the other signal neither. Hosts do not keep it for who follows it by
 * `AbortSignal.any` alone: give it the other signal instead. Of zero or less, it is aborted already.
 *
 * @throws SluiceError of kind INVALID for a bad duration.
 *
 * @example
 * const quotes = new Channel<number>();
 * const late = await quotes.receive({ signal: time.deadline("5ms") }).catch((reason: unknown) => reason);
 * console.log(errors.is(late, errors.TIMEOUT)); // → true
 */
export function deadline(duration: Duration, options?: SignalOptions): AbortSignal {
  const milliseconds = parseDuration(duration);
  if (options !== undefined) checkSignalOptions(options);
  const signal = options?.signal;
  if (signal?.aborted === true) return AbortSignal.abort(signal.reason);
  return milliseconds > 0 ? expiring(milliseconds, duration, signal) : AbortSignal.abort(exceeded(duration));
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

class Handle implements Timer {
  readonly #channel: HeldTimer;
  readonly #repeats: boolean;
  declare readonly [Symbol.dispose]: () => void;

  static {
    disposeBy(this.prototype, "stop");
    displayBy(this.prototype);
  }

  /** @internal */
  [facts](): readonly (string | false)[] {
    return this.#channel[moments]();
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

  /** Says whether the process lives on for who waits. */
  protected hold(on: boolean): void {
    this.#channel[hold](on);
  }
}

class TickerHandle extends Handle implements Ticker {
  ref(): this {
    this.hold(true);
    return this;
  }

  unref(): this {
    this.hold(false);
    return this;
  }
}
