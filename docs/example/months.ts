// What both servers of the example tell: the months of prices.csv, and when they are quiet.

import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

/** What one message of the feed holds, as JSON. */
export interface Month {
  readonly month: string;
  readonly prices: Readonly<Record<string, number>>;
}

const PACE = 60; // milliseconds from month to month
const QUIET = 2_500; // milliseconds without a message
const QUIET_AFTER: readonly string[] = ["Dec 2002", "Dec 2006"];

/** The months behind the one that a client had last, as its first message says: `{"after":"Mar 2005"}`. */
export function monthsAfter(request: string): Month[] {
  const { after } = JSON.parse(request) as { after?: string };
  const months = readMonths();
  return months.slice(months.findIndex(({ month }) => month === after) + 1);
}

/** Milliseconds from this month to the next. */
export function pauseAfter({ month }: Month): number {
  return QUIET_AFTER.includes(month) ? QUIET : PACE;
}

/** Starts a server as a child process, which ends with this one; gives its URL. */
export async function startServer(program: string): Promise<string> {
  const child = fork(program);
  const [url] = (await once(child, "message")) as [string];
  child.unref();
  child.channel?.unref();
  return url;
}

/** In that process: says where the server is. Ctrl-C reaches every process of the terminal: the other side decides. */
export function serveAt(url: string): void {
  process.on("SIGINT", () => undefined);
  process.on("disconnect", () => process.exit());
  process.send?.(url);
}

function readMonths(): Month[] {
  const months = new Map<string, Record<string, number>>();
  const [, ...lines] = readFileSync(new URL("../prices.csv", import.meta.url), "utf8")
    .trim()
    .split(/\r?\n/);
  for (const line of lines) {
    const [symbol = "", date = "", price] = line.split(",");
    const month = date.replace(" 1 ", " ");
    months.set(month, { ...months.get(month), [symbol]: Number(price) });
  }
  return Array.from(months, ([month, prices]) => ({ month, prices }));
}
