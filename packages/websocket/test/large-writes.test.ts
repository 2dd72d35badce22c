// A message of ours that is larger than what the system holds leaves as fast as the peer takes it. Nothing takes that for
// the peer's death, and what is said of a peer that takes nothing is what we know. The clock is in the test's hands.

import { errors } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import type { Client, ConnectOptions } from "../src/index.ts";
import { failureOf } from "./fixtures/failures.ts";
import { OPCODE, pong } from "./fixtures/frames.ts";
import { clocksRun, heldClock } from "./fixtures/held-clock.ts";
import { type RawPeer, RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

const MEBIBYTE = 1024 * 1024;
const LIMIT = 100;
const LARGE = new Uint8Array(24 * MEBIBYTE);

/** Lets the peer read so many bytes more, and stop. */
async function reads(peer: RawPeer, bytes: number): Promise<void> {
  const { socket } = peer;
  const enough = socket.bytesRead + bytes;
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (socket.bytesRead < enough && !socket.destroyed) return;
      socket.pause();
      socket.off("data", look);
      resolve();
    };
    socket.on("data", look);
    socket.resume();
  });
}

/** A client whose peer has stopped reading, and whose message is on its way. */
async function sending(server: RawServer, options: ConnectOptions): Promise<{ client: Client; peer: RawPeer }> {
  const { client, peer } = await server.meet(options);
  peer.socket.pause();
  void client.send(LARGE).catch(() => undefined);
  await clocksRun(LIMIT);
  expect(client.stats.bufferedAmount).toBeGreaterThan(0);
  return { client, peer };
}

/** The peer takes all of it, piece by piece, each just in time. */
async function takesAll(peer: RawPeer, pass: (milliseconds: number) => void): Promise<void> {
  // More than the pieces in which a system takes: it has taken one each time.
  for (let taken = 0; taken < LARGE.length - 4 * MEBIBYTE; taken += 4 * MEBIBYTE) {
    pass(0.9 * LIMIT);
    await clocksRun(LIMIT);
    await reads(peer, 4 * MEBIBYTE);
    await clocksRun(LIMIT);
  }
  peer.socket.resume();
}

function answersPings(peer: RawPeer): void {
  void (async () => {
    for await (const { opcode, payload } of peer.frames) {
      if (opcode === OPCODE.PING) peer.write(pong(payload.toString("latin1")));
    }
  })();
}

describe("a peer that takes a large message slowly and says nothing meanwhile is not given up", () => {
  test("by `writeTimeout`", async () => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const { client, peer } = await sending(server, { writeTimeout: LIMIT });
    await takesAll(peer, pass);
    expect((await peer.next(OPCODE.BINARY)).payload).toHaveLength(LARGE.length);
    await client.send("still open");
    expect((await peer.next(OPCODE.TEXT)).payload.toString()).toBe("still open");
  });

  test("by `keepAlive`", async () => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const { client, peer } = await sending(server, { keepAlive: { interval: 20, timeout: LIMIT } });
    answersPings(peer);
    await takesAll(peer, pass);
    while (client.stats.roundTrip === undefined && !client.channel().closed) await clocksRun(1);
    expect(client.channel().closed).toBe(false);
  });

  test("by `ping`, which waits until it has left, and then for the pong", async () => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const { client, peer } = await sending(server, {});
    answersPings(peer);
    const pinging = client.ping({ timeout: LIMIT });
    await takesAll(peer, pass);
    expect(await pinging).toBeGreaterThan(4 * LIMIT);
  });
});

describe("a message that is with the system, whole, and that the peer takes slowly", () => {
  test("gives a ping behind it the time that it takes to read it", async () => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const { client, peer } = await server.meet();
    answersPings(peer);
    peer.socket.pause();
    await client.send(new Uint8Array(MEBIBYTE));
    const pinging = client.ping({ timeout: LIMIT });
    await clocksRun(LIMIT);
    expect(client.stats.bufferedAmount).toBe(0); // it has all left
    pass(2 * LIMIT);
    await clocksRun(LIMIT);
    peer.socket.resume();
    expect(await pinging).toBeGreaterThanOrEqual(2 * LIMIT);
  });

  test("and `keepAlive` the same", async () => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const { client, peer } = await server.meet({ keepAlive: { interval: 20, timeout: LIMIT } });
    answersPings(peer);
    peer.socket.pause();
    await client.send(new Uint8Array(MEBIBYTE));
    pass(20);
    await clocksRun(20);
    pass(2 * LIMIT);
    await clocksRun(LIMIT);
    expect(client.channel().closed).toBe(false);
    peer.socket.resume();
    while (client.stats.roundTrip === undefined && !client.channel().closed) await clocksRun(1);
    expect(client.channel().closed).toBe(false);
  });

  test("but not for ever", async () => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const { client, peer } = await server.meet();
    peer.socket.pause();
    await client.send(new Uint8Array(MEBIBYTE));
    const failing = failureOf(client.ping({ timeout: LIMIT }));
    await clocksRun(LIMIT);
    pass(4 * LIMIT);
    const failure = await failing;
    expect(failure).toMatchObject({ kind: errors.TIMEOUT, retryable: true });
    expect(failure.message).toContain(`The ping to ${server.url} was not answered within ${LIMIT} ms`);
  });

  test("and once the peer has read it, a ping has its own time and no more", async () => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const { client, peer } = await server.meet();
    await client.send(new Uint8Array(MEBIBYTE));
    const first = client.ping();
    peer.write(pong((await peer.next(OPCODE.PING)).payload.toString("latin1")));
    expect(await first).toBeGreaterThanOrEqual(0);
    const failing = failureOf(client.ping({ timeout: LIMIT }));
    await peer.next(OPCODE.PING);
    pass(1.1 * LIMIT);
    expect(await failing).toMatchObject({ kind: errors.TIMEOUT });
  });
});

describe("a peer that takes nothing any more is given up, and it is said that nothing could leave", () => {
  test.each<[string, ConnectOptions, RegExp]>([
    ["writeTimeout", { writeTimeout: LIMIT }, /No byte could leave within `writeTimeout`: \d+ bytes of ours wait/],
    [
      "keepAlive",
      { keepAlive: { interval: 20, timeout: LIMIT } },
      /The ping of `keepAlive` could not leave: \d+ bytes of ours wait, and the peer takes none/,
    ],
  ])("by `%s`", async (_, options, words) => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const { client } = await sending(server, options);
    for (let looks = 0; looks < 10 && !client.channel().closed; looks += 1) {
      pass(LIMIT);
      await clocksRun(LIMIT);
    }
    const { error } = await client.closed;
    expect(error).toMatchObject({ kind: errors.TIMEOUT, retryable: false });
    expect(error?.message).toMatch(words);
  });

  test("by `ping`", async () => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const { client } = await sending(server, {});
    const failing = failureOf(client.ping({ timeout: LIMIT }));
    await clocksRun(LIMIT);
    pass(LIMIT);
    const failure = await failing;
    expect(failure).toMatchObject({ kind: errors.TIMEOUT, retryable: true });
    expect(failure.message).toMatch(/could not leave: \d+ bytes of ours wait, and the peer takes none/);
  });
});
