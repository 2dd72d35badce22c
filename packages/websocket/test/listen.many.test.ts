// A server and many peers: they come and go and leave nothing, they drain, they flood. `SLUICE_LONG=1` has a hundred
// thousand come and go.

import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createSecureContext, type TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { listen, type Server } from "../src/index.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { fastClock } from "./fixtures/fast-clock.ts";
import { closeOf, frame, OPCODE, text } from "./fixtures/frames.ts";
import { ask, dial, requestOf } from "./fixtures/raw-client.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { next, serve, until } from "./fixtures/served.ts";
import { meet } from "./fixtures/stalled.ts";

leavesNothingBehind();

const LONG = process.env["SLUICE_LONG"] !== undefined;

/** Descriptors that are open, where the system says it. */
function descriptors(): number {
  return process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0;
}

function heap(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

const farewell = frame(OPCODE.CLOSE, Buffer.from([3, 232]), { masked: true });

/** Connections that come and go, fifty at a time, in every way there is; nobody is left at the end. */
async function churn(server: Server<unknown>, count: number): Promise<void> {
  for (let begun = 0; begun < count; begun += 50) {
    const visits = Array.from({ length: 50 }, async (_, i) => {
      const peer = (await ask(server.port, {}, text("hello", { masked: true }))).peer();
      if (i % 5 === 0) peer.socket.resetAndDestroy();
      else if (i % 5 === 1) peer.socket.end();
      else if (i % 5 === 2) peer.socket.end(farewell);
      else await peer.next(OPCODE.CLOSE);
      if (i % 5 === 4) peer.socket.end(farewell);
      if (i % 5 === 4) await peer.gone();
      peer.socket.destroy();
    });
    for (let i = 0; i < 50; i += 1) {
      const { client } = await next(server);
      void client.channel().receive();
      if (i % 2 === 0) void client.send("good-bye").catch(() => undefined);
      void client.close();
    }
    await Promise.all(visits);
  }
  await until(() => server.stats.open === 0);
}

test(
  "connections that come and go leave nothing, neither on the heap nor among the descriptors",
  { timeout: LONG ? 3_600_000 : 60_000 },
  async () => {
    const server = await serve();
    const count = LONG ? 50_000 : 200;
    await churn(server, count);
    const before = { descriptors: descriptors(), heap: heap() };
    await churn(server, count);
    expect(server.stats).toEqual({ accepted: 2 * count, open: 0, refused: 0, handshakes: 0 });
    expect((heap() - before.heap) / count).toBeLessThan(LONG ? 20 : 3000); // a connection is 10 KB and more
    expect(descriptors() - before.descriptors).toBeLessThan(10);
  },
);

test("hundreds are drained over a time; of those who never answer, and of no others, it lets go", async () => {
  const server = await listen({ backlog: 300, closeTimeout: 0 });
  const peers = await Promise.all(Array.from({ length: 300 }, async () => (await ask(server.port)).peer()));
  const silent = new Set(peers.slice(0, 10));
  const answered = peers.map(async (peer) => {
    const { code } = closeOf(await peer.next(OPCODE.CLOSE));
    if (!silent.has(peer)) peer.socket.end(farewell);
    return code;
  });
  const pass = fastClock();
  const closing = server.close({ over: "30s", within: "5s" });
  for (let second = 0; second < 30; second += 1) {
    await until(() => server.clients.size <= 310 - 10 * second);
    await pass(1000);
  }
  await until(() => server.clients.size === 10);
  await pass(5000);
  expect(await closing).toEqual({ closed: 290, terminated: 10 });
  expect(new Set(await Promise.all(answered))).toEqual(new Set([1012]));
  for (const { socket } of peers) socket.destroy();
});

test("a peer that pings, and never reads what is answered, costs one pong at a time", async () => {
  const server = await serve();
  const { peer, client } = await meet(server);
  peer.socket.pause();
  const flood = Buffer.concat(
    Array.from({ length: 5000 }, (_, i) => frame(OPCODE.PING, String(i).padStart(100), { masked: true })),
  );
  for (let i = 0; i < 20; i += 1) if (!peer.socket.write(flood)) await once(peer.socket, "drain");
  peer.write(text("behind", { masked: true }));
  expect((await client.channel().receive()).value?.data).toBe("behind");
  expect(client.stats.bufferedAmount).toBeLessThan(1000);
  peer.socket.resume();
  for (let payload = ""; payload !== "4999";) payload = (await peer.next(OPCODE.PONG)).payload.toString().trim();
});

describe("TLS", () => {
  test("may have a certificate for each name that is asked for", async () => {
    const server = await serve({
      tls: {
        ...certificate("other-host"),
        SNICallback: (name, done) => {
          done(null, createSecureContext(certificate(name === "localhost" ? "trusted" : "other-host")));
        },
      },
    });
    const names: (string | undefined)[] = [];
    for (const servername of ["localhost", "elsewhere.example"]) {
      const options = { ca: authority, servername, rejectUnauthorized: false };
      const socket = (await dial(server.port, options)) as TLSSocket;
      names.push(`${socket.authorized} ${socket.getPeerCertificate().subjectaltname}`);
      socket.write(requestOf(server.port, {}));
      await next(server);
    }
    expect(new Set(names).size).toBe(2);
    expect(names[0]?.startsWith("true DNS:localhost")).toBe(true);
    expect(names[1]?.includes("localhost")).toBe(false);
  });
});
