// One handshake with one server: a wire, a request, and the ways it can end: open, redirected, refused, failed.
// Its end is a value on a channel, so that whoever waits can also be told by a signal or a deadline.

import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Channel, type SluiceError } from "@sluice/channels";
import { type ClientOptions, WebSocket } from "ws";
import type { HandshakeResponse } from "../connection/client.ts";
import { agreedOn, deflating } from "../protocol/compression.ts";
import type { Compression } from "../protocol/constants.ts";
import { AgentWay } from "./agent.ts";
import type { Borrower } from "../connection/reading.ts";
import { type DialOptions, distrustOf, type Way, Wire } from "./wire.ts";
import { denied, type Refusal, refused, unfit, unreachable, unsuitable } from "../errors.ts";
import { explained, lackOf, messageOf } from "./explanation.ts";
import type { Header } from "./headers.ts";
import type { Settings } from "./options.ts";
import { RefusalReader } from "./refusal.ts";
import { plainHost } from "./resource.ts";
import { watchTicks } from "./ticks.ts";

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
  readonly response: HandshakeResponse;
  readonly lendTo: (borrower: Borrower) => void;
}

/** @internal */
export interface HandshakeOptions<T> extends DialOptions {
  readonly settings: Settings;
  readonly headers: ReadonlyMap<string, Header>;
  /** Called the moment the connection opens, and at once: frames may stand in the same segment as the answer. */
  readonly onOpen: (opened: Opened) => T;
}

const FAKE_TICKS =
  "`process.nextTick` is a fake that nobody advances, and the sockets of Node wait for it: leave it out of the fakes";
const UNKNOWN_ADDRESS =
  "what address the name leads to cannot be known, since the `agent` looks it up, and there are rules about addresses";

// RFC 9110 15.4: those that say "ask there instead".
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** @internal */
export class Handshake<T> {
  /** Gets the one outcome. */
  readonly outcome: Channel<Outcome<T>> = new Channel<Outcome<T>>(1, { name: "handshake" });
  readonly #options: HandshakeOptions<T>;
  readonly #way: Way;
  readonly #endWatch: () => void;
  #socket: WebSocket | undefined = undefined;
  #response: HandshakeResponse | undefined = undefined;
  #done = false;
  #refusal: RefusalReader | undefined = undefined;

  constructor(options: HandshakeOptions<T>) {
    this.#options = options;
    const { agent } = options.settings;
    this.#way = agent === undefined ? new Wire(options) : new AgentWay(agent, options);
    this.#endWatch = watchTicks(() => {
      this.#fail(() => unsuitable(options.journey, FAKE_TICKS, undefined));
      this.abandon();
    });
    if (this.#way instanceof AgentWay && this.#way.blind) this.#fail(() => denied(options.journey, UNKNOWN_ADDRESS));
    else this.#start();
  }

  /** Ends the attempt; a refusal that is still being read is reported as far as it came. */
  expire(): boolean {
    this.#refusal?.settle();
    return this.#done;
  }

  /** Lets the process end although the answer has not come. */
  unref(): void {
    this.#way.unref();
  }

  /** Ends the attempt and lets go of everything. */
  abandon(): void {
    this.#done = true;
    this.#endWatch();
    this.#refusal?.settle();
    this.#socket?.terminate();
    this.#way.close();
  }

  #start(): void {
    this.#way.open(
      (how) => this.#request(how),
      (error) => this.#fail(() => this.#whyFailed(error)),
    );
  }

  #request(how: ClientOptions): void {
    const { target, settings, journey } = this.#options;
    if (this.#done) return;
    let socket: WebSocket;
    try {
      socket = new WebSocket(target, [...settings.protocols], { ...this.#clientOptions(), ...how });
    } catch (error) {
      const agent = (error as NodeJS.ErrnoException).code === "ERR_INVALID_PROTOCOL";
      this.#fail(() => (agent ? unfit(journey, target) : unreachable(journey, messageOf(error), undefined)));
      return;
    }
    this.#socket = socket;
    socket.on("upgrade", (response) => this.#upgraded(response));
    socket.on("open", () => this.#opened(socket));
    socket.on("unexpected-response", (request, response) => this.#answered(request, response));
    socket.on("error", (error) => this.#fail(() => this.#whyFailed(error)));
  }

  #clientOptions(): ClientOptions {
    const { settings, headers, target } = this.#options;
    const given = [...headers.values()].map(({ name, values }) => [name, values.length === 1 ? values[0] : values]);
    const options = {
      headers: { ...Object.fromEntries(given), Host: plainHost(target) },
      perMessageDeflate: deflating(settings.compression),
      maxPayload: settings.readLimit,
      // 4 MiB in frames of 64 bytes is legal; the default of 16,384 fragments refuses it.
      maxFragments: 131_072,
      // The answer of ws to many pings at once is to end the connection.
      autoPong: false,
      closeTimeout: Math.min(settings.closeTimeout ?? Infinity, 2 ** 31 - 1),
      followRedirects: false,
    };
    return options; // the types of ws know neither header lists nor `closeTimeout`
  }

  #upgraded({ httpVersion, headers, statusCode = 101 }: IncomingMessage): void {
    const { journey } = this.#options;
    this.#response = { status: statusCode, headers };
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
    const wire = this.#way.socket;
    const response = this.#response;
    if (this.#done || wire === undefined || response === undefined) return;
    this.#done = true;
    this.#endWatch();
    this.#options.journey.phase = "open";
    const value = this.#options.onOpen({
      socket,
      wire,
      response,
      compression: agreedOn(response.headers["sec-websocket-extensions"] ?? ""),
      lendTo: (borrower) => this.#way.lendTo(borrower),
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
    const { errno, refused: address, socket } = this.#way;
    const distrust = distrustOf(socket);
    return explained(this.#options.journey, { error, errno, refused: address, distrust });
  }

  #fail(error: () => SluiceError): void {
    this.#finish({ kind: "failed", error });
  }

  #finish(outcome: Outcome<T>): void {
    if (this.#done) return;
    this.#done = true;
    this.#endWatch();
    this.outcome.trySend(outcome);
    this.#way.close();
  }
}

function redirects({ statusCode, headers }: IncomingMessage): boolean {
  return headers.location !== undefined && REDIRECTS.includes(statusCode ?? 0);
}
