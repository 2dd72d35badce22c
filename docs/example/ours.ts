// The second place of the feed, in a process of its own: the same months, from a server of ours. It does not break off.

import { fileURLToPath } from "node:url";
import { time } from "@sluice/channels";
import { type Client, listen } from "@sluice/websocket";
import { monthsAfter, pauseAfter, serveAt, startServer } from "./months.ts";

const program = fileURLToPath(import.meta.url);

/** Starts the feed; gives its URL. */
export function startOurs(): Promise<string> {
  return startServer(program);
}

async function replay(client: Client): Promise<void> {
  const { ok, value: request } = await client.channel().receive();
  if (!ok) return;
  for (const each of monthsAfter(String(request.data))) {
    await client.send(JSON.stringify(each)); // waits for a client that is slow, and rejects when it has left
    await time.sleep(pauseAfter(each));
  }
  await client.close(1000, "End of the series");
}

async function serve(): Promise<void> {
  const server = await listen({ path: "/prices" });
  serveAt(`${server.url}prices`);
  for await (const { client } of server) {
    replay(client).catch(() => client.terminate());
  }
}

if (process.argv[1] === program) await serve();
