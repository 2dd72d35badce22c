// A server repeats what it was sent in its own way of writing. Whatever that is, and one within the other, the secret
// does not come through.

import { errors } from "@sluice/channels";
import { array, assert, asyncProperty, constantFrom, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { connect } from "../src/index.ts";
import { failureOf } from "./fixtures/failures.ts";
import { close } from "./fixtures/frames.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

type Escaping = (text: string) => string;

const unit = (character: string): string => character.charCodeAt(0).toString(16).padStart(4, "0");
const percent = (text: string): string => Buffer.from(text).toString("hex").replaceAll(/../g, "%$&");
const inner = (json: string): string => json.slice(1, -1);

const PUNCTUATION: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "/": "&sol;",
  "=": "&equals;",
  "+": "&plus;",
  "%": "&percnt;",
  ":": "&colon;",
  "@": "&commat;",
};

/** How servers write what they repeat. */
const ESCAPINGS: Readonly<Record<string, Escaping>> = {
  "as it is": (text) => text,
  JSON: (text) => inner(JSON.stringify(text)),
  "JSON of PHP": (text) =>
    inner(JSON.stringify(text).replaceAll("/", "\\/")).replaceAll(/[^\0-\x7f]/g, (each) => `\\u${unit(each)}`),
  "JSON of Go": (text) => inner(JSON.stringify(text)).replaceAll(/[<>&]/g, (each) => `\\u${unit(each)}`),
  "JSON for a script": (text) =>
    inner(JSON.stringify(text)).replaceAll(/[=/'@]/g, (each) => `\\u${unit(each).toUpperCase()}`),
  "a string of JavaScript": (text) => percent(text).replaceAll("%", "\\x"),
  HTML: (text) => text.replaceAll(/[&<>"']/g, (each) => PUNCTUATION[each] ?? each),
  "HTML by numbers": (text) => text.replaceAll(/[^\w ]/g, (each) => `&#${each.charCodeAt(0)};`),
  "HTML by padded numbers": (text) => text.replaceAll(/[^\w ]/g, (each) => `&#0${each.charCodeAt(0)};`),
  "HTML by hexadecimal numbers": (text) =>
    text.replaceAll(/[^\w ]/g, (each) => `&#x${unit(each).slice(2).toUpperCase()};`),
  "HTML by names": (text) => text.replaceAll(/[^\w ]/g, (each) => PUNCTUATION[each] ?? each),
  percent: (text) => encodeURIComponent(text),
  "percent in lower case": (text) => encodeURIComponent(text).replaceAll(/%../g, (each) => each.toLowerCase()),
  "percent throughout": percent,
  "a form": (text) => new URLSearchParams({ "": text }).toString().slice(1),
  base64: (text) => Buffer.from(text).toString("base64"),
  "base64 for URLs": (text) => Buffer.from(text).toString("base64url"),
  "base64 of more": (text) => Buffer.from(`user:${text}, and more`).toString("base64"),
  hexadecimal: (text) => Buffer.from(text).toString("hex"),
};
const names = Object.keys(ESCAPINGS);

/** What the caller is shown of a body that holds `secret`, written in these ways, one within the other. */
async function shownOf(server: RawServer, secret: string, escapings: readonly string[]): Promise<unknown> {
  const failing = failureOf(connect(server.url, { headers: { "X-Key": secret } }));
  const peer = await server.next();
  const written = escapings.reduce((text, name) => ESCAPINGS[name]?.(text) ?? text, secret);
  peer.socket.end(`HTTP/1.1 403 No\r\n\r\n{ no: ${written} }`);
  return (await failing).details["body"];
}

describe("a secret with every awkward character is hidden where it is repeated by", () => {
  test.each(names)("%s", async (name) => {
    await using server = await RawServer.listen();
    for (const secret of [
      "k9/ZqM73/hTxx==",
      `a"b'c\\d<e>f&g=h+i@j%k`,
      "50%off%40home",
      "&amp;%26\\u0026",
      "%%%41%",
      "\\/\\/\\/",
    ]) {
      expect({ secret, shown: await shownOf(server, secret, [name]) }).toEqual({ secret, shown: "{ no: [redacted] }" });
    }
  });
});

test("whatever the secret is and however its escapings are nested, it is hidden", async () => {
  await using server = await RawServer.listen();
  const secrets = string({
    minLength: 6,
    maxLength: 14,
    unit: constantFrom(...Array.from("abXY09%&\\/\"'<>=+@:;,#x26u{}")),
  });
  const nested = array(constantFrom(...names), { minLength: 1, maxLength: 2 });
  await assert(
    asyncProperty(secrets, nested, async (secret, escapings) => {
      expect(await shownOf(server, secret, escapings)).toBe("{ no: [redacted] }");
    }),
    { numRuns: 300 },
  );
});

describe("a password is hidden as the server reads it", () => {
  test.each([
    ["percent in front of what is no escape", "me:50%off%40home", "me:50%off@home"],
    ["a lone percent", "me:100%", "me:100%"],
    ["letters beyond ASCII", "me:p%C3%A4ssw%C3%B6rd", "me:pässwörd"],
    ["the same by name", "me:p%C3%A4ssw%C3%B6rd", "me:p&auml;ssw&ouml;rd"],
    ["an emoji", "me:key%F0%9F%94%91", String.raw`me:key\ud83d\udd11`],
    ["both in base64", "me:50%off%40home", Buffer.from("me:50%off@home").toString("base64")],
    ["as it was written", "me:50%off%40home", "me:50%off%40home"],
  ])("%s", async (_, credentials, echoed) => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url.replace("//", `//${credentials}@`)));
    const peer = await server.next();
    peer.socket.end(`HTTP/1.1 401 Who\r\n\r\nNot ${echoed} here`);
    expect((await failing).details["body"]).toMatch(/^Not (me:)?\[redacted\] here$/);
  });
});

describe("a value of the query is hidden", () => {
  test.each([
    ["token=50%off%40home", "token=50%off@home"],
    ["token=two+words", "token=two words"],
    ["token=two%20words", "token=two+words"],
    ["token=a%2Bb%2Bc", "token=a+b+c"],
    ["token=one%252Ftwo", "token=one/two"],
  ])("%s is repeated as %s", async (query, echoed) => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(`${server.url}?${query}`));
    const peer = await server.next();
    peer.socket.end(`HTTP/1.1 401 Who\r\n\r\nNot ${echoed}`);
    expect((await failing).details["body"]).toBe("Not token=[redacted]");
  });
});

describe("half a secret is hidden too", () => {
  const secret = "eyJ".padEnd(3000, "long token");

  test("where the body is cut", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url, { headers: { "X-Key": secret } }));
    const peer = await server.next();
    peer.socket.end(`HTTP/1.1 403 No\r\n\r\nNo: ${secret}`);
    expect((await failing).details["body"]).toBe("No: [redacted]");
  });

  test("where the reason of a close frame ends", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ headers: { "X-Key": secret } });
    peer.socket.end(close(1008, `No: ${secret}`.slice(0, 123)));
    expect((await client.closed).error).toMatchObject({ kind: errors.INTERNAL, details: { reason: "No: [redacted]" } });
  });

  test("and a text that only ends like the beginning of one is left as it is", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url, { headers: { "X-Key": "tests-are-fun" } }));
    const peer = await server.next();
    peer.socket.end("HTTP/1.1 403 No\r\n\r\nThese are tests");
    expect((await failing).details["body"]).toBe("These are tests");
  });
});

test("a text without secrets is shown as it came, escapes and all", async () => {
  await using server = await RawServer.listen();
  const text = String.raw`{"a":"\/x\u0041","b":"&amp;&#39;%20%zz&nbsp;\q &unknown; &#x110000;"}`;
  const failing = failureOf(connect(server.url, { headers: { "X-Key": "tests-are-fun" } }));
  const peer = await server.next();
  peer.socket.end(`HTTP/1.1 403 No\r\n\r\n${text}`);
  expect((await failing).details["body"]).toBe(text);
});
