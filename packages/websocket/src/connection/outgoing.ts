// Data → socket. Messages that are sent together leave in one write: one system call for each small message is what
// sending costs, 529,000 messages/s in bursts, 71,000 without (bench: send-64). The first of a turn leaves before its
// promise is seen to be settled: a program may work, or exit, as soon as it has sent. What follows at once is a burst and
// leaves when the turn ends (process.nextTick runs behind every promise reaction), or when much has gathered.

import { isUtf8 } from "node:buffer";
import { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { sent, settle } from "@sluice/channels/source";
import PQueue from "p-queue";
import { WebSocket } from "ws";
import { Alarm } from "./alarm.ts";
import type { Batch, Piece } from "./batch.ts";
import { type Departures, Patience } from "./departures.ts";
import { Item, Line, type Owner } from "./line.ts";
import { frameFor, type Kind, Parcel, payload as payloadIn, payloadOf } from "./parcel.ts";
import { atTurnsEnd, flushAtExit, holding, nextTurn } from "./turns.ts";
import type { Data } from "../protocol/message.ts";
import { BINARY, type MessageType, TEXT } from "../protocol/constants.ts";
import { invalidText } from "../errors.ts";

/** Bytes that may wait in this process before `send` waits too. */
const HIGH_WATER = 64 * 1024;
// Messages that follow each other so closely are a burst: whoever does anything in between sends lone ones. Milliseconds.
const PAUSE = 0.1;
// A turn with so many is part of a stream: the next goes on with it, unless it comes much later.
const STREAM = 32;
const STREAM_PAUSE = 2;
const STRIDE = 16;

const reactions: Promise<void> = Promise.resolve();

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
  /** The frames that it shares with others; undefined where each is masked by itself. */
  readonly kind: Kind | undefined;
  readonly departures: Departures;
  readonly writeTimeout: number | undefined;
  readonly pace: Pace | undefined;
  /** Bytes wait, and none could leave for as long as `writeTimeout` allows. */
  readonly onStall: () => void;
}

type Departed = (error?: Error | null) => void;

/** @internal The sending half of a client. */
export class Outgoing {
  readonly #socket: WebSocket;
  readonly #wire: Socket;
  readonly #options: OutgoingOptions;
  readonly #line = new Line();
  /** The topics that it is a member of. */
  #owners: Set<Owner> | undefined = undefined;
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
  #stall: Alarm | undefined = undefined;
  #patience: Patience | undefined = undefined;
  #messages = 0;
  #departed = 0;
  #ended = false;
  #reason: (() => unknown) | undefined = undefined;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#wire = options.wire;
    // Strict means any stretch of `per`, not only those that begin on a beat.
    if (options.pace !== undefined) {
      this.#slots = new PQueue({ intervalCap: options.pace.messages, interval: options.pace.per, strict: true });
    }
    flushAtExit();
  }

  /** Messages that were accepted. */
  get messages(): number {
    return this.#messages + this.#line.owned;
  }

  /** Messages that were accepted and have not left this process. */
  get unsent(): number {
    return this.messages - this.#departed;
  }

  /** Sends that wait. */
  get waiting(): number {
    return this.#line.length - this.#line.owned;
  }

  /** Accepted bytes that have not left this process. */
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount + this.#line.ownedBytes;
  }

  /** Something can be sent. */
  get open(): boolean {
    return !this.#ended && this.#socket.readyState === WebSocket.OPEN;
  }

  /** Accepts a message: at once under the high-water mark, else in its turn. The bytes are taken at the call. */
  send(given: Data | Parcel, type: MessageType | undefined): Promise<void> {
    if (this.#owners !== undefined) this.#catchUp();
    const parcel = given instanceof Parcel ? given : undefined;
    const data = parcel === undefined ? (given as Data) : parcel[payloadIn];
    const binary = parcel !== undefined ? parcel.type === BINARY : (type ?? defaultType(data)) === BINARY;
    let payload = payloadOf(data);
    if (parcel === undefined && !binary && typeof data !== "string" && !isUtf8(payload)) {
      throw invalidText("data", "valid UTF-8 to be sent as TEXT", "other bytes");
    }
    const leavesNow = this.#slots === undefined && this.#line.length === 0 && this.#hasRoom();
    // What waits, here or for zlib, is read when the caller may have changed it; anything else is masked into a copy.
    const own = parcel !== undefined || typeof data === "string";
    if (!own && (!leavesNow || this.#options.compresses)) payload = Buffer.from(payload);
    if (leavesNow) {
      if (this.#compresses(payload) && this.#frameOf(parcel) === undefined && this.#isLone()) {
        return this.#compressed(payload, binary);
      }
      this.#write(payload, binary, parcel);
      return (this.#leaving && this.#behind) || this.#later.length > 0 ? this.#afterTurn() : sent();
    }
    return new Promise((resolve, reject) => {
      this.#line.push(new Item(payload, binary, { parcel, call: { resolve, reject } }));
      this.#advance();
    });
  }

  /** From now on a topic publishes to it. */
  join(owner: Owner): void {
    this.#owners ??= new Set();
    this.#owners.add(owner);
  }

  /** A topic lets go of it. */
  part(owner: Owner): void {
    this.#owners?.delete(owner);
    if (this.#owners?.size === 0) this.#owners = undefined;
  }

  /** No topic publishes to it any more: the peer has said good-bye. */
  leave(): void {
    const owners = this.#owners;
    this.#owners = undefined;
    for (const owner of owners ?? []) owner.ended();
  }

  /**
   * Writes messages of a batch from `index` on while there is room, and gives the index of the first that there was none
   * for. `portion` is how many bytes are worth a try where a socket does not say at once what became of them.
   */
  pour(batch: Batch, index: number, portion: number): number {
    const { parcels } = batch;
    if (this.#line.length > 0 || this.#slots !== undefined) return this.open ? index : parcels.length;
    const most = this.#socket.bufferedAmount === 0 && !tellsAtOnce(this.#wire) ? portion : 0;
    let next = index;
    while (next < parcels.length && this.open && (this.#socket.bufferedAmount < most || this.#hasRoom())) {
      const { kind, departures } = this.#options;
      const piece = kind === undefined || departures.compressing ? undefined : batch.piece(next, kind);
      if (piece === undefined) {
        const parcel = parcels[next] as Parcel;
        this.#write(parcel[payloadIn], parcel.type === BINARY, undefined);
      } else {
        if (next + piece.count < parcels.length) this.#cork();
        this.#writePiece(piece);
      }
      next += piece?.count ?? 1;
    }
    return this.open ? next : parcels.length;
  }

  /** Puts a message of a topic behind whatever waits. */
  post(item: Item): void {
    this.#line.push(item);
  }

  /** Takes a message of a topic out again; gives the next of the same topic. */
  withdraw(item: Item): Item | undefined {
    const next = this.#line.behind(item);
    this.#line.remove(item);
    return next;
  }

  /** The next of the same topic. */
  behind(item: Item): Item | undefined {
    return this.#line.behind(item);
  }

  /** Gives what topics published to the socket, room or none: a close frame will be written next. */
  handOver(): void {
    if (this.#owners !== undefined) this.#catchUp();
    if (this.#slots !== undefined) return;
    for (const item of this.#line.ofTopics()) this.#hand(item);
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
    holding.delete(this);
    if (this.#pong !== undefined && !this.#pongLeaving && this.#socket.readyState === WebSocket.OPEN) this.#writePong();
    this.#wire.uncork();
    this.#options.departures.note();
  }

  /** Writes the pong that waits for the end of the turn: a close frame will be written next (RFC 6455 5.5.2). */
  answer(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#writePong();
  }

  /** Rejects the sends that wait; the reason is made when there are any. What was accepted is the connection's business. */
  end(reason: () => unknown): void {
    this.answer();
    this.#ended = true;
    this.#reason = reason;
    this.#stall?.clear();
    this.#slots?.clear();
    this.#pong = undefined;
    this.leave();
    if (this.#line.length === 0) return;
    const why = reason();
    for (let item = this.#line.first; item !== undefined; item = this.#line.first) {
      this.#line.remove(item);
      if (item.call !== undefined) settle(item.call.reject, why);
    }
  }

  #catchUp(): void {
    for (const owner of this.#owners ?? []) owner.catchUp();
  }

  #hasRoom(): boolean {
    if (this.#socket.bufferedAmount < HIGH_WATER) return true;
    this.flush();
    return this.#socket.bufferedAmount < HIGH_WATER;
  }

  #write(
    payload: Buffer,
    binary: boolean,
    parcel: Parcel | undefined,
    departed: Departed = this.#messageDeparted,
  ): void {
    const frame = this.#frameOf(parcel);
    this.#cork();
    this.#watch();
    this.#messages += 1;
    if (frame !== undefined) this.#wire.write(frame, departed);
    else this.#socket.send(payload, optionsOf(binary, this.#compresses(payload)), departed);
  }

  // What ws has for zlib comes first: then it frames this one as well.
  #frameOf(parcel: Parcel | undefined): Buffer | undefined {
    const { kind, departures } = this.#options;
    if (parcel === undefined || kind === undefined || departures.compressing) return undefined;
    return parcel[frameFor](kind);
  }

  // By itself it leaves at once; where something was held back in this turn it goes along.
  #writePiece({ bytes, count }: Piece): void {
    this.#messages += count;
    this.#wire.write(bytes, count === 1 ? this.#messageDeparted : this.#departedTogether(count));
    if (!this.#corked) this.#options.departures.note();
    if (this.#wire.writableLength > 0) this.#watch();
  }

  // An empty message would only become longer.
  #compresses({ length }: Buffer): boolean {
    return this.#options.compresses && length >= this.#options.compressionThreshold && length > 0;
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
      this.#write(payload, binary, undefined, (error) => {
        this.#messageDeparted(error);
        this.#lastAt = performance.now();
        if (error instanceof Error) settle(reject, this.#reason === undefined ? error : this.#reason());
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

  #departedTogether(count: number): Departed {
    return (error) => {
      if (!error && !this.#wire.destroyed && !this.#options.departures.broken) this.#departed += count;
      this.#left();
    };
  }

  #cork(): void {
    if (this.#leaving) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#behind = this.#wire.writableLength > 0;
      this.#wire.cork();
      holding.add(this);
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
    if (writeTimeout === undefined || this.#stall?.set === true || this.#ended) return;
    this.#stall ??= new Alarm(() => this.#lookAtStall());
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
    if (!this.#ended && this.#line.length > 0) this.#advance();
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
    while (this.#line.length > 0 && this.#socket.readyState === WebSocket.OPEN && this.#hasRoom()) {
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
    void slots.add(() => this.#granted());
    this.#asking = false;
    return !this.#isAsked();
  }

  #isAsked(): boolean {
    return this.#asked;
  }

  #granted(): void {
    this.#asked = false;
    if (this.#line.length > 0 && this.#socket.readyState === WebSocket.OPEN) this.#release();
    this.#advance();
  }

  #release(): void {
    const item = this.#line.first;
    if (item === undefined) return;
    this.#hand(item);
    if (item.call !== undefined) settle(item.call.resolve, undefined);
  }

  // A topic finds its next while this one is still in line.
  #hand(item: Item): void {
    item.owner?.left(item);
    this.#line.remove(item);
    this.#write(item.payload, item.binary, item.parcel);
  }
}

function defaultType(data: Data): MessageType {
  return typeof data === "string" ? TEXT : BINARY;
}

// A socket of TCP alone: what the system takes it has taken when a write returns.
function tellsAtOnce(wire: Socket): boolean {
  return wire instanceof Socket && !(wire instanceof TLSSocket);
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
