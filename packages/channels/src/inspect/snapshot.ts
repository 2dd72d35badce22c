// One look at everything that is recorded: synchronous, so consistent, and bounded in time. It changes nothing and wakes
// nobody. What it cannot do in its time is left out, and it says so.

import { realNow } from "../host.ts";
import { clock } from "../time/clock.ts";
import { turns } from "../turn.ts";
import { parkedNow } from "../waiter.ts";
import type { ChannelRecords, ChannelReport } from "./channels.ts";
import type { ParkedOperation, ParkedOperations } from "./operations.ts";
import { NEW_STACKS, reading, type Site } from "./place.ts";
import { type Noted, Words } from "./subjects.ts";

/** Operations that wait for the same from the same line. */
export interface ParkedSite {
  /** What waits, as in `ParkedOperation`. */
  readonly operation: string;
  /** The line that called it, as in `ParkedOperation`. */
  readonly calledAt: string;
  /** How many of them wait. */
  readonly count: number;
  /** Milliseconds that the first of them has waited. */
  readonly oldest: number;
}

/** What a program waits for at one moment. */
export interface Snapshot {
  /** The moment, by the clock that decides now. */
  readonly at: Date;
  /** What waits, in the order in which it parked. */
  readonly parked: readonly ParkedOperation[];
  /** Grouped by what and where, most first: what a goroutine dump shows. */
  readonly sites: readonly ParkedSite[];
  /** The channels that were made since recording began and are not garbage, in the order in which they were made. */
  readonly channels: readonly ChannelReport[];
  /**
   * Operations that nobody can ever wake, since nobody holds their channels any more: as the collector told, each once.
   * A promise of one may still be awaited: that is for ever. The last 10,000 are kept.
   */
  readonly abandoned: readonly ParkedOperation[];
  /** Of all turns of the loop: promises settled, how often the budget was spent, the longest in milliseconds. */
  readonly turns: {
    /** Promises that the library settled. */
    readonly completions: number;
    /** Turns of which the budget was spent. */
    readonly budgeted: number;
    /** Milliseconds of the longest. */
    readonly longest: number;
  };
  /** Moments that somebody waits for, and the first of them. */
  readonly timers: {
    /** How many. */
    readonly armed: number;
    /** The first; `undefined` for none. */
    readonly next: Date | undefined;
  };
  /** Operations that parked before recording began are counted here and not listed. */
  readonly unknown: number;
  /** There was more than could be looked at in five milliseconds: what is listed is a part, and counts are too low. */
  readonly truncated: boolean;
}

const MILLISECONDS = 5;
const OF_PARKED = 0.6; // of the time
// So many are listed however long it takes: on a machine that has much else to do, five milliseconds may be over at once.
const PARKED_AT_LEAST = 10_000;
const LOOKED_AT_ONCE = 32;

/** @internal What is to be told. */
export interface Records {
  readonly operations: ParkedOperations | undefined;
  readonly channels: ChannelRecords | undefined;
  readonly isParkedTold: boolean;
  readonly isAbandonedTold: boolean;
}

interface Group {
  readonly operation: string;
  readonly site: Site;
  count: number;
  readonly since: number;
}

/** @internal */
export function look({ operations, channels, isParkedTold, isAbandonedTold }: Records): Snapshot {
  const began = realNow();
  const now = clock();
  const wall = now.wall();
  const seen = new Seen();
  const ends = began + MILLISECONDS * (channels === undefined ? 1 : OF_PARKED);
  const isEveryOne =
    operations === undefined || seen.look(operations, isParkedTold, channels !== undefined, () => realNow() < ends);
  const { channels: reports, isAll } =
    channels?.report(seen.since, () => realNow() < began + MILLISECONDS) ?? NO_CHANNELS;
  return {
    at: new Date(wall),
    parked: seen.parked,
    sites: isParkedTold ? seen.sites(wall) : [],
    channels: reports,
    abandoned: isAbandonedTold ? [...(operations?.abandoned ?? [])] : [],
    turns: turns(),
    timers: { armed: now.armed, next: now.next === undefined ? undefined : new Date(wall + now.next - now.now()) },
    unknown: Math.max(0, parkedNow() - (operations?.size ?? 0)),
    truncated: !(isEveryOne && isAll),
  };
}

const NO_CHANNELS = { channels: [], isAll: true };

class Seen {
  readonly parked: ParkedOperation[] = [];
  /** Since when the first that waits at a channel does. */
  readonly since = new Map<Noted, number>();
  readonly #groups = new Map<Site, Map<string, Group>>();

  look(operations: ParkedOperations, isTold: boolean, forChannels: boolean, hasTime: () => boolean): boolean {
    if (!isTold && !forChannels) return true;
    let now = 0;
    const words = new Words((channel) => {
      if (!this.since.has(channel)) this.since.set(channel, now);
    });
    let stacks = NEW_STACKS;
    let looked = 0;
    let group: Group | undefined;
    const isAll = reading(() => {
      for (const { operation, on, since, place } of operations.entries()) {
        looked += 1;
        if (looked > PARKED_AT_LEAST && looked % LOOKED_AT_ONCE === 0 && !hasTime()) return false;
        now = since;
        const waitsFor = words.of(on, operation);
        if (!isTold) continue;
        if (!place.known) {
          if (stacks > 0) place.read();
          stacks -= 1;
        }
        const { site } = place;
        if (group?.site !== site || group.operation !== operation) group = this.#groupOf(site, operation, since);
        group.count += 1;
        this.parked.push({ operation, waitsFor, since, calledAt: site.line });
      }
      return true;
    });
    if (stacks < 0) operations.readBehind();
    return isAll;
  }

  sites(now: number): ParkedSite[] {
    const groups = Array.from(this.#groups.values(), (ofSite) => [...ofSite.values()]).flat();
    return groups
      .map(({ operation, site, count, since }) => ({
        operation,
        calledAt: site.line,
        count,
        oldest: Math.max(0, now - since),
      }))
      .toSorted((one, other) => other.count - one.count);
  }

  #groupOf(site: Site, operation: string, since: number): Group {
    let ofSite = this.#groups.get(site);
    if (ofSite === undefined) this.#groups.set(site, (ofSite = new Map<string, Group>()));
    let group = ofSite.get(operation);
    if (group === undefined) ofSite.set(operation, (group = { operation, site, count: 0, since }));
    return group;
  }
}
