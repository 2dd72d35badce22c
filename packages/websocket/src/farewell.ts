// The wait for the peer's close frame. ws counts from the call of `close`, and would cut off what a slow peer is still
// taking; here the time starts anew as long as bytes leave.

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { Alarm } from "./alarm.ts";

const LOOKS = 8; // within the time that is allowed

/** @internal */
export class Farewell {
  readonly #socket: WebSocket;
  readonly #wire: Socket;
  readonly #timeout: number;
  readonly #onExpired: () => void;
  readonly #alarm = new Alarm(() => this.#look());
  #unsent = 0;
  #since = 0;

  constructor(socket: WebSocket, wire: Socket, timeout: number, onExpired: () => void) {
    this.#socket = socket;
    this.#wire = wire;
    this.#timeout = timeout;
    this.#onExpired = onExpired;
  }

  /** The close frame is on its way. */
  begin(): void {
    const { _closeTimer: timer } = this.#socket as unknown as { readonly _closeTimer?: NodeJS.Timeout };
    clearTimeout(timer);
    this.#unsent = this.#left();
    this.#since = performance.now();
    this.#lookSoon();
  }

  /** The connection is gone. */
  end(): void {
    this.#alarm.clear();
  }

  #look(): void {
    const now = performance.now();
    const left = this.#left();
    if (left < this.#unsent) this.#since = now;
    this.#unsent = left;
    if (now - this.#since < this.#timeout) {
      this.#lookSoon();
      return;
    }
    this.#onExpired();
    this.#wire.destroy();
  }

  #lookSoon(): void {
    this.#alarm.at(Math.min(performance.now() + this.#timeout / LOOKS, this.#since + this.#timeout));
  }

  // What ws and Node hold, and what of it the kernel did not take yet: of one large message only that shows progress.
  #left(): number {
    const { _handle: handle } = this.#wire as unknown as { readonly _handle?: { readonly writeQueueSize?: number } };
    return this.#socket.bufferedAmount + (handle?.writeQueueSize ?? 0);
  }
}
