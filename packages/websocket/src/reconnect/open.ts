// Opens a link, for Node and for a page alike: what differs between them is handed in.

import { invalid } from "../errors.ts";
import { readOptions } from "../protocol/options.ts";
import { redactUrl } from "../protocol/shown-url.ts";
import type { Attempt, Connection, LinkOptions } from "./contract.ts";
import { type Life, Link } from "./link.ts";
import { backoffOf, linkReaders } from "./options.ts";

interface Dialled {
  readonly signal?: AbortSignal | undefined;
}

/** @internal Where the connections of a link come from. */
export interface LinkTarget<C, O> {
  readonly target: string | URL | ((attempt: Attempt) => Promise<C>);
  readonly options: LinkOptions<C> & {
    readonly connect?: O | ((attempt: Attempt) => O | PromiseLike<O>) | undefined;
  };
}

/** @internal How connections are made where the link runs. */
export interface Making<C, O> {
  /** Throws INVALID for what is no URL to connect to. */
  readonly checkUrl: (url: unknown) => URL;
  /** Throws INVALID for options of `connect` that are wrong. */
  readonly checkOptions: (options: unknown) => unknown;
  /** Throws INVALID for what a close frame cannot say. */
  readonly checkClose: (code: unknown, reason: unknown) => void;
  readonly connect: (url: URL, options: O | Dialled, life: Life) => Promise<C>;
  /** Settles when it is time to dial; absent where it always is. */
  readonly ready?: (signal: AbortSignal) => Promise<void>;
  /** Keeps for a task what it must not lose in a queue. */
  readonly bind?: (task: () => Promise<C>) => () => Promise<C>;
}

/** @internal Throws INVALID for a bad URL or option; dials when it returns. */
export function openLink<C extends Connection, O extends Dialled>(
  { target, options }: LinkTarget<C, O>,
  { checkUrl, checkOptions, checkClose, connect, ready, bind }: Making<C, O>,
): Link<C> {
  const url = typeof target === "function" ? undefined : checkUrl(target);
  const read = readOptions(linkReaders<C, NonNullable<typeof options.connect>>(checkOptions), options);
  const { connect: given, dials } = read;
  if (url === undefined && given !== undefined) {
    throw invalid("connect", "absent with a `Dial`, which says itself how to connect", given);
  }
  const one = async (attempt: Attempt, life: Life): Promise<C> => {
    if (typeof target === "function") return target(attempt);
    const own = typeof given === "function" ? await given(attempt) : given;
    const signal = own?.signal === undefined ? attempt.signal : AbortSignal.any([own.signal, attempt.signal]);
    return connect(url as URL, { ...own, signal }, life);
  };
  const dial = (attempt: Attempt, life: Life): Promise<C> => {
    if (dials === undefined) return one(attempt, life);
    const task = async (): Promise<C> => one(attempt, life);
    return dials.add(bind?.(task) ?? task, { signal: attempt.signal });
  };
  return new Link<C>({
    ...read,
    ...backoffOf(read.backoff),
    name: read.name ?? (url === undefined ? "a link" : redactUrl(url)),
    stableAfter: read.stableAfter ?? 0,
    dial: ready === undefined ? dial : async (attempt, life) => ready(attempt.signal).then(() => dial(attempt, life)),
    checkClose,
  });
}
