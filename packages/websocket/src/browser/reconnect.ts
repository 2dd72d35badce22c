// The face of the link in a page: it dials while somebody looks, and at once when the network or the page is back.

import type { ReadonlyLatest } from "@sluice/channels/broadcast";
import type { Attempt, LinkOptions, LinkState, Reconnecting } from "../reconnect/contract.ts";
import { openLink } from "../reconnect/open.ts";
import { checkClose, type Client } from "./client.ts";
import { checkUrl, connect } from "./connect.ts";
import { checkOptions, type ConnectOptions } from "./options.ts";
import { page } from "./page.ts";

/** Makes a connection for each attempt, where a URL does not say enough. */
export type Dial = (attempt: Attempt) => Promise<Client>;

/** What a link does now. */
export type State = LinkState<Client>;

/** Options of `reconnect`. Every option may be `undefined`, which means absent. */
export interface ReconnectOptions extends LinkOptions<Client> {
  /** Options of `connect`, or what makes them afresh for each attempt (tickets). Only with a URL as target. */
  readonly connect?: ConnectOptions | ((attempt: Attempt) => ConnectOptions | PromiseLike<ConnectOptions>) | undefined;
}

/** A connection that survives: one channel over all connections that it makes, one after the other. */
export interface ReconnectingClient extends Reconnecting<Client> {
  readonly state: ReadonlyLatest<State>;
}

/**
 * Connects and stays connected, as in Node; and, in a page: it does not dial while the page is hidden, and dials at once
 * when the network is back, the page is shown, or comes back from the back/forward cache.
 *
 * @throws SluiceError of kind INVALID for a bad URL or option.
 */
export function reconnect(target: string | URL | Dial, options: ReconnectOptions = {}): ReconnectingClient {
  const link = openLink<Client, ConnectOptions>(
    { target, options },
    { checkUrl, checkOptions, checkClose, connect, ready: shown },
  );
  const listening = new AbortController();
  whenBack(() => link.retryNow(), listening.signal);
  void link.closed.then(() => listening.abort());
  return link;
}

function isHidden(): boolean {
  return page.document?.visibilityState === "hidden";
}

/** Waits until the page is shown; a worker always is. */
async function shown(signal: AbortSignal): Promise<void> {
  while (isHidden()) {
    signal.throwIfAborted();
    await new Promise<void>((resolve) => {
      page.document?.addEventListener("visibilitychange", () => resolve(), { once: true, signal });
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}

/** Calls back when the network or the page is back. */
function whenBack(retry: () => void, signal: AbortSignal): void {
  page.addEventListener?.("online", retry, { signal });
  page.addEventListener?.("pageshow", retry, { signal });
  page.document?.addEventListener("visibilitychange", () => isHidden() || retry(), { signal });
}
