// Durations in Go's format. The cases are those of Go's own time.ParseDuration, rounded to the nanosecond like there.

import { errors, time } from "@sluice/channels";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { hunt, rejection } from "./progress.ts";

test.each<[string, number]>([
  ["0", 0],
  ["-0", 0],
  ["0s", 0],
  ["5s", 5000],
  ["30s", 30_000],
  ["1478s", 1_478_000],
  ["-5s", -5000],
  ["+5s", 5000],
  ["5.0s", 5000],
  ["5.6s", 5600],
  ["5.s", 5000],
  [".5s", 500],
  [".125s", 125],
  ["1.004s", 1004],
  ["100.00100s", 100_001],
  ["1.1s", 1100],
  ["10ns", 0.000_01],
  ["11us", 0.011],
  ["1us", 0.001],
  ["12\u00b5s", 0.012],
  ["12\u03bcs", 0.012],
  ["13ms", 13],
  ["300ms", 300],
  ["15m", 900_000],
  ["16h", 57_600_000],
  ["1.5h", 5_400_000],
  ["1h30m", 5_400_000],
  ["3h30m", 12_600_000],
  ["2h45m30s", 9_930_000],
  ["10.5s4m", 250_500],
  ["-2m3.4s", -123_400],
  ["1h2m3s4ms5us6ns", 3_723_004.005_006],
  ["39h9m14.425s", 140_954_425],
  ["52763797000ns", 52_763.797],
  ["0.3333333333333333333h", 1_200_000],
  ["2147483648ms", 2_147_483_648],
])("F22: %s is %f milliseconds", (text, milliseconds) => {
  expect(time.parseDuration(text)).toBe(milliseconds);
});

test.each([0, 1, -1, 0.5, -0.25, 2 ** 40, Number.MAX_SAFE_INTEGER])(
  "F22: the number %f is milliseconds already",
  (n) => {
    expect(time.parseDuration(n)).toBe(n);
  },
);

const bad: [string, unknown][] = [
  ["nothing", ""],
  ["a bare number", "3"],
  ["a sign alone", "-"],
  ["a unit alone", "s"],
  ["a point alone", ".s"],
  ["a sign and a point", "+.s"],
  ["two signs", "--1s"],
  ["a sign in the middle", "1h-1m"],
  ["an unknown unit", "1d"],
  ["a unit in capitals", "1S"],
  ["a unit from Object.prototype", "1constructor"],
  ["a space before", " 1s"],
  ["a space inside", "1 s"],
  ["a space after", "1s "],
  ["a number left over", "1s5"],
  ["an exponent", "1e3s"],
  ["two points", "1.2.3s"],
  ["words", "one hour"],
  ["too much", `${"9".repeat(400)}h`],
  ["NaN", Number.NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["undefined", undefined],
  ["null", null],
  ["a bigint", 5n],
  ["an object", {}],
  ["a Date", new Date(0)],
  ["an object without a prototype", Object.create(null)],
  ["a symbol", Symbol("1s")],
];

test.each(bad)("F22: %s is refused with kind INVALID, and the error shows it", (_, duration) => {
  let error: unknown;
  try {
    time.parseDuration(duration as never);
  } catch (thrown) {
    error = thrown;
  }
  if (!errors.is(error, errors.INVALID)) throw new Error("Expected an error of kind INVALID");
  const sort = duration instanceof Date ? "got a Date" : "got an object";
  const written = typeof duration === "object" && duration !== null ? sort : String(duration);
  const wanted = typeof duration === "string" ? `"${duration}"` : written;
  expect(error.message).toContain(wanted);
  expect(error.details).toEqual({ duration });
  expect(error.retryable).toBe(false);
});

test("the constants are milliseconds", () => {
  const { NANOSECOND, MICROSECOND, MILLISECOND, SECOND, MINUTE, HOUR } = time;
  expect([MILLISECOND, SECOND, MINUTE, HOUR]).toEqual([1, 1000, 60_000, 3_600_000]);
  expect([NANOSECOND, MICROSECOND]).toEqual([0.000_001, 0.001]);
  expect(5 * SECOND).toBe(time.parseDuration("5s"));
});

test("everything that takes a duration refuses a bad one: what gives a promise rejects, the others throw", async () => {
  const invalid: unknown = expect.objectContaining({ kind: errors.INVALID });
  for (const duration of ["soon", Number.NaN, Infinity]) {
    expect(() => time.after(duration)).toThrow(invalid);
    expect(() => time.timer(duration)).toThrow(invalid);
    expect(() => time.ticker(duration)).toThrow(invalid);
    expect(() => time.timer(0).reset(duration)).toThrow(invalid);
    expect(() => {
      time.ticker(1).reset(duration);
    }).toThrow(invalid);
    expect(await rejection(time.sleep(duration))).toEqual(invalid);
  }
});

test("more different durations than are remembered are all read right, again and again", () => {
  for (let round = 0; round < 2; round += 1) {
    for (let n = 0; n < 2000; n += 1) expect(time.parseDuration(`${n}ms`)).toBe(n);
  }
});

test("property: whole numbers of every unit add up, in any order of the parts", () => {
  // Without hours: their sums pass 10^15 nanoseconds, where a double no longer tells one from the next.
  const units: Record<string, number> = { ns: 1e-6, us: 1e-3, "\u00b5s": 1e-3, ms: 1, s: 1e3, m: 6e4 };
  const part = fc.tuple(fc.nat(999), fc.constantFrom(...Object.keys(units)));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), fc.constantFrom("", "+", "-"), (parts, sign) => {
      const text = sign + parts.map(([amount, unit]) => `${amount}${unit}`).join("");
      let nanoseconds = 0;
      for (const [amount, unit] of parts) nanoseconds += amount * Math.round((units[unit] as number) * 1e6);
      expect(Math.round(time.parseDuration(text) * 1e6)).toBe((sign === "-" ? -nanoseconds : nanoseconds) + 0);
    }),
    hunt(300),
  );
});

test("property: what is not of the format never passes, and never takes long", () => {
  const grammar = /^[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$/;
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from("0123.+-nuµmsh e")), maxLength: 30 }), (text) => {
      let read: number | undefined;
      try {
        read = time.parseDuration(text);
      } catch {
        // refused
      }
      expect(read !== undefined).toBe(grammar.test(text));
    }),
    hunt(1000),
  );
});
