// One open connection: wires its halves (incoming, outgoing), its pings and its clocks to the socket, and ends them
// together.
/// <reference types="node" />
/// <reference lib="esnext.disposable" preserve="true" />

import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import { Channel, type Duration, type ReceiveChannel } from "@sluice/channels";
import { counting, displayBy, facts, rejected, settle } from "@sluice/channels/source";
import { WebSocket } from "ws";
import { budgeted } from "./budget.ts";
import { CLOSE_CODES, COMPRESSION, type Compression, type MessageType } from "../protocol/constants.ts";
import type { Violation } from "../protocol/closing.ts";
import type { Data, Message } from "../protocol/message.ts";
import { checkClose, closeCodeOf, Ending } from "./ending.ts";
import {
  type CloseInfo,
  endedByDeadline,
  type Journey,
  lost,
  timedOut,
  unacceptable,
  usedAfterClose,
} from "../errors.ts";
import { Departures } from "./departures.ts";
import { Farewell } from "./farewell.ts";
import { detailsOf, dropped, finish, paused as halted, received, shut } from "./incoming.ts";
import { type ConnectionSettings } from "./options.ts";
import { Outgoing, type Pace } from "./outgoing.ts";
import { checkMessage, checkType, type Kind, Parcel, type Prepared } from "./parcel.ts";
import { Pings } from "./pings.ts";
import { type Borrower, Reading } from "./reading.ts";
import { abortSignal, readOptions, type Readers, timeout } from "../protocol/options.ts";
import { Silence } from "./silence.ts";
import { Writes } from "./writes.ts";

/** Options of `client.ping`. */
export interface PingOptions {
  /** The longest wait for the pong, once the ping has left; 0 means none. Default 10 s. */
  readonly timeout?: Duration | undefined;
  /** Ends the wait: rejects with the signal's reason. The ping itself has left. */
  readonly signal?: AbortSignal | undefined;
}

const PING: Readers<{ readonly timeout: number | undefined; readonly signal: AbortSignal | undefined }> = {
  timeout: timeout(10_000),
  signal: abortSignal,
};

/** The answer to a handshake. */
export interface HandshakeResponse {
  /** The status code: 101 for a connection. */
  readonly status: number;
  /** By names in lower case, as `node:http` gives them: cookies are a list. */
  readonly headers: Readonly<IncomingHttpHeaders>;
}

/** What a connection has done so far: a snapshot. */
export interface ClientStats {
  /** Messages that arrived whole, dropped ones included. */
  readonly messagesReceived: number;
  /** Messages that `send` accepted, those of a `Topic` included. */
  readonly messagesSent: number;
  /** Messages that were accepted and that have not left this process: lost, if the connection ends so. */
  readonly messagesUnsent: number;
  /** Messages that a drop policy dropped. */
  readonly messagesDropped: number;
  /** Bytes on the wire, the handshake and control frames included; with TLS, before encryption. */
  readonly bytesReceived: number;
  /** The same, sent. */
  readonly bytesSent: number;
  /** Accepted bytes that have not left this process. */
  readonly bufferedAmount: number;
  /** Sends that wait for room or for their pace. */
  readonly sendsWaiting: number;
  /** True while reading is paused because the channel is full. */
  readonly paused: boolean;
  /** The latest round-trip time in milliseconds, of `ping` or of `keepAlive`. */
  readonly roundTrip: number | undefined;
}

/** @internal The sending half of a client, out of reach of strings. */
export const outgoing: unique symbol = Symbol("outgoing");

/** @internal */
export interface ClientParts {
  readonly socket: WebSocket;
  readonly wire: Socket;
  readonly compression: Compression;
  readonly response: HandshakeResponse;
  readonly lendTo?: ((borrower: Borrower) => void) | undefined;
  /** We are the server: the peer is a client, and masks its frames. */
  readonly accepted: boolean;
  readonly url: URL;
  readonly settings: ConnectionSettings;
  readonly pace: Pace | undefined;
  /** Ends the connection. */
  readonly signal: AbortSignal | undefined;
  readonly journey: Journey;
}

/**
 * A WebSocket connection: one, from the handshake to its end. Made by `connect`, or accepted by a server of `listen`.
 *
 * It keeps the process alive until it has ended, also while reading is paused, unless `unref` was called.
 */
export class Client implements AsyncIterable<Message, undefined, undefined>, AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #wire: Socket;
  readonly #journey: Journey;
  readonly #ending: Ending;
  readonly #reading: Reading;
  readonly #outgoing: Outgoing;
  readonly #departures: Departures;
  readonly #writes: Writes;
  readonly #pings: Pings;
  readonly #silence: Silence;
  readonly #settings: ConnectionSettings;
  #farewell: Farewell | undefined = undefined;
  readonly #url: string;
  readonly #compression: Compression;
  readonly #response: HandshakeResponse;
  readonly #closed: Promise<CloseInfo>;
  #until: Channel<never> | undefined = undefined;
  #allLeft = false;
  #settleClosed!: (info: CloseInfo) => void;

  static {
    displayBy(this.prototype);
  }

  /** "Client", for `Object.prototype.toString`. */
  get [Symbol.toStringTag](): string {
    return "Client";
  }

  /** @internal */
  [facts](): readonly string[] {
    const { channel } = this.#reading;
    const state = this.#isOpen() ? "open" : this.#ending.over ? `closed: ${this.#ending.soFar().code}` : "closing";
    return [
      this.#journey.url,
      state,
      ...(channel[halted] ? ["paused"] : []),
      `${channel.length} of ${channel.capacity}`,
    ];
  }

  /** @internal To be called in the turn in which the connection opens, before a frame is read. */
  constructor({
    socket,
    wire,
    compression,
    response,
    lendTo,
    accepted,
    url,
    settings,
    pace,
    signal,
    journey,
  }: ClientParts) {
    this.#socket = socket;
    this.#wire = wire;
    this.#settings = settings;
    this.#journey = journey;
    this.#ending = new Ending(journey);
    this.#compression = compression;
    this.#response = response;
    this.#url = withoutPassword(url);
    this.#closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    const compressionThreshold = settings.compressionThreshold ?? (compression === COMPRESSION.NO_CONTEXT ? 512 : 128);
    this.#departures = new Departures(socket, wire);
    this.#writes = Writes.of(wire);
    this.#writes.listen((errno) => this.#wasReset(errno));
    this.#outgoing = new Outgoing({
      socket,
      wire,
      departures: this.#departures,
      compresses: compression !== COMPRESSION.DISABLED,
      compressionThreshold,
      kind: accepted ? kindOf(response, compressionThreshold, compression !== COMPRESSION.DISABLED) : undefined,
      writeTimeout: settings.writeTimeout,
      pace,
      onStall: () => this.#timeOut(`No byte could leave within \`writeTimeout\`: ${this.#whatWaits()}`),
    });
    this.#pings = new Pings(this.#departures, (payload, departed) => this.#outgoing.ping(payload, departed));
    this.#silence = new Silence({
      readTimeout: settings.readTimeout,
      keepAlive: settings.keepAlive,
      onSilent: () => this.#timeOut("The peer sent nothing within `readTimeout`"),
      onQuiet: (limit) => this.#pings.poke(limit),
      onUnanswered: (departed) => this.#timeOut(this.#whyUnanswered("The ping of `keepAlive`", departed)),
      onLongPause: () => this.#outgoing.pong(Buffer.alloc(0)),
    });
    this.#reading = new Reading({
      name: journey.url,
      socket,
      wire,
      lendTo,
      masked: accepted,
      compression,
      settings,
      silence: this.#silence,
      onPing: (payload) => {
        if (this.#isOpen()) this.#outgoing.pong(payload);
      },
      onPong: (payload) => this.#pings.answered(payload),
      onClose: () => {
        this.#outgoing.leave();
        this.#outgoing.answer();
      },
      onViolation: (violation) => this.#violated(violation),
      onPause: () => this.#pings.pause(),
      onExceeded: (what) => this.#exceeded(what),
    });
    // Not by `stats`: an inspector may ask in the middle of a write, where Node throws for `bytesWritten`.
    counting?.made(this.#reading.channel, "Client", Client, () =>
      detailsOf(this.#reading.channel, this.#outgoing, this.#outgoing.bufferedAmount, this.#pings.roundTrip),
    );
    this.#listen();
    if (signal !== undefined) void this.#endBy(signal);
  }

  /** The URL it is connected to, redirects included, without user and password. */
  get url(): string {
    return this.#url;
  }

  /** The subprotocol that the server chose, or an empty string. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  /** The compression that was agreed with the server. */
  get compression(): Compression {
    return this.#compression;
  }

  /** What the server answered to the handshake: its status, and its headers by names in lower case. */
  get response(): HandshakeResponse {
    return this.#response;
  }

  /** How the connection ended. Never rejects; may settle before the last message is received. */
  get closed(): Promise<CloseInfo> {
    return this.#closed;
  }

  /** Counters, as they are now. */
  get stats(): ClientStats {
    return {
      messagesReceived: this.#reading.channel[received],
      messagesSent: this.#outgoing.messages,
      messagesUnsent: this.#outgoing.unsent,
      messagesDropped: this.#reading.channel[dropped],
      bytesReceived: this.#wire.bytesRead,
      bytesSent: this.#wire.bytesWritten,
      bufferedAmount: this.#outgoing.bufferedAmount,
      sendsWaiting: this.#outgoing.waiting,
      paused: this.#reading.channel[halted],
      roundTrip: this.#pings.roundTrip,
    };
  }

  /**
   * Gives the channel that messages arrive on, the same object every time.
   *
   * It closes without a cause after a normal end (1000, 1001, 1005) and after our own `close` or `terminate`, with the
   * reason of the signal that ended the connection, and with a `SluiceError` as cause after every other end. A full channel stops reading from the socket, and so does one that
   * holds 4 MiB, or one message of 1 MiB.
   */
  channel(): ReceiveChannel<Message> {
    return this.#reading.channel;
  }

  /** Iterates over the channel: `for await (const message of client)`. */
  [Symbol.asyncIterator](): AsyncIterator<Message, undefined, undefined> {
    return this.#reading.channel[Symbol.asyncIterator]();
  }

  /**
   * Sends a message: a string as text, bytes as binary, unless `type` (`TEXT`, `BINARY`) says otherwise.
   *
   * Resolves when the message was accepted, which is at once while less than 64 KiB wait to leave, else when the peer
   * has taken enough. Messages leave in the order of the calls, those of one turn of the event loop in one write. The
   * bytes are taken at the call: the buffer may be reused. A send that waits cannot be taken back; `writeTimeout` ends
   * a connection whose peer takes nothing. What `prepare` made is sent as it was prepared.
   *
   * @throws SluiceError, as a rejection: INTERNAL when the connection is closed, or closes while the send waits (the
   * message was not sent); what ended the connection, if it broke; INVALID for a wrong `type`, or bytes sent as text
   * that are not UTF-8. TypeError for anything but text and bytes.
   */
  send(data: Data | Prepared, type?: MessageType): Promise<void> {
    try {
      if (data instanceof Parcel) checkType(data, type);
      else checkMessage(data, type);
      this.#assertOpen("send");
      return this.#outgoing.send(data as Data | Parcel, type);
    } catch (failure) {
      return rejected(failure);
    }
  }

  /**
   * Pings the peer; resolves with the round-trip time in milliseconds when the pong arrives (RFC 6455 5.5.2), or with
   * `undefined` while reading is paused, at once or when the pause begins: the pong would stand behind data that nobody
   * reads, and a peer that fills the channel is alive. A pong also settles every earlier ping.
   *
   * The timeout begins when the ping has left. Messages of ours that stand in front of it are no fault of the peer's: it
   * waits as long as they leave. On abort it rejects with the signal's reason; a pong that comes later is ignored.
   *
   * @throws SluiceError, as a rejection: TIMEOUT; INTERNAL when the connection is or gets closed.
   */
  ping(options: PingOptions = {}): Promise<number | undefined> {
    return budgeted(this.#ping(options));
  }

  async #ping(options: PingOptions): Promise<number | undefined> {
    const { timeout: limit, signal } = readOptions(PING, options);
    signal?.throwIfAborted();
    this.#assertOpen("ping");
    if (this.#reading.channel[halted]) return undefined;
    return this.#pings.ask(limit, signal, (departed) => {
      const { url } = this.#journey;
      return timedOut(this.#journey, this.#whyUnanswered(`The ping to ${url}`, departed, `within ${limit} ms`));
    });
  }

  /**
   * Closes the connection: what was accepted is sent, then a close frame; resolves when the connection has ended.
   *
   * The peer has `closeTimeout` to answer. It starts anew while bytes leave, so a close lasts as long as a slow peer
   * needs, or until each byte had its `writeTimeout`; `terminate()` ends it.
   *
   * Messages in the channel stay receivable, then it ends; what had not reached it is discarded. Sends and pings that
   * wait reject. Once the end has begun, by whomever, further calls only wait for it.
   *
   * @param code 1000 to 1014 as far as RFC 6455 lets them be sent, or 3000 to 4999.
   * @param reason at most 123 bytes of UTF-8.
   * @throws SluiceError of kind INVALID, as a rejection, for another code or a longer reason.
   */
  close(code: number = CLOSE_CODES.NORMAL, reason = ""): Promise<CloseInfo> {
    return budgeted(this.#close(code, reason));
  }

  async #close(code: number, reason: string): Promise<CloseInfo> {
    checkClose(code, reason);
    this.#beginClose(code, reason, undefined);
    return this.#closed;
  }

  #beginClose(code: number, reason: string, cause: unknown): void {
    if (!this.#isOpen()) return;
    this.#outgoing.handOver();
    this.#ending.begin("local", code, reason, undefined);
    this.#reading.channel[shut](cause);
    this.#letGo();
    this.#shakeHands(code, reason);
  }

  // A receive that nothing ever satisfies: however many connections wait on a signal, the core listens to it once.
  async #endBy(signal: AbortSignal): Promise<void> {
    this.#until = new Channel<never>({ name: "the end of a connection" });
    try {
      await this.#until.receive({ signal });
    } catch (reason) {
      this.#beginClose(CLOSE_CODES.GOING_AWAY, "", reason);
    }
  }

  /**
   * Ends the connection at once, without a closing handshake; accepted sends that have not left are dropped.
   *
   * Messages in the channel stay receivable, then it ends. Sends and pings that wait reject. `closed` settles shortly
   * after.
   */
  terminate(): void {
    if (this.#ending.over) return;
    if (this.#isOpen()) {
      this.#ending.begin("local", CLOSE_CODES.ABNORMAL_CLOSURE, "", undefined);
      this.#reading.channel[shut]();
      this.#letGo();
    }
    this.#ending.terminate();
    this.#socket.terminate();
  }

  /** Lets the process end although this connection is open. */
  unref(): void {
    this.#wire.unref();
    this.#reading.unref();
  }

  /** Closes the connection with 1000 and waits for its end: `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal Where topics publish to. */
  get [outgoing](): Outgoing {
    return this.#outgoing;
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on("error", (error) => this.#broken(error));
    socket.on("close", (code, reason) => this.#ended(code, reason));
    this.#wire.on("error", (error: NodeJS.ErrnoException) => {
      this.#ending.broke(error.code, socket.bufferedAmount > 0);
    });
    // Node says so when everything was written that was to be; ws may end the socket with data that zlib still has.
    this.#wire.on("prefinish", () => (this.#allLeft = socket.bufferedAmount === 0 && this.#writes.errno === undefined));
  }

  // What a write met; what the peer has sent before is still there to be read, its close frame too.
  #wasReset(errno: string): void {
    this.#ending.broke(errno, this.#outgoing.unsent > 0);
    if (!this.#isOpen()) return;
    this.#silence.end();
    const failure = lost(this.#journey, errno);
    this.#outgoing.end(() => failure);
    this.#pings.fail(() => failure);
  }

  #whatWaits(): string {
    return `${this.#departures.waiting} bytes of ours wait, and the peer takes none`;
  }

  #whyUnanswered(ping: string, departed: boolean, within = "in time"): string {
    return departed ? `${ping} was not answered ${within}` : `${ping} could not leave: ${this.#whatWaits()}`;
  }

  #isOpen(): boolean {
    return !this.#ending.begun && this.#socket.readyState === WebSocket.OPEN;
  }

  #assertOpen(operation: string): void {
    if (!this.#isOpen()) throw usedAfterClose(this.#journey, operation, this.#ending.soFar());
    if (this.#writes.errno !== undefined) throw lost(this.#journey, this.#writes.errno);
  }

  // Whatever waits on this connection learns that it is over.
  #letGo(): void {
    this.#silence.end();
    const info = this.#ending.soFar();
    this.#outgoing.end(() => info.error ?? usedAfterClose(this.#journey, "send", info));
    this.#pings.fail(() => info.error ?? usedAfterClose(this.#journey, "ping", info));
  }

  #timeOut(what: string): void {
    if (!this.#isOpen()) return;
    this.#ending.begin("network", CLOSE_CODES.ABNORMAL_CLOSURE, "", endedByDeadline(this.#journey, what));
    this.#letGo();
    this.#socket.terminate();
  }

  // What cannot be inflated: ws has sent the close frame by itself, and reads no more.
  #broken(error: Error): void {
    if (this.#ending.begun || this.#wire.destroyed) return;
    this.#refuse({ code: closeCodeOf(error), what: error.message });
  }

  // Once our end has begun, its code is the one that travels.
  #violated(violation: Violation): void {
    if (!this.#isOpen()) return;
    this.#outgoing.answer();
    this.#socket.close(violation.code);
    this.#refuse(violation);
  }

  #refuse({ code, what }: Violation): void {
    const failure = unacceptable(this.#journey, code, what);
    this.#ending.begin("local", code, "", failure);
    this.#letGo();
    this.#outgoing.flush();
    this.#reading.end(failure);
    this.#awaitAnswer();
  }

  #exceeded(what: "bytes" | "messages"): void {
    if (!this.#isOpen()) return;
    const code = what === "bytes" ? CLOSE_CODES.MESSAGE_TOO_BIG : CLOSE_CODES.POLICY_VIOLATION;
    const failure = unacceptable(
      this.#journey,
      code,
      `too many ${what} arrived in one piece while the channel was full`,
    );
    this.#ending.begin("local", code, "", failure);
    this.#letGo();
    this.#reading.channel[finish](failure);
    this.#shakeHands(code, "");
  }

  // The peer's close frame may stand behind messages that nobody wants any more.
  #shakeHands(code: number, reason: string): void {
    this.#socket.close(code, reason);
    this.#outgoing.flush();
    this.#reading.discard();
    this.#awaitAnswer();
  }

  #awaitAnswer(): void {
    const { closeTimeout, writeTimeout } = this.#settings;
    if (closeTimeout === undefined) return;
    const [socket, wire, departures] = [this.#socket, this.#wire, this.#departures];
    this.#farewell = new Farewell({
      socket,
      wire,
      departures,
      closeTimeout,
      writeTimeout,
      onExpired: () => this.#ending.expire(),
    });
  }

  #ended(code: number, reason: Buffer): void {
    this.#farewell?.end();
    const info = this.#ending.conclude(code, reason.toString(), this.#allLeft);
    this.#reading.end(info.error);
    this.#letGo();
    this.#until?.close();
    settle(this.#settleClosed, info);
  }
}

function withoutPassword(url: URL): string {
  if (url.username === "" && url.password === "") return url.href;
  const clean = new URL(url);
  clean.username = "";
  clean.password = "";
  return clean.href;
}

// The frames of the server's side are not masked, and can be shared. What is compressed can where the compressor was
// told to forget, for each size of window that was asked for: zlib knows none of 8 bits.
function kindOf({ headers }: HandshakeResponse, threshold: number, compresses: boolean): Kind {
  if (!compresses) return { threshold: Infinity, bits: 0 };
  const extensions = String(headers["sec-websocket-extensions"]);
  const bits = Number(/server_max_window_bits="?(\d+)/.exec(extensions)?.[1] ?? 15);
  return { threshold, bits: extensions.includes("server_no_context_takeover") && bits > 8 ? bits : 0 };
}
