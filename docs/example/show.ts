// What the terminal shows: prices as they come, green when they rose and red when they fell.

import type { CloseInfo, Message, State } from "@sluice/websocket";
import type { Month } from "./months.ts";

const coloured = (process.stdout.isTTY || process.env["FORCE_COLOR"]) && !process.env["NO_COLOR"];
const paint = (code: number) => (text: string) => (coloured ? `\x1b[${code}m${text}\x1b[0m` : text);
const bold = paint(1);
const dim = paint(2);
const red = paint(31);
const green = paint(32);
const yellow = paint(33);
const cyan = paint(36);

const last = new Map<string, number>();
const roundTrips: number[] = [];
let messages = 0;
let breaks = 0;
let begin = performance.now();

/** Shows what becomes of the connection, a line for each state; the end has a line of its own. */
export function state(now: State): void {
  if (now.state === "connecting") console.log(dim(now.epoch === 1 ? "connecting …" : "connecting again …"));
  if (now.state === "waiting") lost(now);
  if (now.state !== "open") return;
  if (now.epoch === 1) begin = performance.now();
  else breaks++;
  const which = now.epoch === 1 ? "" : `, connection ${now.epoch}`;
  console.log(`${green("connected")} to ${bold(now.client.url)}${which}, ${dim("Ctrl-C ends it")}`);
}

function lost({ failure, until }: Extract<State, { state: "waiting" }>): void {
  const { error, info } = failure;
  const why = error instanceof Error ? error.message : `it was closed with ${info?.code}`;
  const wait = Math.max(0, until.getTime() - Date.now()) / 1000;
  console.log(
    `${red(failure.phase === "open" ? "lost" : "not connected")}: ${plain(why)}; again in ${wait.toFixed(1)} s`,
  );
}

/** Shows a message; gives its month, when it has one. */
export function message({ type, data }: Message): string | undefined {
  messages++;
  const month = type === "binary" ? undefined : monthOf(data);
  if (type === "binary") console.log(dim(`${data.byteLength} bytes`));
  else console.log(month === undefined ? plain(data) : priceLine(month));
  return month?.month;
}

/** Shows a heartbeat: its round trip in milliseconds, or `undefined` when prices came in heaps meanwhile. */
export function heartbeat(milliseconds: number | undefined): void {
  if (milliseconds === undefined) return;
  roundTrips.push(milliseconds);
  console.log(`${yellow("♥ quiet, so we ping")}: ${milliseconds.toFixed(2)} ms`);
}

export function closed({ code, reason, initiator }: CloseInfo): void {
  console.log(`${cyan("closed")} by the ${initiator} side with ${bold(String(code))} ${JSON.stringify(plain(reason))}`);
}

export function summary(): void {
  const seconds = (performance.now() - begin) / 1000;
  const heard = `${messages} messages in ${seconds.toFixed(1)} s, ${(messages / seconds).toFixed(1)} messages/s`;
  const median = roundTrips.toSorted((a, b) => a - b)[roundTrips.length >> 1];
  const survived = breaks === 0 ? "" : `, through ${breaks} ${breaks === 1 ? "break" : "breaks"}`;
  const trips = median === undefined ? "" : `, round trip ${median.toFixed(2)} ms (median of ${roundTrips.length})`;
  console.log(bold(heard) + survived + trips);
}

function priceLine(month: Month): string {
  const cells = Object.entries(month.prices).map(([symbol, price]) => {
    const before = last.get(symbol) ?? price;
    last.set(symbol, price);
    const figure = price.toFixed(2).padStart(7);
    const [mark, colour] = price > before ? ["▲", green] : price < before ? ["▼", red] : [" ", dim];
    return `${symbol} ${colour(figure + mark)}`;
  });
  return `${dim(plain(month.month))}  ${cells.join("  ")}`;
}

/** The month that a message of the feed holds; `undefined` for what any other server sends. */
function monthOf(data: string): Month | undefined {
  try {
    const { month, prices } = JSON.parse(data) as Month;
    const figures = Object.values(prices);
    if (typeof month !== "string" || figures.length === 0) return undefined;
    return figures.every((price) => typeof price === "number") ? { month, prices } : undefined;
  } catch {
    return undefined; // not JSON, or nothing like a month
  }
}

/** Text from elsewhere on one line, without the control characters that could move the cursor. */
function plain(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, " ");
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
