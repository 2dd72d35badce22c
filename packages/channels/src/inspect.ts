// Who waits, on which channels, since when and from which line: what a goroutine dump is to Go. Which channel is the
// bottleneck, and who will never wake. Off by default; snapshots of what is there, no stream of events.

import { operationsNow, type ParkedOperation } from "./inspect/operations.ts";
import { clock } from "./time/clock.ts";

export type { ChannelReport, Verdict } from "./inspect/channels.ts";
export type { ParkedOperation } from "./inspect/operations.ts";
export { record, recordParked, snapshot, trace, type RecordOptions, type TraceOptions } from "./inspect/record.ts";
export type { ParkedSite, Snapshot } from "./inspect/snapshot.ts";

const NAMES_SHOWN = 8;

/** Lists the operations that are parked now: under virtual time, or since `recordParked(true)`; else none. */
export function parked(): ParkedOperation[] {
  return operationsNow()?.list() ?? [];
}

/** Writes parked operations for people, one paragraph each. */
export function formatParked(list: readonly ParkedOperation[] = parked()): string {
  const now = clock().wall();
  return list
    .map(({ operation, waitsFor, since, calledAt }) => {
      const shown = waitsFor.slice(0, NAMES_SHOWN).join(", ");
      const more = waitsFor.length > NAMES_SHOWN ? ` and ${waitsFor.length - NAMES_SHOWN} more` : "";
      const at = calledAt === "" ? "" : `\n    at ${calledAt}`;
      return `  ${operation} waits for ${shown === "" ? "no channel" : shown}${more}, parked ${Math.max(0, Math.round(now - since))} ms ago${at}`;
    })
    .join("\n");
}
