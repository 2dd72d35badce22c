// The wait for the peer's close frame, where we began. ws counts from the call of `close`, and would cut off what is
// still leaving; here the time starts anew with each piece that the system takes.

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { Alarm } from "./alarm.ts";
import { type Departures, Patience } from "./departures.ts";

const LOOKS = 8; // within `closeTimeout`

/** @internal */
export interface FarewellOptions {
  readonly socket: WebSocket;
  readonly wire: Socket;
  readonly departures: Departures;
  readonly closeTimeout: number;
  readonly writeTimeout: number | undefined;
  readonly onExpired: () => void;
}

/** @internal */
export class Farewell {
  readonly #options: FarewellOptions;
  readonly #alarm = new Alarm(() => this.#look());
  readonly #patience: Patience | undefined;
  #taken: number;
  #since = performance.now();

  /** To be made when the close frame is on its way. The process waits, also after `unref`, as it would with ws. */
  constructor(options: FarewellOptions) {
    this.#options = options;
    const { socket, wire, departures, writeTimeout } = options;
    const { _closeTimer: timer } = socket as unknown as { readonly _closeTimer?: NodeJS.Timeout };
    clearTimeout(timer);
    wire.ref();
    this.#taken = departures.taken;
    if (writeTimeout !== undefined) this.#patience = new Patience(departures, writeTimeout);
    this.#lookSoon();
  }

  /** The connection is gone. */
  end(): void {
    this.#alarm.clear();
  }

  #look(): void {
    const { wire, departures, closeTimeout, onExpired } = this.#options;
    const now = performance.now();
    const { taken, compressing } = departures; // compressing is our own doing, not the peer's
    if (taken > this.#taken || compressing) this.#since = now;
    this.#taken = taken;
    const stalled = departures.waiting > 0 && this.#patience !== undefined && this.#patience.left() <= 0;
    if (now - this.#since < closeTimeout && !stalled) {
      this.#lookSoon();
      return;
    }
    onExpired();
    wire.destroy();
  }

  #lookSoon(): void {
    const { departures, closeTimeout } = this.#options;
    const now = performance.now();
    const look = departures.waiting > 0 ? (this.#patience?.nextLook() ?? Infinity) : Infinity;
    this.#alarm.at(Math.min(now + closeTimeout / LOOKS, this.#since + closeTimeout, now + look));
  }
}
