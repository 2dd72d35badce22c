// Law 3 for the promises of this package: a loop that awaits them, and does what it does at once, starves nobody.

import { expect, test } from "vitest";
import { type Client, connect } from "../src/index.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

const TURN = 1024; // completions in a turn of the loop, at most

/** Calls until the loop turns: how often. */
async function callsUntilTurn(call: () => Promise<unknown>): Promise<number> {
  const loop = { turned: false };
  setImmediate(() => (loop.turned = true));
  let calls = 0;
  for (; !loop.turned && calls <= TURN; calls += 1) await call().catch(() => undefined);
  return calls;
}

test.each<[string, (client: Client) => Promise<unknown>]>([
  ["a send that is refused", (client) => client.send("late")],
  ["a ping that is refused", (client) => client.ping()],
  ["a ping that was aborted before", (client) => client.ping({ signal: AbortSignal.abort() })],
  ["a close that only waits for the end", (client) => client.close()],
  ["a close with a bad code", (client) => client.close(5)],
  ["a connect with a bad URL", () => connect("bad")],
  ["a connect that was aborted before", () => connect("ws://127.0.0.1:1", { signal: AbortSignal.abort() })],
  ["a connect that is denied", () => connect("ws://127.0.0.1:1", { addresses: { deny: ["loopback"] } })],
])("the loop turns while a program awaits nothing but %s", async (_, call) => {
  await using server = await RawServer.listen();
  const { client } = await server.meet();
  client.terminate();
  await client.closed;
  expect(await callsUntilTurn(() => call(client))).toBeLessThanOrEqual(TURN);
});

test("the loop turns while a program pings a peer whose messages it does not read", async () => {
  await using server = await RawServer.listen();
  const { client, peer } = await server.meet({ channelCapacity: 1 });
  peer.write(Buffer.from([0x81, 1, 97, 0x81, 1, 98, 0x81, 1, 99]));
  while (!client.stats.paused) await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(await client.ping()).toBeUndefined();
  expect(await callsUntilTurn(() => client.ping())).toBeLessThanOrEqual(TURN);
  client.terminate();
});
