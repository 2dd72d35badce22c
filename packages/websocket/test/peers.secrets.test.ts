// No error shows a secret: not the URL's user and password, not the values of its query, not a header's value, on any
// path, and not when the peer says them back to us.

import { errors, SluiceError } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { type Client, connect, type ConnectOptions, security } from "../src/index.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { failureOf } from "./fixtures/failures.ts";
import { close, frame, OPCODE, text } from "./fixtures/frames.ts";
import { heldClock } from "./fixtures/held-clock.ts";
import { type RawPeer, RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { showings } from "./fixtures/secrets.ts";

leavesNothingBehind();

const USER = "alice-in-the-url";
const PASSWORD = "pässword/in:the@url";
const QUERY = "token-in-the-query";
const BEARER = "token-in-a-header";
const COOKIE = "session-in-a-cookie";
const KEY = "api-key-in-a-header";
const BASIC = Buffer.from(`${USER}:${PASSWORD}`).toString("base64");
const SECRETS = [USER, PASSWORD, encodeURIComponent(PASSWORD), QUERY, BEARER, COOKIE, KEY, BASIC];

const options: ConnectOptions = {
  headers: { Authorization: `Bearer ${BEARER}`, Cookie: `theme=dark; sid=${COOKIE}`, "X-Api-Key": KEY },
};

function withSecrets(plain: string): string {
  const url = new URL(plain);
  url.username = USER;
  url.password = PASSWORD;
  url.searchParams.set("access", QUERY);
  return url.href;
}

/** What an error shows, as far as it has a secret in it. */
function leaksOf(error: SluiceError): string[] {
  return showings(error).filter((shown) => SECRETS.some((secret) => shown.includes(secret)));
}

// What a peer says that means harm, or is careless: all that it was sent.
const parrot = (peer: RawPeer): string => [...SECRETS, peer.head].join(" ").replaceAll(/[\r\n]+/g, " ");

test("what an error shows is found, wherever it stands", () => {
  const cause = Object.assign(new Error("cause"), { headers: { authorization: BEARER } });
  const error = new SluiceError(errors.INTERNAL, "message", { details: { deep: { deeper: [COOKIE] } }, cause });
  expect(leaksOf(error).join()).toContain(BEARER);
  expect(leaksOf(error).join()).toContain(COOKIE);
});

test("the secrets are on the wire: nothing below is trivial", async () => {
  await using server = await RawServer.listen();
  const connecting = connect(withSecrets(server.url), options);
  const peer = await server.next();
  for (const secret of [QUERY, BEARER, COOKIE, KEY, BASIC]) {
    const authorization = secret === BASIC ? BEARER : secret; // a header that is given wins over the URL's
    expect(peer.head).toContain(authorization);
  }
  peer.write(peer.answer());
  const client = await connecting;
  for (const secret of [USER, PASSWORD, encodeURIComponent(PASSWORD)]) expect(client.url).not.toContain(secret);
  client.terminate();
});

const answers: readonly (readonly [string, (peer: RawPeer) => void])[] = [
  ["garbage", (peer) => peer.write(`${parrot(peer)}\r\n\r\n`)],
  ["a header that is none", (peer) => peer.write(`HTTP/1.1 101 Go\r\n${parrot(peer).replaceAll(":", "")}\r\n\r\n`)],
  ["a wrong accept", (peer) => peer.write(peer.answer().replace(/Accept: .*/, `Accept: ${BEARER}`))],
  ["a subprotocol", (peer) => peer.write(peer.answer(`Sec-WebSocket-Protocol: ${BEARER}`))],
  ["an extension", (peer) => peer.write(peer.answer(`Sec-WebSocket-Extensions: ${BEARER}`))],
  ["a status text", (peer) => peer.write(`HTTP/1.1 400 ${parrot(peer)}\r\nContent-Length: 0\r\n\r\n`)],
  ["a body", (peer) => peer.socket.end(`HTTP/1.1 500 Oops\r\n\r\n${parrot(peer)}`)],
  [
    "a body that is cut within a secret",
    (peer) => peer.socket.end(`HTTP/1.1 500 Oops\r\n\r\n${"x".repeat(1015)}${BEARER}`),
  ],
  [
    "headers",
    (peer) => {
      const headers = ["Server", "Via", "Location", "WWW-Authenticate", "X-Request-Id", "Content-Type", "Upgrade"];
      const echoed = headers.map((name) => `${name}: ${parrot(peer)}\r\n`).join("");
      peer.write(`HTTP/1.1 401 Who?\r\n${echoed}Content-Length: 0\r\n\r\n`);
    },
  ],
  [
    "a redirect to itself",
    (peer) => peer.write(`HTTP/1.1 302 F\r\nLocation: /?again=${QUERY}\r\nContent-Length: 0\r\n\r\n`),
  ],
  [
    "a redirect with credentials",
    (peer) => peer.write(`HTTP/1.1 302 F\r\nLocation: ws://${USER}:x@127.0.0.1/\r\n\r\n`),
  ],
  ["a redirect to no URL", (peer) => peer.write(`HTTP/1.1 302 F\r\nLocation: ws://${USER}:${QUERY}:::/\r\n\r\n`)],
  ["a redirect to another scheme", (peer) => peer.write(`HTTP/1.1 302 F\r\nLocation: ${BEARER}://x/\r\n\r\n`)],
  ["FIN", (peer) => peer.socket.end()],
  ["RST", (peer) => peer.socket.resetAndDestroy()],
];

describe("a handshake that fails shows no secret, when the answer is", () => {
  test.each(answers)("%s", async (_, answer) => {
    const pass = heldClock();
    await using server = await RawServer.listen();
    for (const redirects of [0, 1]) {
      const failing = failureOf(connect(withSecrets(server.url), { ...options, redirects, dialTimeout: "20ms" }));
      answer(await server.next());
      pass(20);
      expect(leaksOf(await failing)).toEqual([]);
    }
  });
});

function secretly(url: string, more: ConnectOptions = {}): Promise<SluiceError> {
  return failureOf(connect(withSecrets(url), { ...options, ...more }));
}

describe("a connection that cannot be made shows no secret:", () => {
  test("nobody listens", async () => {
    const server = await RawServer.listen();
    const { url } = server;
    await server[Symbol.asyncDispose]();
    const failure = await secretly(url);
    expect(failure).toMatchObject({ kind: errors.INTERNAL, retryable: true, details: { errno: "ECONNREFUSED" } });
    expect(leaksOf(failure)).toEqual([]);
  });

  test("the name does not exist", async () => {
    expect(leaksOf(await secretly("ws://nowhere.invalid/", { dialTimeout: "1s" }))).toEqual([]);
  });

  test("the deadline passes", async () => {
    await using server = await RawServer.listen();
    const failure = await secretly(server.url, { dialTimeout: "20ms" });
    expect(failure.kind).toBe(errors.TIMEOUT);
    expect(leaksOf(failure)).toEqual([]);
  });

  test("the certificate is not trusted", async () => {
    await using server = await RawServer.listen({ tls: certificate("other-host") });
    const failure = await secretly(`wss://localhost:${server.port}/`, { tls: { ca: authority } });
    expect(failure.details).toMatchObject({ phase: "tls" });
    expect(leaksOf(failure)).toEqual([]);
  });

  test("an address rule or a policy forbids it", async () => {
    expect(leaksOf(await secretly("ws://127.0.0.1/", { addresses: { deny: ["loopback"] } }))).toEqual([]);
    const scope = security.scope([]);
    const context = { actor: { id: "user:1", meta: {} }, scope };
    const failure = await security.run(context, () => secretly("ws://127.0.0.1/"));
    expect(failure.kind).toBe(errors.PERMISSION_DENIED);
    expect(leaksOf(failure)).toEqual([]);
  });

  test.each([
    ["a list of whole headers", "ws://127.0.0.1/", { headers: [`Authorization: Bearer ${BEARER}`] }],
    ["a text of headers", "ws://127.0.0.1/", { headers: `Authorization: Bearer ${BEARER}` }],
    ["a header's line as its name", "ws://127.0.0.1/", { headers: { [`Authorization: Bearer ${BEARER}`]: "" } }],
    ["a subprotocol", "ws://127.0.0.1/", { protocols: [`bearer ${BEARER}`] }],
    ["a list of subprotocols", "ws://127.0.0.1/", { protocols: BEARER }],
    ["the keys of tickets", "wss://127.0.0.1/", { tls: { ticketKeys: KEY } }],
    ["all of TLS", "wss://127.0.0.1/", { tls: KEY }],
    ["an option", "ws://127.0.0.1/", { readLimit: -1 }],
    ["the scheme", "ftp://127.0.0.1/", {}],
    ["a header's value", "ws://127.0.0.1/", { headers: { Authorization: `Bearer ${BEARER}\n` } }],
    ["a header's name", "ws://127.0.0.1/", { headers: { "Proxy-Authorization": `Bearer ${BEARER}` } }],
    ["a fragment", "ws://127.0.0.1/#here", {}],
    ["a passphrase", "wss://127.0.0.1/", { tls: { key: KEY, passphrase: PASSWORD } }],
  ])("%s is wrong", async (_, url, wrong) => {
    const failure = await secretly(url, wrong as ConnectOptions);
    expect(failure.kind).toBe(errors.INVALID);
    expect(leaksOf(failure)).toEqual([]);
  });

  test.each([
    `ws://${USER}:${BEARER}@:80:80/?x=${QUERY}`,
    `ws//${USER}:${BEARER}@host/?x=${QUERY}`,
    `ws://${USER}:${BEARER}@ho st/`,
    `${USER}:${BEARER}@host`,
    `ws://host:port/?x=${QUERY}`,
    `ws://ho st/#${QUERY}`,
  ])("the URL is none: %s", async (url) => {
    const failure = await failureOf(connect(url));
    expect(failure.kind).toBe(errors.INVALID);
    expect(leaksOf(failure)).toEqual([]);
  });
});

test("a fragment is no part of a URL that may be shown", async () => {
  const failure = await failureOf(connect(new URL(`ws://127.0.0.1/?x=${QUERY}#access_token=${BEARER}`)));
  expect(failure).toMatchObject({ kind: errors.INVALID, details: { url: "ws://127.0.0.1/?x=[redacted]" } });
  expect(leaksOf(failure)).toEqual([]);
});

describe("a secret is hidden in every spelling that a server may repeat it in:", () => {
  const padded = Buffer.from("a token with padding").toString("base64");
  const bearer = { Authorization: `Bearer ${padded}` };
  const user = Buffer.from("user-alone:").toString("base64");
  const carried = "base64url.bearer.authorization.dG9rZW4tY2FycmllZA";
  const spellings: readonly (readonly [string, string, ConnectOptions, string])[] = [
    ["base64 with its padding", "/", { headers: bearer }, padded],
    ["percent-encoded, a header", "/", { headers: bearer }, encodeURIComponent(padded)],
    ["a user without a password", "user-alone@", {}, user],
    ["a query with a plus for a space", "/?key=two+words", {}, "two+words"],
    ["a query in lower-case percent-encoding", "/?key=one%2ftwo", {}, "one%2ftwo"],
    ["a query without a name", "/?token-alone", {}, "token-alone"],
    ["a subprotocol that carries a token", "/", { protocols: [carried] }, carried],
  ];
  test.each(spellings)("%s", async (_, where, given, secret) => {
    await using server = await RawServer.listen();
    const url = where.endsWith("@") ? server.url.replace("//", `//${where}`) : new URL(where, server.url);
    const failing = failureOf(connect(url, given));
    const peer = await server.next();
    peer.socket.end(`HTTP/1.1 403 No\r\n\r\nNo ${secret}, no ${peer.head}`);
    const failure = await failing;
    expect(failure.details["body"]).toContain("No [redacted], no GET /");
    expect(showings(failure).filter((shown) => shown.includes(secret))).toEqual([]);
  });
});

const ends: readonly (readonly [string, ConnectOptions, (peer: RawPeer, client: Client) => void])[] = [
  ["RST", {}, (peer) => peer.socket.resetAndDestroy()],
  ["FIN", {}, (peer) => peer.socket.end()],
  ["a violation", {}, (peer) => peer.socket.end(frame(3, BEARER))],
  [
    "text that is not UTF-8",
    {},
    (peer) => peer.socket.end(frame(OPCODE.TEXT, Buffer.from(`${BEARER}\u00ff`, "latin1"))),
  ],
  ["a message that is too long", { readLimit: 10 }, (peer) => peer.socket.end(text(BEARER.repeat(10)))],
  ["a close reason that says it all", {}, (peer) => peer.socket.end(close(1008, `go away, ${BEARER} ${QUERY} ${KEY}`))],
  ["silence", { readTimeout: "20ms" }, () => undefined],
  ["a close frame without an answer", { closeTimeout: "20ms" }, (_, client) => void client.close(1000)],
];

describe("a connection that ends shows no secret in what it and its client reject with afterwards:", () => {
  test.each(ends)("%s", async (_, more, end) => {
    await using server = await RawServer.listen();
    const connecting = connect(withSecrets(server.url), { ...options, ...more });
    const peer = await server.next();
    peer.write(peer.answer());
    const client = await connecting;
    const pinging = failureOf(client.ping());
    end(peer, client);
    const { error } = await client.closed;
    expect(error === undefined ? [] : leaksOf(error)).toEqual([]);
    expect(leaksOf(await pinging)).toEqual([]);
    expect(leaksOf(await failureOf(client.send("late")))).toEqual([]);
    expect(leaksOf(await failureOf(client.ping()))).toEqual([]);
  });
});
