// What waits to be sent on one connection, in order: calls of `send`, and what topics published meanwhile. A topic may
// take its own out again.

import { type Link, List, unlink } from "@sluice/channels/source";
import type { Parcel } from "./parcel.ts";

/** A topic, as a connection that is a member of it knows it. */
export interface Owner {
  /** Something else is about to be sent: what was published before it comes first. */
  catchUp(): void;
  /** One of its messages is with the socket. */
  left(item: Item): void;
  /** The connection takes no more. */
  ended(): void;
}

/** The promise of a call of `send`. */
export interface Call {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** One message that waits: for a call, or for the topic that owns it. */
export class Item implements Link {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  readonly payload: Buffer;
  readonly binary: boolean;
  readonly parcel: Parcel | undefined;
  readonly call: Call | undefined;
  readonly owner: Owner | undefined;
  /** What messages of a topic replace each other by. */
  readonly key: string | undefined;

  constructor(
    payload: Buffer,
    binary: boolean,
    { parcel, call, owner, key }: Partial<Pick<Item, "parcel" | "call" | "owner" | "key">>,
  ) {
    this.payload = payload;
    this.binary = binary;
    this.parcel = parcel;
    this.call = call;
    this.owner = owner;
    this.key = key;
  }
}

/** @internal */
export class Line {
  readonly #list = new List<Item>();
  #length = 0;
  #owned = 0;
  #ownedBytes = 0;

  get length(): number {
    return this.#length;
  }

  /** How many are messages of topics. */
  get owned(): number {
    return this.#owned;
  }

  /** Their bytes. */
  get ownedBytes(): number {
    return this.#ownedBytes;
  }

  get first(): Item | undefined {
    return this.#list.head;
  }

  push(item: Item): void {
    this.#list.append(item);
    this.#count(item, 1);
  }

  remove(item: Item): void {
    unlink(item);
    this.#count(item, -1);
  }

  /** All messages of topics, in order. */
  ofTopics(): Item[] {
    const items: Item[] = [];
    for (let at: Link | undefined = this.first; at instanceof Item; at = at.next)
      if (at.owner !== undefined) items.push(at);
    return items;
  }

  /** The next behind this one that belongs to the same topic. */
  behind({ next, owner }: Item): Item | undefined {
    for (let at = next; at instanceof Item; at = at.next) if (at.owner === owner) return at;
    return undefined;
  }

  #count({ owner, payload }: Item, by: 1 | -1): void {
    this.#length += by;
    if (owner === undefined) return;
    this.#owned += by;
    this.#ownedBytes += by * payload.length;
  }
}
