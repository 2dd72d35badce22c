// What can go wrong, as values a program can switch on: `kind` says what, `retryable` whether trying again makes sense.
// A programmer's mistake is a `TypeError` or a `RangeError` that has the kind INVALID, and closing is a value (`ok: false`).

import { brand, marked, named } from "./error-name.ts";
import { isObject } from "./object.ts";
import type { SendChannel } from "./types.ts";

/** What was asked for does not exist: a host, a path, a name. */
export const NOT_FOUND = "NOT_FOUND";
/** The name is taken. */
export const ALREADY_EXISTS = "ALREADY_EXISTS";
/** An argument that cannot be right; the message names it, what was expected and what came. */
export const INVALID = "INVALID";
/** A policy, or the other end, does not allow it. */
export const PERMISSION_DENIED = "PERMISSION_DENIED";
/** Not reachable now, or no longer; often worth another try. */
export const UNAVAILABLE = "UNAVAILABLE";
/** Something broke: a protocol error, an answer nobody can read, a deadlock under virtual time. */
export const INTERNAL = "INTERNAL";
/** Called off by who asked for it. */
export const CANCELED = "CANCELED";
/** Two things that exclude each other, such as a second run of virtual time, or a message for another connection. */
export const CONFLICT = "CONFLICT";
/** A deadline passed. */
export const TIMEOUT = "TIMEOUT";
/** Too much at once, for the other end or for a limit of ours. */
export const RATE_LIMITED = "RATE_LIMITED";
/** None of the others fits. */
export const UNKNOWN = "UNKNOWN";
/** The channel was closed, or the connection, or the selector: a `ClosedError` where a value was not delivered. */
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

/** An error of this library, other than a programmer's mistake. */
export class SluiceError extends Error {
  /** What went wrong, as a constant of `errors`. */
  readonly kind: ErrorKind;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** Facts for people and programs, never secrets. */
  readonly details: Readonly<Record<string, unknown>>;

  /** Makes an error of a kind; it is not retryable and has no details unless they are given. */
  constructor(kind: ErrorKind, message: string, options: SluiceErrorOptions = {}) {
    super(message, options);
    named(this, new.target === SluiceError ? "SluiceError" : new.target.name);
    this.kind = kind;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
    Object.defineProperty(this, brand, { value: true });
  }

  /** The TypeError or RangeError of a programmer's mistake is one as well, of kind INVALID. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return super[Symbol.hasInstance](value) || (this === SluiceError && isObject(value) && marked in value);
  }

  /** What a log gets: always JSON, and never a value that somebody sent. */
  toJSON(): SluiceErrorJSON {
    const { name, kind, message, retryable, details } = this;
    return { name, kind, message, retryable, details: written(details, DEPTH) as SluiceErrorJSON["details"] };
  }
}

/** What is written of a `SluiceError` where JSON is made of it. */
export interface SluiceErrorJSON {
  /** The name of the class. */
  readonly name: string;
  /** What went wrong, as a constant of `errors`. */
  readonly kind: ErrorKind;
  /** For people. */
  readonly message: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** Facts, in what JSON knows. Values that were in hand when something failed are not among them. */
  readonly details: Readonly<Record<string, unknown>>;
}

const DEPTH = 4;

// What JSON has no word for, it refuses (a BigInt) or goes into without an end; a log must throw for neither.
function written(value: unknown, depth: number): unknown {
  if (typeof value === "bigint") return String(value);
  if (!isObject(value)) return value;
  const isPlain = Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value) as object);
  if (depth === 0) return Object.prototype.toString.call(value);
  if ("toJSON" in value && typeof value.toJSON === "function") return written(value.toJSON(), depth - 1);
  if (value instanceof Error) return String(value);
  if (!isPlain) return Object.prototype.toString.call(value);
  if (Array.isArray(value)) return value.map((entry) => written(entry, depth - 1));
  const facts = Object.entries(value).filter(([name]) => name !== "undelivered");
  return Object.fromEntries(facts.map(([name, fact]) => [name, written(fact, depth - 1)]));
}

/**
 * A send that met a closed channel. Nothing is lost: `value` is what was not delivered. Neither it nor the channel is
 * enumerable, so that no log writes them. The stack leads to the code that sent, also when a later close woke it, as
 * far as the host knows who awaits the send (V8 does).
 */
export class ClosedError extends SluiceError {
  declare readonly kind: typeof CLOSED;
  /** What was not delivered. */
  declare readonly value: unknown;
  /** The channel that was closed. */
  declare readonly channel: SendChannel<never>;
  /** Which case of a `select` failed: its index in an array, its name in a record. */
  declare readonly case?: number | string;

  /** Makes the error of a send that did not happen; its cause is what the channel was closed with. */
  constructor(value: unknown, channel: SendChannel<never>, key?: number | string) {
    const { name, cause } = channel;
    super(CLOSED, `Cannot send on ${name === undefined ? "a closed channel" : `the closed channel "${name}"`}`, {
      cause,
    });
    named(this, "ClosedError");
    Object.defineProperties(this, { value: { value }, channel: { value: channel } });
    if (key !== undefined) (this as { case?: number | string }).case = key;
  }
}

/** Tells whether `error` is a `SluiceError` of this kind. It looks at the error itself, not at its cause. */
export function is<K extends ErrorKind>(
  error: unknown,
  kind: K,
): error is SluiceError & {
  /** This kind. */
  readonly kind: K;
} {
  return isObject(error) && brand in error && (error as { kind?: unknown }).kind === kind;
}
