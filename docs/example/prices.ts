// Follows a feed through its breaks: whatever happens next, a message, a change of the connection, a second of silence or
// Ctrl-C, is a value on a channel, and one `select` waits for all of them.

import { Channel, select, SluiceError, time } from "@sluice/channels";
import * as websocket from "@sluice/websocket";
import { startFeed } from "./feed.ts";
import { startOurs } from "./ours.ts";
import * as show from "./show.ts";

// Ctrl-C, the end that a supervisor asks for, and a terminal that is gone: `npm start | head -3` reads no more.
const interrupts = new Channel<string>(1);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interrupts.trySend(signal));
process.stdout.on("error", () => interrupts.trySend("nobody reads"));

/** What to say to each new connection, when `last` was the month that was shown last. */
type Greeting = (client: websocket.Client, last: string | undefined) => Promise<void>;

/** Follows a feed that has one place or several: after each failure it is the next one's turn. */
async function follow(urls: readonly string[], heartbeat: string, greet?: Greeting): Promise<void> {
  let last: string | undefined;
  const dial: websocket.Dial = ({ failures, signal }) =>
    websocket.connect(urls[failures % urls.length] ?? "", {
      dialTimeout: "10s",
      channelCapacity: 64,
      keepAlive: { interval: "10s", timeout: "5s" },
      signal,
    });
  const feed = websocket.reconnect(dial, { setup: (client) => greet?.(client, last) });
  const states = feed.state.changes();

  for (;;) {
    const event = await select({
      message: feed.channel(),
      state: states,
      interrupt: interrupts,
      quiet: time.after(heartbeat),
    });
    if (event.name === "message") {
      if (!event.ok) break; // the feed has ended, and everything that came before its end was shown
      last = show.message(event.value) ?? last;
    } else if (event.name === "state") {
      if (event.ok) show.state(event.value);
    } else if (event.name === "quiet") {
      // Not awaited: the loop hears Ctrl-C meanwhile. When there is no answer, the connection ends.
      feed.ping().then(show.heartbeat, () => undefined);
    } else {
      await feed.close(websocket.CLOSE_CODES.NORMAL, "Session ended");
    }
  }

  const end = await feed.closed;
  if (end.info !== undefined) show.closed(end.info);
  show.summary();
  if (end.error instanceof Error) throw end.error;
}

/** Asks our own feed for the rest, from where it was. */
const askForTheRest: Greeting = (client, last) => client.send(JSON.stringify({ after: last }));

try {
  const [url] = process.argv.slice(2);
  if (url === undefined) await follow([await startFeed(), await startOurs()], "1s", askForTheRest);
  else await follow([url], "10s");
} catch (error) {
  if (!(error instanceof SluiceError)) throw error; // a mistake in this program
  console.error(error.message);
  process.exitCode = 1;
}
