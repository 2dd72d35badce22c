// The face of the link in a page: it dials while somebody looks, and at once when the network or the page is back.

import type { ReadonlyLatest } from "@sluice/channels/broadcast";
import { invalid } from "../errors.ts";
import { readOptions } from "../protocol/options.ts";
import { redactUrl } from "../protocol/redaction.ts";
import type { Attempt, LinkOptions, LinkState, Reconnecting } from "../reconnect/contract.ts";
import { Link } from "../reconnect/link.ts";
import { backoffOf, linkReaders } from "../reconnect/options.ts";
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

type ConnectGiven = NonNullable<ReconnectOptions["connect"]>;

const READERS = linkReaders<Client, ConnectGiven>(checkOptions);

/**
 * Connects and stays connected, as in Node; and, in a page: it does not dial while the page is hidden, and dials at once
 * when the network is back, the page is shown, or comes back from the back/forward cache.
 *
 * @throws SluiceError of kind INVALID for a bad URL or option.
 */
export function reconnect(target: string | URL | Dial, options: ReconnectOptions = {}): ReconnectingClient {
  const url = typeof target === "function" ? undefined : checkUrl(target);
  const read = readOptions(READERS, options);
  if (url === undefined && read.connect !== undefined) {
    throw invalid("connect", "absent with a `Dial`, which says itself how to connect", read.connect);
  }
  const { dials } = read;
  const dial = url === undefined ? (target as Dial) : dialling(url, read.connect);
  const visibly: Dial = async (attempt) => {
    await shown(attempt.signal);
    return dials === undefined ? dial(attempt) : dials.add(async () => dial(attempt), { signal: attempt.signal });
  };
  const link = new Link<Client>({
    ...read,
    ...backoffOf(read.backoff),
    name: read.name ?? (url === undefined ? "a link" : redactUrl(url)),
    stableAfter: read.stableAfter ?? 0,
    dial: visibly,
    checkClose,
  });
  void link.closed.then(whenBack(() => link.retryNow()));
  return link;
}

function dialling(url: URL, given: ConnectGiven | undefined): Dial {
  return async (attempt) => {
    const options = typeof given === "function" ? await given(attempt) : given;
    const own = options?.signal;
    const signal = own === undefined ? attempt.signal : AbortSignal.any([own, attempt.signal]);
    return connect(url, { ...options, signal });
  };
}

function isHidden(): boolean {
  return page.document?.visibilityState === "hidden";
}

/** Waits until the page is shown; a worker always is. */
async function shown(signal: AbortSignal): Promise<void> {
  const { document } = page;
  if (document === undefined || !isHidden()) return;
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (isHidden() && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      signal.removeEventListener("abort", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
  });
  signal.throwIfAborted();
}

/** Calls back when the network or the page is back. Gives what forgets it. */
function whenBack(retry: () => void): () => void {
  const { document } = page;
  const visible = (): void => {
    if (!isHidden()) retry();
  };
  page.addEventListener?.("online", retry);
  page.addEventListener?.("pageshow", retry);
  document?.addEventListener("visibilitychange", visible);
  return () => {
    page.removeEventListener?.("online", retry);
    page.removeEventListener?.("pageshow", retry);
    document?.removeEventListener("visibilitychange", visible);
  };
}
