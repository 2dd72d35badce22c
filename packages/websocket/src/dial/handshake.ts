// One handshake with one server: a wire, a request, and the ways it can end: open, redirected, refused, failed.
// Its end is a value on a channel, so that whoever waits can also be told by a signal or a deadline.

import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Channel, type SluiceError } from "@sluice/channels";
import { type ClientOptions, WebSocket } from "ws";
import { Alarm } from "../connection/alarm.ts";
import { COMPRESSION, type Compression } from "../protocol/constants.ts";
import { type Borrower, type DialOptions, Wire } from "./wire.ts";
import { denied, type Refusal, refused, unreachable, untrusted } from "../errors.ts";
import type { Header } from "./headers.ts";
import type { Settings } from "./options.ts";
import { retryAfterOf } from "./retry-after.ts";

/** @internal What a handshake came to. */
export type Outcome<T> =
  | { readonly kind: "open"; readonly value: T }
  | { readonly kind: "redirect"; readonly location: string; readonly refusal: Refusal }
  // Made where somebody waits for it, so that its stack leads to the caller of `connect`.
  | { readonly kind: "failed"; readonly error: () => SluiceError };

/** @internal An open connection, at the moment it opened: no frame has been read yet. */
export interface Opened {
  readonly socket: WebSocket;
  readonly wire: Socket;
  readonly compression: Compression;
  readonly lendTo: (borrower: Borrower) => void;
}

/** @internal */
export interface HandshakeOptions<T> extends DialOptions {
  readonly settings: Settings;
  readonly headers: ReadonlyMap<string, Header>;
  /** Called the moment the connection opens, and at once: frames may stand in the same segment as the answer. */
  readonly onOpen: (opened: Opened) => T;
}

const BODY_LIMIT = 1024;
// More is read than shown, so that a secret at the limit is seen whole and hidden.
const BODY_READ = 2 * BODY_LIMIT;
const BODY_PATIENCE = 1000;
// RFC 9110 15.4: those that say "ask there instead".
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
// What helps to understand a refusal, and is never a secret of ours once redacted.
const SHOWN_HEADERS: readonly string[] = [
  "content-length",
  "content-type",
  "date",
  "location",
  "retry-after",
  "sec-websocket-version",
  "server",
  "upgrade",
  "via",
  "www-authenticate",
  "x-request-id",
];

/** @internal */
export class Handshake<T> {
  /** Gets the one outcome. */
  readonly outcome: Channel<Outcome<T>> = new Channel<Outcome<T>>(1, { name: "handshake" });
  readonly #options: HandshakeOptions<T>;
  readonly #wire: Wire;
  #socket: WebSocket | undefined = undefined;
  #agreed = "";
  #done = false;
  #settleRefusal: (() => void) | undefined = undefined;

  constructor(options: HandshakeOptions<T>) {
    this.#options = options;
    this.#wire = new Wire(options);
    if (this.#wire.refusesLiteral()) this.#fail(() => this.#whyFailed(undefined));
    else this.#start();
  }

  /** Ends the attempt; a refusal that is still being read is reported as far as it came. */
  expire(): boolean {
    this.#settleRefusal?.();
    return this.#done;
  }

  /** Ends the attempt and lets go of everything. */
  abandon(): void {
    this.#done = true;
    this.#socket?.terminate();
    this.#wire.socket?.destroy();
  }

  #start(): void {
    const { target, settings } = this.#options;
    let socket: WebSocket;
    try {
      socket = new WebSocket(target, [...settings.protocols], this.#clientOptions());
    } catch (error) {
      this.#fail(() => unreachable(this.#options.journey, messageOf(error), undefined));
      return;
    }
    this.#socket = socket;
    socket.on("upgrade", (response) => {
      this.#agreed = response.headers["sec-websocket-extensions"] ?? "";
      if (response.httpVersion === "1.1") return;
      // ws would take it for an agreement; HTTP/1.0 has no 101 (RFC 6455 4.2.2).
      this.#fail(() => unreachable(this.#options.journey, `it answered in HTTP/${response.httpVersion}`, undefined));
      this.abandon();
    });
    socket.on("open", () => this.#opened(socket));
    socket.on("unexpected-response", (request, response) => this.#answered(request, response));
    socket.on("error", (error) => this.#fail(() => this.#whyFailed(error)));
  }

  #clientOptions(): ClientOptions {
    const { settings, headers } = this.#options;
    const options = {
      headers: Object.fromEntries(
        [...headers.values()].map(({ name, values }) => [name, values.length === 1 ? values[0] : values]),
      ),
      perMessageDeflate: offerOf(settings.compression),
      maxPayload: settings.readLimit,
      // 4 MiB in frames of 64 bytes is legal; the default of 16,384 fragments refuses it.
      maxFragments: 131_072,
      // The answer of ws to many pings at once is to end the connection.
      autoPong: false,
      closeTimeout: Math.min(settings.closeTimeout ?? Infinity, 2 ** 31 - 1),
      followRedirects: false,
      createConnection: () => this.#wire.open(),
    };
    return options as unknown as ClientOptions; // its types know neither header lists nor `closeTimeout`
  }

  #opened(socket: WebSocket): void {
    const wire = this.#wire.socket;
    if (this.#done || wire === undefined) return;
    this.#done = true;
    this.#options.journey.phase = "open";
    const value = this.#options.onOpen({
      socket,
      wire,
      compression: agreedOn(this.#agreed),
      lendTo: (borrower) => this.#wire.lendTo(borrower),
    });
    this.outcome.trySend({ kind: "open", value });
  }

  // At most 1 KiB of the body and one second: enough to read what the server has to say.
  #answered(request: ClientRequest, response: IncomingMessage): void {
    if (this.#done) return;
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (): void => {
      if (this.#settleRefusal === undefined) return;
      this.#settleRefusal = undefined;
      patience.clear();
      this.#refused(response, Buffer.concat(chunks).toString());
      request.destroy();
      this.abandon();
    };
    const patience = new Alarm(settle);
    this.#settleRefusal = settle;
    patience.in(BODY_PATIENCE);
    response.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= BODY_READ) settle();
    });
    response.on("end", settle);
    response.on("error", settle);
    response.on("close", settle);
    if (this.#options.settings.redirects > 0 && redirects(response)) settle();
  }

  #refused(response: IncomingMessage, body: string): void {
    const { journey } = this.#options;
    const status = response.statusCode ?? 0;
    const refusal: Refusal = {
      status,
      statusText: journey.redaction.text(response.statusMessage ?? ""),
      headers: this.#shownHeaders(response),
      body: cut(journey.redaction.text(body), BODY_LIMIT),
      retryAfter: retryAfterOf(response.headers["retry-after"], response.headers.date),
    };
    const { location } = response.headers;
    if (location !== undefined && redirects(response)) this.#finish({ kind: "redirect", location, refusal });
    else this.#fail(() => refused(journey, refusal));
  }

  #shownHeaders(response: IncomingMessage): Record<string, string> {
    const shown: Record<string, string> = {};
    for (const name of SHOWN_HEADERS) {
      const value = response.headers[name];
      if (value === undefined) continue;
      const text = Array.isArray(value) ? value.join(", ") : value;
      shown[name] = this.#options.journey.redaction
        .text(name === "location" ? withoutSecrets(text) : text)
        .slice(0, 256);
    }
    return shown;
  }

  #whyFailed(error: NodeJS.ErrnoException | undefined): SluiceError {
    const { journey } = this.#options;
    const { refused: address, distrust } = this.#wire;
    if (address !== undefined) {
      return denied(journey, `the address ${address} is refused by a rule`, { address });
    }
    const errno = error?.code ?? this.#wire.errno;
    // Where distrust was switched off it is no reason for what failed later.
    if (distrust !== undefined && journey.phase === "tls")
      return untrusted(journey, messageOf(error), errno ?? distrust);
    return unreachable(journey, whatOf(error, errno), errno);
  }

  #fail(error: () => SluiceError): void {
    this.#finish({ kind: "failed", error });
  }

  #finish(outcome: Outcome<T>): void {
    if (this.#done) return;
    this.#done = true;
    this.outcome.trySend(outcome);
    this.#wire.socket?.destroy();
  }
}

function offerOf(compression: Compression): ClientOptions["perMessageDeflate"] {
  if (compression === COMPRESSION.DISABLED) return false;
  // The threshold is decided for each message by us: ws ignores its own under context takeover.
  if (compression === COMPRESSION.CONTEXT_TAKEOVER) return { threshold: 0 };
  return { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true };
}

// The server may ignore "no context": what it did not repeat was not agreed (RFC 7692 7.1.1).
function agreedOn(extensions: string): Compression {
  if (!extensions.includes("permessage-deflate")) return COMPRESSION.DISABLED;
  const noContext = ["server_no_context_takeover", "client_no_context_takeover"];
  return noContext.every((word) => extensions.includes(word)) ? COMPRESSION.NO_CONTEXT : COMPRESSION.CONTEXT_TAKEOVER;
}

function redirects({ statusCode, headers }: IncomingMessage): boolean {
  return headers.location !== undefined && REDIRECTS.includes(statusCode ?? 0);
}

// To a number of bytes, without half a character at the end.
function cut(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  return new TextDecoder().decode(encoded.subarray(0, bytes), { stream: true });
}

function withoutSecrets(location: string): string {
  return location.replace(/\/\/[^/]*@/, "//").replace(/\?.*$/s, "?[redacted]");
}

function messageOf(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : "the handshake failed";
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset during the handshake",
  EAI_AGAIN: "the name cannot be looked up at the moment",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  ENOTFOUND: "the name does not exist",
  ETIMEDOUT: "the connection attempt timed out",
};

function whatOf(error: Error | undefined, errno: string | undefined): string {
  if (errno === undefined) return messageOf(error);
  return `${EXPLANATIONS[errno] ?? messageOf(error)} (${errno})`;
}
