// A look as lines of text, for a terminal.

import type { Look } from "./look.ts";

const NOTHING = `Nothing is recorded there: call record({ parked: true, channels: true, abandoned: true }) of
@sluice/channels/inspect, or start the program with \`node --import @sluice/inspect/record\`.`;

/** Writes a look; `before` is an earlier one, from which rates are told. */
export function table(look: Look, before?: Look): string {
  if (look.copies === 0) return NOTHING;
  const seconds = before === undefined ? 0 : (look.at - before.at) / 1000;
  const rate = (received: number, i: number): string => {
    const earlier = before?.channels[i]?.received;
    return seconds > 0 && earlier !== undefined ? `${Math.round(Math.max(0, received - earlier) / seconds)}/s` : "";
  };
  const channels = look.channels.map((channel, i) => [
    channel.name ?? `(${channel.kind})`,
    channel.verdict,
    `${channel.length}/${channel.capacity}`,
    String(channel.sendersWaiting),
    String(channel.receiversWaiting),
    channel.oldestWait === undefined ? "" : age(channel.oldestWait),
    rate(channel.received, i),
    channel.dropped === 0 ? "" : String(channel.dropped),
    detailsOf(channel),
    channel.createdAt,
  ]);
  const waits = look.waits.map(({ operation, waitsFor, calledAt, count, since }) => [
    String(count),
    operation,
    age(look.at - since),
    waitsFor.join(", "),
    calledAt,
  ]);
  const lost = look.abandoned.map(({ operation, waitsFor, calledAt }) => [operation, waitsFor.join(", "), calledAt]);
  return [
    `${look.parked} wait, ${look.unknown} of which nothing is known, ${look.armed} timers; the loop is ${look.lateness.toFixed(1)} ms late${look.truncated ? "; there is more" : ""}`,
    columns(
      "Channels",
      ["name", "verdict", "fill", "send", "receive", "oldest", "rate", "dropped", "details", "made at"],
      channels,
    ),
    columns("Who waits", ["count", "what", "oldest", "for", "from"], waits),
    columns("Who will never wake", ["what", "for", "from"], lost),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function detailsOf({ details = {} }: Look["channels"][number]): string {
  return Object.entries(details)
    .map(([name, value]) => `${name} ${typeof value === "number" ? Math.round(value * 10) / 10 : value}`)
    .join(", ");
}

function columns(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  return [title, line(heads), ...rows.map(line)].join("\n");
}

function age(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  return seconds < 120 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
}
