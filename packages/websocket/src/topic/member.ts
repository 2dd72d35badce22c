// A client as a topic knows it: how far it has got with what was published, and what of that waits in its line.

import type { Client } from "../connection/client.ts";
import { Item, type Owner } from "../connection/line.ts";
import type { Outgoing } from "../connection/outgoing.ts";
import { type Parcel, payload } from "../connection/parcel.ts";
import { BINARY } from "../protocol/constants.ts";
import type { Limit } from "./options.ts";
import type { Posting } from "./posting.ts";

/** What a member tells its topic. */
export interface Membership {
  /** What was published and is not with it yet is to go there now. */
  readonly take: (member: Member) => void;
  /** Its connection takes no more. */
  readonly lost: (member: Member) => void;
  /** It was behind, and is no more. */
  readonly caughtUp: (member: Member) => void;
}

/** @internal */
export class Member implements Owner {
  readonly client: Client;
  readonly outgoing: Outgoing;
  /** The message of the topic's batch that it gets next. */
  cursor: number;
  readonly #limit: Limit;
  readonly #membership: Membership;
  // Its messages in the line of the connection.
  #messages = 0;
  #bytes = 0;
  #oldest: Item | undefined = undefined;
  #ofKey: Map<string, Set<Item>> | undefined = undefined;
  /** What waits until it is no longer slow. */
  readonly #waiting: Posting[] = [];

  constructor(client: Client, outgoing: Outgoing, cursor: number, limit: Limit, membership: Membership) {
    this.client = client;
    this.outgoing = outgoing;
    this.cursor = cursor;
    this.#limit = limit;
    this.#membership = membership;
  }

  /** Messages of the topic that wait in its line. */
  get messages(): number {
    return this.#messages;
  }

  /** It is behind by more than the limit. */
  get slow(): boolean {
    return this.#messages > this.#limit.messages || this.#bytes > this.#limit.bytes;
  }

  /** Puts a message into its line. */
  append(parcel: Parcel, key: string | undefined): void {
    const item = new Item(parcel[payload], parcel.type === BINARY, { parcel, owner: this, key });
    this.outgoing.post(item);
    this.#messages += 1;
    this.#bytes += parcel.byteLength;
    this.#oldest ??= item;
    if (key === undefined) return;
    this.#ofKey ??= new Map();
    const items = this.#ofKey.get(key);
    if (items === undefined) this.#ofKey.set(key, new Set([item]));
    else items.add(item);
  }

  /** Drops the messages of a key that wait; gives how many that were. */
  replace(key: string): number {
    const items = [...(this.#ofKey?.get(key) ?? [])];
    for (const item of items) this.#drop(item);
    return items.length;
  }

  /** Drops the oldest messages until it is no longer slow, but not the newest; gives how many. */
  dropOldest(): number {
    let dropped = 0;
    while (this.slow && this.#messages > 1 && this.#oldest !== undefined) {
      this.#drop(this.#oldest);
      dropped += 1;
    }
    return dropped;
  }

  /** Takes all of its messages out of its line. */
  clear(): void {
    while (this.#oldest !== undefined) this.#drop(this.#oldest);
    this.letGo();
  }

  /** A publisher waits for it. */
  hold(posting: Posting): void {
    posting.waitsFor += 1;
    this.#waiting.push(posting);
  }

  /** No publisher waits for it any more. */
  letGo(): void {
    for (const posting of this.#waiting.splice(0)) posting.release();
  }

  catchUp(): void {
    this.#membership.take(this);
  }

  left(item: Item): void {
    const next = this.#oldest === item ? this.outgoing.behind(item) : this.#oldest;
    this.#forget(item, next);
  }

  ended(): void {
    this.letGo();
    this.#membership.lost(this);
  }

  #drop(item: Item): void {
    const behind = this.outgoing.withdraw(item);
    this.#forget(item, this.#oldest === item ? behind : this.#oldest);
  }

  #forget(item: Item, oldest: Item | undefined): void {
    this.#oldest = oldest;
    this.#messages -= 1;
    this.#bytes -= item.payload.length;
    const { key } = item;
    if (key !== undefined) this.#forgetKey(key, item);
    if (this.#messages === 0) this.#membership.caughtUp(this);
    if (this.#waiting.length > 0 && !this.slow) this.letGo();
  }

  #forgetKey(key: string, item: Item): void {
    const items = this.#ofKey?.get(key);
    items?.delete(item);
    if (items?.size === 0) this.#ofKey?.delete(key);
  }
}
