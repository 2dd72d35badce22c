// On a server that exists: it goes on as it was, and what is not for us is left to others.

import type { IncomingMessage, Server as HttpServer } from "node:http";
import { Server as TlsServer } from "node:tls";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { Alarm } from "../connection/alarm.ts";
import { invalid } from "../errors.ts";
import type { NeverFalse } from "./listen.ts";
import { type AttachOptions, checkAttach } from "./options.ts";
import { type House, Reception, type Server } from "./server.ts";

/**
 * Accepts WebSockets on a server of `node:http` or `node:https`, beside whatever else it serves.
 *
 * Only handshakes for `path` are answered; others are left to the server's other `upgrade` listeners. Without any, and
 * while nobody answers, they are let go of after `handshakeTimeout`. Closing ours leaves the given server open.
 *
 * @throws SluiceError of kind INVALID for what is no server, and for a bad option.
 *
 * @example
 * import { once } from "node:events";
 * import { createServer } from "node:http";
 * import { attach } from "@sluice/websocket";
 *
 * const site = createServer();
 * const chat = attach(site, { path: "/chat" });
 * site.listen(0, "127.0.0.1");
 * await once(site, "listening");
 * console.log(chat.url.startsWith("ws://127.0.0.1:")); // → true
 * await chat.close();
 * site.close();
 */
export function attach<D = undefined>(
  server: HttpServer | HttpsServer,
  options?: AttachOptions<D> & NeverFalse<NoInfer<D>>,
): Server<D> {
  if (typeof (server as Partial<HttpServer> | null)?.on !== "function" || typeof server.address !== "function") {
    throw invalid("server", "a server of node:http or node:https", server);
  }
  const settings = checkAttach(options ?? {});
  return new Attached<D>(server, (house) => new Reception<D>(settings, house, attach), settings.handshakeTimeout)
    .reception;
}

// The listeners of every `attach`.
const OURS = new WeakSet<object>();

class Attached<D> implements House {
  readonly reception: Reception<D>;
  readonly #server: HttpServer | HttpsServer;
  readonly #handshakeTimeout: number | undefined;

  constructor(
    server: HttpServer | HttpsServer,
    reception: (house: House) => Reception<D>,
    handshakeTimeout: number | undefined,
  ) {
    this.#server = server;
    this.#handshakeTimeout = handshakeTimeout;
    this.reception = reception(this);
    OURS.add(this.#asked);
    server.on("upgrade", this.#asked);
  }

  get url(): string {
    const at = this.#server.address();
    if (at === null || typeof at === "string") return "";
    const { address, family, port } = at;
    const name = ["::", "0.0.0.0"].includes(address) ? "localhost" : family === "IPv6" ? `[${address}]` : address;
    return `${this.#server instanceof TlsServer ? "wss" : "ws"}://${name}:${port}/`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  unref(): void {
    // Theirs is theirs.
  }

  stop(): void {
    // New handshakes get their 503 until the last connection has ended.
  }

  end(): Promise<void> {
    this.#server.off("upgrade", this.#asked);
    return Promise.resolve();
  }

  readonly #asked = (request: IncomingMessage, socket: unknown, head: Buffer): void => {
    const wire = socket as Socket;
    if (this.reception.owns(request)) this.reception.receive(request, wire, head, performance.now());
    else if (this.#server.listeners("upgrade").every((listener) => OURS.has(listener))) this.#abandon(wire);
  };

  // Node hands over the socket with all its deadlines taken off: where nobody else can answer, nobody ever would.
  #abandon(socket: Socket): void {
    if (this.#handshakeTimeout === undefined) return;
    const written = socket.bytesWritten;
    const patience = new Alarm(() => {
      if (socket.bytesWritten === written) socket.destroy();
    });
    patience.in(this.#handshakeTimeout);
    socket.once("close", () => patience.clear());
    socket.on("error", () => undefined);
  }
}
