// The 101, which is ws's to write. A handshake knocks before anybody is asked about it, so that what ws would refuse is
// refused first; it is let in later, and then at once: whoever takes the connection out of its channel gets it open.

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import type { ConnectionSettings } from "../connection/options.ts";
import { agreedOn, deflating } from "../protocol/compression.ts";
import type { Compression } from "../protocol/constants.ts";

/** An open connection, at the moment it opened: no frame has been read yet. */
export interface Opened {
  readonly socket: WebSocket;
  readonly compression: Compression;
  /** The headers of the 101. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Answers 101 with this subprotocol; undefined when the peer has left. */
export type LetIn = (protocol: string | undefined) => Opened | undefined;

type Proceed = (verified: boolean) => void;

interface Said {
  proceed?: Proceed;
  fault?: string;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** @internal */
export class Door {
  readonly #ws: WebSocketServer;
  // What ws says from within the calls below.
  #said: Said = {};
  #protocol: string | undefined = undefined;
  #headers: readonly string[] = [];

  constructor({ compression, readLimit, closeTimeout }: ConnectionSettings) {
    const options: ServerOptions & { readonly closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      autoPong: false,
      perMessageDeflate: deflating(compression),
      maxPayload: readLimit,
      closeTimeout: Math.min(closeTimeout ?? Infinity, 2 ** 31 - 1),
      handleProtocols: () => this.#protocol ?? false,
      verifyClient: (_info: unknown, proceed: Proceed) => {
        this.#said.proceed = proceed;
      },
    };
    this.#ws = new WebSocketServer(options);
    this.#ws.on("headers", (headers) => {
      this.#headers = headers;
    });
    this.#ws.on("wsClientError", (error) => {
      this.#said.fault = error.message;
    });
  }

  /** Gives what lets a handshake in, or says what is wrong with it. */
  knock(request: IncomingMessage, socket: Socket): LetIn | string {
    let opened: WebSocket | undefined;
    const said: Said = {};
    this.#said = said;
    this.#ws.handleUpgrade(request, socket, NOTHING, (each) => {
      opened = each;
    });
    const { proceed, fault = "No handshake" } = said;
    if (proceed === undefined) return fault;
    return (protocol) => {
      this.#protocol = protocol;
      proceed(true);
      if (opened === undefined) return undefined;
      const headers = headersOf(this.#headers);
      return { socket: opened, compression: agreedOn(headers["sec-websocket-extensions"] ?? ""), headers };
    };
  }
}

function headersOf(lines: readonly string[]): Record<string, string> {
  const pairs = lines.slice(1).map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return Object.fromEntries(pairs);
}
