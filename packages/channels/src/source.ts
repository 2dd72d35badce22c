// The receiving half of every kind of channel: plain ones, timers, sockets. What is known here is who waits to receive
// and in which order; where values come from is the kind's own business (`[ready]`, `[take]`).
// A channel stands for its own receive: `select` needs no case object for it.

import { Intake } from "./case.ts";
import { closing, displayBy, facts, waiting } from "./display.ts";
import { counting } from "./count.ts";
import { arrived, latest, type Step, StepIterator } from "./iterator.ts";
import { countOf, enqueue, lastOf, NOBODY, type Link, type Queue, vacated } from "./list.ts";
import { check, viaProxy } from "./mistake.ts";
import * as protocol from "./protocol.ts";
import {
  awaited,
  deserted,
  dismiss,
  dormant,
  due,
  end,
  endReceivers,
  fire,
  front,
  genuine,
  handOff,
  holds,
  receives,
  rouse,
  step,
  subject,
  turnedReady,
  watched,
  type Front,
  type Line,
  type Waiting,
  type Words,
} from "./protocol.ts";
import { checkSignalOptions, refusal } from "./signal.ts";
import { rejected, settle, settled } from "./turn.ts";
import type { ReceiveCase, ReceiveChannel, Received, SignalOptions } from "./types.ts";
import { Watch } from "./watch.ts";
import { dismissAll, type Kind, parkOn, recorder } from "./waiter.ts";

export { Ring } from "./buffer.ts";
export { type Link, List, unlink } from "./list.ts";
export { counting, type Counting, type Tell } from "./count.ts";
export { nearest } from "./nearest.ts";
export {
  awaited,
  drained,
  endReceivers,
  front,
  handOff,
  ready,
  receives,
  sends,
  take,
  turnedReady,
} from "./protocol.ts";
export type { Front, Receiver, Words } from "./protocol.ts";
export { displayBy, facts, type Told } from "./display.ts";
export { random } from "./random.ts";
export { onAbort } from "./signal.ts";
export { Watch } from "./watch.ts";
export { PatientAlarm } from "./time/patient-alarm.ts";
export { rejected, sent, settle, settled } from "./turn.ts";

// For the other rooms of this package and for its sister, not for the world: what the core itself is made of.
/** @internal */
export { Intake, Offer } from "./case.ts";
/** @internal */
export { disposeBy } from "./dispose.ts";
/** @internal */
export { named } from "./error-name.ts";
/** @internal */
export { runHook } from "./hook.ts";
/** @internal */
export { isObject } from "./object.ts";
/** @internal */
export { check, checkOptions, type Instead, oneOf, option, shown, shownStranger, unfit, whole } from "./mistake.ts";
/** @internal */
export {
  accepts,
  asked,
  crowded,
  dormant,
  due,
  enlistSender,
  fire,
  genuine,
  holds,
  park,
  put,
  rouse,
  senders,
  whenClosed,
} from "./protocol.ts";
/** @internal */
export type { Asked, Crowded, Place, Sink, Waiting } from "./protocol.ts";
/** @internal */
export { listen, type Parked, refusal, unlisten } from "./signal.ts";
/** @internal */
export { arrive, done, failSend, type Kind, parkIn, recorder, Waiter } from "./waiter.ts";

// Constants of this module: an import is looked up at each use, which costs a hot path 15 % (bench: receive-many).
const ready: typeof protocol.ready = protocol.ready;
const take: typeof protocol.take = protocol.take;
const drained: typeof protocol.drained = protocol.drained;
const commit: typeof protocol.commit = protocol.commit;
const park: typeof protocol.park = protocol.park;
const enlist: typeof protocol.enlist = protocol.enlist;
const nobody: typeof NOBODY = NOBODY;
const queued: typeof protocol.queued = protocol.queued;

const receivedNow: unique symbol = Symbol("receivedNow");

const RECEIVE: Kind = {
  what: "receive",
  fails: false,
  finish: (waiter, ok, value, channel) =>
    settle(waiter.resolve, ok ? { ok, value, done: false } : endOf(causeOf(channel))),
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
    arrived(waiter);
    const cause = ok ? undefined : causeOf(channel);
    if (ok) settle(waiter.resolve, { ok, value, done: false });
    else if (cause === undefined) settle(waiter.resolve, endOf(undefined));
    else settle(waiter.reject as (cause: unknown) => void, cause);
  },
};

function endOf(cause: unknown): Received<never> {
  return { ok: false, value: undefined, done: true, cause };
}

// Of an iterator that was dismissed there is none.
function causeOf(channel: object): unknown {
  return (channel as { readonly cause?: unknown }).cause;
}

// Declarations are made file by file and cannot have a class member with a symbol of ours: the interfaces declare them.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface Source<out T> extends ReceiveChannel<T>, Words<T> {}
/**
 * A channel that values come out of; the base of `Channel`, of timers, and of sockets' channels.
 *
 * A kind says what `[ready]` and `[take]` do, and calls `[handOff]`, `[turnedReady]` and `[endReceivers]`: symbols that
 * this subpath exports. Members of its own may have any name but those of `ReceiveChannel`.
 */
export abstract class Source<out T> implements ReceiveChannel<T>, Words<T> {
  #watch: Front | undefined = undefined;
  #receivers: Queue<Waiting>;

  /** @internal */
  constructor(receivers: Queue<Waiting> = NOBODY) {
    this.#receivers = receivers;
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

  // Also what keeps Vue's `reactive` from wrapping it in a Proxy, which could not reach the private fields.
  /** "Channel", for `Object.prototype.toString`. */
  get [Symbol.toStringTag](): string {
    return "Channel";
  }

  static {
    displayBy(this.prototype);
  }

  /** @internal */
  [facts](): readonly (string | false)[] {
    const { capacity, length } = this;
    const waits = Watch.waiting(this[front]) + countOf(this.#receivers, this);
    const fill = capacity > 0 ? `${length} of ${capacity}` : length > 0 && `${length} ready`;
    return [fill, waiting(waits, "receiver"), closing(this)];
  }

  /** @internal */
  static [genuine](value: object): value is Source<unknown> {
    return #watch in value;
  }

  /** @internal */
  get [receives](): true {
    return true;
  }

  /** @internal */
  abstract [ready](): boolean;
  /** @internal */
  abstract [take](): T;

  /** @internal */
  [drained](): boolean {
    return this.closed && this.length === 0;
  }

  /**
   * Receives the next value, waiting for one if need be. Waiting receivers are served first come, first served.
   *
   * Resolves with `ok: false` when the channel is closed and drained, whatever the cause.
   * On abort it rejects with the signal's reason; nothing was taken and nobody else lost a place.
   */
  receive(options?: SignalOptions): Promise<Received<T>> {
    if (!(#watch in this)) return rejected(viaProxy());
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    return this[ready]() ? this[receivedNow]() : this[park](RECEIVE, options);
  }

  /** Receives without waiting: a value, the end of the channel, or `undefined` when a receive would wait. */
  tryReceive(): Received<T> | undefined {
    if (!(#watch in this)) throw viaProxy();
    return this[commit]();
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
    if (!(#watch in this)) return rejected(viaProxy());
    try {
      check(Number.isInteger(limit) && limit > 0, "limit", "a positive integer", limit, RangeError);
    } catch (mistake) {
      return rejected(mistake);
    }
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    if (!this[ready]()) return this[park](RECEIVE_MANY, options);
    const batch: T[] = [];
    while (batch.length < limit && this[ready]() && !this[drained]()) {
      counting?.taking(this);
      batch.push(this[take]());
    }
    return settled(batch);
  }

  /** Describes a receive for `select`. */
  caseReceive(): ReceiveCase<T> {
    if (!(#watch in this)) throw viaProxy();
    return new Intake(this) as unknown as ReceiveCase<T>;
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
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined, undefined> {
    if (!(#watch in this)) throw viaProxy();
    return new StepIterator<T>(this);
  }

  /**
   * Iterates as `for await` over the channel itself does, until the signal is aborted too: then the loop throws the
   * signal's reason, and nothing was taken.
   *
   * Each step is a `receive`, and several may wait at once. The iterator is iterable itself: `next()` for the first
   * value, then `for await` for the rest.
   *
   * @throws TypeError for options that are a mistake.
   *
   * @example
   * const lines = new Channel<string>(3);
   * for (const line of ["name,price", "ACME,101", "BOLT,7"]) lines.trySend(line);
   * lines.close();
   * const rest = lines.values({ signal: AbortSignal.timeout(1000) });
   * const header = await rest.next();
   * for await (const line of rest) console.log(header.value, "|", line);
   * // → name,price | ACME,101
   * // → name,price | BOLT,7
   */
  values(options?: SignalOptions): AsyncIterableIterator<T, undefined, undefined> {
    if (!(#watch in this)) throw viaProxy();
    if (options !== undefined) checkSignalOptions(options);
    return new StepIterator<T>(this, options);
  }

  /** @internal */
  [handOff](value: T): boolean {
    const watch = this.#watch;
    if (watch === undefined && this.#receivers === nobody) return false; // what is asked most, by one comparison
    const first = watch === undefined ? this.#receivers.head : watch.head;
    if (first === undefined) return false;
    first.wake(this, value, true);
    counting?.handed(this);
    return true;
  }

  /** @internal */
  [awaited](): boolean {
    return (this.#watch ?? this.#receivers).head !== undefined;
  }

  /** @internal */
  [turnedReady](): void {
    this.#watch?.changed();
  }

  /** @internal */
  [endReceivers](): void {
    for (let first = this[front].head; first; first = this[front].head) first.wake(this, undefined, false);
    this[turnedReady]();
  }

  /** @internal A channel is its own receive case. */
  get [subject](): this {
    return this;
  }

  /** @internal */
  [commit](): Received<T> | undefined {
    recorder?.passed();
    if (!this[ready]()) return undefined;
    if (this[drained]()) return endOf(this.cause);
    counting?.taking(this);
    return { ok: true, value: this[take](), done: false };
  }

  /** @internal */
  [enlist](receiver: Waiting): void {
    this.#receivers = enqueue(this.#receivers, receiver, this);
  }

  // Not by an override: V8 calls what a symbol names on `super` through its runtime (bench: select-64, 2.3 times).
  /** @internal Who waited alone has left. */
  [vacated](node: Link): void {
    if (node === this.#receivers) this.#receivers = nobody;
    else this[deserted]();
  }

  /** @internal The one sender that waited has left. */
  [deserted](): void {}

  /** @internal */
  [park]<R>(kind: Kind, options?: SignalOptions, value?: unknown): Promise<R> {
    return parkOn(this, kind, options, value);
  }

  /** @internal */
  [step](iterator: StepIterator<T>, options: SignalOptions | undefined): Promise<Step<T>> {
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    if (!this[ready]()) {
      const parked = this[park]<Step<T>>(STEP, options, iterator);
      iterator[latest] = lastOf(this.#receivers, this);
      return parked;
    }
    return this.cause !== undefined && this[drained]() ? rejected(this.cause) : this[receivedNow]();
  }

  /** @internal */
  [dismiss](iterator: object): void {
    dismissAll(this.#receivers, this, iterator);
  }

  /** @internal */
  [end](): Step<T> {
    return endOf(undefined);
  }

  /** @internal */
  get [front](): Front {
    return this.#watch ?? this.#receivers;
  }

  /** @internal */
  set [front](next: Front) {
    this.#watch = next === NOBODY ? undefined : next;
    this[watched]();
  }

  /** @internal */
  [queued](): Line {
    return this.#receivers;
  }

  /** @internal Timers only. */
  [due](): number {
    return Infinity;
  }

  /** @internal Timers only. */
  get [holds](): boolean {
    return true;
  }

  /** @internal Timers only. */
  [fire](): void {}

  /** @internal What works on demand only. */
  [watched](): void {}

  /** @internal What works on demand only. */
  [dormant](): boolean {
    return false;
  }

  /** @internal What works on demand only. */
  [rouse](): void {}

  // By a symbol, as all that is private here: a private method weighs 8 bytes in each instance. Each literal goes straight into its promise: where V8 sees which object it is, it need not look for a `then` on it
  // (bench: buffered, 10 ns of 100).
  /** @internal */
  [receivedNow](): Promise<Received<T>> {
    if (this[drained]()) return settled(endOf(this.cause));
    counting?.taking(this);
    return settled({ ok: true, value: this[take](), done: false });
  }
}
