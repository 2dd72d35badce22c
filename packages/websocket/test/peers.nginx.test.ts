// nginx between us and the server, as in most deployments: it cuts a connection on which the server is silent.

import { errors, select, time } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { type Client, connect, type ConnectOptions } from "../src/index.ts";
import { failureOf } from "./fixtures/failures.ts";
import { close, OPCODE, pong, text } from "./fixtures/frames.ts";
import { findNginx, Nginx } from "./fixtures/nginx.ts";
import { type RawPeer, RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

const nginx = findNginx() ?? "";
const skipped = nginx === "" ? " (SKIPPED: no nginx)" : "";
if (nginx === "") console.warn("SKIPPED: every test through nginx. Install nginx-light, or nginx.");

async function meet(
  server: RawServer,
  url: string,
  options: ConnectOptions,
): Promise<{ client: Client; peer: RawPeer }> {
  const connecting = connect(url, options);
  const peer = await server.next();
  peer.write(peer.answer(), text("early"));
  const client = await connecting;
  expect((await client.channel().receive()).value?.data).toBe("early");
  return { client, peer };
}

describe.skipIf(nginx === "").concurrent(`through nginx that cuts what is idle${skipped}`, () => {
  test("messages and the closing handshake pass", async () => {
    await using server = await RawServer.listen();
    await using proxy = await Nginx.start(nginx, server.port, "1s");
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

  test("an idle connection is cut: the network's end, with an error that says to try again", async () => {
    await using server = await RawServer.listen();
    await using proxy = await Nginx.start(nginx, server.port, "1s");
    const { client } = await meet(server, proxy.url, {});
    const info = await client.closed;
    expect(info).toMatchObject({ code: 1006, reason: "", wasClean: false, initiator: "network" });
    expect(info.error).toMatchObject({ kind: errors.INTERNAL, retryable: true, details: { code: 1006 } });
    expect(await client.channel().receive()).toMatchObject({ ok: false });
    expect(client.channel().cause).toBe(info.error);
  });

  test("`keepAlive` keeps it: it lives far beyond the cut", async () => {
    await using server = await RawServer.listen();
    await using proxy = await Nginx.start(nginx, server.port, "1s");
    const { client, peer } = await meet(server, proxy.url, { keepAlive: { interval: "300ms", timeout: "2s" } });
    void (async () => {
      for await (const { opcode, payload } of peer.frames) {
        if (opcode === OPCODE.PING) peer.write(pong(payload.toString()));
      }
    })();
    expect(await select([client.channel(), time.after("1800ms")])).toMatchObject({ index: 1 });
    expect(client.stats.roundTrip).toBeGreaterThan(0);
    client.terminate();
  });

  test("a server that is gone is a refusal with status 502, and its page in the details", async () => {
    const server = await RawServer.listen();
    const { port } = server;
    await server[Symbol.asyncDispose]();
    await using proxy = await Nginx.start(nginx, port, "1s");
    const failure = await failureOf(connect(proxy.url));
    expect(failure).toMatchObject({ kind: errors.UNAVAILABLE, retryable: true });
    expect(failure.details).toMatchObject({ status: 502, body: expect.stringContaining("502 Bad Gateway") });
  });

  test("a server that does not answer the handshake is a refusal with status 504", async () => {
    await using server = await RawServer.listen();
    await using proxy = await Nginx.start(nginx, server.port, "200ms");
    expect(await failureOf(connect(proxy.url))).toMatchObject({ kind: errors.UNAVAILABLE, details: { status: 504 } });
  });

  test("a server that resets the connection behind the proxy is the network's end for us too", async () => {
    await using server = await RawServer.listen();
    await using proxy = await Nginx.start(nginx, server.port, "1s");
    const { client, peer } = await meet(server, proxy.url, {});
    peer.socket.resetAndDestroy();
    expect(await client.closed).toMatchObject({ code: 1006, initiator: "network", error: { retryable: true } });
  });
});
