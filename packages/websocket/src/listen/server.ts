// What stands between a server of HTTP and its connections: every handshake is judged here, and ends once, with a 101
// when it has a place, or with an answer that says why not.

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { errors, type ReceiveChannel, SluiceError } from "@sluice/channels";
import { counting, rejected } from "@sluice/channels/source";
import { Client } from "../connection/client.ts";
import { invalid, Journey } from "../errors.ts";
import { Redaction } from "../protocol/redaction.ts";
import { Arrivals, enter, leave, shut } from "./arrivals.ts";
import { Door, type LetIn, type Opened } from "./door.ts";
import { checkDrain, type CloseServerOptions, type Drain, drain, type Drained } from "./drain.ts";
import { Handshake } from "./handshake.ts";
import type { AttachSettings } from "./options.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import { Seats } from "./seats.ts";
import { EVERY_PATH } from "./path.ts";
import { readUpgrade, targetOf, type Upgrade } from "./upgrade.ts";

/** A connection that was accepted. */
export interface Accepted<out D> {
  /** Open, and buffering since the 101: nothing that the peer sent is lost. */
  readonly client: Client;
  /** The handshake that it began with. */
  readonly upgrade: Upgrade;
  /** What `authorize` gave. */
  readonly data: D;
}

/** What a server has done so far: a snapshot. */
export interface ServerStats {
  /** Handshakes that were answered 101. */
  readonly accepted: number;
  /** Connections that are open. */
  readonly open: number;
  /** Answers of ours with a status of 400 or more; paths that `attach` leaves to others are none. */
  readonly refused: number;
  /** Handshakes under way. */
  readonly handshakes: number;
}

/** A server of WebSockets: made by `listen`, or by `attach`. */
export interface Server<out D> extends AsyncIterable<Accepted<D>, undefined, undefined>, AsyncDisposable {
  /** Where it listens, such as `ws://127.0.0.1:8080/`; empty while a server that `attach` was given does not. */
  readonly url: string;
  /** 0 while a server that `attach` was given does not listen. */
  readonly port: number;
  /**
   * Gives the channel of new connections, the same object every time. It closes when the server does.
   *
   * It holds up to `backlog` that nobody has received; further handshakes are not answered until there is a place.
   */
  connections(): ReceiveChannel<Accepted<D>>;
  /** The connections that are open, those that nobody has received included. */
  readonly clients: ReadonlySet<Client>;
  /** Counters, as they are now. */
  readonly stats: ServerStats;
  /**
   * Closes the server: it listens no more, new handshakes get 503, `connections()` ends behind what it has, and every
   * connection is closed. Resolves when all have ended. Further calls give the promise of the first.
   *
   * @throws SluiceError of kind INVALID, as a rejection, for a bad option.
   */
  close(options?: CloseServerOptions): Promise<Drained>;
  /** Lets the process end although the server listens; its open connections still keep it. */
  unref(): void;
}

/** Where the handshakes come from. */
export interface House {
  readonly url: string;
  readonly port: number;
  unref(): void;
  /** No more handshakes: ours are to be answered with 503, if they can still come. */
  stop(): void;
  /** Every connection has ended. */
  end(): Promise<void>;
}

const RETRY_AFTER = { "Retry-After": "5" };
const CLOSING: Refusal = { status: 503, headers: RETRY_AFTER, body: "The server is closing" };
const FULL: Refusal = { status: 503, headers: RETRY_AFTER, body: "Too many connections" };
const CROWDED: Refusal = { status: 429, headers: RETRY_AFTER, body: "Too many connections of yours" };
const LATE: Refusal = { status: 503, headers: RETRY_AFTER, body: "No place was free in time" };
const FAILED: Refusal = { status: 500 };

/** Handshakes judged, and connections made of them. */
export class Reception<D> implements Server<D> {
  readonly #settings: AttachSettings;
  readonly #house: House;
  readonly #door: Door;
  readonly #arrivals: Arrivals<Accepted<D>>;
  readonly #seats: Seats;
  readonly #clients = new Set<Client>();
  readonly #handshakes = new Set<Handshake>();
  #accepted = 0;
  #refused = 0;
  #closing: Promise<Drained> | undefined = undefined;

  /** @param entry what the program called to get it. */
  constructor(settings: AttachSettings, house: House, entry: unknown) {
    this.#settings = settings;
    this.#house = house;
    this.#door = new Door(settings);
    this.#arrivals = new Arrivals(settings.backlog);
    this.#seats = new Seats(settings);
    counting?.made(this.#arrivals, "Server", entry, () => {
      const { open, handshakes, refused } = this.stats;
      return { open, handshakes, refused };
    });
  }

  get url(): string {
    return this.#house.url;
  }

  get port(): number {
    return this.#house.port;
  }

  get clients(): ReadonlySet<Client> {
    return this.#clients;
  }

  get stats(): ServerStats {
    return {
      accepted: this.#accepted,
      open: this.#clients.size,
      refused: this.#refused,
      handshakes: this.#handshakes.size,
    };
  }

  connections(): ReceiveChannel<Accepted<D>> {
    return this.#arrivals;
  }

  [Symbol.asyncIterator](): AsyncIterator<Accepted<D>, undefined, undefined> {
    return this.#arrivals[Symbol.asyncIterator]();
  }

  close(options: CloseServerOptions = {}): Promise<Drained> {
    try {
      this.#closing ??= this.#shutDown(checkDrain(options));
      return this.#closing;
    } catch (mistake) {
      return rejected(mistake);
    }
  }

  unref(): void {
    this.#house.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** True for what is ours to answer. */
  owns(request: IncomingMessage): boolean {
    const { path } = this.#settings;
    const url = targetOf(request, isSecure(request.socket));
    if (url === undefined) return path === EVERY_PATH;
    try {
      return path(url);
    } catch {
      return true; // and it will be answered by 500, and reported, when it is judged
    }
  }

  /** Counts an answer that was given elsewhere. */
  countRefused(): void {
    this.#refused += 1;
  }

  /** Takes a handshake that began at `startedAt`, on the clock of `performance.now()`. */
  receive(request: IncomingMessage, socket: Socket, head: Buffer, startedAt: number): void {
    const handshake = new Handshake(request, socket, head, startedAt);
    this.#handshakes.add(handshake);
    handshake.whenOver((outcome) => {
      this.#handshakes.delete(handshake);
      if (outcome === "refused") this.#refused += 1;
    });
    const { handshakeTimeout } = this.#settings;
    if (handshakeTimeout !== undefined) handshake.limit(handshakeTimeout, LATE);
    void this.#consider(handshake);
  }

  // Never rejects. What the caller's functions throw is answered, and then an uncaught exception, as in an event listener.
  async #consider(handshake: Handshake): Promise<void> {
    try {
      const upgrade = this.#judge(handshake);
      if ("status" in upgrade) {
        handshake.refuse(upgrade);
        return;
      }
      await this.#seat(handshake, upgrade);
    } catch (mistake) {
      // Whoever is told by the signal that nobody waits any more may well throw.
      if (handshake.signal.aborted) return;
      handshake.refuse(FAILED);
      queueMicrotask(() => {
        throw mistake;
      });
    }
  }

  #judge({ request, socket }: Handshake): Upgrade | Refusal {
    if (this.#closing !== undefined) return CLOSING;
    const { path, hosts, origins } = this.#settings;
    const url = targetOf(request, isSecure(socket));
    if (url === undefined) return { status: 400, body: "No target that is one" };
    if (!path(url)) return { status: 404 };
    const upgrade = readUpgrade(request, url);
    if ("status" in upgrade) return upgrade;
    const { host = "" } = request.headers;
    if (!hosts(host, isLoopback(socket.localAddress))) return { status: 403, body: "Not a host of this server" };
    const { origin } = upgrade;
    if (origin !== undefined && !origins(origin, host)) return { status: 403, body: "Not for pages of this origin" };
    return upgrade;
  }

  // A seat is taken before anybody is asked: who has no business here must not keep more than that many busy.
  async #seat(handshake: Handshake, upgrade: Upgrade): Promise<void> {
    const door = this.#door.knock(upgrade.request, handshake.socket);
    if (typeof door === "string") {
      handshake.refuse({ status: 400, body: door });
      return;
    }
    const seat = this.#seats.take(upgrade);
    if (typeof seat === "string") {
      handshake.refuse(seat === "all" ? FULL : CROWDED);
      return;
    }
    handshake.whenOver((outcome) => {
      if (outcome !== "accepted") seat();
    });
    const { authorize } = this.#settings;
    const data = authorize === undefined ? undefined : await authorize(upgrade, handshake.signal);
    if (handshake.over) return;
    if (isRefusal(data)) {
      handshake.refuse(data);
      return;
    }
    this.#place(handshake, door, { upgrade, protocol: this.#protocolFor(upgrade), data: data as D, seat });
  }

  #protocolFor(upgrade: Upgrade): string | undefined {
    const { protocols } = this.#settings;
    const { protocols: offered } = upgrade;
    if (typeof protocols !== "function") return protocols.find((protocol) => offered.includes(protocol));
    const chosen = protocols(offered, upgrade);
    if (chosen === undefined || offered.includes(chosen)) return chosen;
    throw invalid("protocols", "a function that gives one of those offered, or undefined", chosen);
  }

  #place(handshake: Handshake, door: LetIn, { upgrade, protocol, data, seat }: Approved<D>): void {
    const arrivals = this.#arrivals;
    const arrival = {
      get present() {
        return handshake.present;
      },
      admit: (): Accepted<D> | undefined => {
        const opened = handshake.letIn(door, protocol);
        return opened === undefined
          ? undefined
          : { client: this.#open(handshake, upgrade.url, opened, seat), upgrade, data };
      },
    };
    handshake.whenOver(() => arrivals[leave](arrival));
    arrivals[enter](arrival);
  }

  #open({ socket: wire, startedAt }: Handshake, url: URL, opened: Opened, seat: () => void): Client {
    const journey = new Journey(new Redaction(url, []), startedAt);
    journey.phase = "open";
    const { headers, ...parts } = opened;
    const response = { status: 101, headers };
    const settings = this.#settings;
    const client = new Client({
      ...parts,
      wire,
      response,
      accepted: true,
      url,
      settings,
      pace: undefined,
      signal: undefined,
      journey,
    });
    this.#accepted += 1;
    this.#clients.add(client);
    void this.#watch(client, seat);
    return client;
  }

  async #watch(client: Client, seat: () => void): Promise<void> {
    await client.closed;
    this.#clients.delete(client);
    seat();
  }

  async #shutDown(how: Drain): Promise<Drained> {
    this.#arrivals[shut]();
    this.#house.stop();
    const closing = new SluiceError(errors.UNAVAILABLE, "The server is closing");
    for (const handshake of this.#handshakes) handshake.refuse(CLOSING, closing);
    const drained = await drain([...this.#clients], how);
    await this.#house.end();
    return drained;
  }
}

interface Approved<D> {
  readonly upgrade: Upgrade;
  readonly protocol: string | undefined;
  readonly data: D;
  /** Gives the seat back. */
  readonly seat: () => void;
}

function isSecure(socket: Socket): boolean {
  return socket instanceof TLSSocket;
}

function isLoopback(address = ""): boolean {
  return address === "::1" || /^(?:::ffff:)?127\./.test(address);
}
