// What is asked of a program, twice a second. Names, lines and counts: no value of the program's leaves it.

import type { ChannelReport, ParkedOperation, Snapshot } from "@sluice/channels/inspect";

/** Operations that wait for the same from the same line. */
export interface Wait {
  /** What waits, as in `ParkedOperation`. */
  readonly operation: string;
  /** What it waits for, in words, one for each channel. */
  readonly waitsFor: readonly string[];
  /** The line that called it. */
  readonly calledAt: string;
  /** How many of them wait. */
  readonly count: number;
  /** Since when the first of them does: milliseconds since 1970. */
  readonly since: number;
}

/** A snapshot of a program, as text can carry it. */
export interface Look {
  /** The moment: milliseconds since 1970. */
  readonly at: number;
  /** Copies of the library that record; of none there is nothing else to see. */
  readonly copies: number;
  /** Milliseconds that the event loop took to come to a task of its own. */
  readonly lateness: number;
  /** Operations that wait. */
  readonly parked: number;
  /** Those that parked before recording began. */
  readonly unknown: number;
  /** Operations grouped by what and where, most first, a hundred at most. */
  readonly waits: readonly Wait[];
  /** Channels, in the order in which they were made, two hundred at most. */
  readonly channels: readonly ChannelReport[];
  /** Operations that nobody can wake, the latest last, a hundred at most. */
  readonly abandoned: readonly ParkedOperation[];
  /** What the turns of the event loop were like. */
  readonly turns: Snapshot["turns"];
  /** Moments that somebody waits for. */
  readonly armed: number;
  /** There was more than could be looked at in time. */
  readonly truncated: boolean;
}

/** The source of what a program runs to be looked at: it uses nothing but the language and what `record` left there. */
export const LOOK = `(async () => {
  const probes = [...(globalThis[Symbol.for("@sluice/channels.probes")] ?? [])];
  const look = { at: Date.now(), copies: probes.length, lateness: 0, parked: 0, unknown: 0, waits: [], channels: [],
    abandoned: [], turns: { completions: 0, budgeted: 0, longest: 0 }, armed: 0, truncated: false };
  const waits = new Map();
  for (const probe of probes) {
    const seen = probe.snapshot();
    look.at = seen.at.getTime();
    look.parked += seen.parked.length;
    look.unknown += seen.unknown;
    look.truncated ||= seen.truncated;
    look.armed += seen.timers.armed;
    look.channels.push(...seen.channels);
    look.abandoned.push(...seen.abandoned);
    look.turns = { completions: look.turns.completions + seen.turns.completions,
      budgeted: look.turns.budgeted + seen.turns.budgeted, longest: Math.max(look.turns.longest, seen.turns.longest) };
    for (const { operation, waitsFor, calledAt, since } of seen.parked) {
      const key = operation + "\\n" + calledAt + "\\n" + waitsFor[0] + "\\n" + waitsFor.length;
      const wait = waits.get(key);
      if (wait === undefined) waits.set(key, { operation, waitsFor: waitsFor.slice(0, 8), calledAt, count: 1, since });
      else wait.count += 1;
    }
  }
  look.waits = [...waits.values()].sort((one, other) => other.count - one.count).slice(0, 100);
  look.channels = look.channels.slice(0, 200);
  look.abandoned = look.abandoned.slice(-100);
  look.lateness = Math.max(0, ...(await Promise.all(probes.map((probe) => probe.lateness()))));
  return JSON.stringify(look);
})()`;
