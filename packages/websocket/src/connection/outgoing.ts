// Data → socket. Messages of one turn leave in one write: the socket is corked by the first and uncorked when the turn
// ends (process.nextTick runs behind every promise reaction of the turn), or earlier when much has gathered. One system
// call for each small message is what sending costs: 529,000 messages/s corked, 71,000 without (bench: send-64).

import { isUtf8 } from "node:buffer";
import type { Socket } from "node:net";
import { types } from "node:util";
import { Ring, sent, settle } from "@sluice/channels/source";
import PQueue from "p-queue";
import { WebSocket } from "ws";
import { Alarm } from "./alarm.ts";
import type { Data } from "../protocol/message.ts";
import { BINARY, type MessageType, TEXT } from "../protocol/constants.ts";
import { invalid, invalidText } from "../errors.ts";

/** Bytes that may wait in this process before `send` waits too. */
const HIGH_WATER = 64 * 1024;
// A frame's header at its longest.
const HEADER = 14;
// Taken at load: fake timers of tests must not hold back what was sent.
const nextTick = process.nextTick.bind(process);

/** At most so many messages in any stretch of so many milliseconds. */
export interface Pace {
  readonly messages: number;
  readonly per: number;
}

/** @internal */
export interface OutgoingOptions {
  readonly socket: WebSocket;
  readonly wire: Socket;
  readonly compresses: boolean;
  readonly compressionThreshold: number;
  readonly writeTimeout: number | undefined;
  readonly pace: Pace | undefined;
  /** A byte has waited longer than `writeTimeout`. */
  readonly onStall: () => void;
}

interface Waiting {
  readonly payload: Buffer;
  readonly binary: boolean;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** @internal The sending half of a client. */
export class Outgoing {
  readonly #socket: WebSocket;
  readonly #wire: Socket;
  readonly #options: OutgoingOptions;
  readonly #waiting = new Ring<Waiting>();
  readonly #slots: PQueue | undefined;
  #asking = false;
  #asked = false;
  #corked = false;
  #pong: Buffer | undefined = undefined;
  #pongLeaving = false;
  // When marked writes were made that have not left yet: the oldest, and those behind it.
  #oldest: number | undefined = undefined;
  readonly #departures = new Ring<number>();
  readonly #stall: Alarm | undefined;
  #messages = 0;
  #departed = 0;
  #ended = false;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#wire = options.wire;
    // Strict means any stretch of `per`, not only those that begin on a beat.
    if (options.pace !== undefined) {
      this.#slots = new PQueue({ intervalCap: options.pace.messages, interval: options.pace.per, strict: true });
    }
    if (options.writeTimeout !== undefined) this.#stall = new Alarm(options.onStall);
  }

  /** Messages that were accepted. */
  get messages(): number {
    return this.#messages;
  }

  /** Messages that were accepted and have not left this process. */
  get unsent(): number {
    return this.#messages - this.#departed;
  }

  /** Sends that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Accepts a message: at once under the high-water mark, else in its turn. The bytes are taken at the call. */
  send(data: Data, type: MessageType | undefined): Promise<void> {
    const binary = type === undefined ? typeof data !== "string" : type === BINARY;
    let payload = payloadOf(data);
    if (!binary && typeof data !== "string" && !isUtf8(payload)) {
      throw invalidText("data", "valid UTF-8 to be sent as TEXT", "other bytes");
    }
    const leavesNow = this.#slots === undefined && this.#waiting.length === 0 && this.#hasRoom();
    // What waits, here or for zlib, is read when the caller may have changed it; anything else is masked into a copy.
    if (typeof data !== "string" && (!leavesNow || this.#options.compresses)) payload = Buffer.from(payload);
    if (leavesNow) {
      this.#write(payload, binary);
      return sent();
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ payload, binary, resolve, reject });
      this.#advance();
    });
  }

  /** Writes a ping; it is not held up by pace or high water. */
  ping(payload: string): void {
    this.#cork();
    this.#socket.ping(payload, undefined, this.#mark());
  }

  /**
   * Answers a ping, at the end of the turn and with the newest payload only (RFC 6455 5.5.3): a peer that sends pings
   * faster than it reads pongs gets one pong for many.
   */
  pong(payload: Buffer): void {
    this.#pong = Buffer.from(payload);
    this.#cork();
  }

  /** Lets everything that was accepted go to the kernel now. */
  flush(): void {
    if (!this.#corked) return;
    this.#corked = false;
    if (this.#pong !== undefined && !this.#pongLeaving && this.#socket.readyState === WebSocket.OPEN) this.#writePong();
    this.#wire.uncork();
  }

  /** Writes the pong that waits for the end of the turn: a close frame will be written next (RFC 6455 5.5.2). */
  answer(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#writePong();
  }

  /** Rejects the sends that wait. What was accepted is the connection's business. */
  end(reason: unknown): void {
    this.answer();
    this.#ended = true;
    this.#stall?.clear();
    this.#slots?.clear();
    this.#pong = undefined;
    while (this.#waiting.length > 0) settle(this.#waiting.shift().reject, reason);
  }

  #hasRoom(): boolean {
    if (this.#socket.bufferedAmount < HIGH_WATER) return true;
    this.flush();
    return this.#socket.bufferedAmount < HIGH_WATER;
  }

  #write(payload: Buffer, binary: boolean): void {
    const first = !this.#corked;
    this.#cork();
    this.#messages += 1;
    const compress = this.#options.compresses && payload.length >= this.#options.compressionThreshold;
    // Whatever lifts the buffer over the mark reports when it has left: that wakes the sends that will wait.
    const crosses = this.#socket.bufferedAmount + payload.length + HEADER >= HIGH_WATER;
    const marked = crosses || (first && this.#stall !== undefined);
    if (marked) this.#mark();
    this.#socket.send(payload, optionsOf(binary, compress), marked ? this.#markedDeparted : this.#messageDeparted);
  }

  // One function for all messages: Node then calls them back in a loop, without an object for each. When the socket is
  // destroyed, Node tells a write under way that it succeeded.
  readonly #messageDeparted = (error?: Error | null): void => {
    if (!error && !this.#wire.destroyed) this.#departed += 1;
  };

  readonly #markedDeparted = (error?: Error | null): void => {
    this.#messageDeparted(error);
    this.#left();
  };

  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#wire.cork();
    nextTick(this.#turnEnded);
  }

  readonly #turnEnded = (): void => {
    this.flush();
  };

  // Marked writes leave in the order they were made, so the callbacks need not say which one it is.
  #mark(): () => void {
    if (this.#stall !== undefined && this.#options.writeTimeout !== undefined && !this.#ended) {
      const now = performance.now();
      if (this.#oldest === undefined) {
        this.#oldest = now;
        this.#stall.at(now + this.#options.writeTimeout);
      } else {
        this.#departures.push(now);
      }
    }
    return this.#left;
  }

  readonly #left = (): void => {
    if (this.#ended) return;
    if (this.#stall !== undefined && this.#options.writeTimeout !== undefined) {
      this.#oldest = this.#departures.length > 0 ? this.#departures.shift() : undefined;
      this.#stall.at(this.#oldest === undefined ? Infinity : this.#oldest + this.#options.writeTimeout);
    }
    if (this.#waiting.length > 0) this.#advance();
  };

  #writePong(): void {
    if (this.#pong === undefined) return;
    const payload = this.#pong;
    this.#pong = undefined;
    this.#pongLeaving = true;
    const left = this.#mark();
    this.#socket.pong(payload, undefined, () => {
      this.#pongLeaving = false;
      left();
      if (this.#pong !== undefined) this.#cork();
    });
  }

  // Sends what waits, in order, while there is room and the pace allows. A slot is asked for only when the message
  // could leave: slots that pile up behind a stalled peer would leave as a burst.
  #advance(): void {
    if (this.#asking) return;
    while (this.#waiting.length > 0 && this.#socket.readyState === WebSocket.OPEN && this.#hasRoom()) {
      if (this.#slots === undefined) {
        this.#release();
        continue;
      }
      if (this.#asked || !this.#ask(this.#slots)) return;
    }
  }

  // True when the slot was granted at once. Granted messages are released here and in the loop above, never from
  // within each other: a thousand slots at once would be a thousand frames of the stack.
  #ask(slots: PQueue): boolean {
    this.#asking = this.#asked = true;
    void slots.add(this.#granted);
    this.#asking = false;
    return !this.#isAsked();
  }

  #isAsked(): boolean {
    return this.#asked;
  }

  readonly #granted = (): void => {
    this.#asked = false;
    if (this.#waiting.length > 0 && this.#socket.readyState === WebSocket.OPEN) this.#release();
    this.#advance();
  };

  #release(): void {
    const { payload, binary, resolve } = this.#waiting.shift();
    this.#write(payload, binary);
    settle(resolve, undefined);
  }
}

// ws copies its options, so these four serve every message.
const TEXT_PLAIN = { binary: false, compress: false };
const TEXT_COMPRESSED = { binary: false, compress: true };
const BINARY_PLAIN = { binary: true, compress: false };
const BINARY_COMPRESSED = { binary: true, compress: true };

function optionsOf(binary: boolean, compress: boolean): typeof TEXT_PLAIN {
  if (binary) return compress ? BINARY_COMPRESSED : BINARY_PLAIN;
  return compress ? TEXT_COMPRESSED : TEXT_PLAIN;
}

// Text as bytes: ws then writes header and payload as one chunk, and the length is known without counting twice.
function payloadOf(data: Data): Buffer {
  if (typeof data === "string") return Buffer.from(data);
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.from(data);
}

/** @internal Throws what `send` rejects with when it is given something it cannot send. */
export function checkMessage(data: unknown, type: unknown): void {
  if (typeof data !== "string" && !ArrayBuffer.isView(data) && !types.isAnyArrayBuffer(data)) {
    throw new TypeError(`Expected \`data\` to be a string, an ArrayBuffer or a view, got \`${typeof data}\``);
  }
  if (type !== undefined && type !== TEXT && type !== BINARY) throw invalid("type", "TEXT (1) or BINARY (2)", type);
}
