// Opens the wire of one handshake: TCP or TLS, made by us and not by ws, because owning the socket is what gives the
// errno of a failure, the byte counters, corking, and the chance to judge addresses before a byte of HTTP leaves.

import { connect as connectTcp, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls, type SecureContext, TLSSocket } from "node:tls";
import type { ClientOptions } from "ws";
import type { AddressGuard } from "./addresses.ts";
import { Attempts } from "./attempts.ts";
import { type Address, addressesOf, hostOf, Judge } from "./lookup.ts";
import type { Borrower } from "../connection/reading.ts";
import { Writes } from "../connection/writes.ts";
import { plainHostname } from "./resource.ts";
import type { Journey } from "../errors.ts";
import type { TlsOptions } from "./tls.ts";

/** @internal */
export interface DialOptions {
  readonly target: URL;
  readonly guards: readonly AddressGuard[];
  readonly tls: TlsOptions;
  readonly secureContext: SecureContext | undefined;
  readonly lookup: LookupFunction | undefined;
  readonly journey: Journey;
}

/** @internal A way to the server, and why it failed. */
export interface Way {
  /** The socket, once there is one. */
  readonly socket: Socket | undefined;
  /** The address that a rule refused. */
  readonly refused: string | undefined;
  /** What the socket failed with, as Node spells it. */
  readonly errno: string | undefined;
  /**
   * Begins. `ready` gets what ws needs to take this way, once the server is reached or another sees to that; `failed`
   * is told that it cannot be. Neither is called after `close`.
   */
  open(ready: (options: ClientOptions) => void, failed: (error: NodeJS.ErrnoException) => void): void;
  /** Lends what is read from now on to `borrower`, as far as the socket can (TLS cannot): the rest is "data" as ever. */
  lendTo(borrower: Borrower): void;
  /** Lets the process end although the server has not answered. */
  unref(): void;
  /** Lets go of everything. */
  close(): void;
}

// One page for every connection: Node reads into it, and whoever reads is done with it before the next read. A page for
// each read is garbage outside of V8's heap, which is collected late: a flood of 64 KiB messages then is 105 MB resident
// (bench: receive-64).
const PAGE = 64 * 1024;
let page: Buffer | undefined;

// What the peer sent before it ended its side may wait for room in the channel, and then be answered.
const HALF_OPEN = { allowHalfOpen: true };

/** @internal The wire that we open ourselves. */
export class Wire implements Way {
  readonly #options: DialOptions;
  readonly #host: string;
  readonly #secure: boolean;
  readonly #port: number;
  readonly #judge: Judge;
  #attempts: Attempts | undefined = undefined;
  #socket: Socket | undefined = undefined;
  #errno: string | undefined = undefined;
  #borrower: Borrower | undefined = undefined;
  readonly #dialled: Socket[] = [];
  #referenced = true;
  #closed = false;

  constructor(options: DialOptions) {
    const { target, guards } = options;
    this.#options = options;
    this.#host = hostOf(target);
    this.#secure = target.protocol === "wss:";
    this.#port = target.port === "" ? (this.#secure ? 443 : 80) : Number(target.port);
    this.#judge = new Judge(guards);
  }

  get socket(): Socket | undefined {
    return this.#socket;
  }

  get refused(): string | undefined {
    return this.#judge.refused;
  }

  get errno(): string | undefined {
    return this.#errno;
  }

  open(ready: (options: ClientOptions) => void, failed: (error: NodeJS.ErrnoException) => void): void {
    const { lookup, journey } = this.#options;
    if (isIP(this.#host) !== 0) journey.phase = "tcp";
    addressesOf(this.#host, lookup, this.#judge, (error, addresses) => {
      if (this.#closed) return;
      if (error !== undefined) {
        failed(error);
        return;
      }
      journey.phase = "tcp";
      this.#attempts = new Attempts({
        addresses,
        dial: (address) => this.#dial(address),
        onConnect: (socket) => this.#connected(socket, ready, failed),
        onFailed: failed,
      });
    });
  }

  lendTo(borrower: Borrower): void {
    this.#borrower = borrower;
  }

  unref(): void {
    this.#referenced = false;
    for (const socket of this.#dialled) socket.unref();
  }

  close(): void {
    this.#closed = true;
    this.#attempts?.end();
    this.#socket?.destroy();
  }

  #dial(address: Address): Socket {
    const socket = this.#dialTo(address);
    this.#dialled.push(socket);
    if (!this.#referenced) socket.unref();
    return socket;
  }

  #dialTo({ address }: Address): Socket {
    // The counterpart to a rule about answers: what a machine makes of an address may be another.
    const options = { host: address, port: this.#port, ...HALF_OPEN };
    if (this.#secure) return connectTcp(options);
    page ??= Buffer.allocUnsafeSlow(PAGE);
    const socket: Socket = connectTcp({
      ...options,
      onread: { buffer: page, callback: (length, bytes) => this.#read(socket, length, bytes) },
    });
    return socket;
  }

  #connected(
    tcp: Socket,
    ready: (options: ClientOptions) => void,
    failed: (error: NodeJS.ErrnoException) => void,
  ): void {
    const address = tcp.remoteAddress;
    if (address !== undefined && this.#judge.refuses(address)) {
      tcp.destroy();
      failed(new Error("address refused"));
      return;
    }
    const { journey } = this.#options;
    journey.phase = this.#secure ? "tls" : "http";
    const socket = this.#secure ? this.#secured(tcp) : tcp;
    this.#socket = socket;
    Writes.of(socket); // a refusal, or an alert, may be there already
    const enter = (): void => ready({ createConnection: () => socket });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#errno ??= error.code;
      if (journey.phase === "tls" && !this.#closed) failed(error);
    });
    if (!this.#secure) {
      enter();
      return;
    }
    socket.once("secureConnect", () => {
      journey.phase = "http";
      if (!this.#closed) enter();
    });
  }

  #secured(tcp: Socket): TLSSocket {
    const { tls, secureContext, target } = this.#options;
    return connectTls({
      ...secureOptions(target, tls, secureContext),
      host: this.#host,
      path: undefined,
      socket: tcp,
    });
  }

  // What the stream holds already goes first, and a paused stream keeps what still comes.
  #read(socket: Socket, length: number, bytes: Uint8Array): boolean {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, length);
    if (this.#borrower === undefined || socket.readableLength > 0 || socket.readableFlowing !== true) {
      return socket.push(Buffer.from(chunk));
    }
    this.#borrower(chunk);
    return true;
  }
}

/** @internal What TLS is told, whoever connects. */
export function secureOptions(
  target: URL,
  { servername, ...tls }: TlsOptions,
  secureContext: SecureContext | undefined,
): TlsOptions {
  // A name has no dot at its end, there and in certificates (RFC 6066 3).
  const name = servername?.replace(/\.+$/, "") ?? (isIP(hostOf(target)) === 0 ? plainHostname(target) : "");
  return {
    // Browsers say it too: a server that also speaks h2 must not choose it here.
    ALPNProtocols: ["http/1.1"],
    servername: name,
    ...tls,
    ...(secureContext === undefined ? undefined : { secureContext }),
  };
}

/** @internal Why the certificate was not trusted. */
export function distrustOf(socket: Socket | undefined): string | undefined {
  if (!(socket instanceof TLSSocket) || socket.authorized) return undefined;
  const why = socket.authorizationError as unknown; // typed as an Error, and a code in fact
  return typeof why === "string" ? why : undefined;
}
