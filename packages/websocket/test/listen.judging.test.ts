// Who is let in: requests that are none, hosts and origins, paths, and garbage.

import { errors } from "@sluice/channels";
import { array, assert, asyncProperty, constantFrom, integer, oneof, string, tuple, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { connect, listen } from "../src/index.ts";
import { certificate } from "./fixtures/certificates.ts";
import { fastClock } from "./fixtures/fast-clock.ts";
import { answerOn, ask, dial, type Request, requestOf, statusOf } from "./fixtures/raw-client.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { next, serve, until } from "./fixtures/served.ts";
import { cut, places } from "./fixtures/streams.ts";

leavesNothingBehind();

const wrong: readonly (readonly [string, number, Request])[] = [
  ["no upgrade", 426, { headers: { Upgrade: undefined, Connection: undefined } }],
  ["an upgrade to something else", 426, { headers: { Upgrade: "h2c" } }],
  ["HTTP/1.0", 426, { version: "1.0" }],
  ["an old version", 426, { headers: { "Sec-WebSocket-Version": "8" } }],
  ["no version", 426, { headers: { "Sec-WebSocket-Version": undefined } }],
  ["a POST", 405, { method: "POST" }],
  ["no key", 400, { headers: { "Sec-WebSocket-Key": undefined } }],
  ["a key that is none", 400, { headers: { "Sec-WebSocket-Key": "short" } }],
  ["no host", 400, { headers: { Host: undefined } }],
  ["a host that is none", 400, { headers: { Host: "a/b" } }],
  ["another host in its target", 400, { target: "http://example.com/" }],
  ["a target that is none", 400, { target: "nowhere" }],
  ["a body", 400, { headers: { "Content-Length": "3" } }],
  ["subprotocols that are none", 400, { headers: { "Sec-WebSocket-Protocol": "a,,b" } }],
  ["a subprotocol twice", 400, { headers: { "Sec-WebSocket-Protocol": "a, a" } }],
  ["extensions that are none", 400, { headers: { "Sec-WebSocket-Extensions": "permessage-deflate; =" } }],
  ["an extension it does not have", 101, { headers: { "Sec-WebSocket-Extensions": "x-other" } }],
];

test.each(wrong)("a handshake with %s is answered by %i", async (_, status, request) => {
  const server = await serve({ compression: 1 });
  expect(await statusOf(server.port, request)).toBe(status);
  expect(server.stats.refused).toBe(status === 101 ? 0 : 1);
});

describe("`Host` on a loopback address", () => {
  test.each([
    ["localhost", 101],
    ["127.0.0.1:1", 101],
    ["[::1]", 101],
    ["LOCALHOST", 101],
    ["evil.example", 403],
    ["127.0.0.1.evil.example", 403],
    ["localhost.evil.example", 403],
    ["0.0.0.0", 403],
    ["chat.example.com", 101],
    ["chat.example.com:8080", 101],
    ["admin.example.com:8080", 101],
    ["admin.example.com", 403],
  ])("%s: %i", async (Host, status) => {
    const server = await serve({ hosts: ["chat.example.com", "admin.example.com:8080"] });
    expect(await statusOf(server.port, { headers: { Host } })).toBe(status);
  });

  test("is one of its names unless others are listed", async () => {
    const server = await serve();
    expect(await statusOf(server.port, { headers: { Host: "chat.example.com" } })).toBe(403);
  });
});

describe("`Origin`", () => {
  const listed = ["https://example.com", "https://*.example.com", "http://bücher.example", "https://a.example:8443"];

  test.each([
    [undefined, 101],
    ["http://localhost:1234", 101],
    ["HTTP://LOCALHOST:1234", 101],
    ["http://localhost", 403],
    ["http://localhost:4321", 403],
    ["null", 403],
    ["http://localhost:1234/path", 403],
    ["http://localhost:1234, http://evil.example", 403],
    ["https://example.com", 101],
    ["http://example.com", 403],
    ["https://example.com:8443", 403],
    ["https://a.example.com", 101],
    ["https://a.b.example.com", 101],
    ["https://a.example.com:8443", 403],
    ["https://evilexample.com", 403],
    ["https://example.com.evil.example", 403],
    ["http://xn--bcher-kva.example", 101],
    ["https://a.example:8443", 101],
  ])("%s: %i", async (Origin, status) => {
    const server = await serve({ origins: listed });
    expect(await statusOf(server.port, { headers: { Host: "localhost:1234", Origin } })).toBe(status);
  });

  test("may leave out the port that its scheme implies, IPv6 included", async () => {
    const server = await serve();
    expect(await statusOf(server.port, { headers: { Host: "[::1]", Origin: "http://[::1]:80" } })).toBe(101);
    expect(await statusOf(server.port, { headers: { Host: "localhost:443", Origin: "https://localhost" } })).toBe(101);
  });

  test.each(["null", "https://anywhere.example"])("`*` lets every page in: %s", async (Origin) => {
    const server = await serve({ origins: "*" });
    expect(await statusOf(server.port, { headers: { Origin } })).toBe(101);
  });

  test.each([["example.com"], ["https://*"], ["https://a*.example.com"], ["https://example.com/x"], ["*"]])(
    "cannot be listed as %s",
    async (origin) => {
      await expect(listen({ origins: [origin] })).rejects.toMatchObject({ kind: errors.INVALID });
    },
  );
});

describe("`path`", () => {
  test.each([
    ["/ws", 101],
    ["/ws?x=/admin", 101],
    ["/ws/", 404],
    ["/ws/../admin", 404],
    ["/ws/%2e%2e/admin", 404],
    ["/admin/../ws", 101],
    ["//evil.example/ws", 404],
    ["/rooms/7", 101],
    ["/rooms/7/8", 404],
    ["/files/a/b", 101],
    ["/en/chat", 101],
    ["/chat", 101],
  ])("%s: %i", async (target, status) => {
    const server = await serve({ path: ["/ws", "/rooms/:id", "/files/*", "{/:language}?/chat"] });
    expect(await statusOf(server.port, { target })).toBe(status);
  });

  test("may be a test of the URL", async () => {
    const server = await serve({ path: ({ searchParams }) => searchParams.has("room") });
    expect(await statusOf(server.port, { target: "/?room=1" })).toBe(101);
    expect(await statusOf(server.port, { target: "/" })).toBe(404);
    expect(await statusOf(server.port, { headers: { Upgrade: undefined, Connection: undefined } })).toBe(404);
  });

  test.each(["ws", "", "/(", 5])("cannot be %j", async (path) => {
    await expect(listen({ path: path as string })).rejects.toMatchObject({ kind: errors.INVALID });
  });
});

test.each([
  ["port", { port: 65_536 }],
  ["port", { port: "8080" }],
  ["backlog", { backlog: -1 }],
  ["maxConnections", { maxConnections: 0 }],
  ["handshakeTimeout", { handshakeTimeout: "-1s" }],
  ["hosts", { hosts: "localhost" }],
  ["hosts", { hosts: ["*.example.com"] }],
  ["authorize", { authorize: true }],
  ["protocols", { protocols: ["a b"] }],
  ["tls", { tls: {} }],
  ["tls", { tls: { cert: "x", key: "y" } }],
  ["maxPayload", { maxPayload: 1 }],
  ["maxConnectionsPerKey.key", { maxConnectionsPerKey: { limit: 1 } }],
])("a bad `%s` rejects with INVALID, and nothing listens", async (option, options) => {
  await expect(listen(options as object)).rejects.toMatchObject({ kind: errors.INVALID, details: { option } });
});

describe("who is slow", () => {
  test("to say what he wants gets 408 when his time is over, a byte a second or none at all", async () => {
    const pass = fastClock();
    const server = await serve();
    const [slow, silent] = [await dial(server.port), await dial(server.port)];
    const answers = [answerOn(slow), answerOn(silent)];
    const request = requestOf(server.port, {});
    for (let i = 0; i < 10; i += 1) {
      slow.write(request.charAt(i));
      await pass(1000);
    }
    expect((await Promise.all(answers)).map((answer) => answer?.status)).toEqual([408, 408]);
    expect(server.stats).toEqual({ accepted: 0, open: 0, refused: 2, handshakes: 0 });
  });

  test("to begin with TLS is let go of", async () => {
    const pass = fastClock();
    const server = await serve({ tls: certificate("trusted") });
    const socket = await dial(server.port);
    const answer = answerOn(socket);
    await pass(10_000);
    expect(await answer).toBeUndefined();
  });
});

test("garbage and handshakes that are nearly right get a 4xx or a close, and the server goes on", async () => {
  const server = await serve({ compression: 1, handshakeTimeout: 0 });
  const right = requestOf(server.port, { headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } });
  const damaged = array(tuple(integer({ min: 0, max: right.length - 1 }), integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  }).map((flips) => {
    const bytes = Buffer.from(right);
    for (const [at, value] of flips) bytes[at] = value;
    return bytes;
  });
  const lines = array(
    oneof(constantFrom(...right.split("\r\n").filter(Boolean)), string({ unit: "binary-ascii", maxLength: 30 })),
    { maxLength: 10 },
  ).map((all) => Buffer.from(`${all.join("\r\n")}\r\n\r\n`, "latin1"));
  const garbage = oneof(
    damaged,
    lines,
    uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );
  const property = asyncProperty(garbage, places, async (bytes, cuts) => {
    const socket = await dial(server.port);
    const answered = answerOn(socket);
    for (const piece of cut(bytes, cuts)) socket.write(piece);
    socket.end(); // what is not complete ends here
    const status = (await answered)?.status;
    expect(status === undefined || status === 101 || (status >= 400 && status < 500)).toBe(true);
    socket.destroy();
  });
  await assert(property, { numRuns: 300 });
  while (server.connections().length > 0) (await next(server)).client.terminate();
  await until(() => server.stats.handshakes === 0 && server.stats.open === 0);
  const client = await connect(server.url);
  expect((await ask(server.port)).status).toBe(101);
  await client.close().catch(() => undefined);
});
