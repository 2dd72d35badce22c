// A connection over WebSocket. It cannot be read slowly: what arrives, arrives; and how much waits to leave it only tells
// when asked.

import { page, type Page, type PageSocket } from "./page.ts";
import { HIGH_WATER, type Payload, received, type Transport, type TransportEvents } from "./transport.ts";

const LOOK_EVERY = 16; // milliseconds; in a hidden tab what the browser allows

/** @internal */
export class SocketTransport implements Transport {
  readonly kind = "socket";
  readonly #socket: PageSocket;
  readonly #events: TransportEvents;
  /** Sizes of what was written since nothing waited, oldest first. */
  #sizes: number[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined = undefined;
  #awaited = false;

  constructor(url: string, protocols: readonly string[], events: TransportEvents) {
    this.#events = events;
    const socket = new (page.WebSocket as NonNullable<Page["WebSocket"]>)(url, [...protocols]);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => events.onOpen());
    socket.addEventListener("message", ({ data }) => {
      events.onMessage(received(data));
      if (this.#awaited) this.#look();
    });
    socket.addEventListener("close", ({ code = 1006, reason = "", wasClean = false }) => {
      clearTimeout(this.#timer);
      events.onEnd(code, reason, wasClean);
    });
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  get unsent(): number {
    let left = this.#socket.bufferedAmount;
    let count = 0;
    for (let i = this.#sizes.length - 1; i >= 0 && left > 0; i -= 1) {
      left -= this.#sizes[i] as number;
      count += 1;
    }
    return count;
  }

  get hasRoom(): boolean {
    return this.#socket.bufferedAmount < HIGH_WATER;
  }

  write(data: Payload): void {
    const before = this.#socket.bufferedAmount;
    if (before === 0) this.#sizes = [];
    this.#socket.send(data);
    this.#sizes.push(this.#socket.bufferedAmount - before);
  }

  awaitRoom(): void {
    if (this.#awaited) return;
    this.#awaited = true;
    this.#timer = setTimeout(this.#look, LOOK_EVERY);
  }

  pause(): void {}

  resume(): void {}

  close(code: number | undefined, reason: string): void {
    if (code === undefined) this.#socket.close();
    else this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.close();
  }

  readonly #look = (): void => {
    clearTimeout(this.#timer);
    this.#awaited = false;
    if (this.hasRoom) this.#events.onRoom();
    else this.awaitRoom();
  };
}
