// What a link is given and what it gives, for the client of Node and for that of a page: both are a `Connection` here.
/// <reference lib="esnext.disposable" preserve="true" />

import type { Duration, ReceiveChannel, SignalOptions } from "@sluice/channels";
import type { ReadonlyLatest } from "@sluice/channels/broadcast";
import type { CloseInfo } from "../errors.ts";
import type { MessageType } from "../protocol/constants.ts";
import type { Data, Message } from "../protocol/message.ts";

/** @internal What a link asks of a client. */
export interface Connection {
  channel(): ReceiveChannel<Message>;
  readonly closed: Promise<CloseInfo>;
  readonly stats: { readonly messagesUnsent: number };
  send(data: Data, type?: MessageType): Promise<void>;
  ping?(options?: LinkPingOptions): Promise<number | undefined>;
  close(code?: number, reason?: string): Promise<CloseInfo>;
  terminate(): void;
  unref?(): void;
}

/** @internal Options of `ping`, as far as a link knows them. */
export interface LinkPingOptions extends SignalOptions {
  readonly timeout?: Duration | undefined;
}

/** One try to connect. */
export interface Attempt {
  /** The epoch that it would open: 1 for the first connection. */
  readonly epoch: number;
  /** Failures in a row before this one, 0 for the first. */
  readonly failures: number;
  /** Aborted by `close`, `terminate` and `retryNow`; pass it on to `connect`. */
  readonly signal: AbortSignal;
}

/** What went wrong with one connection, or with one try to make it. */
export interface Failure {
  /** Where it failed: no connection, the hook, or an open connection that ended. */
  readonly phase: "dial" | "setup" | "open";
  /** What `connect` or `setup` threw, or the connection's error; `undefined` for a clean end. */
  readonly error: unknown;
  /** How the connection ended, where there was one. */
  readonly info: CloseInfo | undefined;
  /** In a row, this one included. */
  readonly failures: number;
  /** The epoch that ended, or that would have opened. */
  readonly epoch: number;
  /** Messages that `send` accepted in this epoch and that had not left the process: lost, as far as we know. */
  readonly unsent: number;
}

/** What a link does now. */
export type LinkState<C> =
  | { readonly state: "connecting"; readonly epoch: number; readonly failures: number }
  | { readonly state: "open"; readonly epoch: number; readonly client: C }
  | { readonly state: "waiting"; readonly epoch: number; readonly failure: Failure; readonly until: Date }
  | { readonly state: "closed"; readonly epoch: number; readonly failure: Failure | undefined };

/** Options of `reconnect`, but for those of the dialling. Durations; every option may be `undefined`: absent. */
export interface LinkOptions<C> {
  /**
   * Runs after each handshake, before any message reaches `channel()`: log in, subscribe, fetch a snapshot. What it
   * receives is its own; the rest flows on.
   *
   * A `SluiceError` that it throws is a failure, and `retry` decides; anything else is a mistake, and the end.
   */
  readonly setup?: ((client: C, attempt: Attempt) => unknown) | undefined;
  /** A deadline over `setup`. Default 30 s; 0 means none. */
  readonly setupTimeout?: Duration | undefined;
  /** True: again, after the backoff. A duration: again, after that. False: the end. Default `retryable`. */
  readonly retry?: ((failure: Failure) => boolean | Duration) | undefined;
  /** Full jitter: at random up to `from`, twice that, … `to`. Default 1 s, 30 s. */
  readonly backoff?:
    | {
        /** The longest first wait. Default 1 s. */
        readonly from?: Duration | undefined;
        /** The longest wait of all. Default 30 s. */
        readonly to?: Duration | undefined;
      }
    | undefined;
  /** A connection that was open for so long forgets the failures before it. Default 10 s. */
  readonly stableAfter?: Duration | undefined;
  /** Failures in a row after which it ends. Default no limit. */
  readonly attempts?: number | undefined;
  /**
   * A queue that paces dials over many clients: a `p-queue`, or anything with its `add`. Each dial keeps its own async
   * context, and with it its permissions.
   */
  readonly dials?:
    | {
        /** Runs a task when its turn has come and gives what it gives. */
        add<R>(
          task: () => Promise<R>,
          options: {
            /** Aborted when the dial is given up: the task need not run any more. */
            readonly signal: AbortSignal;
          },
        ): Promise<R>;
      }
    | undefined;
  /** Ends it for good, at any time: the channel's cause is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** For people who read errors and reports. Default: the URL, without what is secret in it. */
  readonly name?: string | undefined;
}

/** A message, and the connection that it came on. */
export type EpochMessage = Message & {
  /** The connection that it came on: 1 for the first. */
  readonly epoch: number;
};

/** How a link ended. */
export interface LinkClosed {
  /** Connections that opened. */
  readonly epochs: number;
  /** What ended it; `undefined` after the peer's 1000 and after our own `close` and `terminate`. */
  readonly error: unknown;
  /** How its last connection ended, if there was one. */
  readonly info: CloseInfo | undefined;
}

/** A connection that survives: one channel over all connections that it makes, one after the other. */
export interface Reconnecting<C> extends AsyncIterable<EpochMessage, undefined, undefined>, AsyncDisposable {
  /**
   * Gives the channel of all messages of all connections, those of an epoch before those of the next; the same object
   * every time. It ends without a cause after the peer's 1000 and after our own `close` and `terminate`, else with what
   * ended the link.
   */
  channel(): ReceiveChannel<EpochMessage>;
  /** What the link does now, and a channel of its changes. It closes behind its last value, "closed". */
  readonly state: ReadonlyLatest<LinkState<C>>;
  /**
   * Gives the connection of now; waits for one.
   *
   * @throws what ended the link, as a rejection; INTERNAL when it ended without a cause. The signal's reason on abort.
   */
  client(options?: SignalOptions): Promise<C>;
  /**
   * Sends on the connection of now, as `Client.send`, and gives its epoch. Nothing is kept for a later connection.
   *
   * @throws SluiceError, as a rejection: UNAVAILABLE (retryable) at once while there is no connection, or when it ends
   * before the message was accepted; CONFLICT when `epoch` is another than that of now.
   */
  send(
    data: Data,
    options?: {
      /** Default: text for a string, binary for bytes. */
      readonly type?: MessageType | undefined;
      /** The connection that it is for: on another it is refused. Default any. */
      readonly epoch?: number | undefined;
    },
  ): Promise<number>;
  /** Cuts a wait short, or gives up a dial under way, and tries at once. Does nothing while a connection is open. */
  retryNow(): void;
  /** Ends the connection of now (1000) and connects again, without a backoff: for tokens that expire. */
  restart(): void;
  /**
   * Ends the link, and its connection as `Client.close` does; resolves when that has ended. What stands in the channel
   * stays receivable.
   *
   * @throws SluiceError of kind INVALID, as a rejection, for a code or a reason that cannot be sent.
   */
  close(code?: number, reason?: string): Promise<void>;
  /** Ends the link at once, and its connection without a closing handshake. */
  terminate(): void;
  /** How the link ended; never rejects. */
  readonly closed: Promise<LinkClosed>;
}
