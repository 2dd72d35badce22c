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
  | { readonly ok: true; readonly value: T; readonly done: false }
  | { readonly ok: false; readonly value: undefined; readonly done: true; readonly cause: unknown };

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
  readonly [kind]: "receive";
  readonly channel: ReceiveChannel<T>;
}

/** A send, described for `select`. Inert: a reused case sends its value again. */
export interface SendCase<in T> {
  readonly [kind]: "send";
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
  readonly [receives]: true;
  receive(options?: SignalOptions): Promise<Received<T>>;
  tryReceive(): Received<T> | undefined;
  receiveMany(limit: number, options?: SignalOptions): Promise<T[]>;
  caseReceive(): ReceiveCase<T>;
  case_receive(): ReceiveCase<T>;
  values(options?: SignalOptions): AsyncIterableIterator<T, undefined, undefined>;
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined, undefined>;
}

/** The sending side of a channel: it cannot receive. Only channels of this library are one. */
export interface SendChannel<in T> extends ChannelState, Disposable {
  readonly [sends]: true;
  send(value: T, options?: SignalOptions): Promise<void>;
  trySend(value: T): boolean;
  caseSend(value: T): SendCase<T>;
  case_send(value: T): SendCase<T>;
  close(cause?: unknown): void;
}
