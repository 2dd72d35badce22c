// Data → socket. Messages that are sent together leave in one write: one system call for each small message is what
// sending costs, 529,000 messages/s in bursts, 71,000 without (bench: send-64). The first of a turn leaves before its
// promise is seen to be settled: a program may work, or exit, as soon as it has sent. What follows at once is a burst and
// leaves when the turn ends (process.nextTick runs behind every promise reaction), or when much has gathered.

import { isUtf8 } from "node:buffer";
import type { Socket } from "node:net";
import { types } from "node:util";
import { Ring, sent, settle } from "@sluice/channels/source";
import PQueue from "p-queue";
import { WebSocket } from "ws";
import { Alarm } from "./alarm.ts";
import { type Departures, Patience } from "./departures.ts";
import type { Data } from "../protocol/message.ts";
import { BINARY, type MessageType, TEXT } from "../protocol/constants.ts";
import { invalid, invalidText } from "../errors.ts";

/** Bytes that may wait in this process before `send` waits too. */
const HIGH_WATER = 64 * 1024;
// Messages that follow each other so closely are a burst: whoever does anything in between sends lone ones. Milliseconds.
const PAUSE = 0.1;
// A turn with so many is part of a stream: the next goes on with it, unless it comes much later.
const STREAM = 32;
const STREAM_PAUSE = 2;
const STRIDE = 16;

// Fakes of tests must not hold back what was sent: the real ones are taken at load, unless fakes were there first.
const atTurnsEnd = taken(process, "nextTick");
const nextTurn = taken(globalThis, "setImmediate");
const reactions: Promise<void> = Promise.resolve();

/** Those that hold back a burst: what `process.exit` would lose. */
const corked = new Set<{ flush(): void }>();
let listening = false;

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
  readonly departures: Departures;
  readonly writeTimeout: number | undefined;
  readonly pace: Pace | undefined;
  /** Bytes wait, and none could leave for as long as `writeTimeout` allows. */
  readonly onStall: () => void;
}

type Schedule = (task: () => void) => unknown;
type Departed = (error?: Error | null) => void;

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
  /** What is corked leaves within this turn, before anybody who waits for a send goes on. */
  #leaving = false;
  /** Something has left in this turn already: what comes now is a burst. */
  #burst = false;
  /** Something was being written before what is corked. */
  #behind = false;
  readonly #later: ((value: undefined) => void)[] = [];
  #turning = false;
  #lastAt = 0;
  #inTurn = 0;
  #streams = false;
  #pong: Buffer | undefined = undefined;
  #pongLeaving = false;
  readonly #stall: Alarm | undefined;
  #patience: Patience | undefined = undefined;
  #messages = 0;
  #departed = 0;
  #ended = false;
  #reason: unknown = undefined;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#wire = options.wire;
    // Strict means any stretch of `per`, not only those that begin on a beat.
    if (options.pace !== undefined) {
      this.#slots = new PQueue({ intervalCap: options.pace.messages, interval: options.pace.per, strict: true });
    }
    if (options.writeTimeout !== undefined) this.#stall = new Alarm(() => this.#lookAtStall());
    if (!listening) process.on("exit", flushAll);
    listening = true;
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
      if (this.#compresses(payload) && this.#isLone()) return this.#compressed(payload, binary);
      this.#write(payload, binary);
      return (this.#leaving && this.#behind) || this.#later.length > 0 ? this.#afterTurn() : sent();
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ payload, binary, resolve, reject });
      this.#advance();
    });
  }

  /** Writes a ping; it is not held up by pace or high water. */
  ping(payload: string, departed: () => void): void {
    this.#cork();
    this.#watch();
    this.#socket.ping(payload, undefined, departed);
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
    this.#corked = this.#leaving = false;
    corked.delete(this);
    if (this.#pong !== undefined && !this.#pongLeaving && this.#socket.readyState === WebSocket.OPEN) this.#writePong();
    this.#wire.uncork();
    this.#options.departures.note();
  }

  /** Writes the pong that waits for the end of the turn: a close frame will be written next (RFC 6455 5.5.2). */
  answer(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#writePong();
  }

  /** Rejects the sends that wait. What was accepted is the connection's business. */
  end(reason: unknown): void {
    this.answer();
    this.#ended = true;
    this.#reason = reason;
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

  #write(payload: Buffer, binary: boolean, departed: Departed = this.#messageDeparted): void {
    this.#cork();
    this.#watch();
    this.#messages += 1;
    this.#socket.send(payload, optionsOf(binary, this.#compresses(payload)), departed);
  }

  #compresses({ length }: Buffer): boolean {
    return this.#options.compresses && length >= this.#options.compressionThreshold;
  }

  // Nothing is on its way, and nothing was a moment ago.
  #isLone(): boolean {
    return this.#pauses() && this.#socket.bufferedAmount === 0;
  }

  // True when nothing was sent a moment ago.
  #pauses(): boolean {
    const now = performance.now();
    const pause = now - this.#lastAt;
    this.#lastAt = now;
    return pause >= (this.#streams ? STREAM_PAUSE : PAUSE);
  }

  // Behind what TLS is still writing a message leaves when the loop has turned. Whoever comes then waits as well: promises
  // settle in the order of the calls.
  #afterTurn(): Promise<void> {
    if (this.#later.length === 0) nextTurn(this.#turned);
    return new Promise((resolve) => {
      this.#later.push(resolve);
    });
  }

  // zlib works in another thread, and comes back when the loop turns: a lone message that it has is with the system only
  // when it says so.
  #compressed(payload: Buffer, binary: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#write(payload, binary, (error) => {
        this.#messageDeparted(error);
        this.#lastAt = performance.now();
        if (error instanceof Error) settle(reject, this.#reason ?? error);
        else settle(resolve, undefined);
      });
    });
  }

  // One function for all messages: Node then calls them back in a loop, without an object for each. When the socket is
  // destroyed, Node tells a write under way that it succeeded.
  readonly #messageDeparted = (error?: Error | null): void => {
    if (!error && !this.#wire.destroyed && !this.#options.departures.broken) this.#departed += 1;
    this.#left();
  };

  #cork(): void {
    if (this.#leaving) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#behind = this.#wire.writableLength > 0;
      this.#wire.cork();
      corked.add(this);
    }
    this.#inTurn += 1;
    // In a stream not every message is worth a look at the clock (bench: send-64, 4 %).
    if (this.#streams && this.#turning && this.#inTurn % STRIDE !== 0) return;
    if (this.#pauses() || !(this.#burst || this.#streams)) {
      this.#leaving = true;
      void reactions.then(this.#leave);
    }
    if (this.#turning) return;
    this.#turning = true;
    atTurnsEnd(this.#turnEnded);
  }

  readonly #leave = (): void => {
    this.flush();
    this.#burst = true;
    this.#lastAt = performance.now();
  };

  readonly #turned = (): void => {
    for (const resolve of this.#later.splice(0)) settle(resolve, undefined);
  };

  readonly #turnEnded = (): void => {
    this.#streams = this.#inTurn >= STREAM;
    this.#inTurn = 0;
    this.#turning = this.#burst = false;
    this.flush();
  };

  // Pieces leave unseen, so we look now and then while something waits.
  #watch(): void {
    const { writeTimeout, departures } = this.#options;
    if (this.#stall === undefined || writeTimeout === undefined || this.#stall.set || this.#ended) return;
    this.#patience = new Patience(departures, writeTimeout);
    this.#stall.in(this.#patience.nextLook());
  }

  #lookAtStall(): void {
    const patience = this.#patience;
    if (patience === undefined || this.#options.departures.waiting === 0) return;
    if (patience.left() > 0) this.#stall?.in(patience.nextLook());
    else this.#options.onStall();
  }

  // Something has left: there may be room for those that wait.
  #left(): void {
    if (!this.#ended && this.#waiting.length > 0) this.#advance();
  }

  #writePong(): void {
    if (this.#pong === undefined) return;
    const payload = this.#pong;
    this.#pong = undefined;
    this.#pongLeaving = true;
    this.#watch();
    this.#socket.pong(payload, undefined, () => {
      this.#pongLeaving = false;
      this.#left();
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

function flushAll(): void {
  for (const one of corked) one.flush();
}

function taken(host: object, name: string): Schedule {
  const own = Reflect.get(host, name) as Schedule;
  // A fake has its clock as property.
  return "clock" in own ? (task) => (Reflect.get(host, name) as Schedule)(task) : own.bind(host);
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
