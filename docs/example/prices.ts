// Follows a feed over a WebSocket: whatever happens next, a message, a second of silence or Ctrl-C, is a value on a
// channel, and one `select` waits for all of them.

import { Channel, SluiceError, select, time } from "@sluice/channels";
import * as websocket from "@sluice/websocket";
import { startFeed } from "./feed.ts";
import * as show from "./show.ts";

// Ctrl-C, the end that a supervisor asks for, and a terminal that is gone: `npm start | head -3` reads no more.
const interrupts = new Channel<string>(1);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interrupts.trySend(signal));
process.stdout.on("error", () => interrupts.trySend("nobody reads"));

async function follow(url: string, heartbeat: string): Promise<void> {
  const client = await websocket.connect(url, {
    dialTimeout: "10s",
    channelCapacity: 64,
    keepAlive: { interval: "10s", timeout: "5s" },
  });
  show.connected(client.url);

  for (;;) {
    const event = await select({ message: client.channel(), interrupt: interrupts, quiet: time.after(heartbeat) });
    if (event.name === "message") {
      if (!event.ok) break; // the connection has ended, and everything that came before its end was shown
      show.message(event.value);
    } else if (event.name === "quiet") {
      // Not awaited: the loop hears Ctrl-C meanwhile. When there is no answer, the channel ends.
      client.ping().then(show.heartbeat, () => undefined);
    } else {
      await client.close(websocket.CLOSE_CODES.NORMAL, "Session ended");
    }
  }

  const end = await client.closed;
  show.closed(end);
  show.summary();
  if (end.error) throw end.error;
}

try {
  const [url] = process.argv.slice(2);
  if (url === undefined) await follow(await startFeed(), "1s");
  else await follow(url, "10s");
} catch (error) {
  if (!(error instanceof SluiceError)) throw error; // a mistake in this program
  console.error(error.message);
  process.exitCode = 1;
}
