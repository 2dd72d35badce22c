// Cuts what the socket reads into frames, one at a time, so that a full channel stops between two messages: ws parses
// a whole read chunk (64 KiB, up to 32,767 frames, 65 MB once inflated) in a loop that no pause can stop.
// A plain data frame is a message already and goes straight to the channel. Everything else (control frames, fragments,
// compressed or malformed frames, huge ones) goes to ws byte for byte, which assembles, inflates and judges.

import type { Socket } from "node:net";
import { Assembly, ASSEMBLY_LIMIT, textOf } from "./assembly.ts";
import type { Message } from "../connection/incoming.ts";

/** @internal */
export interface FramesOptions {
  readonly wire: Socket;
  /** The largest message, bytes. */
  readonly limit: number;
  readonly compresses: boolean;
  readonly onMessage: (message: Message) => void;
  /** Bytes are left that cannot go on now: the socket must stop reading. */
  readonly onBacklog: () => void;
  /** Nothing is left: the socket may read on. */
  readonly onDrained: () => void;
}

type DataListener = (this: Socket, chunk: Buffer) => void;

const FIN = 0x80;
const COMPRESSED = 0x40; // RSV1, RFC 7692
const OPCODE = 0x0f;
const MASKED = 0x80;
const LENGTH = 0x7f;
const PLAIN_TEXT = 0x81;
const PLAIN_BINARY = 0x82;
const CLOSE = 0x88;
const PING = 0x89;
const PONG = 0x8a;
const CONTROL_LIMIT = 125;

/** @internal */
export class Frames {
  readonly #options: FramesOptions;
  readonly #pass: DataListener;
  #chunk: Buffer | undefined = undefined;
  #position = 0;
  /** The chunk as plain bytes, once a message was copied out of it. */
  #plain: Uint8Array | undefined = undefined;
  /** The chunk's memory is the reader's own, to be overwritten by the next read. */
  #lent = false;
  #assembly: Assembly | undefined = undefined;
  /** Bytes of the current frame that still have to go to ws. */
  #remaining = 0;
  /** The current frame ends a message that ws assembles. */
  #completes = false;
  /** Between the first and the last frame of a message in fragments. */
  #fragmented = false;
  /** ws has a whole message and has not emitted it: it inflates, or it failed. */
  #awaiting = false;
  /** Nothing is read behind the current frame: it is a close frame, or no frame at all. */
  #last = false;
  #paused = false;
  #running = false;
  #stopped = false;

  private constructor(options: FramesOptions, pass: DataListener) {
    this.#options = options;
    this.#pass = pass;
  }

  /**
   * Takes the place of the listener through which ws reads. Undefined when there is not exactly one: then ws reads by
   * itself, and what arrives behind a full channel is for the channel to hold.
   */
  static between(options: FramesOptions): Frames | undefined {
    const { wire } = options;
    const [listener, ...others] = wire.listeners("data");
    if (listener === undefined || others.length > 0) return undefined;
    const frames = new Frames(options, listener as DataListener);
    wire.removeListener("data", listener as DataListener);
    wire.on("data", (chunk: Buffer) => frames.#read(chunk));
    // Before ws hears of the end, it must have had every byte.
    wire.prependListener("end", () => frames.#surrender());
    wire.prependListener("close", () => frames.#surrender());
    return frames;
  }

  /** The channel is full: not one message more. */
  pause(): void {
    this.#paused = true;
  }

  /** There is room in the channel. */
  resume(): void {
    this.#paused = false;
    this.#run();
  }

  /** ws emitted a message that was given to it in frames. */
  emitted(): void {
    this.#awaiting = false;
    this.#run();
  }

  /** ws reads no more: it closed the connection over what it was given. */
  stop(): void {
    this.#stopped = true;
    this.#hold(undefined);
  }

  /** Reads bytes whose memory will be overwritten: what must be kept of them is copied before this returns. */
  lend(chunk: Buffer): void {
    this.#lent = this.#chunk === undefined;
    this.#read(chunk);
    if (this.#lent) this.#keepRest();
    this.#lent = false;
  }

  #read(chunk: Buffer): void {
    if (this.#stopped) return;
    // What is left here is the beginning of a frame's header, or all that came while the socket was asked to stop.
    this.#hold(this.#chunk === undefined ? chunk : Buffer.concat([this.#chunk.subarray(this.#position), chunk]));
    this.#run();
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    let whole = true;
    while (whole && !this.#paused && !this.#awaiting && this.#chunk !== undefined) whole = this.#step(this.#chunk);
    this.#running = false;
    if (!whole) this.#keepRest();
    // A header that is not complete waits for more; anything else that is left waits for the channel or for ws.
    if (this.#paused || (this.#chunk !== undefined && whole)) this.#options.onBacklog();
    else if (!this.#awaiting) this.#options.onDrained();
  }

  // One frame, or the part of one that is there. False when not even its header is complete.
  #step(chunk: Buffer): boolean {
    if (this.#remaining > 0) {
      this.#forward(chunk);
      return true;
    }
    if (this.#assembly !== undefined) {
      this.#assemble(chunk, this.#assembly);
      return true;
    }
    const position = this.#position;
    const available = chunk.length - position;
    if (available < 2) return false;
    const first = chunk[position] as number;
    const second = chunk[position + 1] as number;
    let length = second & LENGTH;
    let start = position + 2;
    if (length === 126) {
      if (available < 4) return false;
      length = chunk.readUInt16BE(start);
      start += 2;
    } else if (length === 127) {
      if (available < 10) return false;
      length = chunk.readUInt32BE(start) * 2 ** 32 + chunk.readUInt32BE(start + 4);
      start += 8;
    }
    const end = start + length;
    const plain = (first === PLAIN_TEXT || first === PLAIN_BINARY) && second < MASKED && !this.#fragmented;
    if (plain && length <= this.#options.limit) {
      if (end > chunk.length && length <= ASSEMBLY_LIMIT) {
        const header = Buffer.from(chunk.subarray(position, start));
        this.#position = start;
        this.#assembly = new Assembly(header, length, first === PLAIN_BINARY);
        return true;
      }
      if (end <= chunk.length && this.#deliver(chunk, start, end, first)) return true;
    }
    this.#remaining = this.#enter(first, second, length) ? end - position : Infinity;
    this.#forward(chunk);
    return true;
  }

  // A message that lies before us in one piece. False for text that is not UTF-8: ws closes the connection over it.
  #deliver(chunk: Buffer, start: number, end: number, first: number): boolean {
    if (first === PLAIN_BINARY) {
      const data = this.#copied(chunk, start, end);
      this.#advance(chunk, end);
      this.#options.onMessage({ type: "binary", data });
      return true;
    }
    const data = textOf(chunk, start, end);
    if (data === undefined) return false;
    this.#advance(chunk, end);
    this.#options.onMessage({ type: "text", data });
    return true;
  }

  // `slice` of plain bytes allocates and copies in one go. On a `Buffer` it would be a subarray, another object and made
  // in JavaScript, to be copied after: 380 ns for 1 KiB, and so it is 310, of which 300 are the allocation (bench: receive-1024).
  #copied(chunk: Buffer, start: number, end: number): Uint8Array<ArrayBuffer> {
    this.#plain ??= new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    return this.#plain.slice(start, end);
  }

  #assemble(chunk: Buffer, assembly: Assembly): void {
    this.#advance(chunk, this.#position + assembly.fill(chunk, this.#position));
    if (!assembly.complete) return;
    this.#assembly = undefined;
    const message = assembly.message();
    if (message !== undefined) {
      this.#options.onMessage(message);
      return;
    }
    this.#awaiting = true; // for ever: ws will fail the connection
    for (const part of [assembly.header, assembly.payload]) this.#pass.call(this.#options.wire, part);
  }

  // Notes what the frame means for those behind it. False when it breaks the protocol: then ws gets all that follows,
  // and says what is wrong.
  #enter(first: number, second: number, length: number): boolean {
    const opcode = first & OPCODE;
    this.#completes = false;
    if (second >= MASKED) return false;
    if (opcode >= 8) {
      this.#last = first === CLOSE;
      return length <= CONTROL_LIMIT && (first === CLOSE || first === PING || first === PONG);
    }
    const reserved = first & ~(FIN | OPCODE);
    const allowed = reserved === 0 || (reserved === COMPRESSED && opcode !== 0 && this.#options.compresses);
    const expected = this.#fragmented ? opcode === 0 : opcode === 1 || opcode === 2;
    this.#completes = first >= FIN;
    this.#fragmented = first < FIN;
    return allowed && expected;
  }

  #forward(chunk: Buffer): void {
    const end = Math.min(this.#position + this.#remaining, chunk.length);
    const part = chunk.subarray(this.#position, end);
    this.#remaining -= part.length;
    this.#advance(chunk, end);
    if (this.#remaining === 0) {
      this.#awaiting = this.#completes;
      if (this.#last) this.stop();
    }
    this.#pass.call(this.#options.wire, this.#lent ? Buffer.from(part) : part);
  }

  #advance(chunk: Buffer, end: number): void {
    if (end === chunk.length) this.#hold(undefined);
    else this.#position = end;
  }

  #hold(chunk: Buffer | undefined): void {
    this.#chunk = chunk;
    this.#plain = undefined;
    this.#position = 0;
  }

  // The few bytes of a header must not hold a whole read buffer until more arrives.
  #keepRest(): void {
    if (this.#chunk === undefined) return;
    this.#hold(Buffer.from(this.#chunk.subarray(this.#position)));
  }

  // The connection is at its end: what has not been cut goes to ws as it is.
  #surrender(): void {
    if (this.#stopped) return;
    const { wire } = this.#options;
    const unread = wire.readableLength > 0 ? (wire.read(wire.readableLength) as Buffer | null) : null;
    const chunks = [this.#chunk?.subarray(this.#position), unread];
    this.stop();
    for (const chunk of chunks) {
      if (chunk !== undefined && chunk !== null) this.#pass.call(wire, chunk);
    }
  }
}
