// A server of our own: it speaks HTTP for as long as it takes to hear a handshake, and gives every peer that does not get
// that far the same deadline.

import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions as TlsServerOptions } from "node:https";
import { type AddressInfo, isIP, type Socket } from "node:net";
import { errors, SluiceError } from "@sluice/channels";
import { Alarm } from "../connection/alarm.ts";
import { budgeted } from "../connection/budget.ts";
import { checkListen, type ListenOptions, type ListenSettings } from "./options.ts";
import { answer } from "./refusal.ts";
import { type House, Reception, type Server } from "./server.ts";
import { UPGRADE_REQUIRED } from "./upgrade.ts";

/**
 * Makes a type error of an `authorize` that gives `false`: whoever writes it means a refusal, and it would be data. Say
 * `refuse(401)` instead.
 */
export type NeverFalse<D> = unknown extends D
  ? unknown
  : false extends D
    ? { readonly authorize: "refuse by refuse()" }
    : unknown;

/**
 * Listens for WebSockets, and resolves with the server once it does. New connections arrive on a channel.
 *
 * A handshake is judged by path, `Host`, `Origin` and limits, then by `authorize`, and answered 101 when its connection
 * has a place in the channel. The client buffers from then on: nothing that a peer sends early is lost. The server keeps
 * the process alive until it was closed, unless `unref` was called.
 *
 * @throws SluiceError, as a rejection: INVALID for a bad option; UNAVAILABLE when the port is taken, PERMISSION_DENIED
 * when it must not be used, INTERNAL when it cannot be for another reason.
 *
 * @example
 * import { connect, listen } from "@sluice/websocket";
 *
 * await using server = await listen();
 * const client = await connect(server.url);
 * await client.send("hello");
 *
 * for await (const { client: peer } of server) {
 *   const { value } = await peer.channel().receive();
 *   console.log(value?.data); // → hello
 *   break;
 * }
 */
export function listen<D = undefined>(options?: ListenOptions<D> & NeverFalse<NoInfer<D>>): Promise<Server<D>> {
  return budgeted(open<D>(options));
}

async function open<D>(options: unknown = {}): Promise<Server<D>> {
  const settings = checkListen(options);
  const house = new Listening(settings, (own) => new Reception<D>(settings, own, listen));
  await house.listen();
  return house.reception as Reception<D>;
}

/** A connection that has not asked for anything yet. */
interface Visitor {
  readonly socket: Socket;
  readonly startedAt: number;
  readonly patience: Alarm | undefined;
}

class Listening implements House {
  readonly reception: Reception<unknown>;
  readonly #settings: ListenSettings;
  readonly #server: HttpServer;
  // By the peer's end of the connection: the sockets of TCP and of TLS above it are two.
  readonly #visitors = new Map<string, Visitor>();
  readonly #answered = new WeakSet<Socket>();
  #port = 0;
  #url = "";
  #closed: Promise<void> | undefined = undefined;

  constructor(settings: ListenSettings, reception: (house: House) => Reception<unknown>) {
    this.#settings = settings;
    this.reception = reception(this);
    const server = settings.tls === undefined ? createServer() : createTlsServer(settings.tls as TlsServerOptions);
    this.#server = server;
    // One deadline of ours in the place of Node's several, which are looked at twice a minute.
    server.headersTimeout = server.requestTimeout = 0;
    server.on("connection", (socket: Socket) => this.#arrived(socket));
    server.on("upgrade", (request, socket, head) => {
      const visitor = this.#take(socket as Socket);
      this.reception.receive(request, socket as Socket, head, visitor?.startedAt ?? performance.now());
    });
    server.on("request", (request, response) => this.#misled(request, response));
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => this.#garbled(error, socket as Socket));
  }

  get url(): string {
    return this.#url;
  }

  get port(): number {
    return this.#port;
  }

  async listen(): Promise<void> {
    const { port, host, tls } = this.#settings;
    await new Promise<void>((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void => reject(unusable(host, port, error));
      this.#server.once("error", failed);
      this.#server.listen({ port, host }, () => {
        this.#server.off("error", failed);
        resolve();
      });
    });
    this.#port = (this.#server.address() as AddressInfo).port;
    // Of every address none can be dialled.
    const name = ["::", "0.0.0.0", ""].includes(host) ? "localhost" : isIP(host) === 6 ? `[${host}]` : host;
    this.#url = new URL(`${tls === undefined ? "ws" : "wss"}://${name}:${this.#port}`).href;
  }

  unref(): void {
    this.#server.unref();
  }

  stop(): void {
    this.#closed = new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  async end(): Promise<void> {
    for (const { socket } of this.#visitors.values()) socket.destroy();
    await this.#closed;
  }

  #arrived(socket: Socket): void {
    const { handshakeTimeout } = this.#settings;
    const startedAt = performance.now();
    const patience = handshakeTimeout === undefined ? undefined : new Alarm(() => this.#tire(socket));
    if (handshakeTimeout !== undefined) patience?.in(handshakeTimeout);
    this.#visitors.set(endOf(socket), { socket, startedAt, patience });
    const key = endOf(socket);
    socket.once("close", () => this.#forget(key));
  }

  // The peer says too little in too long a time.
  #tire(socket: Socket): void {
    if (this.#settings.tls === undefined) this.#refuse(socket, 408);
    else socket.destroy();
  }

  // A request that asks for no connection.
  #misled(request: IncomingMessage, response: ServerResponse): void {
    this.#take(request.socket);
    this.reception.countRefused();
    const ours = this.reception.owns(request);
    const { status, headers, body } = ours ? UPGRADE_REQUIRED : { status: 404, headers: {}, body: "" };
    response.writeHead(status, { ...headers, Connection: "close", "Content-Type": "text/plain; charset=utf-8" });
    response.end(body);
  }

  // What is no HTTP, or too much of it.
  #garbled(error: NodeJS.ErrnoException, socket: Socket): void {
    if (error.code?.startsWith("HPE_") === true && socket.writable) {
      this.#refuse(socket, error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400);
    } else if (!this.#answered.has(socket)) {
      socket.destroy();
    }
  }

  #refuse(socket: Socket, status: number): void {
    if (this.#answered.has(socket)) return;
    this.#answered.add(socket);
    this.#take(socket);
    this.reception.countRefused();
    answer(socket, { status });
  }

  #take(socket: Socket): Visitor | undefined {
    const visitor = this.#visitors.get(endOf(socket));
    this.#forget(endOf(socket));
    return visitor;
  }

  #forget(key: string): void {
    this.#visitors.get(key)?.patience?.clear();
    this.#visitors.delete(key);
  }
}

function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function unusable(host: string, port: number, { code = "" }: NodeJS.ErrnoException): SluiceError {
  const [kind, what] = WHY.get(code) ?? [errors.INTERNAL, "it cannot be listened on"];
  return new SluiceError(kind, `Cannot listen on ${host}, port ${port}: ${what} (${code})`, {
    retryable: kind === errors.UNAVAILABLE,
    details: { host, port, errno: code },
  });
}

const WHY: ReadonlyMap<
  string,
  readonly [typeof errors.UNAVAILABLE | typeof errors.PERMISSION_DENIED | typeof errors.INVALID, string]
> = new Map([
  ["EADDRINUSE", [errors.UNAVAILABLE, "the port is taken"]],
  ["EACCES", [errors.PERMISSION_DENIED, "the port must not be used"]],
  ["EADDRNOTAVAIL", [errors.INVALID, "this machine has no such address"]],
  ["ENOTFOUND", [errors.INVALID, "the name does not exist"]],
]);
