// The receiving half of every kind of channel: plain ones, timers, sockets. What is known here is who waits to receive
// and in which order; where values come from is the kind's own business (`ready`, `take`, `drained`).
// `select` and `Selector` speak to a channel through `Port` alone, so a new kind never touches them.

import { Description } from "./case.ts";
import { ChannelIterator } from "./iterator.ts";
import { List } from "./list.ts";
import { expected } from "./mistake.ts";
import { refusal } from "./signal.ts";
import { rejected, settle, settled } from "./turn.ts";
import type { ReceiveCase, ReceiveChannel, Received, SignalOptions } from "./types.ts";
import { dismiss, type Kind, park, type Receiver, recorder, type Waiting } from "./waiter.ts";

export { Ring } from "./buffer.ts";
export { rejected, sent, settle, settled } from "./turn.ts";

/** @internal The place of a `Selector` in a channel; its `arrival` is Infinity while no `next` is parked. */
export interface Watch extends Receiver {
  /** Its neighbours in the chain of those that watch the same channel; they belong to the channel. */
  before: Watch | undefined;
  after: Watch | undefined;
  /** Learns that the channel turned ready while nobody waited. */
  turnedReady(): void;
  /** Learns that the moment at which the channel turns ready by itself has changed. */
  rescheduled(): void;
}

/** @internal What `select`, `Selector` and iterators ask of any channel, whatever its kind. */
export interface Port<T> extends Pick<
  Source<T>,
  "cause" | "enlist" | "park" | "dismiss" | "watch" | "unwatch" | "due" | "fire"
> {
  ready(): boolean;
  drained(): boolean;
  take(): T;
}

/** @internal The port of a channel, which is hidden from everybody else. */
export function portOf<T>(channel: Source<T>): Port<T> {
  return channel as unknown as Port<T>;
}

const RECEIVE: Kind = {
  what: "receive",
  fails: false,
  finish: (waiter, value, ok) => settle(waiter.resolve, { ok, value, done: !ok }),
};

const RECEIVE_MANY: Kind = {
  what: "receiveMany",
  fails: false,
  finish: (waiter, value, ok) => settle(waiter.resolve, ok ? [value] : []),
};

/** A channel that values come out of; the base of `Channel`, of timers, and of sockets' channels. */
export abstract class Source<out T> implements ReceiveChannel<T> {
  readonly #receivers: List<Waiting>;
  // The first of a chain: an array here would be two more objects to fetch for each event (bench: selector-10000).
  #watch: Watch | undefined = undefined;

  /** @internal */
  constructor(receivers: List<Waiting> = new List()) {
    this.#receivers = receivers;
  }

  abstract get closed(): boolean;
  abstract get cause(): unknown;
  abstract get length(): number;
  abstract get capacity(): number;
  abstract get name(): string | undefined;

  /** For the kind to say: a receive would not wait, since a value is there or the channel is closed and drained. */
  protected abstract ready(): boolean;
  /** For the kind to say: the channel is closed and no value is left. */
  protected abstract drained(): boolean;
  /** For the kind to do: take the next value. Only called when `ready()` and not `drained()`. */
  protected abstract take(): T;

  /**
   * Receives the next value, waiting for one if need be. Waiting receivers are served first come, first served.
   *
   * Resolves with `ok: false` when the channel is closed and drained, whatever the cause.
   * On abort it rejects with the signal's reason; nothing was taken and nobody else lost a place.
   */
  receive(options?: SignalOptions): Promise<Received<T>> {
    return (
      (options !== undefined && refusal(options)) ||
      (this.ready() ? settled(this.#result()) : this.park(RECEIVE, options))
    );
  }

  /** Receives without waiting: a value, the end of the channel, or `undefined` when a receive would wait. */
  tryReceive(): Received<T> | undefined {
    if (recorder !== undefined) recorder.passed();
    return this.ready() ? this.#result() : undefined;
  }

  /**
   * Receives from 1 to `limit` values, waiting for the first if need be; `[]` when the channel is closed and drained.
   *
   * Takes in one step what is there: the buffer, then the values of waiting senders, in order. A call that had to
   * wait gets the one value that woke it. Abort as for `receive`.
   *
   * @throws RangeError (as a rejection) when `limit` is not a positive integer.
   */
  receiveMany(limit: number, options?: SignalOptions): Promise<T[]> {
    if (!Number.isInteger(limit) || limit < 1) {
      return rejected(new RangeError(expected("limit", "a positive integer", limit)));
    }
    return (
      (options !== undefined && refusal(options)) ||
      (this.ready() ? settled(this.#batch(limit)) : this.park(RECEIVE_MANY, options))
    );
  }

  /** Describes a receive for `select`. */
  caseReceive(): ReceiveCase<T> {
    return new Description(this, false) as unknown as ReceiveCase<T>;
  }

  /** The same as `caseReceive`, in the spelling of the Lua runtime it comes from. */
  case_receive(): ReceiveCase<T> {
    return this.caseReceive();
  }

  /**
   * Iterates over the values until the channel is closed and drained, each iterator competing with every receiver.
   *
   * A channel closed with a cause makes the loop throw that cause, after the last value. `break` takes nothing and
   * leaves the channel open.
   */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined, undefined> {
    return new ChannelIterator(portOf(this));
  }

  /** For the kind to call: hands a value to the operation that has waited longest; false when nobody waits. */
  protected handOff(value: T): boolean {
    const receiver = this.#watch === undefined ? this.#receivers.head : this.#first();
    if (receiver === undefined) return false;
    receiver.wake(this, value, true);
    return true;
  }

  /** For the kind to ask: somebody waits for a value. */
  protected awaited(): boolean {
    return (this.#watch === undefined ? this.#receivers.head : this.#first()) !== undefined;
  }

  /** For the kind to call when a value was stored or the channel closed, and nobody was there to take it. */
  protected turnedReady(): void {
    for (let watch = this.#watch; watch !== undefined; watch = watch.after) watch.turnedReady();
  }

  /** For the kind to call when the channel is closed and drained: every waiting receiver learns it, in order. */
  protected endReceivers(): void {
    for (let first = this.#first(); first !== undefined; first = this.#first()) first.wake(this, undefined, false);
    this.turnedReady();
  }

  /** @internal Parks an operation, behind every other, and gives its promise. */
  park<R>(kind: Kind, options?: SignalOptions, value?: unknown): Promise<R> {
    return park(kind, this.#receivers, this, options, value);
  }

  /** @internal Parks a part of a `select`. */
  enlist(waiter: Waiting): void {
    this.#receivers.append(waiter);
  }

  /** @internal Ends the parked steps of one iterator, as a plain close does. */
  dismiss(iterator: object): void {
    dismiss(this.#receivers, iterator);
  }

  /** @internal */
  watch(watch: Watch): void {
    let last = this.#watch;
    while (last?.after !== undefined) last = last.after;
    watch.before = last;
    if (last === undefined) this.#watch = watch;
    else last.after = watch;
  }

  /** @internal */
  unwatch(watch: Watch): void {
    const { before, after } = watch;
    if (before === undefined) this.#watch = after;
    else before.after = after;
    if (after !== undefined) after.before = before;
    watch.before = watch.after = undefined;
  }

  /** @internal The moment, on the monotonic clock, at which the channel turns ready by itself: timers only. */
  due(): number {
    return Infinity;
  }

  /** @internal Hands over what has become due to whoever waits: timers only. */
  fire(): void {}

  /** @internal To be called when `due()` has changed. */
  rescheduled(): void {
    for (let watch = this.#watch; watch !== undefined; watch = watch.after) watch.rescheduled();
  }

  #result(): Received<T> {
    if (this.drained()) return { ok: false, value: undefined, done: true };
    return { ok: true, value: this.take(), done: false };
  }

  #batch(limit: number): T[] {
    const batch: T[] = [];
    while (batch.length < limit && this.ready() && !this.drained()) batch.push(this.take());
    return batch;
  }

  // Plain receivers are in order already, so only their first can be the earliest of all.
  #first(): Receiver | undefined {
    let first: Receiver | undefined = this.#receivers.head;
    let arrival = first === undefined ? Infinity : first.arrival;
    for (let watch = this.#watch; watch !== undefined; watch = watch.after) {
      if (watch.arrival < arrival) [first, arrival] = [watch, watch.arrival];
    }
    return first;
  }
}
