// Connects: one deadline over DNS, TCP, TLS, HTTP and redirects, every check before anything is dialled, every hop
// asked for. Redirects are followed by hand: ws would connect to the new target before anybody could object.

import type { SecureContext } from "node:tls";
import { type Received, SluiceError } from "@sluice/channels";
import { Alarm } from "../connection/alarm.ts";
import { budgeted } from "../connection/budget.ts";
import { Client } from "../connection/client.ts";
import { denied, Journey, refused, type Refusal, shown, timedOut } from "../errors.ts";
import { certifies } from "./agent.ts";
import { Handshake, type Outcome } from "./handshake.ts";
import type { Header } from "./headers.ts";
import { checkOptions, type ConnectOptions, type Settings } from "./options.ts";
import { Permissions } from "./permission.ts";
import type { TlsOptions } from "./tls.ts";
import { checkUrl, faultOf } from "./url.ts";
import { Redaction } from "../protocol/redaction.ts";
import { redactText, redactUrl } from "../protocol/shown-url.ts";

/**
 * Connects to a WebSocket server and resolves with the open client; no frame is lost, however early it came.
 *
 * Policies of the surrounding `security.run` and address rules are asked before anything is dialled and at each
 * redirect. The whole takes at most `dialTimeout`. On abort it rejects with the signal's reason and the attempt is
 * gone; once connected, an abort ends the connection as `close(1001)` does, and the channel's cause is the reason.
 *
 * @throws SluiceError, as a rejection: INVALID for a bad URL or option (nothing was dialled), PERMISSION_DENIED,
 * TIMEOUT, INTERNAL for the network (retryable) and for certificates that are not trusted (not), and by the status a
 * server answered with: NOT_FOUND, RATE_LIMITED, UNAVAILABLE, INVALID. `details` says where and why; no error shows
 * a password, a header that was given, or the values of a query.
 *
 * @example
 * import * as websocket from "@sluice/websocket";
 * import { WebSocketServer } from "ws";
 *
 * const server = new WebSocketServer({ port: 0 }).on("connection", (socket) => socket.send("Hello"));
 * const { port } = server.address() as { port: number };
 *
 * const client = await websocket.connect(`ws://localhost:${port}`, { dialTimeout: "10s" });
 * console.log((await client.channel().receive()).value?.data); // → Hello
 * await client.close();
 * server.close();
 */
export function connect(url: string | URL, options: ConnectOptions = {}): Promise<Client> {
  return connectFor(url, options, undefined);
}

/** @internal What the handshake under way is made known to, so that it can be told to let the process end. */
export interface Life {
  hold(holding: { unref(): void }): void;
}

/** @internal Connects, on behalf of something that lives longer. */
export function connectFor(url: string | URL, options: ConnectOptions, life: Life | undefined): Promise<Client> {
  return budgeted(dial(url, options, life));
}

async function dial(url: string | URL, options: ConnectOptions, life: Life | undefined): Promise<Client> {
  const startedAt = performance.now();
  const { target, settings } = check(url, options, startedAt);
  settings.signal?.throwIfAborted();
  const journey = new Journey(redactionOf(target, settings), startedAt);
  return new Dialling(target, settings, journey, life).run();
}

function check(url: unknown, options: ConnectOptions, startedAt: number): { target: URL; settings: Settings } {
  try {
    return { target: checkUrl(url), settings: checkOptions(options) };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    const { kind, message } = error;
    const where = url instanceof URL ? redactUrl(url) : typeof url === "string" ? redactText(url) : shown(url);
    const ms = Math.round(performance.now() - startedAt);
    throw new SluiceError(kind, message, { details: { url: where, phase: "dns", ms, ...error.details } });
  }
}

// No name of a subprotocol is this long; what is carries a token, since browsers can send one in no other header.
const LONGEST_NAME = 23;

function redactionOf(target: URL, { headers, protocols }: Settings, earlier?: Redaction): Redaction {
  const pairs = [...headers].map(([name, { values }]) => [name, values] as const);
  const tokens = protocols.filter(({ length }) => length > LONGEST_NAME);
  return new Redaction(target, [...pairs, ["sec-websocket-protocol", tokens]], earlier);
}

const CERTIFYING = "a redirect led to another origin, and the `agent` would show it a client certificate";

/** What one origin may be given of the caller's. */
interface Credentials {
  readonly headers: ReadonlyMap<string, Header>;
  readonly tls: TlsOptions;
  readonly secureContext: SecureContext | undefined;
}

class Dialling {
  readonly #settings: Settings;
  readonly #journey: Journey;
  readonly #permissions = new Permissions();
  readonly #deadline: Alarm;
  #target: URL;
  #credentials: Credentials;
  readonly #life: Life | undefined;
  #handshake: Handshake<Client> | undefined = undefined;
  #hop = 0;
  #expired = false;

  constructor(target: URL, settings: Settings, journey: Journey, life: Life | undefined) {
    this.#life = life;
    this.#target = target;
    this.#settings = settings;
    this.#journey = journey;
    this.#credentials = settings;
    this.#deadline = new Alarm(() => this.#expire());
  }

  async run(): Promise<Client> {
    if (this.#settings.dialTimeout !== undefined) this.#deadline.in(this.#settings.dialTimeout);
    try {
      for (;;) {
        this.#permissions.ask(this.#target, this.#hop, this.#journey);
        const outcome = await this.#attempt();
        if (outcome.kind === "open") return outcome.value;
        if (outcome.kind === "failed") throw outcome.error();
        if (this.#expired) throw this.#late();
        this.#redirect(outcome.location, outcome.refusal);
      }
    } finally {
      this.#deadline.clear();
    }
  }

  async #attempt(): Promise<Outcome<Client>> {
    const { guard, signal } = this.#settings;
    const handshake = new Handshake<Client>({
      target: this.#target,
      settings: this.#settings,
      journey: this.#journey,
      guards: [guard, this.#permissions.guard].filter((one) => one !== undefined),
      lookup: this.#settings.lookup,
      ...this.#credentials,
      onOpen: (opened) => {
        const [settings, journey] = [this.#settings, this.#journey];
        return new Client({
          ...opened,
          accepted: false,
          url: this.#target,
          settings,
          pace: settings.pace,
          signal,
          journey,
        });
      },
    });
    this.#handshake = handshake;
    this.#life?.hold(handshake);
    let received: Received<Outcome<Client>>;
    try {
      received = await handshake.outcome.receive({ signal });
    } catch (reason) {
      handshake.abandon();
      throw reason;
    }
    if (received.ok) return received.value;
    throw this.#late();
  }

  #late(): SluiceError {
    return timedOut(this.#journey, `No connection to ${this.#journey.url} within \`dialTimeout\``);
  }

  #expire(): void {
    this.#expired = true;
    // A server that has answered no, and is slow to say why, has still answered.
    if (this.#handshake === undefined || this.#handshake.expire()) return;
    this.#handshake.abandon();
    this.#handshake.outcome.close();
  }

  #redirect(location: string, refusal: Refusal): void {
    const { redirects } = this.#settings;
    if (this.#hop >= redirects) {
      const why = redirects === 0 ? "redirects are not followed" : `more than ${redirects} redirects`;
      throw refused(this.#journey, refusal, why);
    }
    const previous = this.#target;
    if (!URL.canParse(location, previous.href)) throw refused(this.#journey, refusal, "its `Location` is no URL");
    const next = new URL(location, previous);
    next.hash = "";
    const fault = faultOf(next);
    if (fault !== undefined) {
      const what = this.#journey.redaction.text(fault);
      throw denied(this.#journey, `a redirect led to ${what}`, { status: refusal.status });
    }
    if (previous.protocol === "wss:" && next.protocol === "ws:") {
      throw denied(this.#journey, "a redirect led from wss: to ws:", { status: refusal.status });
    }
    // Credentials in a `Location` are the server's words, not the caller's.
    const sameOrigin = next.protocol === previous.protocol && next.host === previous.host;
    next.username = sameOrigin ? previous.username : "";
    next.password = sameOrigin ? previous.password : "";
    if (!sameOrigin) {
      if (certifies(this.#settings.agent)) throw denied(this.#journey, CERTIFYING, { status: refusal.status });
      this.#credentials = forStrangers(this.#credentials);
    }
    this.#target = next;
    this.#hop += 1;
    this.#journey.redirected(redactionOf(next, this.#settings, this.#journey.redaction));
  }
}

// Subprotocols go along, since a WebSocket without them would be another conversation; everything else that could tell
// the caller's secrets or identity stays behind.
function forStrangers({ tls }: Credentials): Credentials {
  const { cert: _cert, key: _key, pfx: _pfx, passphrase: _passphrase, servername: _name, ...harmless } = tls;
  const { secureContext: _context, session: _session, ...rest } = harmless;
  return { headers: new Map(), tls: rest, secureContext: undefined };
}
