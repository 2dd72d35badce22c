// One handshake with one server: a wire, a request, and the ways it can end: open, redirected, refused, failed.
// Its end is a value on a channel, so that whoever waits can also be told by a signal or a deadline.

import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Channel, type SluiceError } from "@sluice/channels";
import { type ClientOptions, WebSocket } from "ws";
import { COMPRESSION, type Compression } from "../protocol/constants.ts";
import type { Borrower } from "../connection/reading.ts";
import { type DialOptions, Wire } from "./wire.ts";
import { type Refusal, refused, unreachable, unsuitable } from "../errors.ts";
import { explained, lackOf, messageOf } from "./explanation.ts";
import type { Header } from "./headers.ts";
import type { Settings } from "./options.ts";
import { RefusalReader } from "./refusal.ts";

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

// RFC 9110 15.4: those that say "ask there instead".
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** @internal */
export class Handshake<T> {
  /** Gets the one outcome. */
  readonly outcome: Channel<Outcome<T>> = new Channel<Outcome<T>>(1, { name: "handshake" });
  readonly #options: HandshakeOptions<T>;
  readonly #wire: Wire;
  #socket: WebSocket | undefined = undefined;
  #agreed = "";
  #done = false;
  #refusal: RefusalReader | undefined = undefined;

  constructor(options: HandshakeOptions<T>) {
    this.#options = options;
    this.#wire = new Wire(options);
    if (this.#wire.refusesLiteral()) this.#fail(() => this.#whyFailed(undefined));
    else this.#start();
  }

  /** Ends the attempt; a refusal that is still being read is reported as far as it came. */
  expire(): boolean {
    this.#refusal?.settle();
    return this.#done;
  }

  /** Ends the attempt and lets go of everything. */
  abandon(): void {
    this.#done = true;
    this.#refusal?.settle();
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
    socket.on("upgrade", (response) => this.#upgraded(response));
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

  #upgraded({ httpVersion, headers }: IncomingMessage): void {
    const { journey } = this.#options;
    this.#agreed = headers["sec-websocket-extensions"] ?? "";
    const { upgrade = "" } = headers;
    if (upgrade.toLowerCase() !== "websocket") {
      this.#fail(() => unsuitable(journey, `it answered 101 and upgraded to \`${upgrade}\``, undefined));
    } else if (httpVersion !== "1.1") {
      // ws would take it for an agreement; HTTP/1.0 has no 101 (RFC 6455 4.2.2).
      this.#fail(() => unreachable(journey, `it answered in HTTP/${httpVersion}`, undefined));
    } else {
      return;
    }
    this.abandon();
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

  #answered(request: ClientRequest, response: IncomingMessage): void {
    if (this.#done) return;
    this.#refusal = new RefusalReader(response, this.#options.journey.redaction, (refusal) => {
      this.#refused(response, refusal);
      request.destroy();
      this.abandon();
    });
    if (this.#options.settings.redirects > 0 && redirects(response)) this.#refusal.settle();
  }

  #refused(response: IncomingMessage, refusal: Refusal): void {
    const { location } = response.headers;
    if (location !== undefined && redirects(response)) this.#finish({ kind: "redirect", location, refusal });
    else this.#fail(() => refused(this.#options.journey, refusal, lackOf(response)));
  }

  #whyFailed(error: NodeJS.ErrnoException | undefined): SluiceError {
    const { errno, refused: address, distrust } = this.#wire;
    return explained(this.#options.journey, { error, errno, refused: address, distrust });
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
