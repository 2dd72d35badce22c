// Every option that cannot be: the error names it, says what was expected and what came, and nothing is dialled.

import { errors } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { connect, type ConnectOptions } from "../src/index.ts";
import { failureOf } from "./fixtures/failures.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { PlainServer } from "./fixtures/ws-server.ts";

leavesNothingBehind();

const MEBIBYTE = 1024 * 1024;

const mistakes: readonly (readonly [string, unknown, string])[] = [
  ["headers", 1, "`1`"],
  ["headers", "X-A: a", "a string"],
  ["headers", ["X-A: a"], "a string"],
  ["headers", { "bad name": "x" }, 'one with `" "`'],
  ["headers", { "": "x" }, "an empty one"],
  ["headers", { "X-A": "a\r\nX-B: b" }, "control characters"],
  ["headers", { "X-A": "a\0" }, "control characters"],
  ["headers", { "X-A": "☃" }, "Latin-1"],
  ["headers", { "X-A": 1 }, "a number"],
  ["headers", { "X-A": null }, "null"],
  ["headers", { "X-A": {} }, "an object"],
  ["headers", [["X-A"]], "an array"],
  ...["Host", "content-length", "Transfer-Encoding", "Connection", "UPGRADE", "TE", "Trailer", "Expect"].map(
    (name) => ["headers", { [name]: "x" }, name] as const,
  ),
  ...["Proxy-Authorization", "proxy-x", "Sec-WebSocket-Key", "sec-websocket-protocol", "Keep-Alive"].map(
    (name) => ["headers", { [name]: "x" }, name] as const,
  ),
  ["protocols", "chat", "a string"],
  ["protocols", ["a", "a"], `"a"`],
  ["protocols", ["a b"], 'one with `" "`'],
  ["protocols", [""], "an empty one"],
  ["protocols", [1], "`1`"],
  ...["dialTimeout", "readTimeout", "writeTimeout", "closeTimeout"].flatMap((option) => [
    [option, -1, "`-1`"] as const,
    [option, "-1s", `"-1s"`] as const,
    [option, Number.NaN, "`NaN`"] as const,
    [option, Infinity, "`Infinity`"] as const,
    [option, "10", `"10"`] as const,
    [option, null, "`null`"] as const,
  ]),
  ["compression", 3, "`3`"],
  ["compression", true, "`true`"],
  ["compressionThreshold", -1, "`-1`"],
  ["compressionThreshold", 100 * MEBIBYTE + 1, "bytes"],
  ["readLimit", -1, "`-1`"],
  ["readLimit", 1.5, "`1.5`"],
  ["readLimit", 128 * MEBIBYTE + 1, "bytes"],
  ["readLimit", 2 ** 32, "bytes"],
  ["channelCapacity", 0, "`0`"],
  ["channelCapacity", 10_001, "`10001`"],
  ["channelCapacity", "32", `"32"`],
  ["overflow", "drop", `"drop"`],
  ["onDrop", "x", `"x"`],
  ["keepAlive", true, "`true`"],
  ["keepAlive.interval", {}, "`undefined`"],
  ["keepAlive.interval", { interval: -1 }, "`-1`"],
  ["keepAlive.timeout", { interval: 1, timeout: "x" }, `"x"`],
  ["pace", 5, "`5`"],
  ["pace.messages", { messages: 0, per: "1s" }, "`0`"],
  ["pace.per", { messages: 1, per: 0 }, "`0`"],
  ["pace.per", { messages: 1, per: "600h" }, `"600h"`],
  ["pace.per", { messages: 1 }, "`undefined`"],
  ["redirects", 6, "`6`"],
  ["redirects", true, "`true`"],
  ...["compressionThreshold", "readLimit", "channelCapacity", "redirects"].map(
    (option) => [option, null, "`null`"] as const,
  ),
  ["addresses", ["loopback"], "an array"],
  ["addresses.deny", { deny: "loopback" }, `"loopback"`],
  ["addresses.deny", { deny: ["localhost"] }, `"localhost"`],
  ["addresses.deny", { deny: ["10.0.0.0/33"] }, `"10.0.0.0/33"`],
  ["addresses.allow", { deny: [], allow: ["10.0.0.0/8/8"] }, `"10.0.0.0/8/8"`],
  ["signal", {}, "an object"],
  ["tls", "x", "a string"],
  ["tls", { ca: "no certificate", cert: "nor this" }, "an error"],
  ["tls", { ticketKeys: "x" }, "an error"],
  ["tls", { secureContext: {} }, "an error"],
  ["tls", { ALPNProtocols: 5 }, "an error"],
  ["tls", { servername: 5 }, "an error"],
  ["tls", { minDHSize: -1 }, "an error"],
  ["tls", { pskCallback: 5 }, "an error"],
  ["tls.checkServerIdentity", { checkServerIdentity: 5 }, "`5`"],
];

describe("an option that cannot be rejects with INVALID, names the option, and nothing is dialled", () => {
  test.each(mistakes)("%s: %j", async (option, value, shown) => {
    await using server = await RawServer.listen();
    const name = option.split(".")[0] ?? "";
    const failure = await failureOf(connect(server.url, { [name]: value }));
    expect(failure).toMatchObject({
      kind: errors.INVALID,
      retryable: false,
      details: { option, url: server.url, phase: "dns" },
    });
    expect(failure.message).toContain(`\`${option}\``);
    expect(failure.message).toMatch(/^Expected .* to be .*, got /);
    expect(failure.message).toContain(shown);
    expect(server.connections).toBe(0);
  });
});

describe("a URL that cannot be dialled rejects with INVALID", () => {
  test.each([
    "",
    "example.com",
    "/path",
    "ftp://example.com",
    "ws+unix:///tmp/socket",
    "ws://",
    "ws://example.com/#fragment",
    "ws://example.com/#",
    "ws://exa mple.com",
    "ws://example.com:99999",
    "javascript:alert(1)",
    "data:text/plain,x",
  ])("%j", async (url) => {
    expect(await failureOf(connect(url))).toMatchObject({ kind: errors.INVALID, details: { option: "url" } });
  });

  test.each([undefined, null, 1, {}, Object.create(null)])("%j", async (url: unknown) => {
    const failing = failureOf(connect(url as string));
    expect(await failing).toMatchObject({ kind: errors.INVALID, details: { option: "url" } });
  });
});

test("options that are no object reject with INVALID", async () => {
  for (const options of [null, 1, "x"]) {
    const failing = failureOf(connect("ws://127.0.0.1/", options as unknown as ConnectOptions));
    expect(await failing).toMatchObject({ kind: errors.INVALID, details: { option: "options" } });
  }
});

test("every option may be undefined, which means absent", async () => {
  await using server = await PlainServer.echo();
  const names = ["headers", "protocols", "dialTimeout", "readTimeout", "writeTimeout", "closeTimeout", "compression"];
  names.push(
    "compressionThreshold",
    "readLimit",
    "channelCapacity",
    "overflow",
    "onDrop",
    "keepAlive",
    "signal",
    "tls",
  );
  names.push("pace", "redirects", "addresses");
  const { client } = await server.meet(Object.fromEntries(names.map((name) => [name, undefined])));
  expect(client.channel().capacity).toBe(32);
  expect(client.compression).toBe(0);
});

test("a timeout of 0 means none, in every spelling", async () => {
  await using server = await PlainServer.echo();
  for (const none of [0, "0", "0s"]) {
    const { client } = await server.meet({
      dialTimeout: none,
      readTimeout: none,
      writeTimeout: none,
      closeTimeout: none,
    });
    expect(await client.close()).toMatchObject({ code: 1000 });
  }
});

test.each([1, 10_000])("channelCapacity %i is the capacity of the channel", async (channelCapacity) => {
  await using server = await PlainServer.echo();
  const { client } = await server.meet({ channelCapacity });
  expect(client.channel().capacity).toBe(channelCapacity);
});

test("a readLimit of 0 means 16 MiB, not unlimited", async () => {
  await using server = await PlainServer.listen({ maxPayload: 0 });
  const { client, socket } = await server.meet({ readLimit: 0 });
  socket.send(Buffer.alloc(16 * MEBIBYTE));
  expect((await client.channel().receive()).value?.data.length).toBe(16 * MEBIBYTE);
  socket.send(Buffer.alloc(16 * MEBIBYTE + 1));
  expect(await client.closed).toMatchObject({ code: 1009, initiator: "local" });
});

describe("headers", () => {
  test("go to the server, from a record, from pairs and from `Headers`, with their values", async () => {
    await using server = await PlainServer.echo();
    const given = [
      { Authorization: "Bearer abc", "X-Many": ["a", "b"], "X-None": undefined },
      [
        ["Authorization", "Bearer abc"],
        ["X-Many", "a"],
        ["x-many", "b"],
      ] as const,
      new Headers([
        ["Authorization", "Bearer abc"],
        ["X-Many", "a"],
        ["X-Many", "b"],
      ]),
    ];
    for (const headers of given) {
      const { request } = await server.meet({ headers });
      expect(request.headers).toMatchObject({ authorization: "Bearer abc", "x-many": "a, b" });
      expect(request.headers).not.toHaveProperty("x-none");
    }
  });

  test("named like parts of every object are headers like any other", async () => {
    await using server = await PlainServer.echo();
    const { request } = await server.meet({
      headers: [
        ["__proto__", "a"],
        ["constructor", "b"],
      ],
    });
    expect(request.rawHeaders).toEqual(expect.arrayContaining(["__proto__", "a", "constructor", "b"]));
  });
});
