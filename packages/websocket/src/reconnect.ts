// The face of the link in Node: a URL becomes a dial, and each dial keeps the async context of the call, with its
// permissions, through whatever queue it goes: a queue runs a task in the context of whoever finished before it.

import { AsyncResource } from "node:async_hooks";
import type { ReadonlyLatest } from "@sluice/channels/broadcast";
import type { Client, PingOptions } from "./connection/client.ts";
import { checkClose } from "./connection/ending.ts";
import { connectFor } from "./dial/connect.ts";
import { checkOptions, type ConnectOptions } from "./dial/options.ts";
import { checkUrl } from "./dial/url.ts";
import type { Attempt, LinkOptions, LinkState, Reconnecting } from "./reconnect/contract.ts";
import { openLink } from "./reconnect/open.ts";

/** Makes a connection for each attempt, where a URL does not say enough. */
export type Dial = (attempt: Attempt) => Promise<Client>;

/** What a link does now. */
export type State = LinkState<Client>;

/** Options of `reconnect`. Every option may be `undefined`, which means absent. */
export interface ReconnectOptions extends LinkOptions<Client> {
  /**
   * Options of `connect`, or what makes them afresh for each attempt (tokens). Only with a URL as target.
   *
   * What such a function throws is a failure when it is a `SluiceError`; anything else is a mistake, and the end.
   */
  readonly connect?: ConnectOptions | ((attempt: Attempt) => ConnectOptions | PromiseLike<ConnectOptions>) | undefined;
}

/** A connection that survives: one channel over all connections that it makes, one after the other. */
export interface ReconnectingClient extends Reconnecting<Client> {
  readonly state: ReadonlyLatest<State>;
  /**
   * Pings the peer of the connection of now, as `Client.ping`: `undefined` while reading is paused.
   *
   * @throws SluiceError of kind UNAVAILABLE, as a rejection, while there is no connection.
   */
  ping(options?: PingOptions): Promise<number | undefined>;
  /** Lets the process end although the link is open, dials or waits. */
  unref(): void;
}

/**
 * Connects and stays connected: begins at once, and after each end connects again, until the peer is done (1000), a
 * failure is for good, or it is stopped. Messages of all connections arrive on one channel, each with its `epoch`.
 *
 * Nothing of what reached this process before a break is lost, nothing comes twice or out of order; what the server sent
 * meanwhile only its own protocol can tell, and no message of ours is kept for a later connection. Waits are full
 * jitter, from 1 s to 30 s; failures are forgotten after an open connection of `stableAfter`. The permissions of the
 * surrounding `security.run` hold for every dial. It keeps the process alive, also while it waits, unless `unref` was
 * called.
 *
 * @throws SluiceError of kind INVALID for a bad URL or option.
 *
 * @example
 * import { reconnect } from "@sluice/websocket";
 * import { WebSocketServer } from "ws";
 *
 * const server = new WebSocketServer({ port: 0 }).on("connection", (socket) => {
 *   socket.send(`hello ${server.clients.size}`);
 *   socket.close(1012); // a restart
 * });
 * const { port } = server.address() as { port: number };
 *
 * const feed = reconnect(`ws://localhost:${port}`, { backoff: { from: "10ms" } });
 * for await (const { epoch, data } of feed) {
 *   console.log(epoch, data);
 *   if (epoch === 2) break;
 * }
 * // → 1 hello 1
 * // → 2 hello 1
 * await feed.close();
 * server.close();
 */
export function reconnect(target: string | URL | Dial, options: ReconnectOptions = {}): ReconnectingClient {
  return openLink<Client, ConnectOptions>(
    { target, options },
    { checkUrl, checkOptions, checkClose, connect: connectFor, bind: (task) => AsyncResource.bind(task) },
  );
}
