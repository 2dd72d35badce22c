// Sends that wait, in order, until the transport has room and the pace allows.

import { Ring, sent, settle } from "@sluice/channels/source";
import type { Payload, Transport } from "./transport.ts";

/** @internal At most so many messages in any stretch of so many milliseconds. */
export interface Pace {
  readonly messages: number;
  readonly per: number;
}

interface Waiting {
  readonly payload: Payload;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** @internal */
export class Outbox {
  readonly #transport: Transport;
  readonly #pace: Pace | undefined;
  readonly #waiting = new Ring<Waiting>();
  /** When the messages of the last stretch left. */
  readonly #departures: number[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined = undefined;
  messages = 0;
  bytes = 0;

  constructor(transport: Transport, pace: Pace | undefined) {
    this.#transport = transport;
    this.#pace = pace;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves when the message was accepted. */
  send(payload: Payload): Promise<void> {
    if (this.#waiting.length === 0 && this.#mayLeave()) {
      this.#write(payload);
      return sent();
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ payload, resolve, reject });
      this.advance();
    });
  }

  /** There may be room again. */
  advance(): void {
    while (this.#waiting.length > 0 && this.#mayLeave()) {
      const { payload, resolve } = this.#waiting.shift();
      this.#write(payload);
      settle(resolve, undefined);
    }
  }

  /** Rejects what waits. */
  end(reason: unknown): void {
    clearTimeout(this.#timer);
    while (this.#waiting.length > 0) settle(this.#waiting.shift().reject, reason);
  }

  #write(payload: Payload): void {
    this.messages += 1;
    this.bytes += payload.length;
    this.#transport.write(payload);
    if (this.#pace === undefined) return;
    this.#departures.push(performance.now());
    if (this.#departures.length > this.#pace.messages) this.#departures.shift();
  }

  #mayLeave(): boolean {
    if (!this.#transport.hasRoom) {
      this.#transport.awaitRoom();
      return false;
    }
    const pace = this.#pace;
    if (pace === undefined || this.#departures.length < pace.messages) return true;
    const wait = (this.#departures[0] as number) + pace.per - performance.now();
    if (wait <= 0) return true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.advance(), Math.ceil(wait));
    return false;
  }
}
