// The receiving half of every kind of channel: plain ones, timers, sockets. What is known here is who waits to receive
// and in which order; where values come from is the kind's own business (`ready`, `take`).
// A channel is its own receive case: `select` needs no other description of it.

import { type Place, Selectable } from "./case.ts";
import { type Step, StepIterator } from "./iterator.ts";
import { List } from "./list.ts";
import { check } from "./mistake.ts";
import { refusal } from "./signal.ts";
import { rejected, settle, settled } from "./turn.ts";
import type { ReceiveCase, ReceiveChannel, Received, SignalOptions } from "./types.ts";
import { dismiss, type Kind, park, type Receiver, recorder, type Waiting } from "./waiter.ts";

export { Ring } from "./buffer.ts";
export { rejected, sent, settle, settled } from "./turn.ts";

/** @internal Who is asked for the first that waits, and told what becomes of the channel. */
export interface Front {
  readonly head: Receiver | undefined;
  /** The channel turned ready while nobody waited, or will turn ready at another moment. */
  changed(): void;
}

const RECEIVE: Kind = {
  what: "receive",
  fails: false,
  finish: (waiter, ok, value) => settle(waiter.resolve, { ok, value, done: !ok }),
};
const RECEIVE_MANY: Kind = {
  what: "receiveMany",
  fails: false,
  finish: (waiter, ok, value) => settle(waiter.resolve, ok ? [value] : []),
};
const STEP: Kind = {
  what: "for await",
  fails: true,
  finish: (waiter, ok, value, channel) => {
    const { cause } = channel as Source<unknown>;
    (waiter.value as StepIterator<unknown>).parked -= 1;
    if (ok || cause === undefined) settle(waiter.resolve, { ok, value, done: !ok });
    else settle(waiter.reject as (cause: unknown) => void, cause);
  },
};

/** A channel that values come out of; the base of `Channel`, of timers, and of sockets' channels. */
export abstract class Source<out T> extends Selectable implements ReceiveChannel<T> {
  readonly #receivers: List<Waiting>;
  #front: Front;

  /** @internal */
  constructor(receivers: List<Waiting> = new List()) {
    super();
    this.#receivers = this.#front = receivers;
  }

  get closed(): boolean {
    return false;
  }

  get cause(): unknown {
    return undefined;
  }

  /** Values there now. On a closed channel 0 means drained: a kind must not say so while a value is left. */
  get length(): number {
    return 0;
  }

  get capacity(): number {
    return 0;
  }

  get name(): string | undefined {
    return undefined;
  }

  /** @internal */
  override get channel(): this {
    return this;
  }

  /** For the kind to say: a receive would not wait, since a value is there or the channel is closed and drained. */
  protected abstract override ready(): boolean;
  /** For the kind to do: take the next value. Only called when `ready()` and not drained. */
  protected abstract take(): T;

  /**
   * Receives the next value, waiting for one if need be. Waiting receivers are served first come, first served.
   *
   * Resolves with `ok: false` when the channel is closed and drained, whatever the cause.
   * On abort it rejects with the signal's reason; nothing was taken and nobody else lost a place.
   */
  receive(options?: SignalOptions): Promise<Received<T>> {
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    return this.ready() ? this.#received() : this.park(RECEIVE, options);
  }

  /** Receives without waiting: a value, the end of the channel, or `undefined` when a receive would wait. */
  tryReceive(): Received<T> | undefined {
    recorder?.passed();
    if (!this.ready()) return undefined;
    if (this.#drained()) return { ok: false, value: undefined, done: true };
    return { ok: true, value: this.take(), done: false };
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
    try {
      check(Number.isInteger(limit) && limit > 0, "limit", "a positive integer", limit, RangeError);
    } catch (mistake) {
      return rejected(mistake);
    }
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    if (!this.ready()) return this.park(RECEIVE_MANY, options);
    const batch: T[] = [];
    while (batch.length < limit && this.ready() && !this.#drained()) batch.push(this.take());
    return settled(batch);
  }

  /** Describes a receive for `select`. */
  caseReceive(): ReceiveCase<T> {
    return this as unknown as ReceiveCase<T>;
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
    return new StepIterator<T>(this);
  }

  /** For the kind to call: hands a value to the operation that has waited longest; false when nobody waits. */
  protected handOff(value: T): boolean {
    const first = this.#front.head;
    first?.wake(this, value, true);
    return first !== undefined;
  }

  /** For the kind to ask: somebody waits for a value. */
  protected awaited(): boolean {
    return this.#front.head !== undefined;
  }

  /**
   * For the kind to call when a value was stored, the channel closed, or its moment changed, and nobody was there to
   * take it.
   */
  protected turnedReady(): void {
    this.#front.changed();
  }

  /** For the kind to call when the channel is closed and drained: every waiting receiver learns it, in order. */
  protected endReceivers(): void {
    for (let first = this.#front.head; first; first = this.#front.head) first.wake(this, undefined, false);
    this.turnedReady();
  }

  /** @internal Parks an operation, behind every other, and gives its promise. */
  park<R>(kind: Kind, options?: SignalOptions, value?: unknown): Promise<R> {
    return park(kind, this.#receivers, this, options, value);
  }

  /** @internal */
  commit(): Received<T> | undefined {
    return this.tryReceive();
  }

  /** @internal */
  enlist(place: Place): void {
    this.#receivers.append(place);
  }

  /** @internal */
  step(iterator: StepIterator<T>): Promise<Step<T>> {
    if (!this.ready()) {
      iterator.parked += 1;
      return this.park(STEP, undefined, iterator);
    }
    return this.cause !== undefined && this.#drained() ? rejected(this.cause) : this.#received();
  }

  /** @internal */
  dismiss(iterator: object): void {
    dismiss(this.#receivers, iterator);
  }

  /** @internal */
  end(): Step<T> {
    return { ok: false, value: undefined, done: true } as Step<T>;
  }

  /** @internal What stands in front of the receivers: their own queue, unless a Selector was put there. */
  get front(): Front {
    return this.#front;
  }

  /** @internal */
  putInFront(front: Front): void {
    this.#front = front;
  }

  /** @internal The moment, on the monotonic clock, at which the channel turns ready by itself: timers only. */
  due(): number {
    return Infinity;
  }

  /** @internal Hands over what has become due to whoever waits: timers only. */
  fire(): void {}

  // Each literal goes straight into its promise: where V8 sees which object it is, it need not look for a `then` on it
  // (bench: buffered, 10 ns of 100).
  #received(): Promise<Received<T>> {
    if (this.#drained()) return settled({ ok: false, value: undefined, done: true });
    return settled({ ok: true, value: this.take(), done: false });
  }

  #drained(): boolean {
    return this.closed && this.length === 0;
  }
}
