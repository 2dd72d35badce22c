// Values move here. Three invariants, each a property test:
//   senders and receivers never wait at the same time, except for one parked select that holds both;
//   a buffer that is not empty means that no receiver waits;
//   a buffer with room means that no sender waits.

import { Ring } from "./buffer.ts";
import { Offer } from "./case.ts";
import { facts, waiting } from "./display.ts";
import { counting } from "./count.ts";
import { disposeBy } from "./dispose.ts";
import { ClosedError } from "./errors.ts";
import { runHook } from "./hook.ts";
import { refuseClones } from "./host.ts";
import { countOf, enqueue, NOBODY, type Queue } from "./list.ts";
import { check, checkOptions, type Instead, oneOf, option, viaProxy, whole } from "./mistake.ts";
import { isObject } from "./object.ts";
import { refusal } from "./signal.ts";
import { Source } from "./source.ts";
import * as protocol from "./protocol.ts";
import {
  accepts,
  awaited,
  deserted,
  drained,
  endReceivers,
  enlistSender,
  ready,
  senders,
  sends,
  take,
  type Line,
  type Waiting,
} from "./protocol.ts";
import { rejected, sent, settle } from "./turn.ts";
import type { SendCase, SendChannel, SignalOptions } from "./types.ts";
import { failSend, type Kind, recorder, waiterOf } from "./waiter.ts";

// Constants of this module: an import is looked up at each use, which costs a hot path 15 % (bench: receive-many).
const handOff: typeof protocol.handOff = protocol.handOff;
const turnedReady: typeof protocol.turnedReady = protocol.turnedReady;
const put: typeof protocol.put = protocol.put;
const nobody: typeof NOBODY = NOBODY;

// Private, though no private methods: one of those weighs 8 bytes in each instance.
const place: unique symbol = Symbol("place");
const held: unique symbol = Symbol("held");
const push: unique symbol = Symbol("push");
const shift: unique symbol = Symbol("shift");
const drop: unique symbol = Symbol("drop");

/** What a full channel does with one more value. */
export type Overflow = "block" | "drop-oldest" | "drop-newest";

/** Options of a channel. */
export interface ChannelOptions<T = unknown> {
  /** For people who read errors and reports. */
  readonly name?: string | undefined;
  /** What to do with a value when the buffer is full: wait (the default), drop the oldest inside, or drop the new one. */
  readonly overflow?: Overflow | undefined;
  /** Gets each value that a drop policy dropped, synchronously, after the channel's state is final. */
  readonly onDrop?: ((value: T) => void) | undefined;
}

const OVERFLOWS = ["block", "drop-oldest", "drop-newest"] as const;

// What stands in an otherwise empty buffer stands in the channel itself: many never need the ring, and it is four more
// lines of the cache for each value (bench: selector-random). Until they do they have none of their own.
const EMPTY: Ring<never> = new Ring();
const NONE_HELD: unique symbol = Symbol("none");
const NONE: ChannelOptions = {};
const NAMES = ["name", "overflow", "onDrop"];
const INSTEAD: Instead = Object.fromEntries(
  ["capacity", "size", "buffer", "bufferSize", "highWaterMark"].map((name) => [
    name,
    "the capacity is the first argument, `new Channel(10)`",
  ]),
);

const SEND: Kind = {
  what: "send",
  fails: true,
  finish: (waiter, ok, _value, channel) => {
    if (ok) settle(waiter.resolve, undefined);
    else failSend(waiter, channel as Channel<unknown>);
  },
};

// As for `Source`: the interface declares what the class declaration cannot.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface Channel<in out T> extends SendChannel<T> {}
/**
 * A channel: values go in on one side and come out on the other, in order, each exactly once.
 *
 * Capacity 0, the default, is a rendezvous: a send completes when a receiver has the value. With a capacity, a send
 * completes as soon as the buffer holds the value.
 *
 * @throws RangeError when the capacity is not a non-negative integer, or is 0 with a drop policy.
 *
 * @example
 * const jobs = new Channel<string>(2);
 * await jobs.send("wash");
 * await jobs.send("dry");
 * jobs.close();
 * for await (const job of jobs) console.log(job);
 * // → wash
 * // → dry
 */
export class Channel<in out T> extends Source<T> implements SendChannel<T> {
  #end: { readonly cause: unknown } | undefined = undefined;
  #oldest: T | typeof NONE_HELD = NONE_HELD; // before what is in the ring
  #buffer: Ring<T> = EMPTY;
  #senders: Queue<Waiting> = nobody;
  readonly #capacity: number;
  readonly #options: ChannelOptions<T>;
  /** Closes it: `using` does that at the end of the block. */
  declare readonly [Symbol.dispose]: () => void;

  static {
    disposeBy(this.prototype, "close");
  }

  /** Makes a channel with a buffer of `capacity` values; 0, the default, is a rendezvous. */
  constructor(capacity?: number, options?: ChannelOptions<T>);
  /** Makes a rendezvous. */
  constructor(options?: ChannelOptions<T>);
  constructor(capacity: number | ChannelOptions<T> = 0, options: ChannelOptions<T> = NONE) {
    super();
    if (isObject(capacity)) [capacity, options] = [0, capacity];
    whole(capacity, "capacity", 0, " (a large one is fine: a buffer takes no memory before it is used)");
    checkOptions(options, NAMES, INSTEAD);
    const name = option(options, "name", "string");
    const onDrop = option(options, "onDrop", "function");
    const overflow = oneOf(options.overflow, "overflow", OVERFLOWS) ?? "block";
    check(capacity > 0 || overflow === "block", "capacity", "at least 1 with a drop policy", capacity, RangeError);
    this.#capacity = capacity + 0; // and never -0
    this.#options = options === NONE ? NONE : { name, overflow, onDrop }; // a copy: the caller's may change
    refuseClones?.(this);
    counting?.made(this, "Channel", new.target);
  }

  /** @internal */
  override [facts](): readonly (string | false)[] {
    return [this.#capacity === 0 && "rendezvous", ...super[facts](), waiting(countOf(this.#senders, this), "sender")];
  }

  /** @internal */
  get [sends](): true {
    return true;
  }

  override get closed(): boolean {
    if (!(#end in this)) throw viaProxy();
    return this.#end !== undefined;
  }

  override get cause(): unknown {
    if (!(#end in this)) throw viaProxy();
    return this.#end?.cause;
  }

  override get length(): number {
    if (!(#end in this)) throw viaProxy();
    return this[held]();
  }

  override get capacity(): number {
    if (!(#end in this)) throw viaProxy();
    return this.#capacity;
  }

  override get name(): string | undefined {
    if (!(#end in this)) throw viaProxy();
    return this.#options.name;
  }

  /**
   * Sends a value; resolves when a receiver has it or the buffer holds it. Waiting senders are served in order.
   *
   * On abort it rejects with the signal's reason and the value was not sent.
   *
   * @throws ClosedError (as a rejection), with the value, when the channel is closed, before or while it waits.
   */
  send(value: T, options?: SignalOptions): Promise<void> {
    if (!(#end in this)) return rejected(viaProxy());
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    if (this.#end !== undefined) return rejected(new ClosedError(value, this));
    return this[place](value) ? sent() : parkSend(this, value, options);
  }

  /**
   * Sends without waiting: true when the value was sent, false when a send would wait.
   *
   * @throws ClosedError, with the value, when the channel is closed.
   */
  trySend(value: T): boolean {
    if (!(#end in this)) throw viaProxy();
    recorder?.passed();
    return this[put](value);
  }

  /** Describes a send for `select`. */
  caseSend(value: T): SendCase<T> {
    if (!(#end in this)) throw viaProxy();
    return new Offer<T>(this, value) as unknown as SendCase<T>;
  }

  /** The same as `caseSend`, in the spelling of the Lua runtime it comes from. */
  case_send(value: T): SendCase<T> {
    return this.caseSend(value);
  }

  /**
   * Closes the channel. Values in the buffer still arrive; waiting receivers learn the end, in order; waiting senders
   * reject with their values, in order. Only the first call counts.
   *
   * @param cause why, for whoever reads `cause` or iterates; `undefined` means a plain close.
   */
  close(cause?: unknown): void {
    if (!(#end in this)) throw viaProxy();
    recorder?.passed();
    if (this.#end !== undefined) return;
    this.#end = { cause };
    counting?.touched(this);
    this[endReceivers]();
    for (let first = this.#senders.head; first; first = this.#senders.head) first.wake(this, undefined, false);
  }

  /** @internal */
  override [ready](): boolean {
    return (
      this.#buffer.length > 0 ||
      this.#oldest !== NONE_HELD ||
      (this.#senders !== nobody && this.#senders.head !== undefined) ||
      this.#end !== undefined
    );
  }

  /** @internal */
  override [drained](): boolean {
    return this.#end !== undefined && this[held]() === 0;
  }

  // A slot that a receive frees goes to the sender that has waited longest, so that nobody overtakes.
  /** @internal */
  override [take](): T {
    const sender = this.#senders === nobody ? undefined : this.#senders.head;
    const oldest = this.#oldest;
    let value = sender?.value as T;
    if (oldest !== NONE_HELD) {
      this.#oldest = NONE_HELD;
      if (sender !== undefined) this[push](value);
      value = oldest;
    } else if (this.#buffer.length > 0) {
      const first = this.#buffer.shift();
      if (sender !== undefined) this[push](value);
      value = first;
    }
    sender?.wake(this, undefined, true);
    return value;
  }

  /** @internal */
  get [senders](): Line {
    return this.#senders;
  }

  /** @internal */
  [accepts](): boolean {
    return (
      this.#end !== undefined ||
      this[held]() < this.#capacity ||
      overflowOf(this.#options) !== "block" ||
      this[awaited]()
    );
  }

  /** @internal As the case `key` of a select. */
  [put](value: T, key?: number | string): boolean {
    if (this.#end !== undefined) throw new ClosedError(value, this, key);
    return this[place](value);
  }

  /** @internal */
  [enlistSender](sender: Waiting): void {
    this.#senders = enqueue(this.#senders, sender, this);
    counting?.touched(this);
    this[turnedReady]();
  }

  /** @internal */
  override [deserted](): void {
    this.#senders = nobody;
  }

  // The picture of docs/laws.md: closed was asked before; then a waiting receiver, the buffer, and waiting last.
  /** @internal */
  [place](value: T): boolean {
    if (this[handOff](value)) return true;
    if (this[held]() < this.#capacity) {
      this[push](value);
      counting?.touched(this);
      this[turnedReady]();
      return true;
    }
    if (overflowOf(this.#options) === "block") return false;
    this[drop](value);
    return true;
  }

  /** @internal */
  [drop](value: T): void {
    const { overflow, onDrop } = this.#options;
    let dropped = value;
    if (overflow === "drop-oldest") {
      dropped = this[shift]();
      this[push](value);
    }
    counting?.dropped(this);
    runHook(onDrop, dropped);
  }

  /** @internal */
  [held](): number {
    return this.#buffer.length + (this.#oldest === NONE_HELD ? 0 : 1);
  }

  /** @internal */
  [push](value: T): void {
    if (this.#buffer.length > 0) {
      this.#buffer.push(value);
    } else if (this.#oldest === NONE_HELD) {
      this.#oldest = value;
    } else {
      if (this.#buffer === EMPTY) this.#buffer = new Ring();
      this.#buffer.push(value);
    }
  }

  /** @internal */
  [shift](): T {
    const oldest = this.#oldest;
    if (oldest === NONE_HELD) return this.#buffer.shift();
    this.#oldest = NONE_HELD;
    return oldest;
  }
}

// Apart: a function that contains a closure pays for its captured variables on every call.
function parkSend<T>(channel: Channel<T>, value: T, options: SignalOptions | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    channel[enlistSender](waiterOf(SEND, channel, options, value, resolve, reject));
  });
}

function overflowOf<T>({ overflow = "block" }: ChannelOptions<T>): Overflow {
  return overflow;
}
