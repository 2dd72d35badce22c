// Values move here. Three invariants, each a property test:
//   senders and receivers never wait at the same time, except for one parked select that holds both;
//   a buffer that is not empty means that no receiver waits;
//   a buffer with room means that no sender waits.

import { Ring } from "./buffer.ts";
import { SendDescription } from "./case.ts";
import { disposeBy } from "./dispose.ts";
import { ClosedError } from "./errors.ts";
import { type Listening, listen, refusal } from "./signal.ts";
import { Source } from "./source.ts";
import { rejected, sent, settle } from "./turn.ts";
import type { SendCase, SendChannel, SignalOptions } from "./types.ts";
import { leave, type Link, List, recorder, type SendingWaiter, type Waiter } from "./waiter.ts";

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

const OVERFLOWS: readonly unknown[] = [undefined, "block", "drop-oldest", "drop-newest"];

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
  readonly #senders = new List<SendingWaiter<T>>();
  readonly #capacity: number;
  readonly #options: ChannelOptions<T> | undefined;
  #buffer: Ring<T> | undefined = undefined;
  #closed = false;
  #cause: unknown = undefined;
  declare readonly [Symbol.dispose]: () => void;

  constructor(capacity?: number, options?: ChannelOptions<T>);
  constructor(options?: ChannelOptions<T>);
  constructor(capacity: number | ChannelOptions<T> = 0, options?: ChannelOptions<T>) {
    super();
    if (typeof capacity === "object" && options === undefined) [capacity, options] = [0, capacity];
    checkCapacity(capacity);
    if (options !== undefined) checkOptions(capacity, options);
    this.#capacity = capacity + 0; // and never -0
    this.#options = options;
  }

  override get closed(): boolean {
    return this.#closed;
  }

  override get cause(): unknown {
    return this.#cause;
  }

  override get length(): number {
    return this.#buffer === undefined ? 0 : this.#buffer.length;
  }

  override get capacity(): number {
    return this.#capacity;
  }

  override get name(): string | undefined {
    return this.#options?.name;
  }

  /**
   * Sends a value; resolves when a receiver has it or the buffer holds it. Waiting senders are served in order.
   *
   * On abort it rejects with the signal's reason and the value was not sent.
   *
   * @throws ClosedError (as a rejection), with the value, when the channel is closed, before or while it waits.
   */
  send(value: T, options?: SignalOptions): Promise<void> {
    if (options !== undefined) {
      const refused = refusal(options);
      if (refused !== undefined) return refused;
    }
    if (this.#closed) return rejected(new ClosedError(value, this));
    return this.#place(value) ? sent() : this.#parkSend(value, options);
  }

  /**
   * Sends without waiting: true when the value was sent, false when a send would wait.
   *
   * @throws ClosedError, with the value, when the channel is closed.
   */
  trySend(value: T): boolean {
    if (recorder !== undefined) recorder.passed();
    if (this.#closed) throw new ClosedError(value, this);
    return this.#place(value);
  }

  /** Describes a send for `select`. */
  caseSend(value: T): SendCase<T> {
    return new SendDescription(this, value) as unknown as SendCase<T>;
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
    if (this.#closed) return;
    this.#closed = true;
    this.#cause = cause;
    if (this.drained()) this.endReceivers();
    for (let first = this.#senders.head; first !== undefined; first = this.#senders.head) first.fail(this);
  }

  protected override ready(): boolean {
    return (this.#buffer !== undefined && this.#buffer.length > 0) || this.#senders.head !== undefined || this.#closed;
  }

  protected override drained(): boolean {
    return this.#closed && (this.#buffer === undefined || this.#buffer.length === 0);
  }

  // A slot that a receive frees goes to the sender that has waited longest, so that nobody overtakes.
  protected override take(): T {
    const sender = this.#senders.head;
    if (this.#buffer === undefined || this.#buffer.length === 0) {
      const { value } = sender as SendingWaiter<T>;
      (sender as SendingWaiter<T>).taken(this);
      return value;
    }
    const value = this.#buffer.shift();
    if (sender !== undefined) {
      this.#buffer.push(sender.value);
      sender.taken(this);
    }
    return value;
  }

  /** @internal True when a send would not wait: it is taken, or fails because the channel is closed. */
  accepts(): boolean {
    return this.#closed || this.length < this.#capacity || this.#dropsWhenFull() || this.awaited();
  }

  /** @internal Sends a value that `accepts()`; throws when closed. */
  put(value: T, key: number | string): void {
    if (this.#closed) throw new ClosedError(value, this, key);
    this.#place(value);
  }

  /** @internal Parks a sender, behind every other. */
  enlistSender(waiter: SendingWaiter<T>): void {
    this.#senders.append(waiter);
    this.turnedReady();
  }

  // The picture of docs/laws.md: closed was asked before; then a waiting receiver, the buffer, and waiting last.
  #place(value: T): boolean {
    if (this.handOff(value)) return true;
    if (this.#capacity === 0) return false;
    this.#buffer ??= new Ring();
    if (this.#buffer.length < this.#capacity) {
      this.#buffer.push(value);
      this.turnedReady();
      return true;
    }
    if (!this.#dropsWhenFull()) return false;
    this.#drop(this.#buffer, value);
    return true;
  }

  #parkSend(value: T, options: SignalOptions | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter = new Send(value, resolve, reject);
      this.enlistSender(waiter);
      if (options !== undefined) listen(waiter, options, reject);
      if (recorder !== undefined) recorder.parked(waiter, "send", [this]);
    });
  }

  #dropsWhenFull(): boolean {
    const overflow = this.#options?.overflow;
    return overflow !== undefined && overflow !== "block";
  }

  #drop(buffer: Ring<T>, value: T): void {
    const oldest = this.#options?.overflow === "drop-oldest";
    const dropped = oldest ? buffer.shift() : value;
    if (oldest) buffer.push(value);
    try {
      this.#options?.onDrop?.(dropped);
    } catch (mistake) {
      queueMicrotask(() => {
        throw mistake; // the send succeeded: what the hook throws is an uncaught exception, as in an event listener
      });
    }
  }
}

disposeBy(Channel.prototype as Channel<unknown>, function dispose() {
  this.close();
});

class Send<T> implements SendingWaiter<T>, Waiter {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  list: List<Link> | undefined = undefined;
  listening: Listening | undefined = undefined;
  readonly value: T;
  readonly #resolve: () => void;
  readonly #reject: (reason: ClosedError) => void;

  constructor(value: T, resolve: () => void, reject: (reason: ClosedError) => void) {
    this.value = value;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  leave(): void {
    leave(this);
  }

  taken(): void {
    leave(this);
    settle(this.#resolve, undefined);
  }

  fail(channel: Channel<T>): void {
    leave(this);
    settle(this.#reject, new ClosedError(this.value, channel));
  }
}

function checkCapacity(capacity: unknown): asserts capacity is number {
  if (typeof capacity !== "number") {
    throw new TypeError(`Expected \`capacity\` to be a number, got \`${String(capacity)}\``);
  }
  if (Number.isSafeInteger(capacity) && capacity >= 0) return;
  const hint = capacity === Infinity ? ": give a large number, since a buffer takes no memory before it is used" : "";
  throw new RangeError(`Expected \`capacity\` to be a non-negative integer, got \`${capacity}\`${hint}`);
}

function checkOptions(capacity: number, options: unknown): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Expected \`options\` to be an object, got \`${String(options)}\``);
  }
  const { name, overflow, onDrop } = options as ChannelOptions;
  if (name !== undefined && typeof name !== "string") {
    throw new TypeError(`Expected \`name\` to be a string, got \`${String(name)}\``);
  }
  if (!OVERFLOWS.includes(overflow)) {
    throw new TypeError(
      `Expected \`overflow\` to be "block", "drop-oldest" or "drop-newest", got \`${String(overflow)}\``,
    );
  }
  if (onDrop !== undefined && typeof onDrop !== "function") {
    throw new TypeError(`Expected \`onDrop\` to be a function, got \`${String(onDrop)}\``);
  }
  if (capacity === 0 && overflow !== undefined && overflow !== "block") {
    throw new RangeError(`Expected \`capacity\` to be at least 1 with overflow "${overflow}", got \`0\``);
  }
}
