// `Retry-After` (RFC 9110 10.2.3): digits or a date, and nothing that only looks like one. `Date.parse` takes "1.5" and
// "-1" for dates of the year 2001, and a wait of a second and a half would be none at all.

const SHORT_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day";
const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
const MONTH = `(?<month>${(MONTHS.match(/.../g) ?? []).join("|")})`;
const TIME = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`;
// RFC 9110 5.6.7: the form that is written today, and the two obsolete ones that must still be read.
const FORMS: readonly RegExp[] = [
  new RegExp(String.raw`^${SHORT_DAY}, (?<day>\d\d) ${MONTH} (?<year>\d{4}) ${TIME} GMT$`),
  new RegExp(String.raw`^${LONG_DAY}, (?<day>\d\d)-${MONTH}-(?<year>\d\d) ${TIME} GMT$`),
  new RegExp(String.raw`^${SHORT_DAY} ${MONTH} (?<day>\d\d| \d) ${TIME} (?<year>\d{4})$`),
];

/**
 * Reads the wait that a server asks for: milliseconds from now, or undefined for what is no `Retry-After`.
 *
 * @param date the `Date` of the same answer. A date to wait for is one of the server's clock, and is measured against
 * it, so that neither clock need be right; without one, against ours.
 */
export function retryAfterOf(value: string | undefined, date: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1000, Number.MAX_SAFE_INTEGER);
  const until = momentOf(value);
  if (until === undefined) return undefined;
  const now = date === undefined ? undefined : momentOf(date);
  return Math.max(0, until - (now ?? Date.now()));
}

/** Reads an HTTP-date: milliseconds since 1970, or undefined for what is none. */
function momentOf(text: string): number | undefined {
  const parts = FORMS.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (parts === undefined) return undefined;
  const [day, hour, minute, second] = [parts["day"], parts["hour"], parts["minute"], parts["second"]].map(Number);
  if (day === undefined || hour === undefined || minute === undefined || second === undefined) return undefined;
  const month = MONTHS.indexOf(parts["month"] ?? "") / 3;
  const moment = new Date(0);
  moment.setUTCFullYear(yearOf(parts["year"] ?? ""), month, day);
  // 31 February; a second of 60 is a leap second.
  if (moment.getUTCMonth() !== month || hour > 23 || minute > 59 || second > 60) return undefined;
  return moment.setUTCHours(hour, minute, second);
}

// Two digits that seem to be more than 50 years ahead are of the past (RFC 9110 5.6.7).
function yearOf(digits: string): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = new Date().getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(digits);
  return year > thisYear + 50 ? year - 100 : year;
}
