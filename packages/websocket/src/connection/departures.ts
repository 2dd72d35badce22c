// What of ours has left this process, and what may still be on its way to the peer. The callback of a write says when
// the last byte of it left, which for a large message is late: only the handle of the socket knows what the system took
// so far. And a system tells that it has room again only when a third of its buffer is free: on Linux, pieces of 1.6 MB.

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { Writes } from "./writes.ts";

// What a slow uplink carries in a second: what was given to the system is forgotten at this rate.
const DRAIN = 64; // bytes for each millisecond
// What a live peer takes within the patience that is had with it.
const PORTION = 512 * 1024;
// The largest pieces in which systems take, and what they, and the peer's, hold.
const LARGEST_PIECE = 2 * 1024 * 1024;
const LARGEST_BACKLOG = 8 * 1024 * 1024;
// Less is not worth a look at the clock.
const NOTED = 16 * 1024;
const LOOKS = 8; // within a limit

/** The handle of a socket, as Node keeps it; that of TLS has the one of TCP as its parent. */
interface Handle {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
  readonly _parent?: Handle;
}

/** @internal */
export class Departures {
  readonly #socket: WebSocket;
  readonly #wire: Socket;
  readonly #writes: Writes;
  #taken = 0;
  #written = 0;
  #backlog = 0;
  #notedAt = 0;

  constructor(socket: WebSocket, wire: Socket) {
    this.#socket = socket;
    this.#wire = wire;
    this.#writes = Writes.of(wire);
    this.#written = this.written;
  }

  /** Bytes that were written so far, those that wait in this process included. */
  get written(): number {
    return this.#writes.written;
  }

  /** A write met a reset: nothing leaves any more, whatever the socket says. */
  get broken(): boolean {
    return this.#writes.errno !== undefined;
  }

  /** Bytes that the system took so far; with TLS, encrypted ones. */
  get taken(): number {
    const { _handle: handle } = this.#wire as unknown as { readonly _handle?: Handle | null };
    const { _parent: parent } = handle ?? {};
    const { bytesWritten, writeQueueSize = 0 } = parent ?? handle ?? {};
    if (bytesWritten !== undefined) this.#taken = bytesWritten - writeQueueSize;
    return this.#taken;
  }

  /** Bytes that wait in this process, as far as they are known before they are encrypted. */
  get waiting(): number {
    return this.#socket.bufferedAmount;
  }

  /** Bytes wait for zlib: our own doing, not the peer's. */
  get compressing(): boolean {
    return this.#socket.bufferedAmount > this.#wire.writableLength;
  }

  /** Bytes were written. */
  note(): void {
    const { written } = this;
    if (written - this.#written < NOTED) return;
    this.#backlog = this.#drained() + written - this.#written;
    this.#written = written;
  }

  /** The peer has read everything that was written when `written` was this. */
  read(written: number): void {
    this.#backlog = Math.min(this.#drained(), this.written - written);
  }

  /** Bytes that left and that the peer may not have read yet, at most. */
  backlog(): number {
    this.#backlog = this.#drained();
    return Math.min(this.#backlog, LARGEST_BACKLOG);
  }

  #drained(): number {
    const now = performance.now();
    const left = Math.max(0, this.#backlog - DRAIN * (now - this.#notedAt));
    this.#notedAt = now;
    return left;
  }
}

/**
 * @internal Patience with a peer while bytes of ours wait: it begins anew with each that leaves. After a large piece the
 * next may be as large, and takes its time.
 */
export class Patience {
  readonly #departures: Departures;
  readonly #limit: number;
  #taken: number;
  #since = performance.now();
  #piece = 0;

  constructor(departures: Departures, limit: number) {
    this.#departures = departures;
    this.#limit = limit;
    this.#taken = departures.taken;
  }

  /** Milliseconds until the peer is to be given up; none is left when that is now. */
  left(): number {
    const { taken, compressing } = this.#departures;
    const now = performance.now();
    if (taken > this.#taken || compressing) {
      this.#piece = Math.min(taken - this.#taken, LARGEST_PIECE);
      this.#taken = taken;
      this.#since = now;
    }
    return this.#since + stretched(this.#limit, this.#piece) - now;
  }

  /** Milliseconds until the next look: pieces leave unseen. */
  nextLook(): number {
    return Math.min(this.left(), this.#limit / LOOKS);
  }
}

/** @internal A limit in milliseconds for what stands behind so many bytes. */
export function stretched(limit: number, bytes: number): number {
  return limit * (1 + bytes / PORTION);
}
