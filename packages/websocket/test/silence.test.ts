// Deadlines and a process that is busy itself: what has arrived by then is read before silence is found.

import { errors, time } from "@sluice/channels";
import { expect, test } from "vitest";
import { OPCODE, ping, pong, text } from "./fixtures/frames.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

/** Keeps the event loop from turning. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

test("`readTimeout` takes no busy loop of ours for silence of the peer", async () => {
  await using server = await RawServer.listen();
  const { client, peer } = await server.meet({ readTimeout: 50 });
  peer.write(text("one"));
  await client.channel().receive();
  peer.write(text("two"));
  block(120);
  expect((await client.channel().receive()).value?.data).toBe("two");
  await time.sleep(20);
  await client.send("still open");
  expect(await client.closed).toMatchObject({ error: { kind: errors.TIMEOUT, retryable: false } });
});

test("nor does `ping`, nor `keepAlive`", async () => {
  await using server = await RawServer.listen();
  const { client, peer } = await server.meet({ keepAlive: { interval: 40, timeout: 40 } });
  const pinging = client.ping({ timeout: 40 });
  const { payload } = await peer.next(OPCODE.PING);
  peer.write(pong(payload.toString("latin1")));
  block(120);
  expect(await pinging).toBeGreaterThan(100);
  for (let i = 0; i < 3; i += 1) {
    await peer.next(OPCODE.PING);
    peer.write(ping("alive, and no pong"));
    block(60);
  }
  await client.send("still open");
});
