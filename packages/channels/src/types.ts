// The two views of a channel and what they share: declarations only, no code.
// A view is what a function should ask for: `ReceiveChannel<T>` cannot send or close, `SendChannel<T>` cannot receive.
/// <reference lib="esnext.disposable" preserve="true" />

import type { receives, sends } from "./protocol.ts";

/**
 * What a receive gives: a value, or the end of the channel.
 *
 * A discriminated union (`ok`) that also has the shape of an iterator result (`done`). The end has the `cause` that
 * `close` was given, so that a failure is seen where the end is seen.
 */
export type Received<T> =
  | {
      /** True: a value. */
      readonly ok: true;
      /** What was received. */
      readonly value: T;
      /** The opposite of `ok`, as iterators say it. */
      readonly done: false;
    }
  | {
      /** False: the channel is closed and drained. */
      readonly ok: false;
      /** None. */
      readonly value: undefined;
      /** The opposite of `ok`, as iterators say it. */
      readonly done: true;
      /** What `close` was given; `undefined` for a plain close. */
      readonly cause: unknown;
    };

/** A length of time: a number of milliseconds, or a string in Go's format, such as `"1h30m"`, `"300ms"` or `"1.5s"`. */
export type Duration = number | string;

/** Options of every operation that can wait. */
export interface SignalOptions {
  /** Ends the wait: the operation rejects with the signal's reason, and nothing was taken or sent. */
  readonly signal?: AbortSignal | undefined;
}

declare const kind: unique symbol;

/** A receive, described for `select`. Inert: it may be kept, reused, and stand in several selects at once. */
export interface ReceiveCase<out T> {
  /** Marks it: no other package can make one. */
  readonly [kind]: "receive";
  /** The channel to receive from. */
  readonly channel: ReceiveChannel<T>;
}

/** A send, described for `select`. Inert: a reused case sends its value again. */
export interface SendCase<in T> {
  /** Marks it: no other package can make one. */
  readonly [kind]: "send";
  /** The channel to send on. */
  readonly channel: SendChannel<T>;
}

/** What can be read of a channel from either side. */
export interface ChannelState {
  /** True from `close()` on, even while values remain to be received. */
  readonly closed: boolean;
  /** What `close` was given; `undefined` for a plain close and for an open channel. */
  readonly cause: unknown;
  /** Values in the buffer now, not counting senders that wait. */
  readonly length: number;
  /** Values the buffer holds at most; 0 for a rendezvous. */
  readonly capacity: number;
  /** The name given at creation, for people who read errors and reports. */
  readonly name: string | undefined;
}

/**
 * The receiving side of a channel: it cannot send and cannot close.
 *
 * Only channels of this library are one, since `select` and `Selector` take no other: an object with the same methods
 * does not compile.
 */
export interface ReceiveChannel<out T> extends ChannelState, AsyncIterable<T, undefined, undefined> {
  /** Marks it: no other package can make one. */
  readonly [receives]: true;
  /**
   * Receives the next value, waiting for one if need be. Waiting receivers are served first come, first served.
   *
   * Resolves with `ok: false` when the channel is closed and drained, whatever the cause.
   * On abort it rejects with the signal's reason; nothing was taken and nobody else lost a place.
   */
  receive(options?: SignalOptions): Promise<Received<T>>;
  /** Receives without waiting: a value, the end of the channel, or `undefined` when a receive would wait. */
  tryReceive(): Received<T> | undefined;
  /**
   * Receives from 1 to `limit` values, waiting for the first if need be; `[]` when the channel is closed and drained.
   *
   * Takes in one step what is there: the buffer, then the values of waiting senders, in order. A call that had to
   * wait gets the one value that woke it. Abort as for `receive`.
   *
   * @throws RangeError (as a rejection) when `limit` is not a positive integer.
   */
  receiveMany(limit: number, options?: SignalOptions): Promise<T[]>;
  /** Describes a receive for `select`; the channel itself stands for it as well. */
  caseReceive(): ReceiveCase<T>;
  /** The same as `caseReceive`, in the spelling of the Lua runtime it comes from. */
  case_receive(): ReceiveCase<T>;
  /**
   * Iterates as `for await` over the channel itself does, until the signal is aborted too: then the loop throws the
   * signal's reason, and nothing was taken.
   *
   * @throws TypeError for options that are a mistake.
   */
  values(options?: SignalOptions): AsyncIterableIterator<T, undefined, undefined>;
  /**
   * Iterates over the values until the channel is closed and drained, each iterator competing with every receiver.
   *
   * A channel closed with a cause makes the loop throw that cause, after the last value. `break` takes nothing and
   * leaves the channel open.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined, undefined>;
}

/** The sending side of a channel: it cannot receive. Only channels of this library are one. */
export interface SendChannel<in T> extends ChannelState, Disposable {
  /** Marks it: no other package can make one. */
  readonly [sends]: true;
  /**
   * Sends a value; resolves when a receiver has it or the buffer holds it. Waiting senders are served in order.
   *
   * On abort it rejects with the signal's reason and the value was not sent.
   *
   * @throws ClosedError (as a rejection), with the value, when the channel is closed, before or while it waits.
   */
  send(value: T, options?: SignalOptions): Promise<void>;
  /**
   * Sends without waiting: true when the value was sent, false when a send would wait.
   *
   * @throws ClosedError, with the value, when the channel is closed.
   */
  trySend(value: T): boolean;
  /** Describes a send for `select`. */
  caseSend(value: T): SendCase<T>;
  /** The same as `caseSend`, in the spelling of the Lua runtime it comes from. */
  case_send(value: T): SendCase<T>;
  /**
   * Closes the channel. Values in the buffer still arrive; waiting receivers learn the end, in order; waiting senders
   * reject with their values, in order. Only the first call counts.
   *
   * @param cause why, for whoever reads `cause` or iterates; `undefined` means a plain close.
   */
  close(cause?: unknown): void;
}
