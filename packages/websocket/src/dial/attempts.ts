// Dials the addresses of a host until one answers (RFC 8305): the next begins when one failed, or after a while, and
// those before it go on. Node's own way gives each address 250 ms and never comes back to it, so that a server behind
// a slow link, or with a full queue for the second that a SYN takes to be sent again, is not reached at all.

import type { Socket } from "node:net";
import type { Address } from "./lookup.ts";

const ATTEMPT_DELAY = 250; // milliseconds, as RFC 8305 recommends

// What says more about this machine than about the server: another address may tell more.
const UNTELLING: readonly string[] = ["EADDRNOTAVAIL", "EAFNOSUPPORT", "EHOSTUNREACH", "ENETUNREACH"];

/** @internal */
export interface AttemptsOptions {
  readonly addresses: readonly Address[];
  readonly dial: (address: Address) => Socket;
  /** One is connected, and the others are gone. Called before anything was read. */
  readonly onConnect: (socket: Socket) => void;
  /** None could be connected. */
  readonly onFailed: (error: NodeJS.ErrnoException) => void;
}

/** @internal */
export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #pending = new Set<Socket>();
  readonly #failures: NodeJS.ErrnoException[] = [];
  #next = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.#begin();
  }

  /** Gives up every attempt. */
  end(): void {
    clearTimeout(this.#timer);
    this.#next = Infinity;
    for (const socket of this.#pending) socket.destroy();
    this.#pending.clear();
  }

  readonly #begin = (): void => {
    clearTimeout(this.#timer);
    const address = this.#options.addresses[this.#next];
    if (address === undefined) return;
    this.#next += 1;
    const socket = this.#options.dial(address);
    this.#pending.add(socket);
    socket.once("connect", () => this.#connected(socket));
    socket.on("error", (error) => this.#failed(socket, error)); // and of one that is given up
    // The sockets keep the process alive.
    if (this.#next < this.#options.addresses.length) this.#timer = setTimeout(this.#begin, ATTEMPT_DELAY).unref();
  };

  #connected(socket: Socket): void {
    if (!this.#pending.delete(socket)) return;
    this.end();
    this.#options.onConnect(socket);
  }

  #failed(socket: Socket, error: Error): void {
    if (!this.#pending.delete(socket)) return;
    this.#failures.push(error);
    if (this.#next < this.#options.addresses.length) this.#begin();
    else if (this.#pending.size === 0) this.#options.onFailed(this.#mostTelling(error));
  }

  #mostTelling(last: Error): NodeJS.ErrnoException {
    return this.#failures.find(({ code = "" }) => !UNTELLING.includes(code)) ?? this.#failures[0] ?? last;
  }
}
