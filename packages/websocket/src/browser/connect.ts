// Connects from a page: one deadline over the handshake, of which a page learns nothing but whether it succeeded.

import { Channel, errors, SluiceError } from "@sluice/channels";
import { settled } from "@sluice/channels/source";
import { invalid, invalidText, Journey, timedOut } from "../errors.ts";
import { redactText, type Shown } from "../protocol/shown-url.ts";
import { Client } from "./client.ts";
import { checkOptions, type ConnectOptions, type Settings } from "./options.ts";
import { page } from "./page.ts";
import { shownOf } from "./shown.ts";
import { Watch } from "./silence.ts";
import { SocketTransport } from "./socket.ts";
import { StreamTransport } from "./stream.ts";
import type { Transport, TransportEvents } from "./transport.ts";

/**
 * Connects to a WebSocket server from a page or a worker, and resolves with the open client; no message is lost, however
 * early it came. Over `WebSocketStream` where there is one, else over `WebSocket`, which cannot be slowed down.
 *
 * On abort it rejects with the signal's reason and the attempt is given up.
 *
 * @throws SluiceError, as a rejection: INVALID for a bad URL or option, and for what a page cannot do (nothing was
 * dialled); TIMEOUT after `dialTimeout`; INTERNAL, retryable, with `details.opaque`, for everything else: why a handshake
 * failed a browser does not say.
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Client> {
  try {
    return await dial(url, options);
  } finally {
    await settled(undefined); // a loop that dials again after each failure lets others have their turn
  }
}

type Outcome = Client | SluiceError;

async function dial(url: string | URL, options: ConnectOptions): Promise<Client> {
  const startedAt = performance.now();
  const target = checkUrl(url);
  const settings = checkOptions(options);
  settings.signal?.throwIfAborted();
  const journey = new Journey(shownOf(target, settings.protocols), startedAt);
  journey.phase = "http";
  const outcome = new Channel<Outcome>(1, { name: `handshake with ${journey.url}` });
  let client: Client | undefined;
  const events: TransportEvents = {
    onOpen: () => {
      journey.phase = "open";
      client = new Client(transport, { url: target, settings, journey });
      if (outcome.closed) client.terminate(); // nobody waits for it any more
      else outcome.trySend(client);
    },
    onMessage: (message) => client?.arrived(message),
    onRoom: () => client?.hasRoom(),
    onEnd: (code, reason, wasClean) => {
      if (client !== undefined) client.ended(code, reason, wasClean);
      else if (!outcome.closed) outcome.trySend(opaque(journey));
    },
  };
  const transport = openTransport(target, settings, events);
  const late = new Watch(settings.dialTimeout ?? Infinity, () => {
    outcome.trySend(timedOut(journey, `No connection to ${journey.url} within \`dialTimeout\``));
  });
  late.start();
  try {
    const { value } = await outcome.receive({ signal: settings.signal });
    if (value instanceof Client) return value;
    throw value as SluiceError;
  } finally {
    late.stop();
    outcome.close();
    if (client === undefined) transport.terminate();
  }
}

function openTransport(target: URL, settings: Settings, events: TransportEvents): Transport {
  const Kind = settings.transport === "stream" ? StreamTransport : SocketTransport;
  try {
    return new Kind(target.href, settings.protocols, events);
  } catch (error) {
    throw invalidText("url", "one that this page may connect to", redactText((error as Error).message));
  }
}

function opaque(journey: Journey<Shown>): SluiceError {
  return new SluiceError(errors.INTERNAL, `Cannot connect to ${journey.url}: the browser does not say why`, {
    retryable: true,
    details: { ...journey.details(), opaque: true },
  });
}

/** @internal Reads the URL to connect to, relative to the page's own. Throws INVALID; never shows a password. */
export function checkUrl(url: unknown): URL {
  const expected = "a ws: or wss: URL";
  if (typeof url !== "string" && !(url instanceof URL)) throw invalid("url", "a string or a URL", url);
  let target: URL;
  try {
    target = new URL(url, page.location?.href);
  } catch {
    throw invalidText("url", expected, `\`${redactText(String(url))}\``);
  }
  if (target.protocol === "http:") target.protocol = "ws:";
  if (target.protocol === "https:") target.protocol = "wss:";
  if (target.protocol !== "ws:" && target.protocol !== "wss:") throw invalidText("url", expected, "another scheme");
  if (target.href.includes("#")) throw invalidText("url", expected, "a fragment");
  if (target.username !== "" || target.password !== "")
    throw invalidText("url", `${expected} without user and password, which a browser does not send`, "one with them");
  return target;
}
