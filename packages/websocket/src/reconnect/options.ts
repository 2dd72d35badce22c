// How the options of a link are read, for Node and for a page alike.

import { invalid } from "../errors.ts";
import {
  abortSignal,
  callback,
  duration,
  group,
  integer,
  optional,
  type Reader,
  type Readers,
  timeout,
} from "../protocol/options.ts";
import type { LinkOptions } from "./contract.ts";
import { retryable } from "./retry.ts";

type Dials = NonNullable<LinkOptions<never>["dials"]>;

/** @internal `LinkOptions`, checked and complete, together with where its connections come from. */
export interface ReadLinkOptions<C, D> {
  readonly connect: D;
  readonly setup: NonNullable<LinkOptions<C>["setup"]> | undefined;
  readonly setupTimeout: number | undefined;
  readonly retry: NonNullable<LinkOptions<C>["retry"]>;
  readonly backoff: { readonly from: number; readonly to: number } | undefined;
  readonly stableAfter: number | undefined;
  readonly attempts: number;
  readonly dials: Dials | undefined;
  readonly signal: AbortSignal | undefined;
  readonly name: string | undefined;
}

const LONGEST_WAIT = Number.MAX_SAFE_INTEGER;

const name: Reader<string> = (given, option) => {
  if (typeof given === "string") return given;
  throw invalid(option, "a string", given);
};

const dials: Reader<Dials> = (given, option) => {
  if (typeof (given as Dials | null | undefined)?.add === "function") return given as Dials;
  throw invalid(option, "a queue with `add`, as p-queue has", given);
};

/** @internal How they are read; `check` throws for options of `connect` that are wrong. */
export function linkReaders<C, D extends object>(
  check: (given: unknown) => unknown,
): Readers<ReadLinkOptions<C, D | undefined>> {
  return {
    connect: (given, option) => {
      if (given === undefined || typeof given === "function") return given as D | undefined;
      if (typeof given !== "object" || given === null) {
        throw invalid(option, "options of `connect`, or a function that gives them", given);
      }
      check(given);
      return given as D;
    },
    setup: callback(),
    setupTimeout: timeout(30_000),
    retry: (given, option) => callback<NonNullable<LinkOptions<C>["retry"]>>()(given, option) ?? retryable,
    backoff: group({ from: optional(duration(LONGEST_WAIT), 1000), to: optional(duration(LONGEST_WAIT), 30_000) }),
    stableAfter: timeout(10_000),
    attempts: optional(integer(1, LONGEST_WAIT, "failures in a row"), Infinity),
    dials: optional(dials),
    signal: abortSignal,
    name: optional(name),
  };
}

/** @internal The two ends of the backoff. */
export function backoffOf(read: { readonly from: number; readonly to: number } | undefined): {
  from: number;
  to: number;
} {
  const { from, to } = read ?? { from: 1000, to: 30_000 };
  if (from > to) throw invalid("backoff.from", `a duration of at most \`backoff.to\` (${to} ms)`, from);
  return { from, to };
}
