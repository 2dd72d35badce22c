// Channels, and what passed through them. All of it stands here and is known weakly: a channel at rest has not a byte
// more for it, and is garbage when nobody else holds it.

import type { Counting, Tell } from "../count.ts";
import { type Front, front, type Line, queued, senders } from "../protocol.ts";
import type { Link, Owner } from "../list.ts";
import { Watch } from "../watch.ts";
import { clock } from "../time/clock.ts";
import type { ChannelState } from "../types.ts";
import { NEW_STACKS, Place, reading } from "./place.ts";
import { Noted, shuffled } from "./subjects.ts";
import { Unread } from "./unread.ts";

/** What a channel looks like from outside. */
export type Verdict = "slow receiver" | "slow sender" | "flowing" | "idle";

/** A channel, as it is now. */
export interface ChannelReport {
  /** The name given at creation. */
  readonly name: string | undefined;
  /** What it is: "Channel", "Broadcast", "Subscription", "Flow", or what another package calls it. */
  readonly kind: string;
  /** Values that it holds at most. */
  readonly capacity: number;
  /** Values in it. */
  readonly length: number;
  /** True from `close()` on. */
  readonly closed: boolean;
  /** The line that made it, as the host writes stack frames; "not yet known" where 500 others were new. */
  readonly createdAt: string;
  /** Values that were received from it. */
  readonly received: number;
  /** Values that a policy dropped. */
  readonly dropped: number;
  /** The most values that were in it at once. */
  readonly highest: number;
  /** Operations that wait to receive, parked selects and Selectors among them. */
  readonly receiversWaiting: number;
  /** Operations that wait to send. */
  readonly sendersWaiting: number;
  /** Milliseconds that the first of them has waited; `undefined` when none waits, or none that was recorded. */
  readonly oldestWait: number | undefined;
  /**
   * What it looks like. "slow receiver": senders wait, and it is full, or its `details` say that it is `paused`: then
   * who fills it waits elsewhere. "slow sender": receivers wait, and it is empty. Where nobody waits: "flowing" if values
   * came or went since the snapshot before, or within a second; else "idle".
   */
  readonly verdict: Verdict;
  /** What a channel of another package has to say beyond that, such as the round trip of a connection. */
  readonly details?: ReturnType<Tell>;
}

const FLOWING_MILLISECONDS = 1000;
const CHANNELS_AT_LEAST = 1000; // as for the parked: however long it takes
const COUNTED_AT_LEAST = 10_000; // of those that wait
const COUNTED_AT_ONCE = 1024;

/** What is read of a channel itself. */
interface State {
  readonly capacity: number;
  readonly length: number;
  readonly closed: boolean;
  readonly missed: number;
  readonly receiversWaiting: number;
  readonly sendersWaiting: number;
  readonly details: ReturnType<Tell> | undefined;
}

interface Recorded {
  readonly kind: string;
  readonly place: Place;
  readonly noted: Noted;
  readonly left: boolean;
  received: number;
  dropped: number;
  highest: number;
  moves: number; // values that had come or gone, when somebody last looked
  movedAt: number; // when they were seen to have become more
  state: State | undefined; // as it was last read, when so much had happened:
  touched: number;
  shuffled: number;
}

/** What is asked of a channel; each kind has some of it. */
interface Kind extends ChannelState {
  readonly missed?: number;
  readonly [front]?: Front;
  [queued]?(): Line;
  readonly [senders]?: Line;
}

/** @internal */
export class ChannelRecords implements Counting {
  readonly #of = new WeakMap<object, Recorded>();
  readonly #tells = new WeakMap<object, Tell>(); // weakly, since what tells may hold its channel
  readonly #all = new Set<Recorded>();
  readonly #unread = new Unread();
  readonly #registry = new FinalizationRegistry<Recorded>((recorded) => this.#all.delete(recorded));

  made(channel: object, kind: string, entry?: unknown, tell?: Tell): void {
    const recorded: Recorded = {
      kind,
      place: Place.of(entry),
      noted: Noted.of(channel),
      left: false,
      received: 0,
      dropped: 0,
      highest: 0,
      moves: 0,
      movedAt: -Infinity,
      state: undefined,
      touched: 0,
      shuffled: 0,
    };
    this.#of.set(channel, recorded);
    if (tell !== undefined) this.#tells.set(channel, tell);
    this.#all.add(recorded);
    this.#registry.register(channel, recorded);
    this.#unread.push(recorded);
  }

  // The most that was in it at once was there before a value went.
  taking(channel: object): void {
    const recorded = this.#of.get(channel);
    if (recorded === undefined) return;
    recorded.received += 1;
    recorded.noted.touched += 1;
    const { length } = channel as Kind;
    if (length > recorded.highest) recorded.highest = length;
  }

  handed(channel: object): void {
    const recorded = this.#of.get(channel);
    if (recorded === undefined) return;
    recorded.received += 1;
    recorded.noted.touched += 1;
  }

  dropped(channel: object): void {
    const recorded = this.#of.get(channel);
    if (recorded === undefined) return;
    recorded.dropped += 1;
    recorded.noted.touched += 1;
  }

  touched(channel: object): void {
    const recorded = this.#of.get(channel);
    if (recorded !== undefined) recorded.noted.touched += 1;
  }

  /** Reports on the channels that are still there, in the order in which they were made, while there is time. */
  report(since: ReadonlyMap<Noted, number>, hasTime: () => boolean): { channels: ChannelReport[]; isAll: boolean } {
    return reading(() => {
      let stacks = NEW_STACKS;
      const channels: ChannelReport[] = [];
      const counter = new Counter(hasTime);
      const now = clock().wall();
      for (const recorded of this.#all) {
        if (channels.length >= CHANNELS_AT_LEAST && !hasTime()) return { channels, isAll: false };
        const state = stateOf(recorded, counter, this.#tells);
        if (state === undefined) continue;
        if (!recorded.place.known && stacks > 0) {
          recorded.place.read();
          stacks -= 1;
        }
        channels.push(reportOf(recorded, state, now, since.get(recorded.noted)));
      }
      return { channels, isAll: counter.isExact };
    });
  }
}

// Who asks for a channel that is known weakly keeps it from the collector until the job ends: a program that looks again
// and again would never learn that something was abandoned. So a channel is only asked when something happened to it. Of
// other kinds that is not known.
function stateOf(recorded: Recorded, counter: Counter, tells: WeakMap<object, Tell>): State | undefined {
  const { kind, noted, state } = recorded;
  const isKnown = kind === "Channel" && recorded.touched === noted.touched && recorded.shuffled === shuffled();
  if (state !== undefined && isKnown) return state;
  const channel = noted.channel as Kind | undefined;
  if (channel === undefined) return undefined;
  const { capacity, length, closed, missed = 0 } = channel;
  recorded.state = {
    capacity,
    length,
    closed,
    missed,
    receiversWaiting: counter.receiversOf(channel),
    sendersWaiting: counter.count(channel[senders], channel),
    details: told(tells.get(channel)),
  };
  recorded.touched = noted.touched;
  recorded.shuffled = shuffled();
  return recorded.state;
}

// What another package makes of it must not hide the other channels.
function told(tell: Tell | undefined): ReturnType<Tell> | undefined {
  try {
    return tell?.();
  } catch {
    return undefined;
  }
}

function reportOf(recorded: Recorded, state: State, now: number, since: number | undefined): ChannelReport {
  const { kind, place, noted, received } = recorded;
  const { capacity, length, closed, receiversWaiting, sendersWaiting, details } = state;
  const dropped = recorded.dropped + state.missed;
  const moves = received + dropped + length;
  if (moves !== recorded.moves) {
    recorded.moves = moves;
    recorded.movedAt = now;
  }
  recorded.highest = Math.max(recorded.highest, length);
  const isAwaited = receiversWaiting + sendersWaiting > 0;
  return {
    name: noted.name,
    kind,
    capacity,
    length,
    closed,
    createdAt: place.site.line,
    received,
    dropped,
    highest: recorded.highest,
    receiversWaiting,
    sendersWaiting,
    oldestWait: isAwaited && since !== undefined ? Math.max(0, now - since) : undefined,
    verdict: verdictOf(
      (sendersWaiting > 0 && length >= capacity) || details?.["paused"] === true,
      receiversWaiting > 0 && length === 0,
      now - recorded.movedAt < FLOWING_MILLISECONDS,
    ),
    ...(details !== undefined && { details }),
  };
}

function verdictOf(isCrowded: boolean, isStarved: boolean, moves: boolean): Verdict {
  if (isCrowded) return "slow receiver";
  if (isStarved) return "slow sender";
  return moves ? "flowing" : "idle";
}

/** Counts who waits, all of them while there is time. */
class Counter {
  readonly #hasTime: () => boolean;
  #counted = 0;
  isExact = true;

  constructor(hasTime: () => boolean) {
    this.#hasTime = hasTime;
  }

  receiversOf(channel: Kind): number {
    let waiting = 0;
    for (let at = channel[front]; at instanceof Watch; at = at.behind) if (at.arrival < Infinity) waiting += 1;
    return waiting + this.count(channel[queued]?.(), channel);
  }

  count(queue: Line | undefined, owner: object): number {
    let waiting = 0;
    if (queue === undefined) return waiting;
    if (queue.next === (owner as Owner)) return 1;
    for (let node = queue.next as Link; node !== queue; node = node.next as Link) {
      waiting += 1;
      this.#counted += 1;
      if (this.#counted > COUNTED_AT_LEAST && this.#counted % COUNTED_AT_ONCE === 0 && !this.#hasTime()) {
        this.isExact = false;
        break;
      }
    }
    return waiting;
  }
}
