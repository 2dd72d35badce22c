// `Retry-After` as a server may write it: digits or an HTTP-date (RFC 9110), strictly, and a clock that is not ours.

import { describe, expect, onTestFinished, test, vi } from "vitest";
import { connect } from "../src/index.ts";
import { failureOf } from "./fixtures/failures.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

const NOON = "Tue, 15 Nov 1994 12:00:00 GMT";

/** What becomes of `Retry-After` in an answer with these headers. */
async function waitOf(...headers: readonly string[]): Promise<unknown> {
  await using server = await RawServer.listen();
  const failing = failureOf(connect(server.url));
  const peer = await server.next();
  peer.socket.end(["HTTP/1.1 429 Too Many", ...headers, "Content-Length: 0", "\r\n"].join("\r\n"));
  const failure = await failing;
  expect(failure).toMatchObject({ kind: "RATE_LIMITED", details: { status: 429 } });
  return failure.details["retryAfter"];
}

test.each([
  ["0", 0],
  ["7", 7000],
  ["007", 7000],
  ["  120\t", 120_000],
  ["99999999999999999999", Number.MAX_SAFE_INTEGER],
])("seconds are digits: %j is %i ms", async (value, milliseconds) => {
  expect(await waitOf(`Retry-After: ${value}`)).toBe(milliseconds);
});

test.each([
  "1.5",
  "12.25",
  "60.25",
  "-1",
  "+1",
  "1e3",
  "0x10",
  "5 s",
  "5s",
  "PT5S",
  "1,2",
  "5, 5",
  "",
  "soon",
  "١٢",
  "1994-11-15T12:00:30Z",
  "15 Nov 1994 12:00:30 GMT",
  "Tue, 15 Nov 1994 12:00:30",
  "Tue, 15 Nov 1994 12:00:30 UTC",
  "Tue, 15 Nov 1994 12:00:30 +0000",
  "Tue, 15 Nov 94 12:00:30 GMT",
  "Tue, 5 Nov 1994 12:00:30 GMT",
  "tue, 15 nov 1994 12:00:30 gmt",
  "Die, 15 Nov 1994 12:00:30 GMT",
  "Tue, 15 Nov 1994 24:00:30 GMT",
  "Tue, 15 Nov 1994 12:60:30 GMT",
  "Tue, 15 Nov 1994 12:00:61 GMT",
  "Wed, 31 Feb 2040 12:00:00 GMT",
  "Tue, 00 Nov 2040 12:00:00 GMT",
  "Tue, 15 Nov 1994 12:00:30 GMT; or so",
])("what is neither digits nor an HTTP-date is no wait at all: %j", async (value) => {
  expect(await waitOf(`Retry-After: ${value}`, `Date: ${NOON}`)).toBeUndefined();
});

describe("a date is measured against the `Date` of the answer", () => {
  test.each([
    ["as it is written today", "Tue, 15 Nov 1994 12:00:30 GMT", 30_000],
    ["in the form of RFC 850", "Tuesday, 15-Nov-94 12:00:30 GMT", 30_000],
    ["in the form of asctime", "Tue Nov 15 12:00:30 1994", 30_000],
    ["in the form of asctime, whose days have no zero", "Sun Nov  6 12:00:30 2094", 3_154_982_430_000],
    ["at a leap second", "Tue, 15 Nov 1994 12:00:60 GMT", 60_000],
    ["on a leap day", "Thu, 29 Feb 1996 12:00:00 GMT", 40_694_400_000],
    ["that is over", "Tue, 15 Nov 1994 11:59:59 GMT", 0],
  ])("%s", async (_, value, milliseconds) => {
    expect(await waitOf(`Retry-After: ${value}`, `Date: ${NOON}`)).toBe(milliseconds);
  });

  test.each([[[]], [["Date: yesterday"]]])("and against our clock where that is none: %j", async (headers) => {
    const noon = Date.parse(NOON);
    const today = vi.spyOn(Date, "now").mockReturnValue(noon);
    onTestFinished(() => today.mockRestore());
    const inAMinute = new Date(noon + 60_000).toUTCString();
    expect(await waitOf(`Retry-After: ${inAMinute}`, ...headers)).toBe(60_000);
  });

  test("two digits of a year are of this century only if that is not far ahead", async () => {
    const year = new Date().getUTCFullYear() + 51;
    const digits = String(year % 100).padStart(2, "0");
    expect(await waitOf(`Retry-After: Tuesday, 15-Nov-${digits} 12:00:30 GMT`)).toBe(0);
    expect(
      await waitOf(`Retry-After: Sunday, 06-Nov-${String((year - 2) % 100).padStart(2, "0")} 08:49:37 GMT`),
    ).toBeGreaterThan(0);
  });
});

test("a secret that looks like the wait hides it in the header, and the wait is still known", async () => {
  await using server = await RawServer.listen();
  const failing = failureOf(connect(`${server.url}?pin=3600`));
  const peer = await server.next();
  peer.socket.end("HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n");
  expect((await failing).details).toMatchObject({ headers: { "retry-after": "[redacted]" }, retryAfter: 3_600_000 });
});
