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

describe("a URL that is nearly one is told what is wrong with it:", () => {
  test.each([
    ["ws://example.com:99999/x", "with a port up to 65535, got port `99999`"],
    ["wss://me:hidden@[::1]:65536", "with a port up to 65535, got port `65536`"],
    ["localhost:8080", "got `localhost:8080`, which has no scheme: did you mean `ws://localhost:8080`?"],
    ["127.0.0.1:8080/x?token=hidden", "which has no scheme: did you mean `ws://127.0.0.1:8080/x`?"],
    ["[::1]:8080", "which has no scheme: did you mean `ws://[::1]:8080`?"],
    ["localhost", "which has no scheme: did you mean `ws://localhost`?"],
    ["//example.com/ws", "which has no scheme: did you mean `wss://example.com/ws`?"],
    ["example.com:443", "which has no scheme: did you mean `wss://example.com:443`?"],
    ["me:hidden@example.com", "got another scheme"],
    ["ws//example.com/a", "got `ws//example.com/a`"],
    ["example.com/me:hidden@", "got `[redacted]`"],
  ])("%s", async (url, told) => {
    const failures = [await failureOf(connect(url))];
    if (URL.canParse(url)) failures.push(await failureOf(connect(new URL(url))));
    for (const failure of failures) {
      expect(failure).toMatchObject({ kind: errors.INVALID, details: { option: "url" } });
      expect(failure.message).toContain(told);
      expect(failure.message).not.toContain("hidden");
    }
  });
});

describe("what stands in the place of the options rejects with INVALID, and the error says where it belongs:", () => {
  test.each<[string, unknown, string]>([
    ["null", null, "got `null`"],
    ["a number", 1, "got `1`"],
    ["a list", ["chat"], "got `an array`: did you mean `{ protocols: [ … ] }`?"],
    ["a text", "chat", 'got `"chat"`: did you mean `{ protocols: [ … ] }`?'],
    ["a signal", new AbortController().signal, "got `an AbortSignal`: did you mean `{ signal }`?"],
    ["a map", new Map([["readLimit", 1]]), "got `a Map`"],
    ["a promise", Promise.resolve({}), "got `a Promise`"],
    ["a function", () => undefined, "got `a function`"],
  ])("%s", async (_name, options, told) => {
    await using server = await RawServer.listen();
    const failure = await failureOf(connect(server.url, options as ConnectOptions));
    expect(failure).toMatchObject({ kind: errors.INVALID, details: { option: "options" } });
    expect(failure.message).toContain("Expected `options` to be an object");
    expect(failure.message).toContain(told);
    expect(server.connections).toBe(0);
  });
});

describe("an option that does not exist rejects with INVALID, names what was probably meant, and nothing is dialled:", () => {
  test.each<[string, ConnectOptions & Record<string, unknown>, string]>([
    ["dial_timeout", { dial_timeout: "10s" }, "did you mean `dialTimeout`?"],
    ["DialTimeout", { DialTimeout: "10s" }, "did you mean `dialTimeout`?"],
    ["dailTimeuot", { dailTimeuot: "10s" }, "did you mean `dialTimeout`?"],
    ["header", { header: {} }, "did you mean `headers`?"],
    ["channelCapcity", { channelCapcity: undefined }, "did you mean `channelCapacity`?"],
    ["handshakeTimeout", { handshakeTimeout: 1 }, "did you mean `dialTimeout`?"],
    ["maxPayload", { maxPayload: 1 }, "did you mean `readLimit`?"],
    ["rejectUnauthorized", { rejectUnauthorized: false }, "did you mean `tls: { rejectUnauthorized }`?"],
    ["retries", { retries: 3 }, "only `readTimeout`, `writeTimeout`, "],
    ["keepAlive.tiemout", { keepAlive: { interval: 1, tiemout: 1 } as never }, "did you mean `keepAlive.timeout`?"],
    ["pace.message", { pace: { message: 1, per: 1 } as never }, "did you mean `pace.messages`?"],
    ["addresses.denied", { addresses: { denied: [] } as never }, "only `deny`, `allow`"],
    ["tls.rejectUnauthorised", { tls: { rejectUnauthorised: false } as never }, "mean `tls.rejectUnauthorized`?"],
  ])("%s", async (option, options, told) => {
    await using server = await RawServer.listen();
    const failure = await failureOf(connect(server.url, options));
    expect(failure).toMatchObject({ kind: errors.INVALID, retryable: false, details: { option, url: server.url } });
    expect(failure.message).toContain(`There is no option \`${option}\``);
    expect(failure.message).toContain(told);
    expect(server.connections).toBe(0);
  });

  test.each(["host", "port", "path", "socket", "lookup", "timeout"])(
    "tls.%s, which is the URL's business",
    async (name) => {
      const failing = failureOf(connect("wss://127.0.0.1/", { tls: { [name]: "x" } }));
      expect(await failing).toMatchObject({ kind: errors.INVALID, details: { option: `tls.${name}` } });
    },
  );

  test("unless Node may know it: what `tls` has beside is left to Node", async () => {
    const failing = failureOf(connect("wss://127.0.0.1:1/", { tls: { optionOfTheFuture: true } as never }));
    expect(await failing).toMatchObject({ kind: errors.INTERNAL });
  });

  test("of a ping: the connection stays open", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet({});
    for (const [options, told] of [
      [{ timeOut: 1 }, "There is no option `timeOut`: did you mean `timeout`?"],
      [5000, "Expected `options` to be an object, got `5000`: did you mean `{ timeout: … }`?"],
      ["5s", 'Expected `options` to be an object, got `"5s"`: did you mean `{ timeout: … }`?'],
      [
        new AbortController().signal,
        "Expected `options` to be an object, got `an AbortSignal`: did you mean `{ signal }`?",
      ],
    ] as const) {
      const failure = await failureOf(client.ping(options as never));
      expect(failure).toMatchObject({ kind: errors.INVALID, message: told });
    }
    expect(await client.close()).toMatchObject({ code: 1000 });
  });
});

test("a close whose reason stands first is told so, and closes nothing", async () => {
  await using server = await PlainServer.echo();
  const { client } = await server.meet({});
  const failure = await failureOf(client.close("bye" as never));
  expect(failure).toMatchObject({ kind: errors.INVALID, details: { option: "code" } });
  expect(failure.message).toMatch(/got `"bye"`: did you mean `1000, the reason`\?$/);
  expect(await client.close()).toMatchObject({ code: 1000 });
});

test("options may be an instance of a class, and what it inherits counts", async () => {
  class Defaults {
    readonly channelCapacity: number = 3;
    get readTimeout(): string {
      return "-1s";
    }
  }
  const failing = failureOf(connect("ws://127.0.0.1:1/", new Defaults()));
  expect(await failing).toMatchObject({ kind: errors.INVALID, details: { option: "readTimeout" } });
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
