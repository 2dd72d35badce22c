// Handshakes → channel. A handshake is answered 101 when its connection has a place here, or at the moment somebody takes
// it; until then it waits. So a server that does not receive does not accept.

import { awaited, endReceivers, handOff, ready, Ring, Source, take, turnedReady } from "@sluice/channels/source";

/** A handshake that wants nothing more than a place. */
export interface Arrival<A> {
  /** False once the peer has left. */
  readonly present: boolean;
  /** Answers 101; undefined when the peer has left. */
  admit(): A | undefined;
}

// What the server says to its channel is out of reach of strings, as the words of the core are.
/** @internal A handshake asks for a place: it is admitted now, or when there is one. */
export const enter: unique symbol = Symbol("enter");
/** @internal A handshake that waits has ended. */
export const leave: unique symbol = Symbol("leave");
/** @internal No more are admitted; what was stays receivable. */
export const shut: unique symbol = Symbol("shut");

/** The channel of new connections. */
export class Arrivals<A> extends Source<A> {
  readonly #admitted = new Ring<A>();
  // In the order they came.
  readonly #waiting = new Set<Arrival<A>>();
  readonly #backlog: number;
  #closed = false;

  constructor(backlog: number) {
    super();
    this.#backlog = backlog;
  }

  override get closed(): boolean {
    return this.#closed;
  }

  /** Connections that can be received now. */
  override get length(): number {
    return this.#admitted.length;
  }

  override get capacity(): number {
    return this.#backlog;
  }

  override get name(): string {
    return "connections";
  }

  /** @internal */
  override [ready](): boolean {
    return this.#admitted.length > 0 || this.#closed || this.#someoneWaits();
  }

  /** @internal */
  override [take](): A {
    const connection = this.#admitted.length > 0 ? this.#admitted.shift() : this.#next();
    this.#fill();
    // `[ready]` looked, and nobody leaves within a turn.
    return connection as A;
  }

  /** @internal */
  [enter](arrival: Arrival<A>): void {
    this.#waiting.add(arrival);
    if (this[awaited]()) {
      const connection = this.#next();
      if (connection !== undefined) this[handOff](connection);
    } else {
      this.#fill();
      this[turnedReady]();
    }
  }

  /** @internal */
  [leave](arrival: Arrival<A>): void {
    this.#waiting.delete(arrival);
  }

  /** @internal */
  [shut](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting.clear();
    if (this.#admitted.length === 0) this[endReceivers]();
  }

  #fill(): void {
    while (this.#admitted.length < this.#backlog) {
      const connection = this.#next();
      if (connection === undefined) return;
      this.#admitted.push(connection);
    }
  }

  // The next that is let in; those who left on the way are passed over.
  #next(): A | undefined {
    for (const arrival of this.#waiting) {
      this.#waiting.delete(arrival);
      const connection = arrival.admit();
      if (connection !== undefined) return connection;
    }
    return undefined;
  }

  // With a place for nobody the handshake that waits is what can be received.
  #someoneWaits(): boolean {
    for (const arrival of this.#waiting) {
      if (arrival.present) return true;
      this.#waiting.delete(arrival);
    }
    return false;
  }
}
