// How options are read: a table has a reader for each of them, which checks what was given and gives what we work with,
// in milliseconds and bytes. Not a schema library (CONTRIBUTING.md says why): every error names the option by its whole
// path, and what was given may be a secret.

import { type Duration, SluiceError, time } from "@sluice/channels";
import { invalid, invalidName } from "../errors.ts";
import { nearest } from "@sluice/channels/source";

/** Reads one option: throws INVALID, naming it, or gives its value; for `undefined` what an absent one means. */
export type Reader<T> = (given: unknown, option: string) => T;

/** A reader for each option. */
export type Readers<T> = { readonly [K in keyof T]-?: Reader<T[K]> };

/** What an error says of where options stand. */
export interface Place {
  /** What the argument is called. Default `options`. */
  readonly argument?: string;
  /** What options are called in other libraries. */
  readonly elsewhere?: ReadonlyMap<string, string>;
  /** Judges an option that is only there to be refused, with a better reason; true for one that may stay, absent. */
  readonly refuses?: (option: string, given: unknown) => boolean;
}

/**
 * Reads options by their table. An option that the table does not have is INVALID, and so is what is no object of
 * options: the error says what was probably meant.
 */
export function readOptions<T>(readers: Readers<T>, given: unknown, place: Place = {}): T {
  return read(readers, given, "", place);
}

/** Reads options within options, or within a list: `path` leads to them, such as `keepAlive`. */
export function readGroup<T>(readers: Readers<T>, given: unknown, path: string): T {
  return read(readers, given, `${path}.`, { argument: path });
}

function read<T>(
  readers: Readers<T>,
  given: unknown,
  at: string,
  { argument = "options", elsewhere, refuses }: Place,
): T {
  const names = Object.keys(readers) as (keyof T & string)[];
  if (!isObjectOfOptions(given)) throw invalid(argument, "an object", given, meantBy(given, names));
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(readers, name) || refuses?.(name, (given as Record<string, unknown>)[name])) continue;
    const meant = elsewhere?.get(name) ?? nearest(name, names);
    throw invalidName(at + name, names, meant === undefined ? undefined : at + meant);
  }
  const values = names.map((name) => [name, readers[name]((given as Record<string, unknown>)[name], at + name)]);
  return Object.fromEntries(values) as T;
}

/** Options within options, off unless given. */
export function group<T>(readers: Readers<T>): Reader<T | undefined> {
  return (given, option) => (given === undefined ? undefined : readGroup(readers, given, option));
}

/** A timeout: milliseconds, or `undefined` for none, which is said by 0. */
export function timeout(otherwise: number): Reader<number | undefined> {
  return (given = otherwise, option) => {
    const milliseconds = readDuration(given, option);
    if (milliseconds < 0) throw invalid(option, "a duration of 0 (none) or more", given);
    return milliseconds === 0 ? undefined : milliseconds;
  };
}

/** A length of time in milliseconds, more than 0. */
export function duration(most: number): Reader<number> {
  return (given, option) => {
    const milliseconds = readDuration(given, option);
    if (milliseconds > 0 && milliseconds <= most) return milliseconds;
    throw invalid(option, `a duration of more than 0 and at most ${most} ms`, given);
  };
}

function readDuration(given: unknown, option: string): number {
  try {
    return time.parseDuration(given as Duration);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    throw invalid(option, `a duration in milliseconds or in Go's format, such as "30s"`, given);
  }
}

/** A whole number of `unit`s; null is none, and no absence either. */
export function integer(least: number, most: number, unit: string): Reader<number> {
  return (given, option) => {
    if (typeof given === "number" && Number.isInteger(given) && given >= least && given <= most) return given;
    throw invalid(option, `an integer from ${least} to ${most} (${unit})`, given);
  };
}

/** What may be absent. */
export function optional<T>(reader: Reader<T>): Reader<T | undefined>;
export function optional<T>(reader: Reader<T>, otherwise: T): Reader<T>;
export function optional<T>(reader: Reader<T>, otherwise?: T): Reader<T | undefined> {
  return (given, option) => (given === undefined ? otherwise : reader(given, option));
}

/** One of a few values. */
export function choice<T>(values: readonly T[], expected: string = oneOf(values)): Reader<T> {
  return (given, option) => {
    const known = values.find((value) => value === given);
    if (known !== undefined) return known;
    throw invalid(option, expected, given);
  };
}

function oneOf(values: readonly unknown[]): string {
  return values
    .map((value) => JSON.stringify(value))
    .join(", ")
    .replace(/, ([^,]*)$/, " or $1");
}

/** A text. */
export const text: Reader<string> = (given, option) => {
  if (typeof given === "string") return given;
  throw invalid(option, "a string", given);
};

/** A function, or none. */
export function callback<F>(): Reader<F | undefined> {
  return (given, option) => {
    if (given === undefined || typeof given === "function") return given as F | undefined;
    throw invalid(option, "a function", given);
  };
}

/** An `AbortSignal`, of this realm or another, or none. */
export const abortSignal: Reader<AbortSignal | undefined> = (given, option) => {
  if (given === undefined || isSignal(given)) return given;
  throw invalid(option, "an AbortSignal", given);
};

function isSignal(given: unknown): given is AbortSignal {
  return typeof given === "object" && given !== null && "aborted" in given && "addEventListener" in given;
}

// An instance of a class may hold options; a list, a map, a signal and a promise are something else in their place.
function isObjectOfOptions(given: unknown): given is object {
  if (typeof given !== "object" || given === null) return false;
  return !(Symbol.iterator in given || "then" in given || isSignal(given));
}

function meantBy(given: unknown, names: readonly string[]): string | undefined {
  if (isSignal(given)) return names.includes("signal") ? "{ signal }" : undefined;
  if (typeof given !== "string" && typeof given !== "number" && !Array.isArray(given)) return undefined;
  if (names.includes("protocols") && typeof given !== "number") return "{ protocols: [ … ] }"; // as `new WebSocket` has it
  return names.includes("timeout") && !Array.isArray(given) ? "{ timeout: … }" : undefined;
}
