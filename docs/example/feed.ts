// A price feed in a process of its own, on plain `ws`: the stranger at the other end of the socket, with none of our code.
// It replays the months behind the one that the client had last; and in the middle it breaks off without a word.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type WebSocket, WebSocketServer } from "ws";
import { monthsAfter, pauseAfter, serveAt, startServer } from "./months.ts";

const BREAK_AFTER = "Mar 2005";
const program = fileURLToPath(import.meta.url);

/** Starts the feed; gives its URL. */
export function startFeed(): Promise<string> {
  return startServer(program);
}

async function replay(socket: WebSocket): Promise<void> {
  const [request] = (await once(socket, "message")) as [Buffer];
  for (const each of monthsAfter(request.toString())) {
    if (socket.readyState !== socket.OPEN) return;
    socket.send(JSON.stringify(each));
    await sleep(pauseAfter(each));
    if (each.month !== BREAK_AFTER) continue;
    socket.terminate(); // as a process that crashed
    return;
  }
  socket.close(1000, "End of the series");
}

function serve(): void {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("listening", () => serveAt(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/prices`));
  server.on("connection", (socket) => void replay(socket));
}

if (process.argv[1] === program) serve();
