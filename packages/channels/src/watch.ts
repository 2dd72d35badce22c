// Who takes from a channel without standing in its queue: a Selector, or a channel that is made of others. They stand in
// front of the queue, in a chain, and the earliest of all that wait there and behind is served first.

import type { List } from "./list.ts";
import { front, type Front, type Receiver, type Waiting } from "./protocol.ts";

/** What has a front: every channel that values come out of. */
export interface Watched {
  [front]: Front;
}

/** A place in front of a channel. It holds no value and takes none by itself: it is told, and asked. */
export abstract class Watch<out S extends Watched> implements Front, Receiver {
  /** The channel that it stands in front of. */
  readonly source: S;
  readonly #queue: List<Waiting>; // the channel's own, at the end of the chain
  #behind: Watch<Watched> | undefined = undefined;
  #ahead: Watch<Watched> | undefined = undefined;

  /** Takes the place in front of a channel: before everybody who watches it already. */
  constructor(source: S) {
    this.source = source;
    const before = source[front];
    if (before instanceof Watch) {
      this.#queue = before.#queue;
      this.#behind = before;
      before.#ahead = this;
    } else {
      this.#queue = before as List<Waiting>;
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
    if (ahead === undefined) this.source[front] = behind ?? this.#queue;
    else ahead.#behind = behind;
    if (behind !== undefined) behind.#ahead = ahead;
  }

  /** @internal Who comes next in the chain, for reports. */
  get behind(): Front {
    return this.#behind ?? this.#queue;
  }

  /** The earliest: whoever waits here, or somebody behind. */
  get head(): Receiver | undefined {
    const waiting = this.#queue.head;
    // Alone, as the place of a connection's reader is, with nobody else there: asked for each value that arrives.
    if (waiting === undefined && this.#behind === undefined) return this.arrival < Infinity ? this : undefined;
    return Watch.#earliest(this, waiting);
  }

  /** Tells everybody in front that the channel turned ready. */
  changed(): void {
    Watch.#tell(this);
  }

  /** How many wait there: in the queue, and, each as one, those in front of it. */
  static waiting(at: Front): number {
    let count = 0;
    for (; at instanceof Watch; at = at.#behind ?? at.#queue) if (at.arrival < Infinity) count += 1;
    return count + (at as List<Waiting>).count();
  }

  // Loops: a server may have a Selector for each connection, all of which watch the channel of its shutdown, and
  // 3,000 calls deep the stack ends. Of two names for one channel the first that was added has the value.
  static #earliest(at: Watch<Watched> | undefined, waiting: Waiting | undefined): Receiver | undefined {
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
