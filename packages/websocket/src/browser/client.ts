// One connection of a page: its halves, its clocks, and its end.
/// <reference lib="esnext.disposable" preserve="true" />

import { errors, type ReceiveChannel, SluiceError } from "@sluice/channels";
import { counting, displayBy, facts, onAbort, rejected, settle } from "@sluice/channels/source";
import { accept, detailsOf, dropped, finish, Incoming, paused, received, shut } from "../connection/incoming.ts";
import {
  type CloseInfo,
  closedByPeer,
  endedByDeadline,
  invalid,
  invalidText,
  type Journey,
  lost,
  usedAfterClose,
} from "../errors.ts";
import { BINARY, type MessageType, TEXT } from "../protocol/constants.ts";
import type { Data, Message } from "../protocol/message.ts";
import type { Shown } from "../protocol/shown-url.ts";
import { ABNORMAL_CLOSURE, GOING_AWAY, NO_STATUS, NORMAL, POLICY_VIOLATION } from "./codes.ts";
import type { Settings } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { page, type PageEvent } from "./page.ts";
import { Silence } from "./silence.ts";
import type { Payload, Transport } from "./transport.ts";

/** What a connection has done so far: a snapshot. Bytes are those of the messages: a page sees no others. */
export interface ClientStats {
  /** Messages that arrived whole, dropped ones included. */
  readonly messagesReceived: number;
  /** Messages that `send` accepted. */
  readonly messagesSent: number;
  /** Messages that `send` accepted and that have not left the page: lost, if the connection ends so. */
  readonly messagesUnsent: number;
  /** Messages that a drop policy dropped. */
  readonly messagesDropped: number;
  /** Bytes of the messages that arrived. */
  readonly bytesReceived: number;
  /** Bytes of the messages that were sent. */
  readonly bytesSent: number;
  /** Accepted bytes that have not left the page. */
  readonly bufferedAmount: number;
  /** Sends that wait for room or for their pace. */
  readonly sendsWaiting: number;
  /** True while the channel is full: over a stream reading has stopped. */
  readonly paused: boolean;
  /** A page cannot ping. */
  readonly roundTrip: undefined;
}

/** @internal */
export interface ClientParts {
  readonly url: URL;
  readonly settings: Settings;
  readonly journey: Journey<Shown>;
}

const NORMAL_CODES: readonly number[] = [NORMAL, GOING_AWAY, NO_STATUS];
const REASON_LIMIT = 123; // a control frame holds 125 bytes (RFC 6455 5.5), two of them the code
// Chromium drops what stands unread in a WebSocketStream when the peer closes (100 small messages, read a little late: 1
// arrives). So the end of a conversation is read ahead, behind the full channel, and only more than that is left unread.
const READ_AHEAD = { bytes: 2 * 1024 * 1024, messages: 10_000 };
const encoder = new TextEncoder();

/** How the end began: what is known of it so far. */
type Beginning = Omit<CloseInfo, "wasClean">;

/** A WebSocket connection of a page: one, from the handshake to its end. Made by `connect`. */
export class Client implements AsyncIterable<Message, undefined, undefined>, AsyncDisposable {
  readonly #transport: Transport;
  readonly #settings: Settings;
  readonly #journey: Journey<Shown>;
  readonly #channel: Incoming;
  readonly #outbox: Outbox;
  readonly #silence: Silence;
  readonly #url: string;
  readonly #closed: Promise<CloseInfo>;
  #settleClosed!: (info: CloseInfo) => void;
  #beginning: Beginning | undefined = undefined;
  #terminated = false;
  #info: CloseInfo | undefined = undefined;
  #bytesReceived = 0;
  /** What came since the channel is full. */
  #behind: { bytes: number; messages: number } | undefined = undefined;
  #farewell: ReturnType<typeof setTimeout> | undefined = undefined;
  #forgetSignal: (() => void) | undefined = undefined;

  static {
    displayBy(this.prototype);
  }

  /** "Client", for `Object.prototype.toString`. */
  get [Symbol.toStringTag](): string {
    return "Client";
  }

  /** @internal */
  [facts](): readonly string[] {
    const { length, capacity } = this.#channel;
    const state = this.#isOpen() ? "open" : this.#info === undefined ? "closing" : `closed: ${this.#info.code}`;
    return [this.#journey.url, state, `${length} of ${capacity}`];
  }

  /** @internal To be made when the transport has opened, before a message is read. */
  constructor(transport: Transport, { url, settings, journey }: ClientParts) {
    this.#transport = transport;
    this.#settings = settings;
    this.#journey = journey;
    this.#url = url.href;
    this.#closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    this.#outbox = new Outbox(transport, settings.pace);
    this.#silence = new Silence(
      settings,
      (what) => this.#timeOut(what),
      () => this.#ask(),
    );
    this.#channel = new Incoming({
      name: journey.url,
      capacity: settings.channelCapacity,
      overflow: settings.overflow,
      onDrop: settings.onDrop,
      overshoot: transport.kind === "socket" ? settings.unreadLimit : undefined,
      flow: {
        pause: () => {
          this.#behind = { bytes: 0, messages: 0 };
        },
        resume: () => {
          this.#behind = undefined;
          transport.resume();
          this.#silence.heard();
        },
        exceeded: () => this.#exceeded(),
      },
    });
    counting?.made(this.#channel, "Client", Client, () =>
      detailsOf(this.#channel, this.#outbox, transport.bufferedAmount),
    );
    this.#silence.heard();
    const { signal } = settings;
    if (signal !== undefined) this.#forgetSignal = onAbort(signal, () => this.#leave(GOING_AWAY, "", signal.reason));
    if (settings.onHide === "close") page.addEventListener?.("pagehide", this.#hidden);
  }

  /** The URL it is connected to. */
  get url(): string {
    return this.#url;
  }

  /** The subprotocol that the server chose, or an empty string. */
  get protocol(): string {
    return this.#transport.protocol;
  }

  /** Which API of the page it goes over. */
  get transport(): "stream" | "socket" {
    return this.#transport.kind;
  }

  /** True over a stream: a full channel slows the peer down. False over a socket: it fills `unreadLimit`. */
  get backpressure(): boolean {
    return this.#transport.kind === "stream";
  }

  /** How the connection ended. Never rejects; may settle before the last message is received. */
  get closed(): Promise<CloseInfo> {
    return this.#closed;
  }

  /** Counters, as they are now. */
  get stats(): ClientStats {
    return {
      messagesReceived: this.#channel[received],
      messagesSent: this.#outbox.messages,
      messagesUnsent: this.#transport.unsent,
      messagesDropped: this.#channel[dropped],
      bytesReceived: this.#bytesReceived,
      bytesSent: this.#outbox.bytes,
      bufferedAmount: this.#transport.bufferedAmount,
      sendsWaiting: this.#outbox.waiting,
      paused: this.#channel[paused],
      roundTrip: undefined,
    };
  }

  /**
   * Gives the channel that messages arrive on, the same object every time.
   *
   * It closes without a cause after a normal end (1000, 1001, 1005) and after our own `close` or `terminate`, and with
   * a `SluiceError` as cause after every other end.
   */
  channel(): ReceiveChannel<Message> {
    return this.#channel;
  }

  /** Iterates over the channel: `for await (const message of client)`. */
  [Symbol.asyncIterator](): AsyncIterator<Message, undefined, undefined> {
    return this.#channel[Symbol.asyncIterator]();
  }

  /**
   * Sends a message: a string as text, bytes as binary, unless `type` (`TEXT`, `BINARY`) says otherwise.
   *
   * Resolves when the message was accepted, which is at once while less than 64 KiB wait to leave the page. Messages
   * leave in the order of the calls. The bytes are taken at the call. A send that waits cannot be taken back.
   *
   * @throws SluiceError, as a rejection: INTERNAL when the connection is closed, or closes while the send waits; what
   * ended the connection, if it broke; INVALID for a wrong `type`, or bytes sent as text that are not UTF-8. TypeError
   * for anything but text and bytes.
   */
  send(data: Data, type?: MessageType): Promise<void> {
    try {
      const payload = payloadOf(data, type);
      if (!this.#isOpen()) throw this.#used();
      return this.#outbox.send(payload);
    } catch (failure) {
      return rejected(failure);
    }
  }

  /**
   * Closes the connection: what was accepted is sent, then a close frame; resolves when the connection has ended, which
   * it is at the latest after `closeTimeout`. Messages in the channel stay receivable, then it ends.
   *
   * @param code 1000, or 3000 to 4999: what a page may send; 1001 goes as an empty close frame.
   * @param reason at most 123 bytes of UTF-8.
   * @throws SluiceError of kind INVALID, as a rejection, for another code or a longer reason.
   */
  async close(code: number = NORMAL, reason = ""): Promise<CloseInfo> {
    checkClose(code, reason);
    this.#leave(code, reason);
    return this.#closed;
  }

  /**
   * Lets the connection go at once; accepted sends that have not left are dropped, as far as a page can. Messages in the
   * channel stay receivable, then it ends.
   */
  terminate(): void {
    if (this.#info !== undefined) return;
    this.#terminated = true;
    if (this.#isOpen()) {
      this.#begin("local", ABNORMAL_CLOSURE);
      this.#channel[shut](undefined);
    }
    this.#cut();
  }

  /** Closes the connection with 1000 and waits for its end: `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal A message came. */
  arrived(message: Message): void {
    if (this.#beginning !== undefined) return; // after our own end nobody wants it
    this.#bytesReceived += message.data.length;
    this.#silence.heard();
    this.#channel[accept](message);
    if (this.#behind !== undefined && this.backpressure) this.#holdBack(this.#behind, message.data.length);
  }

  /** @internal The transport has room. */
  hasRoom(): void {
    this.#outbox.advance();
  }

  /** @internal The connection is over. */
  ended(code: number, reason: string, wasClean: boolean): void {
    if (this.#info !== undefined) return;
    clearTimeout(this.#farewell);
    this.#forgetSignal?.();
    page.removeEventListener?.("pagehide", this.#hidden);
    const began = (this.#beginning ??= this.#endOf(code, reason, wasClean));
    const error = began.error ?? (wasClean || this.#terminated ? undefined : lost(this.#journey, undefined));
    const said = wasClean && code !== NO_STATUS && error === undefined ? { code, reason } : began;
    this.#info = { code: said.code, reason: said.reason, wasClean, initiator: began.initiator, error };
    this.#letGo();
    this.#channel[finish](error);
    settle(this.#settleClosed, this.#info);
  }

  // An end that nobody here began.
  #endOf(code: number, reason: string, wasClean: boolean): Beginning {
    if (!wasClean) {
      return { code: ABNORMAL_CLOSURE, reason: "", initiator: "network", error: lost(this.#journey, undefined) };
    }
    const error = NORMAL_CODES.includes(code) ? undefined : closedByPeer(this.#journey, code, reason);
    return { code, reason, initiator: "remote", error };
  }

  #holdBack(behind: { bytes: number; messages: number }, size: number): void {
    behind.bytes += size;
    behind.messages += 1;
    if (behind.bytes < READ_AHEAD.bytes && behind.messages < READ_AHEAD.messages) return;
    this.#transport.pause();
    this.#silence.stop(); // what is not read is no silence
  }

  #isOpen(): boolean {
    return this.#beginning === undefined;
  }

  #used(): SluiceError {
    const info = this.#info ?? { ...(this.#beginning as Beginning), wasClean: false };
    return usedAfterClose(this.#journey, "send", info);
  }

  #begin(initiator: Beginning["initiator"], code: number, reason = "", error?: SluiceError): void {
    this.#beginning = { initiator, code, reason, error };
    this.#letGo();
  }

  #letGo(): void {
    this.#journey.phase = "closing";
    this.#silence.stop();
    this.#outbox.end(this.#beginning?.error ?? this.#used());
  }

  #leave(code: number, reason = "", cause?: unknown): void {
    if (!this.#isOpen()) return;
    this.#begin("local", code, reason);
    this.#channel[shut](cause);
    this.#shakeHands(code, reason);
  }

  // What a page may not say goes as an empty frame.
  #shakeHands(code: number, reason = ""): void {
    const sayable = code === NORMAL || code >= 3000;
    this.#transport.close(sayable ? code : undefined, sayable ? reason : "");
    this.#transport.resume();
    const { closeTimeout } = this.#settings;
    if (closeTimeout === undefined) return;
    this.#farewell = setTimeout(() => {
      const what = `${this.#journey.url} did not complete the closing handshake within \`closeTimeout\``;
      const began = this.#beginning as Beginning;
      this.#beginning = { ...began, error: began.error ?? endedByDeadline(this.#journey, what, code, reason) };
      this.#cut();
    }, closeTimeout);
  }

  #timeOut(what: string): void {
    this.#begin("network", ABNORMAL_CLOSURE, "", endedByDeadline(this.#journey, what));
    this.#cut();
  }

  #cut(): void {
    this.#transport.terminate();
    this.ended(ABNORMAL_CLOSURE, "", false);
  }

  #ask(): void {
    const { keepAlive } = this.#settings;
    if (keepAlive !== undefined) void this.send(keepAlive.message()).catch(ignored);
  }

  #exceeded(): void {
    if (!this.#isOpen()) return;
    const error = new SluiceError(
      errors.RATE_LIMITED,
      `Closed the connection to ${this.#journey.url}: nobody read what came, up to \`unreadLimit\`; a WebSocket of a page cannot be slowed down`,
      { details: { ...this.#journey.details(), code: POLICY_VIOLATION, unread: this.#channel[received] } },
    );
    this.#begin("local", POLICY_VIOLATION, "", error);
    this.#channel[finish](error);
    this.#shakeHands(POLICY_VIOLATION);
  }

  // The page goes into the back/forward cache, which some connections survive and some do not: both end here.
  readonly #hidden = ({ persisted }: PageEvent): void => {
    if (persisted !== true) return;
    this.#leave(GOING_AWAY);
    this.ended(GOING_AWAY, "", true);
  };
}

/** @internal Throws INVALID for what a page's close frame cannot say. */
export function checkClose(code: unknown, reason: unknown): void {
  const sayable =
    typeof code === "number" &&
    Number.isInteger(code) &&
    (code === NORMAL || code === GOING_AWAY || (code >= 3000 && code <= 4999));
  if (!sayable) throw invalid("code", "a close code that a page may send: 1000, 1001, or 3000 to 4999", code);
  if (typeof reason !== "string") throw invalid("reason", "a string", reason);
  const bytes = encoder.encode(reason).length;
  if (bytes > REASON_LIMIT) throw invalidText("reason", `at most ${REASON_LIMIT} bytes`, `${bytes} bytes`);
}

// Bytes are copied: the buffer may be reused, and may be shared memory, which a page does not send.
function payloadOf(data: Data, type: unknown): Payload {
  if (type !== undefined && type !== TEXT && type !== BINARY) throw invalid("type", "TEXT (1) or BINARY (2)", type);
  if (typeof data === "string") return type === BINARY ? encoder.encode(data) : data;
  const bytes = bytesOf(data);
  if (type !== TEXT) return bytes;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalidText("data", "valid UTF-8 to be sent as TEXT", "other bytes");
  }
}

function bytesOf(data: unknown): Uint8Array<ArrayBuffer> {
  if (ArrayBuffer.isView(data)) return new Uint8Array(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  if (/^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(data))) {
    return new Uint8Array(new Uint8Array(data as ArrayBuffer));
  }
  throw new TypeError(`Expected \`data\` to be a string, an ArrayBuffer or a view, got \`${typeof data}\``);
}

function ignored(): void {
  // the channel says so
}
