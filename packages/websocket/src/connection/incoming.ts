// Frames → channel. The receive channel of a client: it fills from the socket and stops the reading when it is full.
// The surprising fact: it may hold more than its capacity. What was read already when the connection ends, or is parsed
// by ws in one go, cannot be pushed back; it stands behind the visible messages, in the same ring, bounded.

import { type ChannelOptions } from "@sluice/channels";
import * as source from "@sluice/channels/source";
import { counting, endReceivers, ready, Ring, Source, take, type Tell } from "@sluice/channels/source";
import type { Message } from "../protocol/message.ts";

// Constants of this module: an import is looked up at each use, which costs a hot path 15 %.
const handOff: typeof source.handOff = source.handOff;
const turnedReady: typeof source.turnedReady = source.turnedReady;

/** What a full channel does with one more message. */
export type Overflow = NonNullable<ChannelOptions["overflow"]>;

/** What the channel asks of its connection. */
export interface Flow {
  /** The channel is full: stop reading. */
  pause(): void;
  /** There is room again: go on. */
  resume(): void;
  /** More arrived behind the full channel than memory is kept for. */
  exceeded(what: "bytes" | "messages"): void;
}

export interface IncomingOptions {
  readonly name: string;
  readonly capacity: number;
  readonly overflow: Overflow;
  readonly onDrop: ((message: Message) => void) | undefined;
  /** What may stand behind a full channel: what cannot be held back any more. Default 32 MiB, 65,536 messages. */
  readonly overshoot?: { readonly bytes: number; readonly messages: number } | undefined;
  readonly flow: Flow;
}

// Large messages stop the reading before their number does: 32 of 1 MiB would be the memory of a small process. One that
// is huge does so alone, since V8 lets 32 MiB of dead buffers gather whatever we do, and the process should stay below
// 100 MB beside them. A flood of compressed 1 MiB: 104 MB resident; with 4 MiB of them in the channel 109, with 32 150;
// ws alone, one message at a time, 96 (test: backpressure).
const READ_AHEAD_BYTES = 4 * 1024 * 1024;
const HUGE = 1024 * 1024;
// One read chunk holds up to 32,767 empty frames, or 64 KiB of data. What goes far beyond is a peer that compresses a
// thousandfold, and holding it would be its way to our memory.
const OVERSHOOT = { bytes: 32 * 1024 * 1024, messages: 65_536 };

// What the connection says to its channel is out of reach of strings, as the words of the core are.
/** @internal True while the socket is paused because the channel is full. */
export const paused: unique symbol = Symbol("paused");
/** @internal Messages that came from the peer. */
export const received: unique symbol = Symbol("received");
/** @internal Messages that a drop policy dropped. */
export const dropped: unique symbol = Symbol("dropped");
/** @internal A message from the socket: to whoever waits, else into the ring. Nothing comes in after the end. */
export const accept: unique symbol = Symbol("accept");
/** @internal The connection ended, and not by us: what came before stays receivable, overshoot included. */
export const finish: unique symbol = Symbol("finish");
/** @internal We end the connection: what stands in the channel stays receivable, what had not reached it is discarded. */
export const shut: unique symbol = Symbol("shut");

/** The receive channel of a client. */
export class Incoming extends Source<Message> {
  #ring = new Ring<Message>();
  readonly #options: IncomingOptions;
  readonly #capacity: number;
  readonly #resumeAt: number;
  readonly #blocks: boolean;
  #closed = false;
  #cause: unknown = undefined;
  #paused = false;
  #held = 0; // size of what is in the ring
  #limit = Infinity; // of `#held`, set where the ring turns full
  #received = 0;
  #dropped = 0;

  constructor(options: IncomingOptions) {
    super();
    this.#options = options;
    this.#capacity = options.capacity;
    // Resuming at each free slot would pause after each message: 10 % at 64 B (bench: receive-64).
    this.#resumeAt = Math.floor(options.capacity / 2);
    this.#blocks = options.overflow === "block";
  }

  override get closed(): boolean {
    return this.#closed;
  }

  override get cause(): unknown {
    return this.#cause;
  }

  /** Messages that can be received now, at most `capacity`. */
  override get length(): number {
    return Math.min(this.#ring.length, this.#capacity);
  }

  override get capacity(): number {
    return this.#capacity;
  }

  override get name(): string {
    return this.#options.name;
  }

  /** @internal */
  get [paused](): boolean {
    return this.#paused;
  }

  /** @internal */
  get [received](): number {
    return this.#received;
  }

  /** @internal */
  get [dropped](): number {
    return this.#dropped;
  }

  /** @internal */
  override [ready](): boolean {
    return this.#ring.length > 0 || this.#closed;
  }

  /** @internal */
  override [take](): Message {
    const message = this.#ring.shift();
    this.#held -= message.data.length;
    if (this.#paused && this.#ring.length <= this.#resumeAt && this.#held < HUGE) {
      this.#paused = false;
      this.#options.flow.resume();
    }
    return message;
  }

  /** @internal */
  [accept](message: Message): void {
    if (this.#closed) return;
    this.#received += 1;
    if (this[handOff](message)) return;
    const ring = this.#ring;
    if (ring.length >= this.#capacity && !this.#blocks) {
      this.#drop(message);
      return;
    }
    ring.push(message);
    const { length } = message.data;
    this.#held += length;
    if (this.#blocks && (ring.length >= this.#capacity || this.#held >= READ_AHEAD_BYTES || length >= HUGE)) {
      this.#full();
    }
    this[turnedReady]();
  }

  /** @internal */
  [finish](cause: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cause = cause;
    if (this.#ring.length === 0) this[endReceivers]();
  }

  /** @internal */
  [shut](cause?: unknown): void {
    const { length } = this;
    const kept = new Ring<Message>();
    while (kept.length < length) kept.push(this.#ring.shift());
    this.#ring = kept;
    this.#paused = false;
    this[finish](cause);
  }

  get #overshoot(): { readonly bytes: number; readonly messages: number } {
    return this.#options.overshoot ?? OVERSHOOT;
  }

  #full(): void {
    if (!this.#paused) {
      this.#paused = true;
      this.#limit = this.#held + this.#overshoot.bytes;
      this.#options.flow.pause();
    } else if (this.#held > this.#limit) {
      this.#options.flow.exceeded("bytes");
    } else if (this.#ring.length > this.#capacity + this.#overshoot.messages) {
      this.#options.flow.exceeded("messages");
    }
  }

  #drop(message: Message): void {
    let lost = message;
    if (this.#options.overflow === "drop-oldest") {
      lost = this.#ring.shift();
      this.#ring.push(message);
      this.#held += message.data.length - lost.data.length;
    }
    this.#dropped += 1;
    counting?.dropped(this);
    try {
      this.#options.onDrop?.(lost);
    } catch (mistake) {
      queueMicrotask(() => {
        throw mistake; // the connection goes on: what the hook throws is an uncaught exception, as in an event listener
      });
    }
  }
}

/** @internal What a snapshot shows of a connection, beside its channel. */
export function detailsOf(
  { [paused]: isPaused, [received]: messagesReceived }: Incoming,
  sending: { readonly messages: number; readonly waiting: number },
  bufferedAmount: number,
  roundTrip?: number,
): ReturnType<Tell> {
  const { messages: messagesSent, waiting: sendsWaiting } = sending;
  const known = { paused: isPaused, bufferedAmount, sendsWaiting, messagesReceived, messagesSent };
  return roundTrip === undefined ? known : { ...known, roundTrip };
}
