// Whether to connect again: which failures pass by themselves, and which would only repeat.

import { errors, SluiceError } from "@sluice/channels";
import type { Failure } from "./contract.ts";

// A server that goes away, restarts, is overloaded or times out (3008 by IANA's registry) comes back; and so does a
// network. After every other code the same conversation would end in the same way, and 1000 means that it is done.
const TRANSIENT_CODES: ReadonlySet<number> = new Set([1001, 1005, 1006, 1011, 1012, 1013, 1014, 3008]);

/**
 * Says whether a failure is one that trying again may cure: what `reconnect` does unless `retry` is given.
 *
 * True for deadlines of any phase, for errors that are `retryable`, and for ends with 1001, 1005, 1006, 1011 to 1014 and
 * 3008. False for 1000, where the peer is done, and for every other code, bad options, missing permissions, a URL that
 * does not exist, and certificates that are not trusted.
 */
export function retryable({ error, info }: Failure): boolean {
  if (errors.is(error, errors.TIMEOUT)) return true;
  if (info !== undefined) return TRANSIENT_CODES.has(info.code);
  return isSluiceError(error) && error.retryable;
}

/** @internal An error of this library, of whatever copy of it; anything else that a hook throws is a mistake. */
export function isSluiceError(error: unknown): error is SluiceError {
  return error instanceof SluiceError || errors.is(error, (error as SluiceError | undefined)?.kind as never);
}

/** @internal What the server asked to wait at least, milliseconds. */
export function retryAfterOf(error: unknown): number {
  const after = isSluiceError(error) ? error.details["retryAfter"] : undefined;
  return typeof after === "number" && after > 0 ? after : 0;
}

/** @internal Full jitter: of all that spread many clients, the only one that still does at its cap. */
export function backoff(failures: number, from: number, to: number, random: () => number): number {
  return random() * Math.min(to, from * 2 ** (failures - 1));
}
