// Reading from the socket: it stops where the channel is full and goes on where it drains. What a pause means for the
// rest of the client is decided here: clocks stand still, pings have no answer, and the process stays alive.

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { Violation } from "../protocol/closing.ts";
import { COMPRESSION, type Compression } from "../protocol/constants.ts";
import { messageOf } from "../protocol/message.ts";
import { Frames } from "../protocol/frames.ts";
import { Gate } from "./gate.ts";
import { accept, finish, Incoming } from "./incoming.ts";
import type { ConnectionSettings } from "./options.ts";
import type { Silence } from "./silence.ts";

/** Gets bytes in memory that the next read overwrites. */
export type Borrower = (chunk: Buffer) => void;

/** @internal */
export interface ReadingOptions {
  readonly name: string;
  readonly socket: WebSocket;
  readonly wire: Socket;
  /** Lends what is read from now on, where the wire can. */
  readonly lendTo: ((borrower: Borrower) => void) | undefined;
  /** The peer is a client, whose frames are masked. */
  readonly masked: boolean;
  readonly compression: Compression;
  readonly settings: ConnectionSettings;
  readonly silence: Silence;
  readonly onPing: (payload: Buffer) => void;
  readonly onPong: (payload: Buffer) => void;
  /** The peer's close frame has come: ws is about to answer it. */
  readonly onClose: () => void;
  /** The peer broke the protocol: a close frame is to be sent, and nothing to be read any more. */
  readonly onViolation: (violation: Violation) => void;
  /** Reading has stopped, and the consumer had its turn and did not change that. */
  readonly onPause: () => void;
  /** More arrived behind the full channel than memory is kept for. */
  readonly onExceeded: (what: "bytes" | "messages") => void;
}

const LONGEST_TIMER = 2 ** 31 - 1;
// A turn of the microtasks, whatever a test made of the host's functions.
const IDLE: Promise<void> = Promise.resolve();

/** @internal The receiving half of a client. */
export class Reading {
  readonly channel: Incoming;
  readonly #options: ReadingOptions;
  readonly #frames: Frames | undefined;
  readonly #gate: Gate | undefined;
  #reads = true;
  #referenced = true;
  #hold: NodeJS.Timeout | undefined = undefined;
  #noticing = false;

  /** To be made before a byte is read. */
  constructor(options: ReadingOptions) {
    this.#options = options;
    const { name, wire, settings, compression, silence } = options;
    const { channelCapacity: capacity, overflow, onDrop, readLimit } = settings;
    this.channel = new Incoming({
      name,
      capacity,
      overflow,
      onDrop,
      flow: {
        pause: () => (this.#frames === undefined ? this.#stop() : this.#frames.pause()),
        resume: () => (this.#frames === undefined ? this.#goOn() : this.#frames.resume()),
        exceeded: options.onExceeded,
      },
    });
    const frames = new Frames({
      limit: readLimit,
      compresses: compression !== COMPRESSION.DISABLED,
      masked: options.masked,
      onMessage: (message) => this.channel[accept](message),
      onPing: options.onPing,
      onPong: options.onPong,
      onCompressed: (header, payload) => this.#gate?.give(header, payload),
      onClose: (header, payload) => {
        options.onClose();
        this.#gate?.give(header, payload);
      },
      onViolation: (violation) => {
        options.onViolation(violation);
        this.#gate?.hangUp();
      },
      onBacklog: () => this.#stop(),
      onDrained: () => this.#goOn(),
    });
    this.#gate = Gate.between(wire, {
      data: (chunk) => frames.read(chunk),
      end: (hear) => frames.finish(hear),
      close: (unread, hear) => {
        frames.surrender();
        if (unread !== undefined) frames.read(unread);
        frames.finish(hear);
      },
    });
    if (this.#gate !== undefined) this.#frames = frames;
    if (silence.listens) wire.on("data", () => silence.heard());
    this.#listen();
  }

  /** Lets the process end although reading is paused. */
  unref(): void {
    this.#referenced = false;
    this.#hold?.unref();
  }

  /** Reads on to the end of the connection, once the channel is closed: a paused socket would not show its close frame. */
  discard(): void {
    this.#release();
    this.#frames?.resume();
    this.#goOn();
  }

  /** Nothing more will be read: the channel ends behind what it has. */
  end(cause: unknown): void {
    this.channel[finish](cause);
    this.#frames?.stop();
    this.#release();
  }

  #listen(): void {
    const { socket, silence, lendTo } = this.#options;
    const frames = this.#frames;
    socket.on("message", (data, binary) => {
      this.channel[accept](messageOf(data as Buffer, binary));
      // ws is still in the middle of it, and would only queue what it is given now.
      if (frames !== undefined) void IDLE.then(() => frames.inflated());
    });
    // What it was inflating is no message, and nothing behind that is read.
    socket.on("error", () => frames?.stop());
    socket.on("ping", this.#options.onPing);
    socket.on("pong", this.#options.onPong);
    if (frames === undefined) return;
    lendTo?.((chunk) => {
      silence.heard();
      frames.lend(chunk);
    });
  }

  // A socket that does not read does not keep the process alive by itself, hence the timer.
  #stop(): void {
    if (!this.#reads || this.channel.closed) return;
    this.#reads = false;
    this.#options.socket.pause();
    this.#options.silence.paused();
    if (!this.#noticing) setImmediate(this.#notice);
    this.#noticing = true;
    if (!this.#referenced) return;
    if (this.#hold === undefined) this.#hold = setInterval(() => undefined, LONGEST_TIMER);
    else this.#hold.ref();
  }

  #goOn(): void {
    if (this.#reads) return;
    this.#reads = true;
    this.#hold?.unref();
    this.#options.silence.resumed();
    this.#options.socket.resume();
  }

  // A fast peer fills the channel with each chunk; a pause is one when the consumer had its turn and has not drained it.
  readonly #notice = (): void => {
    this.#noticing = false;
    if (!this.#reads) this.#options.onPause();
  };

  #release(): void {
    clearInterval(this.#hold);
    this.#hold = undefined;
  }
}
