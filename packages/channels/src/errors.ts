// What can go wrong, as values a program can switch on: `kind` says what, `retryable` whether trying again makes sense.
// A programmer's mistake is a plain `TypeError` or `RangeError` instead, and closing is a value (`ok: false`).

import { named } from "./error-name.ts";
import { isObject } from "./mistake.ts";
import type { SendChannel } from "./types.ts";

export const NOT_FOUND = "NOT_FOUND";
export const ALREADY_EXISTS = "ALREADY_EXISTS";
export const INVALID = "INVALID";
export const PERMISSION_DENIED = "PERMISSION_DENIED";
export const UNAVAILABLE = "UNAVAILABLE";
export const INTERNAL = "INTERNAL";
export const CANCELED = "CANCELED";
export const CONFLICT = "CONFLICT";
export const TIMEOUT = "TIMEOUT";
export const RATE_LIMITED = "RATE_LIMITED";
export const UNKNOWN = "UNKNOWN";
export const CLOSED = "CLOSED";

/** Every kind of `SluiceError`; each is also a constant of `errors`, equal to its name. */
export type ErrorKind =
  | typeof NOT_FOUND
  | typeof ALREADY_EXISTS
  | typeof INVALID
  | typeof PERMISSION_DENIED
  | typeof UNAVAILABLE
  | typeof INTERNAL
  | typeof CANCELED
  | typeof CONFLICT
  | typeof TIMEOUT
  | typeof RATE_LIMITED
  | typeof UNKNOWN
  | typeof CLOSED;

/** What a `SluiceError` carries beside its kind and message. */
export interface SluiceErrorOptions {
  /** Whether the same call may succeed later; false unless given. */
  readonly retryable?: boolean | undefined;
  /** Facts for people and programs, never secrets. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** What led to this error. */
  readonly cause?: unknown;
}

// One brand for every copy of this package in a program: `instanceof` would not see an error of another copy.
const brand: unique symbol = Symbol.for("@sluice/channels.error");

/** An error of this library, other than a programmer's mistake. */
export class SluiceError extends Error {
  /** What went wrong, as a constant of `errors`. */
  readonly kind: ErrorKind;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** Facts for people and programs, never secrets. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(kind: ErrorKind, message: string, options: SluiceErrorOptions = {}) {
    super(message, options);
    named(this, new.target === SluiceError ? "SluiceError" : new.target.name);
    this.kind = kind;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
    Object.defineProperty(this, brand, { value: true });
  }
}

/**
 * A send that met a closed channel. Nothing is lost: `value` is what was not delivered.
 *
 * When it came from a `select`, `index` says which case it was, or `name` does (in place of the usual "ClosedError").
 */
export class ClosedError extends SluiceError {
  /** What was not delivered. */
  readonly value: unknown;
  /** The channel that was closed. */
  readonly channel: SendChannel<never>;
  /** Which case of an array `select` failed. */
  declare readonly index?: number;

  constructor(value: unknown, channel: SendChannel<never>, key?: number | string) {
    const { name, cause } = channel;
    super(CLOSED, `Cannot send on ${name === undefined ? "a closed channel" : `the closed channel "${name}"`}`, {
      cause,
    });
    this.value = value;
    this.channel = channel;
    named(this, typeof key === "string" ? key : "ClosedError");
    if (typeof key === "number") (this as { index?: number }).index = key;
  }
}

/** Tells whether `error` is a `SluiceError` of this kind. It looks at the error itself, not at its cause. */
export function is<K extends ErrorKind>(error: unknown, kind: K): error is SluiceError & { readonly kind: K } {
  return isObject(error) && brand in error && (error as { kind?: unknown }).kind === kind;
}
