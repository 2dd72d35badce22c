// Who was too slow, as a channel. While nobody receives, what happened to one client is one event: the news are bounded by
// the number of clients, not by what they missed.

import { awaited, endReceivers, handOff, ready, Source, take, turnedReady } from "@sluice/channels/source";
import type { Client } from "../connection/client.ts";

/** A client of a topic that did not keep up. */
export interface SlowClient {
  /** Who. */
  readonly client: Client;
  /** Messages that it lost since the last event. */
  readonly dropped: number;
  /** True when it was disconnected. */
  readonly disconnected: boolean;
}

// Clients that are gone are kept as long as nobody heard of them. A topic whose channel was never asked for is one that
// nobody will listen to.
const KEPT = 100_000;
const KEPT_UNASKED = 1000;

// What the topic says to its channel is out of reach of strings, as the words of the core are.
/** @internal Something happened to a client. */
export const tell: unique symbol = Symbol("tell");
/** @internal Nothing more will. */
export const shut: unique symbol = Symbol("shut");
/** @internal Somebody wants to hear of it. */
export const ask: unique symbol = Symbol("ask");

/** The channel of a topic's slow clients. */
export class SlowClients extends Source<SlowClient> {
  // In the order in which they were first slow.
  readonly #news = new Map<Client, SlowClient>();
  readonly #name: string | undefined;
  #kept = KEPT_UNASKED;
  #closed = false;

  constructor(name: string | undefined) {
    super();
    this.#name = name;
  }

  override get closed(): boolean {
    return this.#closed;
  }

  /** Events that can be received now. */
  override get length(): number {
    return this.#news.size;
  }

  override get capacity(): number {
    return this.#kept;
  }

  override get name(): string {
    return this.#name === undefined ? "slow clients" : `slow clients of ${this.#name}`;
  }

  /** @internal */
  override [ready](): boolean {
    return this.#news.size > 0 || this.#closed;
  }

  /** @internal */
  override [take](): SlowClient {
    // `[ready]` looked.
    const [first] = this.#news.values() as Iterable<SlowClient> as [SlowClient];
    this.#news.delete(first.client);
    return first;
  }

  /** @internal */
  [ask](): void {
    this.#kept = KEPT;
  }

  /** @internal */
  [tell](event: SlowClient): void {
    if (this.#closed) return;
    if (this[awaited]()) {
      this[handOff](event);
      return;
    }
    const before = this.#news.get(event.client);
    const { client } = event;
    const dropped = event.dropped + (before?.dropped ?? 0);
    this.#news.set(client, { client, dropped, disconnected: event.disconnected || before?.disconnected === true });
    if (this.#news.size > this.#kept) this.#forgetFirst();
    this[turnedReady]();
  }

  /** @internal */
  [shut](): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#news.size === 0) this[endReceivers]();
  }

  #forgetFirst(): void {
    for (const client of this.#news.keys()) {
      this.#news.delete(client);
      return;
    }
  }
}
