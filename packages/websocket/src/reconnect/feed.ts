// The channel of a link: it stores nothing and takes from the channel of the connection of the moment, in front of which
// it stands as a Selector does. So backpressure goes through to the server, and nothing is moved before it is asked for.
// Two connections at most: the one that is being read, and the next, which may be open already.

import { Channel, type ReceiveChannel } from "@sluice/channels";
import {
  drained,
  endReceivers,
  front,
  handOff,
  ready,
  type Receiver,
  Source,
  take,
  turnedReady,
  Watch,
} from "@sluice/channels/source";
import type { Message } from "../protocol/message.ts";
import type { EpochMessage } from "./contract.ts";

/** @internal */
export class Feed extends Source<EpochMessage> {
  readonly #name: string;
  /** Gets a value when there is room for another connection. */
  readonly room: ReceiveChannel<undefined>;
  readonly #room: Channel<undefined>;
  #current: Tap | undefined = undefined;
  #next: { readonly channel: Source<Message>; readonly epoch: number } | undefined = undefined;
  #end: { readonly cause: unknown } | undefined = undefined;

  constructor(name: string) {
    super();
    this.#name = name;
    this.room = this.#room = new Channel(1, {
      name: `room for the next connection to ${name}`,
      overflow: "drop-newest",
    });
  }

  override get closed(): boolean {
    return this.#end !== undefined;
  }

  override get cause(): unknown {
    return this.#end?.cause;
  }

  override get length(): number {
    return (this.#current?.source.length ?? 0) + (this.#next?.channel.length ?? 0);
  }

  override get capacity(): number {
    return this.#current?.source.capacity ?? 0;
  }

  override get name(): string {
    return this.#name;
  }

  /** Two connections have messages here. */
  get full(): boolean {
    return this.#next !== undefined;
  }

  /** Adds the messages of a connection, behind those of the one before. */
  add(channel: ReceiveChannel<Message>, epoch: number): void {
    this.#next = { channel: channel as Source<Message>, epoch };
    this.advance();
  }

  /** No connection follows: what stands in those that are here stays receivable. */
  finish(cause: unknown): void {
    this.#end = { cause };
    this.advance();
  }

  /** @internal Whoever waits here. */
  earliest(): Receiver | undefined {
    return this[front].head;
  }

  /** @internal Hands on what has come to who waits, over to the next connection, to the end. */
  advance(): void {
    for (;;) {
      const tap = this.#current;
      if (tap === undefined) {
        if (!this.#goOn()) break;
      } else if (this.#isRead(tap.source)) {
        tap.leave();
        this.#current = undefined;
      } else if (tap.source[ready]() && this.earliest() !== undefined) {
        this[handOff](tap.stamped(tap.source[take]()));
      } else break;
    }
    if (this[drained]()) this[endReceivers]();
    else this[turnedReady]();
  }

  override [ready](): boolean {
    return this.closed || (this.#current?.source[ready]() ?? false);
  }

  override [take](): EpochMessage {
    const tap = this.#current as Tap;
    const { source } = tap;
    const message = tap.stamped(source[take]());
    if ((source.closed || this.#end !== undefined) && this.#isRead(source)) this.advance();
    return message;
  }

  override [drained](): boolean {
    return this.closed && this.#current === undefined;
  }

  #goOn(): boolean {
    const next = this.#next;
    if (next === undefined) return false;
    this.#next = undefined;
    this.#current = new Tap(this, next.channel, next.epoch);
    this.#room.trySend(undefined);
    return true;
  }

  // An open connection that has nothing now has more later, unless the link has ended.
  #isRead(source: Source<Message>): boolean {
    return source[drained]() || (this.closed && !source[ready]());
  }
}

/** The place of a link in front of the channel of one connection. */
class Tap extends Watch<Source<Message>> {
  readonly #feed: Feed;
  readonly #epoch: number;

  constructor(feed: Feed, source: Source<Message>, epoch: number) {
    super(source);
    this.#feed = feed;
    this.#epoch = epoch;
  }

  get arrival(): number {
    return this.#feed.earliest()?.arrival ?? Infinity;
  }

  // An open connection hands what comes to whoever waits, by `wake`: what it stored, nobody waited for.
  told(): void {
    if (this.source.closed) this.#feed.advance();
    else this.#feed[turnedReady]();
  }

  wake(_channel: object, value: unknown, ok: boolean): void {
    if (ok) this.#feed.earliest()?.wake(this.#feed, this.stamped(value as Message), true);
    else this.#feed.advance();
  }

  // A new object: the connection's own message stays as it was, whoever else has it.
  stamped({ type, data }: Message): EpochMessage {
    return { type, data, epoch: this.#epoch } as EpochMessage;
  }
}
