// The wait for the peer's close frame, where we began. ws counts from the call of `close`, and would cut off what is
// still leaving; here the time starts anew with each piece that the system takes.

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { Alarm } from "./alarm.ts";

const LOOKS = 8; // within `closeTimeout`

/** @internal */
export interface FarewellOptions {
  readonly socket: WebSocket;
  readonly wire: Socket;
  readonly closeTimeout: number;
  readonly writeTimeout: number | undefined;
  readonly onExpired: () => void;
}

/** The handle of a socket, as Node keeps it; that of TLS has the one of TCP as its parent. */
interface Handle {
  readonly writeQueueSize?: number;
  readonly _parent?: Handle;
}

/** @internal */
export class Farewell {
  readonly #options: FarewellOptions;
  readonly #alarm = new Alarm(() => this.#look());
  readonly #lastDeparture: number;
  #unsent: number;
  #since = performance.now();

  /** To be made when the close frame is on its way. The process waits, also after `unref`, as it would with ws. */
  constructor(options: FarewellOptions) {
    this.#options = options;
    const { socket, wire, writeTimeout } = options;
    const { _closeTimer: timer } = socket as unknown as { readonly _closeTimer?: NodeJS.Timeout };
    clearTimeout(timer);
    wire.ref();
    this.#unsent = this.#left();
    this.#lastDeparture = this.#since + (writeTimeout ?? Infinity);
    this.#lookSoon();
  }

  /** The connection is gone. */
  end(): void {
    this.#alarm.clear();
  }

  #look(): void {
    const { socket, wire, closeTimeout, onExpired } = this.#options;
    const now = performance.now();
    const left = this.#left();
    const compressing = socket.bufferedAmount > wire.writableLength; // our own doing, not the peer's
    if (left < this.#unsent || compressing) this.#since = now;
    this.#unsent = left;
    const stalled = left > 0 && !compressing && now >= this.#lastDeparture;
    if (now - this.#since < closeTimeout && !stalled) {
      this.#lookSoon();
      return;
    }
    onExpired();
    wire.destroy();
  }

  #lookSoon(): void {
    const { closeTimeout } = this.#options;
    const now = performance.now();
    const last = this.#lastDeparture > now ? this.#lastDeparture : Infinity;
    this.#alarm.at(Math.min(now + closeTimeout / LOOKS, this.#since + closeTimeout, last));
  }

  // A large message counts in full in `bufferedAmount` until all of it has left; what the system did not take yet of it
  // only the handle knows.
  #left(): number {
    const { socket, wire } = this.#options;
    const { _handle: handle } = wire as unknown as { readonly _handle?: Handle };
    const { _parent: lowest = handle } = handle ?? {};
    return socket.bufferedAmount + (lowest?.writeQueueSize ?? 0);
  }
}
