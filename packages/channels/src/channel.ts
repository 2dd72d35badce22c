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
import { List } from "./list.ts";
import { check, checkOptions, type Instead, oneOf, option, viaProxy, whole } from "./mistake.ts";
import { isObject } from "./object.ts";
import { refusal } from "./signal.ts";
import { Source } from "./source.ts";
import * as protocol from "./protocol.ts";
import {
  accepts,
  awaited,
  drained,
  endReceivers,
  enlistSender,
  ready,
  senders,
  sends,
  take,
  type Waiting,
} from "./protocol.ts";
import { rejected, sent, settle } from "./turn.ts";
import type { SendCase, SendChannel, SignalOptions } from "./types.ts";
import { failSend, type Kind, parkIn, recorder } from "./waiter.ts";

// Constants of this module: an import is looked up at each use, which costs a hot path 15 % (bench: receive-many).
const handOff: typeof protocol.handOff = protocol.handOff;
const turnedReady: typeof protocol.turnedReady = protocol.turnedReady;
const put: typeof protocol.put = protocol.put;

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

// Until it holds its first value, a channel has no buffer of its own.
const EMPTY: Ring<never> = new Ring();
// And no queue of senders until one waits.
const NOBODY: List<never> = new List();
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
  #senders: List<Waiting> = NOBODY;
  readonly #capacity: number;
  readonly #options: ChannelOptions<T>;
  #buffer: Ring<T> = EMPTY;
  #end: { readonly cause: unknown } | undefined = undefined;
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
    return [this.#capacity === 0 && "rendezvous", ...super[facts](), waiting(this.#senders.count(), "sender")];
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
    return this.#buffer.length;
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
    return this.#place(value) ? sent() : this.#park(value, options);
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
    while (this.#senders.head) this.#senders.head.wake(this, undefined, false);
  }

  /** @internal */
  override [ready](): boolean {
    return this.#buffer.length > 0 || this.#senders.head !== undefined || this.#end !== undefined;
  }

  /** @internal */
  override [drained](): boolean {
    return this.#end !== undefined && this.#buffer.length === 0;
  }

  // A slot that a receive frees goes to the sender that has waited longest, so that nobody overtakes.
  /** @internal */
  override [take](): T {
    const sender = this.#senders.head;
    let value = sender?.value as T;
    if (this.#buffer.length > 0) {
      const oldest = this.#buffer.shift();
      if (sender !== undefined) this.#buffer.push(value);
      value = oldest;
    }
    sender?.wake(this, undefined, true);
    return value;
  }

  /** @internal */
  get [senders](): List<Waiting> {
    return this.#senders;
  }

  /** @internal */
  [accepts](): boolean {
    return this.#end !== undefined || this.#buffer.length < this.#capacity || this.#drops() || this[awaited]();
  }

  /** @internal As the case `key` of a select. */
  [put](value: T, key?: number | string): boolean {
    if (this.#end !== undefined) throw new ClosedError(value, this, key);
    return this.#place(value);
  }

  /** @internal */
  [enlistSender](waiter: Waiting): void {
    this.#queue().append(waiter);
    counting?.touched(this);
    this[turnedReady]();
  }

  // The picture of docs/laws.md: closed was asked before; then a waiting receiver, the buffer, and waiting last.
  #place(value: T): boolean {
    if (this[handOff](value)) return true;
    if (this.#buffer.length < this.#capacity) {
      if (this.#buffer === EMPTY) this.#buffer = new Ring();
      this.#buffer.push(value);
      counting?.touched(this);
      this[turnedReady]();
      return true;
    }
    if (!this.#drops()) return false;
    this.#drop(value);
    return true;
  }

  #park(value: T, options: SignalOptions | undefined): Promise<void> {
    const parked = parkIn<void>(this.#queue(), SEND, this, options, value);
    counting?.touched(this);
    this[turnedReady]();
    return parked;
  }

  #queue(): List<Waiting> {
    if (this.#senders === NOBODY) this.#senders = new List();
    return this.#senders;
  }

  #drops(): boolean {
    return (this.#options.overflow ?? "block") !== "block";
  }

  #drop(value: T): void {
    let dropped = value;
    if (this.#options.overflow === "drop-oldest") {
      dropped = this.#buffer.shift();
      this.#buffer.push(value);
    }
    counting?.dropped(this);
    runHook(this.#options.onDrop, dropped);
  }
}
