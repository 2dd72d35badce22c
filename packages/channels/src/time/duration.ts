// Durations in Go's format. Everything inside this package is in milliseconds, fractions included.

import { INVALID, SluiceError } from "../errors.ts";
import { shown } from "../mistake.ts";
import type { Duration } from "../types.ts";

/** One: durations are counted in milliseconds. */
export const MILLISECOND = 1;
/** A microsecond, in milliseconds. */
export const MICROSECOND = 0.001;
/** A nanosecond, in milliseconds: the shortest period of a ticker. */
export const NANOSECOND = 0.000_001;
/** A second, in milliseconds. */
export const SECOND = 1000;
/** A minute, in milliseconds. */
export const MINUTE = 60_000;
/** An hour, in milliseconds. */
export const HOUR = 3_600_000;

const UNITS: Readonly<Record<string, number>> = {
  ns: NANOSECOND,
  us: MICROSECOND,
  "\u00b5s": MICROSECOND, // the micro sign
  "\u03bcs": MICROSECOND, // the Greek letter
  ms: MILLISECOND,
  s: SECOND,
  m: MINUTE,
  h: HOUR,
};
const NUMBER_AND_UNIT = /(\d+\.?\d*|\.\d+)([a-z\u00b5\u03bc]+)/gy;

// A program writes few different durations and uses each many times; parsing costs more than a whole select.
const parsed = new Map<string, number>();
const PARSED_LIMIT = 256;

/**
 * Reads a duration and gives milliseconds. A number is milliseconds already; a string has Go's format: decimal numbers
 * with a unit each (`ns`, `us`, `ms`, `s`, `m`, `h`), such as `"300ms"`, `"1.5h"`, `"2h45m30s"`, `"-1s"` or `"0"`.
 *
 * @throws SluiceError of kind INVALID, which shows the text, for anything else.
 */
export function parseDuration(duration: Duration): number {
  if (typeof duration === "number" && Number.isFinite(duration)) return duration;
  if (typeof duration !== "string") throw invalid(duration);
  const known = parsed.get(duration);
  if (known !== undefined) return known;
  const milliseconds = parse(duration);
  if (parsed.size >= PARSED_LIMIT) parsed.clear();
  parsed.set(duration, milliseconds);
  return milliseconds;
}

function parse(text: string): number {
  const unsigned = text.replace(/^[-+]/, "");
  if (unsigned === "0") return 0;
  let milliseconds = 0;
  const rest = unsigned.replace(NUMBER_AND_UNIT, (_part, amount: string, unit: string) => {
    milliseconds += Number(amount) * (UNITS[unit] ?? NaN);
    return "";
  });
  if (unsigned === rest || rest !== "" || !Number.isFinite(milliseconds)) throw invalid(text);
  const sign = text.startsWith("-") ? -1 : 1;
  // To whole nanoseconds, Go's resolution: 1.1 * 1000 is 1100.0000000000002.
  return sign * (milliseconds < 1e9 ? Math.round(milliseconds * 1e6) / 1e6 : milliseconds) + 0; // and never -0
}

function invalid(duration: unknown): SluiceError {
  const text = typeof duration === "string" ? `\`"${duration}"\`` : shown(duration); // the whole of it
  return new SluiceError(
    INVALID,
    `Expected a duration in milliseconds or in Go's format, such as "1h30m" or "300ms", got ${text}`,
    { details: { duration } },
  );
}

/** @internal A duration as people write it. */
export function inWords(duration: Duration): string {
  return typeof duration === "number" ? `${duration} ms` : duration;
}
