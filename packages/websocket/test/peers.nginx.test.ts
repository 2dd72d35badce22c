// nginx between us and the server, as in most deployments: it cuts a connection on which the server is silent.

import { errors, SluiceError } from "@sluice/channels";
import { describe, test } from "vitest";
import { type Client, connect, type ConnectOptions } from "../src/index.ts";
import { failureOf } from "./fixtures/failures.ts";
import { close, OPCODE, pong, text } from "./fixtures/frames.ts";
import { Nginx, nginx } from "./fixtures/nginx.ts";
import { type RawPeer, RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

async function meet(
  server: RawServer,
  url: string,
  options: ConnectOptions,
): Promise<{ client: Client; peer: RawPeer }> {
  const connecting = connect(url, options);
  const peer = await server.next();
  peer.write(peer.answer(), text("early"));
  const client = await connecting;
  const { value } = await client.channel().receive();
  if (value?.data !== "early") throw new Error(`Expected what came with the answer, got ${String(value?.data)}`);
  return { client, peer };
}

/**
 * A proxy that cuts what is idle for so few seconds that it can be waited for, and for so many that a handshake fits in:
 * a slow machine needs more. Gives false when that was too few for the body, too.
 */
async function withCut(body: (server: RawServer, url: string, idle: number) => Promise<boolean>): Promise<void> {
  for (let idle = 1; ; idle *= 2) {
    await using server = await RawServer.listen();
    await using proxy = await Nginx.start(server.port, idle);
    try {
      if (await body(server, proxy.url, idle)) return;
    } catch (error) {
      if (!(error instanceof SluiceError) || error.details["status"] !== 504) throw error;
    }
  }
}

describe.skipIf(nginx.isMissing).concurrent(`through nginx that cuts what is idle${nginx.note}`, () => {
  test("messages and the closing handshake pass", async ({ expect }) => {
    await using server = await RawServer.listen();
    await using proxy = await Nginx.start(server.port);
    const { client, peer } = await meet(server, proxy.url, {});
    const large = "x".repeat(1_000_000);
    peer.write(text(large));
    expect((await client.channel().receive()).value?.data).toBe(large);
    await client.send(large);
    expect((await peer.next(OPCODE.TEXT)).payload.toString()).toBe(large);
    const closing = client.close(4000, "bye");
    await peer.next(OPCODE.CLOSE);
    peer.socket.end(close(4000, "bye"));
    expect(await closing).toMatchObject({ code: 4000, wasClean: true, initiator: "local" });
  });

  test("an idle connection is cut: the network's end, with an error that says to try again", ({ expect }) =>
    withCut(async (server, url) => {
      const { client } = await meet(server, url, {});
      const info = await client.closed;
      expect(info).toMatchObject({ code: 1006, reason: "", wasClean: false, initiator: "network" });
      expect(info.error).toMatchObject({ kind: errors.INTERNAL, retryable: true, details: { code: 1006 } });
      expect(await client.channel().receive()).toMatchObject({ ok: false });
      expect(client.channel().cause).toBe(info.error);
      return true;
    }));

  test("`keepAlive` keeps it: it outlives a younger one without", ({ expect }) =>
    withCut(async (server, url, idle) => {
      const { client, peer } = await meet(server, url, { keepAlive: { interval: idle * 100, timeout: "1h" } });
      let heard = performance.now();
      let longest = 0;
      void (async () => {
        for await (const { opcode, payload } of peer.frames) {
          if (opcode === OPCODE.PING) peer.write(pong(payload.toString()));
          longest = Math.max(longest, performance.now() - heard);
          heard = performance.now();
        }
      })();
      const { client: idler } = await meet(server, url, {});
      await idler.closed;
      const isKept = !client.channel().closed;
      client.terminate();
      // This process had no time to ping: that is no fault of `keepAlive`.
      if (longest > idle * 500) return false;
      expect(isKept).toBe(true);
      expect(client.stats.roundTrip).toBeGreaterThan(0);
      return true;
    }));

  test("a server that is gone is a refusal with status 502, and its page in the details", async ({ expect }) => {
    const server = await RawServer.listen();
    const { port } = server;
    await server[Symbol.asyncDispose]();
    await using proxy = await Nginx.start(port);
    const failure = await failureOf(connect(proxy.url));
    expect(failure).toMatchObject({ kind: errors.UNAVAILABLE, retryable: true });
    expect(failure.details).toMatchObject({ status: 502, body: expect.stringContaining("502 Bad Gateway") });
  });

  test("a server that does not answer the handshake is a refusal with status 504", async ({ expect }) => {
    await using server = await RawServer.listen();
    await using proxy = await Nginx.start(server.port, 1);
    expect(await failureOf(connect(proxy.url))).toMatchObject({ kind: errors.UNAVAILABLE, details: { status: 504 } });
  });

  test("a server that resets the connection behind the proxy is the network's end for us too", async ({ expect }) => {
    await using server = await RawServer.listen();
    await using proxy = await Nginx.start(server.port);
    const { client, peer } = await meet(server, proxy.url, {});
    peer.socket.resetAndDestroy();
    expect(await client.closed).toMatchObject({ code: 1006, initiator: "network", error: { retryable: true } });
  });
});
