// TLS with servers whose certificates are in order, and with others. The certificates are those of fixtures/certificates.

import { createHash, X509Certificate } from "node:crypto";
import { networkInterfaces } from "node:os";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { errors, time } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { connect } from "../src/index.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { failureOf } from "./fixtures/failures.ts";
import { binary, close, OPCODE, text } from "./fixtures/frames.ts";
import { heldClock } from "./fixtures/held-clock.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

const tls = { ca: authority };
const trusted = (): Promise<RawServer> => RawServer.listen({ tls: certificate("trusted") });
const named = (server: RawServer): string => `wss://localhost:${server.port}/`;

// Node 22.23 finds no IPv6 address in any certificate: https://github.com/nodejs/node/issues/64144.
const loopback = { subjectaltname: "IP Address:::1", subject: {} } as PeerCertificate;
const readsIPv6 = checkServerIdentity("::1", loopback) === undefined;
// Containers often have none.
const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));
const lack = hasIPv6 ? `Node ${process.version} finds no IPv6 address in a certificate` : "no IPv6 on this machine";
const isLacking = !hasIPv6 || !readsIPv6;

const hosts: readonly (readonly [string, string, (server: RawServer) => string])[] = [
  ["the name", "127.0.0.1", named],
  ["the IPv4 address", "127.0.0.1", ({ url }) => url],
  [isLacking ? `the IPv6 address (SKIPPED: ${lack})` : "the IPv6 address", "::1", ({ url }) => url],
];

describe("a certificate of an authority that `tls.ca` names", () => {
  for (const [what, host, urlOf] of hosts) {
    test.skipIf(host === "::1" && isLacking)(`is accepted for ${what} in it, and messages travel`, async () => {
      await using server = await RawServer.listen({ host, tls: certificate("trusted") });
      const connecting = connect(urlOf(server), { tls });
      const peer = await server.next();
      peer.write(peer.answer(), text("early"));
      const client = await connecting;
      expect((await client.channel().receive()).value?.data).toBe("early");
      await client.send("late");
      expect((await peer.next(OPCODE.TEXT)).payload.toString()).toBe("late");
      const closing = client.close();
      await peer.next(OPCODE.CLOSE);
      peer.socket.end(close(1000));
      expect(await closing).toMatchObject({ code: 1000, wasClean: true });
      expect(client.url).toBe(urlOf(server));
    });
  }

  test("is accepted in a list of authorities, and as bytes", async () => {
    await using server = await trusted();
    for (const ca of [[authority], Buffer.from(authority), [Buffer.from(authority)]]) {
      const { client } = await server.meet({ tls: { ca } });
      expect(client.url).toBe(server.url);
    }
  });
});

describe("not to be trusted, for good and before anything but TLS was said, is", () => {
  test.each([
    ["a certificate of an unknown authority", "trusted", undefined, /^UNABLE_TO_VERIFY_LEAF_SIGNATURE$/],
    ["a certificate that signed itself", "self-signed", authority, /^DEPTH_ZERO_SELF_SIGNED_CERT$/],
    ["a certificate for another host", "other-host", authority, /^ERR_TLS_CERT_ALTNAME_INVALID$/],
    ["a certificate that expired", "expired", authority, /^CERT_HAS_EXPIRED$/],
    ["a certificate that is not valid yet", "not-yet", authority, /^CERT_NOT_YET_VALID$/],
  ] as const)("%s", async (_, name, ca, errno) => {
    await using server = await RawServer.listen({ tls: certificate(name) });
    const peer = server.next();
    const failure = await failureOf(connect(named(server), { tls: { ca } }));
    expect(failure).toMatchObject({ kind: errors.INTERNAL, retryable: false });
    expect(failure.details).toMatchObject({ url: named(server), phase: "tls", errno: expect.stringMatching(errno) });
    expect(failure.message).toContain("Cannot trust");
    expect(server.connections).toBe(1);
    await expect(Promise.race([peer, Promise.resolve("no request")])).resolves.toBe("no request");
  });
});

describe("what was not trusted is accepted", () => {
  test("when it is its own authority", async () => {
    await using server = await RawServer.listen({ tls: certificate("self-signed") });
    const { client } = await server.meet({ tls: { ca: certificate("self-signed").cert } });
    expect(client.url).toBe(server.url);
  });

  test.each(["self-signed", "other-host", "expired"] as const)(
    "when `rejectUnauthorized` is false (%s), and is no reason for what fails later",
    async (name) => {
      await using server = await RawServer.listen({ tls: certificate(name) });
      const failing = failureOf(connect(server.url, { tls: { rejectUnauthorized: false } }));
      (await server.next()).write("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
      expect(await failing).toMatchObject({ kind: errors.UNAVAILABLE, retryable: true });
      const { client, peer } = await server.meet({ tls: { rejectUnauthorized: false } });
      peer.socket.destroy();
      expect((await client.closed).error).toMatchObject({ kind: errors.INTERNAL, retryable: true });
    },
  );

  test("when `checkServerIdentity` knows it by its fingerprint", async () => {
    const { cert } = certificate("other-host");
    await using server = await RawServer.listen({ tls: certificate("other-host") });
    const expected = createHash("sha256").update(new X509Certificate(cert).raw).digest("hex");
    const identity = (_: string, { raw }: { raw: Buffer }): Error | undefined =>
      createHash("sha256").update(raw).digest("hex") === expected ? undefined : new Error("another certificate");
    const { client } = await server.meet({ tls: { ca: authority, checkServerIdentity: identity } });
    expect(client.url).toBe(server.url);
  });
});

describe("a handshake of TLS", () => {
  test("with a server that speaks none fails for good", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(`wss://127.0.0.1:${server.port}/`, { tls }));
    server.onBytes = (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(await failing).toMatchObject({ kind: errors.INTERNAL, retryable: false, details: { phase: "tls" } });
  });

  test("that the server never answers ends at `dialTimeout`", async () => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    server.onBytes = () => pass(50);
    const failure = await failureOf(connect(`wss://127.0.0.1:${server.port}/`, { tls, dialTimeout: "50ms" }));
    expect(failure).toMatchObject({ kind: errors.TIMEOUT, retryable: true, details: { phase: "tls" } });
  });

  test("that breaks off says with which errno", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(`wss://127.0.0.1:${server.port}/`, { tls }));
    server.onBytes = (socket) => socket.resetAndDestroy();
    expect(await failing).toMatchObject({ kind: errors.INTERNAL, retryable: true, details: { errno: "ECONNRESET" } });
  });

  test("that nobody began, on a port of TLS, is the network's failure", async () => {
    await using server = await trusted();
    const failure = await failureOf(connect(`ws://127.0.0.1:${server.port}/`));
    expect(failure).toMatchObject({ kind: errors.INTERNAL, retryable: true, details: { phase: "http" } });
  });
});

describe("backpressure holds under TLS", () => {
  test("a slow consumer gets every message, in order, and the close last", async () => {
    await using server = await trusted();
    const { client, peer } = await server.meet({ tls, channelCapacity: 4 });
    const count = 2000;
    peer.write(...Array.from({ length: count }, (_, i) => binary(Buffer.alloc(1000, `${i} `))));
    peer.socket.end(close(1000, "done"));
    let [next, misplaced] = [0, 0];
    for await (const { data } of client) {
      if (
        !Buffer.from(data as Uint8Array)
          .toString()
          .startsWith(`${next} `)
      )
        misplaced += 1;
      next += 1;
      if (next % 500 === 0) await time.sleep(1);
      if (client.channel().length > 4) misplaced += 1;
    }
    expect({ next, misplaced }).toEqual({ next: count, misplaced: 0 });
    expect(await client.closed).toMatchObject({ code: 1000, reason: "done", wasClean: true });
  });

  test("`close` while reading is paused does not wait for `closeTimeout`", async () => {
    await using server = await trusted();
    const { client, peer } = await server.meet({ tls, channelCapacity: 1, closeTimeout: 0 });
    peer.write(...Array.from({ length: 2000 }, () => binary(Buffer.alloc(1000))));
    while (!client.stats.paused) await time.sleep(1);
    const closing = client.close();
    await peer.next(OPCODE.CLOSE);
    peer.socket.end(close(1000));
    expect(await closing).toMatchObject({ wasClean: true });
  });

  test("a peer that stops reading is ended by `writeTimeout`", async () => {
    await using server = await trusted();
    const { client, peer } = await server.meet({ tls, writeTimeout: "100ms" });
    peer.socket.pause();
    const sends = Promise.allSettled(Array.from({ length: 400 }, () => client.send(Buffer.alloc(65_536))));
    expect(await client.closed).toMatchObject({ code: 1006, initiator: "network", error: { kind: errors.TIMEOUT } });
    expect((await sends).at(-1)).toMatchObject({ status: "rejected" });
  });

  test("a connection that is reset in the middle of a message is the network's end", async () => {
    await using server = await trusted();
    const { client, peer } = await server.meet({ tls });
    peer.write(text("whole"), text("half").subarray(0, 4));
    expect((await client.channel().receive()).value?.data).toBe("whole");
    server.reset();
    expect(await client.closed).toMatchObject({ code: 1006, initiator: "network", error: { kind: errors.INTERNAL } });
  });
});
