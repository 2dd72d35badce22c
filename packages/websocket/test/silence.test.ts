// Deadlines and a process that is busy itself: what has arrived by then is read before silence is found.

import { errors } from "@sluice/channels";
import { expect, test } from "vitest";
import { OPCODE, ping, pong, text } from "./fixtures/frames.ts";
import { heldClock } from "./fixtures/held-clock.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

const realNow = performance.now.bind(performance);

/** Keeps the event loop from turning until host timers are late. */
function block(milliseconds: number): void {
  const end = realNow() + milliseconds;
  while (realNow() < end);
}

test("`readTimeout` takes no busy loop of ours for silence of the peer", async () => {
  const pass = heldClock();
  await using server = await RawServer.listen();
  const { client, peer } = await server.meet({ readTimeout: 50 });
  peer.write(text("one"));
  await client.channel().receive();
  peer.write(text("two"));
  block(60);
  pass(120);
  expect((await client.channel().receive()).value?.data).toBe("two");
  pass(49);
  await client.send("still open");
  pass(1);
  expect(await client.closed).toMatchObject({ error: { kind: errors.TIMEOUT, retryable: false } });
});

test("nor does `ping`, nor `keepAlive`", async () => {
  const pass = heldClock();
  await using server = await RawServer.listen();
  const { client, peer } = await server.meet({ keepAlive: { interval: 40, timeout: 40 } });
  const pinging = client.ping({ timeout: 40 });
  const { payload } = await peer.next(OPCODE.PING);
  peer.write(pong(payload.toString("latin1")));
  block(60);
  pass(120);
  expect(await pinging).toBe(120);
  for (let i = 0; i < 3; i += 1) {
    pass(40);
    await peer.next(OPCODE.PING);
    peer.write(ping("alive, and no pong"));
    block(60);
    pass(60);
    expect((await peer.next(OPCODE.PONG)).payload.toString()).toBe("alive, and no pong");
  }
  await client.send("still open");
});
