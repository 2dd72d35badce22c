// One subscription's place in the log: what it has, what it missed, and what becomes of a value it has no room for.
// What it has is a run of entries, one after the other, but for gaps where it had no room ("drop-newest"):
//
//     entries   a ── b ── c ── d ── e          before c came it was full, and had room again before e
//     has       a    b              e          gaps: b → e

import { type Link, handOff, runHook, type Source, turnedReady, unlink } from "../source.ts";
import { SluiceError, UNAVAILABLE } from "../errors.ts";
import type { End, Entry, Follower, Log } from "./log.ts";

/** What becomes of a value for a subscriber that has no room. */
export type SlowPolicy = "block" | "drop-oldest" | "drop-newest" | "close";

/** @internal What tells one subscriber from another. */
export interface Terms<T> {
  readonly capacity: number;
  readonly slow: SlowPolicy;
  readonly onDrop?: ((value: T) => void) | undefined;
  readonly name?: string | undefined;
}

/** @internal */
export class Cursor<T> implements Follower<T> {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  readonly terms: Terms<T>;
  /** Values that it has. */
  length: number;
  /** Values that it had no room for. */
  missed = 0;
  /** The channel to tell of the next value, while it has nothing: somebody may wait there then. */
  channel: Source<T> | undefined = undefined;
  /** The channel that the program holds, or has let go of. */
  holder: WeakRef<Source<T>> | undefined = undefined;
  end: End | undefined;
  readonly #log: Log<T>;
  readonly #blocksAt: number; // of length
  #head: Entry<T> | undefined; // of the next value
  #gapAfter: Entry<T> | undefined = undefined; // the last entry before a gap that is open
  #gaps: Map<Entry<T>, Entry<T>> | undefined = undefined;

  /** One that begins with the last values of the log, so many, which are still there. */
  constructor(log: Log<T>, terms: Terms<T>, replay = 0) {
    this.terms = terms;
    this.length = replay;
    this.end = log.end;
    this.#log = log;
    this.#blocksAt = terms.slow === "block" ? terms.capacity : Infinity;
    let entry: Link = log.entries;
    for (let i = 0; i < replay; i += 1) {
      entry = entry.previous as Link;
      (entry as Entry<T>).holders += 1;
    }
    this.#head = entry as Entry<T>;
    if (this.full) log.full += 1;
    if (this.end === undefined) log.join(this);
  }

  get name(): string | undefined {
    return this.terms.name;
  }

  get full(): boolean {
    return this.length === this.#blocksAt;
  }

  get abandoned(): boolean {
    return this.holder?.deref() === undefined;
  }

  offer(entry: Entry<T>): void {
    if (this.channel?.[handOff](entry.value) === true) return;
    if (this.length === this.terms.capacity && !this.#makeRoom(entry.value)) return;
    if (this.#gapAfter !== undefined) (this.#gaps ??= new Map()).set(this.#gapAfter, entry);
    else if (this.length === 0) this.#head = entry;
    this.#gapAfter = undefined;
    entry.holders += 1;
    this.length += 1;
    if (this.full) this.#log.full += 1;
    this.channel?.[turnedReady]();
    this.channel = undefined;
  }

  /** Takes the next value; the channel will be told of one that comes when there is nothing. */
  take(channel: Source<T>): T {
    const value = this.#shift();
    if (this.length === 0) this.channel = channel;
    if (this.#log.senders.head !== undefined) this.#log.admit();
    return value;
  }

  /** Drops what there is, and ends. */
  leave(): void {
    while (this.length > 0) this.#shift();
    this.#finish(undefined);
    this.#log.admit();
  }

  /** Loses a value to one that comes, or that one; true when it has room then. */
  #makeRoom(value: T): boolean {
    const { slow, onDrop, capacity, name } = this.terms;
    const lost = slow === "drop-oldest" ? this.#shift() : value;
    this.missed += 1;
    if (onDrop !== undefined) this.#log.hooks.push(() => runHook(onDrop, lost));
    if (slow === "drop-oldest") return true;
    this.#gapAfter ??= this.#log.entries.previous as Entry<T>;
    if (slow === "close") {
      const message = `Subscription ${name === undefined ? "" : `"${name}" `}fell more than ${capacity} values behind`;
      this.#finish(new SluiceError(UNAVAILABLE, message, { retryable: true, details: { missed: this.missed } }));
    }
    return false;
  }

  #shift(): T {
    const entry = this.#head as Entry<T>;
    if (this.full) this.#log.full -= 1;
    this.length -= 1;
    // What was received must not stay reachable.
    this.#head = this.length > 0 ? (this.#gaps?.get(entry) ?? (entry.next as Entry<T>)) : undefined;
    this.#gaps?.delete(entry);
    if (this.#gapAfter === entry) this.#gapAfter = undefined;
    entry.holders -= 1;
    if (entry.holders === 0) unlink(entry);
    return entry.value;
  }

  #finish(cause: unknown): void {
    this.end ??= { cause };
    this.#log.leave(this);
  }
}
