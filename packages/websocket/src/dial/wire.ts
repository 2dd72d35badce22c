// Opens the wire of one handshake: TCP or TLS, made by us and not by ws, because owning the socket is what gives the
// errno of a failure, the byte counters, corking, and the chance to judge addresses before a byte of HTTP leaves.

import dns from "node:dns";
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls, type SecureContext, TLSSocket } from "node:tls";
import type { AddressGuard } from "./addresses.ts";
import type { Borrower } from "../connection/reading.ts";
import type { Journey } from "../errors.ts";
import type { TlsOptions } from "./tls.ts";

/** @internal */
export interface DialOptions {
  readonly target: URL;
  readonly guards: readonly AddressGuard[];
  readonly tls: TlsOptions;
  readonly secureContext: SecureContext | undefined;
  readonly journey: Journey;
}

// One page for every connection: Node reads into it, and whoever reads is done with it before the next read. A page for
// each read is garbage outside of V8's heap, which is collected late: a flood of 64 KiB messages then is 105 MB resident
// (bench: receive-64).
const PAGE = 64 * 1024;
let page: Buffer | undefined;

// What the peer sent before it ended its side may wait for room in the channel, and then be answered. The types of
// `node:tls` do not know it.
const HALF_OPEN = { allowHalfOpen: true };

/** @internal One attempt to open a wire, and why it failed. */
export class Wire {
  readonly #options: DialOptions;
  readonly #host: string;
  #socket: Socket | undefined = undefined;
  #refused: string | undefined = undefined;
  #errno: string | undefined = undefined;
  #borrower: Borrower | undefined = undefined;

  constructor(options: DialOptions) {
    this.#options = options;
    this.#host = options.target.hostname.replace(/^\[(.*)\]$/, "$1");
    if (isIP(this.#host) !== 0) options.journey.phase = "tcp";
  }

  /** The socket, once `open` was called. */
  get socket(): Socket | undefined {
    return this.#socket;
  }

  /** The address that a rule refused. */
  get refused(): string | undefined {
    return this.#refused;
  }

  /** What the socket failed with, as Node spells it. */
  get errno(): string | undefined {
    return this.#errno;
  }

  /** Why the certificate was not trusted. */
  get distrust(): string | undefined {
    const socket = this.#socket;
    if (!(socket instanceof TLSSocket) || socket.authorized) return undefined;
    const why = socket.authorizationError as unknown; // typed as an Error, and a code in fact
    return typeof why === "string" ? why : undefined;
  }

  /** True when the URL itself is an address that a rule refuses. */
  refusesLiteral(): boolean {
    return isIP(this.#host) !== 0 && this.#refuses(this.#host);
  }

  /** Starts to connect. What goes wrong is the socket's "error". */
  open(): Socket {
    const { target, journey } = this.#options;
    const secure = target.protocol === "wss:";
    const port = target.port === "" ? (secure ? 443 : 80) : Number(target.port);
    const socket = secure ? this.#openTls(port) : this.#openTcp(port);
    this.#socket = socket;
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#errno ??= error.code;
    });
    socket.once("connect", () => {
      journey.phase = secure ? "tls" : "http";
      const address = socket.remoteAddress;
      if (address !== undefined && this.#refuses(address)) socket.destroy(new Error("address refused"));
    });
    if (secure) {
      socket.once("secureConnect", () => {
        journey.phase = "http";
      });
    }
    return socket;
  }

  /** Lends what is read from now on to `borrower`, as far as the socket can (TLS cannot): the rest is "data" as ever. */
  lendTo(borrower: Borrower): void {
    this.#borrower = borrower;
  }

  #openTcp(port: number): Socket {
    page ??= Buffer.allocUnsafeSlow(PAGE);
    const onread = { buffer: page, callback: this.#read };
    return connectTcp({ host: this.#host, port, lookup: this.#lookup, onread, ...HALF_OPEN });
  }

  // What the stream holds already goes first, and a paused stream keeps what still comes.
  readonly #read = (length: number, bytes: Uint8Array): boolean => {
    const socket = this.#socket;
    if (socket === undefined) return false;
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, length);
    if (this.#borrower === undefined || socket.readableLength > 0 || socket.readableFlowing !== true) {
      return socket.push(Buffer.from(chunk));
    }
    this.#borrower(chunk);
    return true;
  };

  #openTls(port: number): Socket {
    const { tls, secureContext } = this.#options;
    return connectTls({
      // Browsers say it too: a server that also speaks h2 must not choose it here.
      ALPNProtocols: ["http/1.1"],
      servername: isIP(this.#host) === 0 ? this.#host : "",
      ...tls,
      ...(secureContext === undefined ? undefined : { secureContext }),
      host: this.#host,
      port,
      path: undefined,
      socket: undefined,
      lookup: this.#lookup,
      ...HALF_OPEN,
    });
  }

  // Every answer is judged, also those that would not be dialled: a name that points inside and outside is no mistake.
  readonly #lookup: LookupFunction = (hostname, options, callback) => {
    dns.lookup(hostname, options, (error, address, family) => {
      if (error === null) {
        const answers: readonly (string | dns.LookupAddress)[] = Array.isArray(address) ? address : [address];
        if (answers.some((answer) => this.#refuses(typeof answer === "string" ? answer : answer.address))) {
          callback(new Error("address refused"), "");
          return;
        }
        this.#options.journey.phase = "tcp";
      }
      callback(error, address, family);
    });
  };

  #refuses(address: string): boolean {
    if (!this.#options.guards.some((guard) => guard.refuses(address))) return false;
    this.#refused = address;
    return true;
  }
}
