// One log for all subscriptions: a value is stored once, with the number of those who have yet to receive it, and leaves
// with the last of them. How many of those that block are full is counted, so that whether a send must wait is one look.

import { type Crowded, type Link, List, Ring, unlink, type Waiting } from "../source.ts";

/** @internal A value that somebody has yet to receive. */
export class Entry<T> implements Link {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  readonly value: T;
  /** Cursors that have it. */
  holders = 0;

  constructor(value: T) {
    this.value = value;
  }
}

/** @internal A subscription's place in the log, as the log sees it. */
export interface Follower<T> extends Link, Crowded {
  /** Senders must wait for it. */
  readonly full: boolean;
  /** Gets a value: hands it to whoever waits, keeps it, or has no room for it. */
  offer(entry: Entry<T>): void;
  /** Nothing comes any more. */
  ended(): void;
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
  declare entrance: object;
  /** Followers. */
  size = 0;
  /** Followers that senders must wait for. */
  full = 0;
  end: End | undefined = undefined;
  readonly #hooks = new Ring<() => void>();

  join(follower: Follower<T>): void {
    if (this.end !== undefined) return;
    this.followers.append(follower);
    this.size += 1;
  }

  leave(follower: Follower<T>): void {
    if (follower.next !== undefined) this.size -= 1;
    unlink(follower);
  }

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

  /** Those whom a sender waits for. */
  crowded(): Crowded[] {
    const list: Crowded[] = [];
    for (let node: Link = this.followers.next; node !== this.followers; node = node.next as Link) {
      const follower = node as Follower<T>;
      if (follower.full) list.push(follower);
    }
    return list;
  }

  /** Runs a hook once the state is final. */
  defer(hook: () => void): void {
    this.#hooks.push(hook);
  }

  close(cause: unknown): void {
    this.end = { cause };
    for (let first = this.followers.head; first !== undefined; first = this.followers.head) {
      this.leave(first);
      first.ended();
    }
  }

  #commit(value: T): void {
    const entry = new Entry(value);
    for (let node: Link = this.followers.next, next; node !== this.followers; node = next) {
      next = node.next as Link; // it may leave
      (node as Follower<T>).offer(entry);
    }
    if (entry.holders > 0) this.entries.append(entry);
  }

  // A hook may send: what is dropped then is told after what was dropped before.
  #runHooks(): void {
    while (this.#hooks.length > 0) this.#hooks.shift()();
  }
}
