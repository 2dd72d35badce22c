// Who takes from a channel without standing in its queue: a Selector, or a channel that is made of others. They stand in
// front of the queue, in a chain, and the earliest of all that wait there and behind is served first.

import { NOBODY } from "./list.ts";
import { front, type Front, queued, type Receiver } from "./protocol.ts";

/** What has a front: every channel that values come out of. */
export interface Watched {
  [front]: Front;
  /** @internal */
  [queued](): { readonly head: Receiver | undefined };
}

/** A place in front of a channel. It holds no value and takes none by itself: it is told, and asked. */
export abstract class Watch<out S extends Watched> implements Front, Receiver {
  /** The channel that it stands in front of. */
  readonly source: S;
  #behind: Watch<Watched> | undefined = undefined;
  #ahead: Watch<Watched> | undefined = undefined;

  /** Takes the place in front of a channel: before everybody who watches it already. */
  constructor(source: S) {
    this.source = source;
    const before = source[front];
    if (before instanceof Watch) {
      this.#behind = before;
      before.#ahead = this;
    }
    source[front] = this;
  }

  /** The place of the earliest operation that waits here, among all that wait anywhere; `Infinity` when none does. */
  abstract readonly arrival: number;
  /** The channel turned ready while nobody waited, or will turn ready at another moment. */
  abstract told(): void;
  /** Gets a value for the operation that waits here, or with `ok: false` learns that the channel has ended. */
  abstract wake(channel: object, value: unknown, ok: boolean): void;

  /** Gives the place up. */
  leave(): void {
    const ahead = this.#ahead;
    const behind = this.#behind;
    if (ahead === undefined) this.source[front] = behind ?? NOBODY;
    else ahead.#behind = behind;
    if (behind !== undefined) behind.#ahead = ahead;
  }

  /** @internal Who comes next in the chain, for reports. */
  get behind(): Watch<Watched> | undefined {
    return this.#behind;
  }

  /** The earliest: whoever waits here, or somebody behind. */
  get head(): Receiver | undefined {
    const waiting = this.source[queued]().head;
    // Alone, as the place of a connection's reader is, with nobody else there: asked for each value that arrives.
    if (waiting === undefined && this.#behind === undefined) return this.arrival < Infinity ? this : undefined;
    return Watch.#earliest(this, waiting);
  }

  /** Tells everybody in front that the channel turned ready. */
  changed(): void {
    Watch.#tell(this);
  }

  /** How many of those in front of a queue have somebody who waits there. */
  static waiting(first: Front): number {
    let count = 0;
    for (let at = first instanceof Watch ? first : undefined; at !== undefined; at = at.#behind) {
      if (at.arrival < Infinity) count += 1;
    }
    return count;
  }

  // Loops: a server may have a Selector for each connection, all of which watch the channel of its shutdown, and
  // 3,000 calls deep the stack ends. Of two names for one channel the first that was added has the value.
  static #earliest(at: Watch<Watched> | undefined, waiting: Receiver | undefined): Receiver | undefined {
    let first: Receiver | undefined = waiting;
    let earliest = waiting === undefined ? Infinity : waiting.arrival;
    for (; at !== undefined; at = at.#behind) {
      const { arrival } = at;
      if (arrival < earliest || (arrival === earliest && arrival < Infinity)) [first, earliest] = [at, arrival];
    }
    return first;
  }

  // Who is told may leave.
  static #tell(at: Watch<Watched>): void {
    while (at.#behind !== undefined) at = at.#behind;
    for (let next: Watch<Watched> | undefined = at; next !== undefined;) {
      const one: Watch<Watched> = next;
      next = one.#ahead;
      one.told();
    }
  }
}
