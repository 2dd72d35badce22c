// Answers that are no WebSocket: pages, half a 101, TLS where none is and none where it is, alerts. What is told is for a
// person, and nobody is told to try again what would fail again.

import { once } from "node:events";
import { createServer as createPlainServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions as ServerOptions } from "node:tls";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import { errors, type SluiceError } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { connect, type ConnectOptions } from "../src/index.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { failureOf } from "./fixtures/failures.ts";
import { type RawPeer, RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { showings } from "./fixtures/secrets.ts";

leavesNothingBehind();

/** OpenSSL's way to put it: routines, source files, numbers of errors, names of alerts. */
const OPENSSL = /routines|\.c:\d|error:|alert number|EPROTO|wrong version number|sslv3|tlsv1|ERR_SSL/i;

/** What a failure tells, once everything else about it is as it should be. */
function told(failure: SluiceError, phase: string): string {
  expect(failure).toMatchObject({ kind: errors.INTERNAL, retryable: false, details: { phase } });
  expect(failure.message).not.toMatch(OPENSSL);
  for (const shown of showings(failure)) expect(shown).not.toMatch(/routines|\.c:\d/);
  return failure.message;
}

/** Dials a server, and closes it again. */
async function dialled(server: Server, options: ConnectOptions = {}, scheme = "wss"): Promise<SluiceError> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => undefined)));
  server.on("tlsClientError", () => undefined);
  server.on("secureConnection", (socket: Socket) => socket.on("error", () => undefined));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    return await failureOf(connect(`${scheme}://127.0.0.1:${port}/`, options));
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  }
}

describe("an answer of HTTP that is no WebSocket says what it is:", () => {
  const answers: readonly (readonly [string, (peer: RawPeer) => string, RegExp])[] = [
    ["200 and a page", () => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", /answered 200 OK: .*no WebSocket/],
    ["204", () => "HTTP/1.1 204 No Content\r\n\r\n", /answered 204 No Content: .*no WebSocket/],
    [
      "101 without `Connection`",
      (peer) => peer.answer().replace("Connection: Upgrade\r\n", ""),
      /101.*without `Connection: Upgrade`/,
    ],
    [
      "101 that keeps alive",
      (peer) => peer.answer().replace("Connection: Upgrade", "Connection: keep-alive"),
      /without `Connection: Upgrade`/,
    ],
    [
      "101 without `Upgrade`",
      (peer) => peer.answer().replace("Upgrade: websocket\r\n", ""),
      /101.*without `Upgrade: websocket`/,
    ],
    ["101 without both", () => "HTTP/1.1 101 Go\r\n\r\n", /`Upgrade: websocket` and `Connection: Upgrade`/],
    [
      "101 and another protocol",
      (peer) => peer.answer().replace("Upgrade: websocket", "Upgrade: h2c"),
      /101 and upgraded to `h2c`/,
    ],
  ];
  test.each(answers)("%s", async (_, answer, words) => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url));
    const peer = await server.next();
    peer.write(answer(peer));
    expect(told(await failing, "http")).toMatch(words);
    await peer.gone();
  });

  test("a record of TLS behind a ws: URL", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url));
    const peer = await server.next();
    peer.write(Buffer.from("15030100020228", "hex"));
    expect(told(await failing, "http")).toMatch(/speaks TLS at this port: `wss:`/);
    await peer.gone();
  });
});

describe("a port that speaks no TLS behind a wss: URL is told so, whatever it says instead:", () => {
  test.each([
    ["a web server's 400", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"],
    ["a greeting of SSH", "SSH-2.0-Sluice\r\n"],
    ["an error of Redis", "-ERR unknown command\r\n"],
    ["zeros", "\0\0\0\0\0\0\0\0"],
  ])("%s", async (_, answer) => {
    const server = createPlainServer((socket) => socket.once("data", () => socket.end(answer)));
    expect(told(await dialled(server), "tls")).toMatch(/does not speak TLS at this port: `ws:`/);
  });
});

function withCertificate(more: ServerOptions): Server {
  return createTlsServer({ ...certificate("trusted"), ...more });
}

describe("an alert of the server is told in words:", () => {
  const tls = { ca: authority };
  const wants = { ca: authority, requestCert: true };

  test.each(["TLSv1.3", "TLSv1.2"] as const)("a client certificate is wanted, by %s", async (maxVersion) => {
    expect(told(await dialled(withCertificate({ ...wants, maxVersion }), { tls }), "tls")).toMatch(
      /client certificate .*`tls: \{ cert, key \}`/,
    );
  });

  test("and is wanted also of who trusts everybody", async () => {
    expect(told(await dialled(withCertificate(wants), { tls: { rejectUnauthorized: false } }), "tls")).toMatch(
      /client certificate/,
    );
  });

  test.each([
    ["older", { maxVersion: "TLSv1.2" }, { minVersion: "TLSv1.3" }],
    ["newer", { minVersion: "TLSv1.3" }, { maxVersion: "TLSv1.2" }],
  ] as const)("the server's TLS is %s than ours", async (_, theirs, ours) => {
    expect(told(await dialled(withCertificate(theirs), { tls: { ...tls, ...ours } }), "tls")).toMatch(
      /no version of TLS suits both sides/,
    );
  });

  test("no cipher suite is common", async () => {
    const theirs = { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256", maxVersion: "TLSv1.2" } as const;
    const ours = { ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384", maxVersion: "TLSv1.2" } as const;
    expect(told(await dialled(withCertificate(theirs), { tls: { ...tls, ...ours } }), "tls")).toMatch(
      /no cipher suite suits both sides/,
    );
  });

  test("the server speaks HTTP/2 only", async () => {
    expect(told(await dialled(withCertificate({ ALPNProtocols: ["h2"] }), { tls }), "tls")).toMatch(
      /does not speak HTTP\/1\.1/,
    );
  });

  // RFC 8446 6.2, those that OpenSSL reads.
  const numbers = [
    10, 20, 21, 22, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 60, 70, 71, 80, 86, 90, 100, 109, 110, 112, 115,
    116, 120,
  ];
  test.each(numbers)("number %i", async (number) => {
    const alert = Buffer.from([21, 3, 3, 0, 2, 2, number]);
    const server = createPlainServer((socket) => socket.once("data", () => socket.end(alert)));
    expect(told(await dialled(server), "tls")).toMatch(/the server ended TLS: \w/);
  });

  test("a server that breaks off in the middle of TLS may be tried again", async () => {
    const server = createPlainServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
    expect(await dialled(server)).toMatchObject({ retryable: true, details: { phase: "tls", errno: "ECONNRESET" } });
  });
});

describe("the body of a refusal is readable", () => {
  const page = `No seats left at the café. ${"Come back tomorrow. ".repeat(20)}`;
  const readable: readonly (readonly [string, string, Uint8Array])[] = [
    ["by gzip", "Content-Encoding: gzip", gzipSync(page)],
    ["by its old name", "Content-Encoding: x-gzip", gzipSync(page)],
    ["by deflate", "Content-Encoding: deflate", deflateSync(page)],
    ["by brotli", "Content-Encoding: BR", brotliCompressSync(page)],
    ["twice", "Content-Encoding: gzip, br", brotliCompressSync(gzipSync(page))],
    ["not at all, and says so", "Content-Encoding: identity", Buffer.from(page)],
    ["not at all, and says gzip", "Content-Encoding: gzip", Buffer.from(page)],
    ["not at all, and names what nobody knows", "Content-Encoding: shorthand", Buffer.from(page)],
    ["in Latin-1", 'Content-Type: text/plain; charset="ISO-8859-1"', Buffer.from(page, "latin1")],
    ["in UTF-16", "Content-Type: text/html;charset=utf-16le", Buffer.from(page, "utf16le")],
    ["in a charset that nobody knows", "Content-Type: text/html; charset=klingon", Buffer.from(page)],
  ];
  test.each(readable)("that was encoded %s", async (_, header, body) => {
    await using server = await RawServer.listen();
    for (const pieces of [[body], [body.subarray(0, 7), body.subarray(7)]]) {
      const failing = failureOf(connect(server.url));
      const peer = await server.next();
      peer.write(`HTTP/1.1 403 No\r\n${header}\r\nContent-Length: ${body.length}\r\n\r\n`);
      await peer.drip(pieces);
      expect((await failing).details["body"]).toBe(page);
    }
  });

  test("as far as it came, when it breaks off", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url));
    const peer = await server.next();
    const body = gzipSync(page, { level: constants.Z_NO_COMPRESSION });
    peer.socket.end(
      Buffer.concat([
        Buffer.from("HTTP/1.1 403 No\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n"),
        body.subarray(0, 60),
      ]),
    );
    expect((await failing).details["body"]).toMatch(/^No seats left at the café\. Com/);
  });

  test("to its first KiB, whatever it inflates to, and the rest is not waited for", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url, { dialTimeout: 0 }));
    const peer = await server.next();
    peer.write(
      "HTTP/1.1 403 No\r\nContent-Encoding: gzip\r\n\r\n",
      gzipSync(Buffer.alloc(64 * 1024 * 1024, "x")).subarray(0, 40_000),
    );
    expect((await failing).details["body"]).toBe("x".repeat(1024));
    await peer.gone();
  });

  test("without secrets, also those that gzip hid", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url, { headers: { "X-Key": "key-in-a-header" } }));
    const peer = await server.next();
    peer.socket.end(
      Buffer.concat([
        Buffer.from("HTTP/1.1 403 No\r\nContent-Encoding: gzip\r\n\r\n"),
        gzipSync("Wrong key: key-in-a-header"),
      ]),
    );
    expect((await failing).details["body"]).toBe("Wrong key: [redacted]");
  });

  test("and bytes that are no text are left out", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url));
    const peer = await server.next();
    peer.socket.end(
      Buffer.concat([Buffer.from("HTTP/1.1 403 No\r\nContent-Encoding: shorthand\r\n\r\n"), gzipSync(page)]),
    );
    expect((await failing).details).toMatchObject({ body: "", headers: { "content-encoding": "shorthand" } });
  });
});
