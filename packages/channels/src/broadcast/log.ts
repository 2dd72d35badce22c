// One log for all subscriptions: a value is stored once, with the number of those who have yet to receive it, and leaves
// with the last of them. How many of those that block are full is counted, so that whether a send must wait is one look.

import {
  counting,
  type Crowded,
  endReceivers,
  type Link,
  List,
  Ring,
  type Source,
  unlink,
  type Waiting,
} from "../source.ts";
import type { SendChannel } from "../types.ts";

/** @internal A value that somebody has yet to receive. */
export interface Entry<T> extends Link {
  readonly value: T;
  /** Cursors that have it. */
  holders: number;
}

/** @internal A subscription's place in the log, as the log sees it. */
export interface Follower<T> extends Link, Crowded {
  end: End | undefined;
  /** The channel to tell of the next value, while it has nothing: somebody may wait there then. */
  readonly channel: Source<T> | undefined;
  /** Gets a value: hands it to whoever waits, keeps it, or has no room for it. */
  offer(entry: Entry<T>): void;
}

/** @internal How it ended. */
export interface End {
  readonly cause: unknown;
}

/** @internal The values of a broadcast, those who follow it, and the senders that wait for room. */
export class Log<T> {
  /** What somebody has yet to receive, in order. */
  readonly entries: List<Entry<T>> = new List();
  /** Those who get what is sent, in the order in which they came. */
  readonly followers: List<Follower<T>> = new List();
  readonly senders: List<Waiting> = new List();
  /** The channel that senders wait on, which sets this itself. */
  declare entrance: SendChannel<never>;
  /** Followers. */
  size = 0;
  /** Followers that senders must wait for. */
  full = 0;
  end: End | undefined = undefined;
  /** Who is told of the end, though no subscriber. */
  readonly lookouts: Set<() => void> = new Set();
  /** To be run once the state is final. */
  readonly hooks: Ring<() => void> = new Ring();

  /** Gives a value to all, which nobody must have to wait for. */
  send(value: T): void {
    this.#commit(value);
    this.#runHooks();
  }

  /** Serves the senders that wait, for as long as there is room. */
  admit(): void {
    for (let first = this.senders.head; first !== undefined && this.full === 0; first = this.senders.head) {
      const { value } = first;
      // First it leaves every queue: it may be a select that would receive what it sends.
      first.wake(this.entrance, undefined, true);
      this.#commit(value as T);
    }
    this.#runHooks();
  }

  join(follower: Follower<T>): void {
    this.followers.append(follower);
    this.size += 1;
  }

  leave(follower: Follower<T>): void {
    if (follower.next !== undefined) this.size -= 1;
    unlink(follower);
  }

  close(end: End): void {
    this.end = end;
    for (let first = this.followers.head; first !== undefined; first = this.followers.head) {
      this.leave(first);
      first.end = end;
      first.channel?.[endReceivers]();
    }
    for (const tell of this.lookouts) tell();
  }

  #commit(value: T): void {
    const entry: Entry<T> = { previous: undefined, next: undefined, value, holders: 0 };
    for (let node: Link = this.followers.next, next; node !== this.followers; node = next) {
      next = node.next as Link; // it may leave
      (node as Follower<T>).offer(entry);
    }
    if (entry.holders > 0) this.entries.append(entry);
    counting?.handed(this.entrance);
  }

  // A hook may send: what is dropped then is told after what was dropped before.
  #runHooks(): void {
    while (this.hooks.length > 0) this.hooks.shift()();
  }
}
