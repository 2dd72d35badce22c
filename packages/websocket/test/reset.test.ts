// The peer is done and gone, and our side finds out by a write that meets a reset. What it had sent before is still with
// the system, and is delivered, its close frame too. (Windows throws it away: nobody can deliver it there.)

import { setImmediate as turn } from "node:timers/promises";
import { errors, type SluiceError, time } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import type { Client, ConnectOptions } from "../src/index.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { failureOf } from "./fixtures/failures.ts";
import { close, ping, text } from "./fixtures/frames.ts";
import { type RawPeer, RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

const many = Array.from({ length: 100 }, (_, i) => `${i}`.padEnd(1000));

/** A client that does not read for now, whose peer has said all of this and was reset. */
async function deserted(
  server: RawServer,
  options: ConnectOptions,
  ...last: readonly Uint8Array[]
): Promise<{ client: Client; peer: RawPeer }> {
  const { client, peer } = await server.meet({ channelCapacity: 4, ...options });
  peer.write(...many.map((each) => text(each)), ...last);
  while (!client.stats.paused) await time.sleep(1);
  server.reset();
  await peer.gone();
  return { client, peer };
}

/** All that the client receives, and what its loop ends with. */
async function receivedBy(client: Client): Promise<{ received: unknown[]; cause: unknown }> {
  const received: unknown[] = [];
  try {
    for await (const { data } of client) received.push(data);
  } catch (cause) {
    return { received, cause };
  }
  return { received, cause: undefined };
}

const ways: readonly (readonly [string, (client: Client) => Promise<unknown>])[] = [
  ["a send", (client) => client.send("lost")],
  ["many sends", async (client) => Promise.allSettled(many.map((each) => client.send(each)))],
  ["a send that nobody waits for", async (client) => void client.send("lost").catch(() => undefined)],
];

describe.skipIf(process.platform === "win32")("what the system holds is delivered although", () => {
  test.each(ways)("%s met the reset, with the peer's code", async (_, write) => {
    await using server = await RawServer.listen();
    const { client } = await deserted(server, {}, close(4001, "moved"));
    await write(client);
    const { received, cause } = await receivedBy(client);
    expect(received).toEqual(many);
    const info = await client.closed;
    expect(info).toMatchObject({ code: 4001, reason: "moved", wasClean: false, initiator: "remote" });
    expect(cause).toBe(info.error);
  });

  test("a send met it over TLS", async () => {
    await using server = await RawServer.listen({ tls: certificate("trusted") });
    const { client } = await deserted(server, { tls: { ca: authority } }, close(4001, "moved"));
    await client.send("lost");
    await turn(); // TLS says later what a write met
    expect((await receivedBy(client)).received).toEqual(many);
    expect(await client.closed).toMatchObject({ code: 4001, reason: "moved", initiator: "remote" });
  });

  test("a send was lost, which makes a failure of a normal end", async () => {
    await using server = await RawServer.listen();
    const { client } = await deserted(server, {}, close(1000, "done"));
    await client.send("lost");
    const { received, cause } = await receivedBy(client);
    expect(received).toEqual(many);
    expect(await client.closed).toMatchObject({ code: 1000, reason: "done", wasClean: false, initiator: "remote" });
    expect(cause).toMatchObject({ kind: errors.INTERNAL, retryable: true, details: { code: 1000 } });
  });

  test("only a pong of ours was lost, which is none", async () => {
    await using server = await RawServer.listen();
    const { client } = await deserted(server, {}, ping("still there?"), close(1000, "done"));
    expect(await receivedBy(client)).toEqual({ received: many, cause: undefined });
    expect(await client.closed).toMatchObject({ code: 1000, reason: "done", initiator: "remote", error: undefined });
  });

  test("the peer never closed: then it is lost behind its last message", async () => {
    await using server = await RawServer.listen();
    const { client } = await deserted(server, {});
    await client.send("lost");
    const { received, cause } = await receivedBy(client);
    expect(received).toEqual(many);
    expect(cause).toMatchObject({ kind: errors.INTERNAL, retryable: true, details: { code: 1006 } });
    expect((cause as SluiceError).details["errno"]).toMatch(/^(ECONNRESET|EPIPE)$/);
    expect(await client.closed).toMatchObject({ code: 1006, initiator: "network" });
  });
});

describe.skipIf(process.platform === "win32")("after a write met the reset", () => {
  test("sends and pings reject, and say how it was lost", async () => {
    await using server = await RawServer.listen();
    const { client } = await deserted(server, {}, close(1000));
    await client.send("lost");
    for (const failing of [client.send("late"), client.ping()]) {
      expect(await failureOf(failing)).toMatchObject({ kind: errors.INTERNAL, details: { code: 1006 } });
    }
    client.terminate();
    expect(await client.closed).toMatchObject({ initiator: "local" });
  });

  test("the connection can be closed and terminated", async () => {
    await using server = await RawServer.listen();
    for (const end of [(client: Client) => client.close(), async (client: Client) => client.terminate()]) {
      const { client } = await deserted(server, {}, close(4001));
      await client.send("lost");
      await end(client);
      expect(await client.closed).toMatchObject({ initiator: "local" });
    }
  });
});
