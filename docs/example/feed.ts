// A price feed in a process of its own, on plain `ws`: the stranger at the other end of the socket, with none of our code.
// It replays the months of prices.csv behind the one that the client had last, with two quiet stretches; and once, in the
// middle, it breaks off without a word.

import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type WebSocket, WebSocketServer } from "ws";

/** What one message of the feed holds, as JSON. */
export interface Month {
  readonly month: string;
  readonly prices: Readonly<Record<string, number>>;
}

const PACE = 60; // milliseconds from month to month
const QUIET = 2_500; // milliseconds without a message
const QUIET_AFTER: readonly string[] = ["Dec 2002", "Dec 2006"];
const BREAK_AFTER = "Mar 2005";

/** Starts the feed as a child process, which ends with this one; gives its URL. */
export async function startFeed(): Promise<string> {
  const child = fork(fileURLToPath(import.meta.url));
  const [port] = (await once(child, "message")) as [number];
  child.unref();
  child.channel?.unref();
  return `ws://127.0.0.1:${port}/prices`;
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

let broken = false;

async function replay(socket: WebSocket): Promise<void> {
  const [request] = (await once(socket, "message")) as [Buffer];
  const { after } = JSON.parse(request.toString()) as { after?: string };
  const months = readMonths();
  for (const each of months.slice(months.findIndex(({ month }) => month === after) + 1)) {
    if (socket.readyState !== socket.OPEN) return;
    socket.send(JSON.stringify(each));
    await sleep(QUIET_AFTER.includes(each.month) ? QUIET : PACE);
    if (each.month !== BREAK_AFTER || broken) continue;
    broken = true;
    socket.terminate(); // as a process that crashed
    return;
  }
  socket.close(1000, "End of the series");
}

function serve(): void {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("listening", () => process.send?.((server.address() as AddressInfo).port));
  server.on("connection", (socket) => void replay(socket));
  process.on("disconnect", () => process.exit());
  process.on("SIGINT", () => undefined); // Ctrl-C reaches every process of the terminal: the other side decides
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serve();
