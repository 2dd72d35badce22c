// What the terminal shows: prices as they come, green when they rose and red when they fell.

import type { CloseInfo, Message } from "@sluice/websocket";
import type { Month } from "./feed.ts";

const coloured = process.stdout.isTTY && !process.env["NO_COLOR"];
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
let begin = 0;

export function connected(url: string): void {
  begin = performance.now();
  console.log(`${green("connected")} to ${bold(url)}, ${dim("Ctrl-C ends it")}`);
}

export function message({ type, data }: Message): void {
  messages++;
  if (type === "binary") console.log(dim(`${data.byteLength} bytes`));
  else console.log(priceLine(data) ?? plain(data));
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
  console.log(
    bold(heard) + (median === undefined ? "" : `, round trip ${median.toFixed(2)} ms (median of ${roundTrips.length})`),
  );
}

function priceLine(data: string): string | undefined {
  const month = monthOf(data);
  if (month === undefined) return undefined;
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
