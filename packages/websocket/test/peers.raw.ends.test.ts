// Ends of a connection with a raw peer: closing handshakes that nobody finishes, ends while reading is paused, and a peer
// that stops reading.

import { randomBytes } from "node:crypto";
import { Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { type Duration, errors, time } from "@sluice/channels";
import { describe, expect, test, vi } from "vitest";
import { type Client, COMPRESSION, connect } from "../src/index.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { failureOf } from "./fixtures/failures.ts";
import { close, closeOf, OPCODE, text } from "./fixtures/frames.ts";
import { clocksRun, heldClock } from "./fixtures/held-clock.ts";
import { type RawPeer, RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

async function untilPaused(client: Client): Promise<void> {
  while (!client.stats.paused) await time.sleep(1);
}

/** Bytes that a socket was given and the system has not taken, which Node's handle alone knows; TLS has TCP's below. */
function queued(wire: Socket | undefined): number {
  const handle: unknown = Reflect.get(Object(wire), "_handle");
  const lowest: unknown = Reflect.get(Object(handle), "_parent") ?? handle;
  return Number(Reflect.get(Object(lowest), "writeQueueSize") ?? 0);
}

async function rest(client: Client): Promise<unknown[]> {
  const received: unknown[] = [];
  for (;;) {
    const { ok, value } = await client.channel().receive();
    if (!ok) return received;
    received.push(value.data);
  }
}

describe("the closing handshake", () => {
  test("that the peer never answers ends after `closeTimeout`, with the code that we sent", async () => {
    const pass = heldClock();
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ closeTimeout: "50ms" });
    const closing = client.close(4321, "enough");
    pass(50);
    const info = await closing;
    expect(closeOf(await peer.next(OPCODE.CLOSE))).toEqual({ code: 4321, reason: "enough" });
    expect(info).toMatchObject({ code: 4321, reason: "enough", wasClean: false, initiator: "local" });
    expect(info.error).toMatchObject({ kind: errors.TIMEOUT, details: { code: 4321, reason: "enough" } });
    expect(client.channel()).toMatchObject({ closed: true, cause: undefined });
    await peer.gone();
  });

  test.each([
    ["TCP", undefined],
    ["TLS", certificate("trusted")],
  ])("is not cut short over %s while what was sent before it leaves, however long that takes", async (_, tls) => {
    const pass = heldClock();
    const dialled = vi.spyOn(Socket.prototype, "connect");
    await using server = await RawServer.listen(tls === undefined ? {} : { tls });
    const { client, peer } = await server.meet({ closeTimeout: "10ms", tls: { ca: authority } });
    const [wire] = dialled.mock.contexts as Socket[];
    dialled.mockRestore();
    const large = Buffer.alloc(24 * 1024 * 1024);
    peer.socket.pause();
    await client.send(large);
    const progress = { over: false };
    const closing = client.close().finally(() => (progress.over = true));
    // The peer takes a mebibyte at a time, or a kernel with large buffers would have all of it at once.
    let taken = 0;
    const sip = ({ length }: Buffer): void => {
      taken += length;
      if (taken < 1024 * 1024) return;
      taken = 0;
      peer.socket.pause();
    };
    peer.socket.on("data", sip);
    // Most of `closeTimeout` passes whenever the system has taken a piece, be the pieces as many and as large as they like.
    let pieces = 0;
    for (let left = queued(wire); client.stats.bufferedAmount > 0 && !progress.over; await turn()) {
      peer.socket.resume();
      if (queued(wire) >= left) continue;
      left = queued(wire);
      pieces += 1;
      pass(9);
      await clocksRun(10);
    }
    peer.socket.off("data", sip).resume();
    expect(pieces).toBeGreaterThan(1);
    expect((await peer.next(OPCODE.BINARY)).payload.length).toBe(large.length);
    await peer.next(OPCODE.CLOSE);
    peer.socket.end(close(1000));
    expect(await closing).toMatchObject({ code: 1000, wasClean: true, error: undefined });
  });

  test("that the peer answers, and then keeps the connection open, is clean and ends after `closeTimeout`", async () => {
    const pass = heldClock();
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ closeTimeout: "50ms" });
    const closing = client.close();
    await peer.next(OPCODE.CLOSE);
    peer.write(close(1000));
    pass(50);
    expect(await closing).toMatchObject({ code: 1000, wasClean: true, initiator: "local", error: undefined });
    await peer.gone();
  });

  test("that the peer answers with another code reports the peer's", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    const closing = client.close(1000, "ours");
    await peer.next(OPCODE.CLOSE);
    peer.socket.end(close(4000, "theirs"));
    expect(await closing).toMatchObject({ code: 4000, reason: "theirs", wasClean: true, initiator: "local" });
    expect(client.channel().cause).toBeUndefined();
  });

  test.each([
    [1008, "bad token", { kind: errors.INTERNAL, retryable: false, details: { code: 1008, reason: "bad token" } }],
    [1012, "restart", { kind: errors.INTERNAL, retryable: true, details: { code: 1012, reason: "restart" } }],
    [1000, "", undefined],
  ])("that the peer begins with %i, and resets at once, says what the peer said", async (code, reason, error) => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.socket.pause();
    await client.send("nobody reads this, so that the kernel resets");
    await time.sleep(5);
    peer.socket.write(close(code, reason), () => peer.socket.resetAndDestroy());
    const info = await client.closed;
    expect(info).toMatchObject({ code, reason, initiator: "remote" });
    expect([info.error]).toMatchObject([error]);
  });

  test("that both begin at once is clean, and ours is who began", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.socket.end(close(1000));
    expect(await client.close(1000)).toMatchObject({ code: 1000, wasClean: true, initiator: "local" });
  });

  test("that the peer begins is answered with its code, after what we had sent", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    for (const data of numbered(100)) void client.send(data);
    peer.write(close(4444, "go"));
    for (const data of numbered(100)) expect((await peer.frames.receive()).value?.payload.toString()).toBe(data);
    expect(closeOf(await peer.next(OPCODE.CLOSE))).toEqual({ code: 4444, reason: "go" });
    peer.socket.end();
    expect(await client.closed).toMatchObject({ code: 4444, reason: "go", wasClean: true, initiator: "remote" });
    expect(client.channel().cause).toMatchObject({ kind: errors.INTERNAL, details: { code: 4444, reason: "go" } });
  });

  test("of the peer that stays half done is ended by `closeTimeout`", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ closeTimeout: "50ms" });
    peer.write(close(1000));
    expect(await client.closed).toMatchObject({ code: 1000, wasClean: true, initiator: "remote" });
    await peer.gone();
  });

  test("lets nothing through that comes behind a close frame", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.write(text("before"), close(1000), text("behind"), close(4000));
    peer.socket.end(text("far behind"));
    expect(await rest(client)).toEqual(["before"]);
    expect(await client.closed).toMatchObject({ code: 1000, initiator: "remote" });
  });

  test("of ours lets nothing through that comes after the call", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.write(text("before"));
    while (client.channel().length === 0) await time.sleep(1);
    const closing = client.close();
    peer.write(text("after"), text("after"));
    await peer.next(OPCODE.CLOSE);
    peer.socket.end(Buffer.concat([text("after"), close(1000)]));
    expect(await closing).toMatchObject({ code: 1000, wasClean: true });
    expect(await rest(client)).toEqual(["before"]);
  });
});

describe("while reading is paused", () => {
  // `closeTimeout` 0 is none: whatever waits for it waits for ever.
  test("`close` takes no longer than the peer's answer, and the channel keeps what stands in it", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 3, closeTimeout: 0 });
    peer.write(...numbered(1000).map((each) => text(each)));
    await untilPaused(client);
    const closing = client.close();
    expect(client.channel().length).toBe(3);
    await peer.next(OPCODE.CLOSE);
    peer.socket.end(close(1000));
    expect(await closing).toMatchObject({ code: 1000, wasClean: true, initiator: "local" });
    expect(await rest(client)).toEqual(["0", "1", "2"]);
  });

  test("`close` reads past megabytes that nobody received to find the peer's answer", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 3, closeTimeout: 0 });
    peer.write(...numbered(200).map((each) => text(each.padEnd(100_000))));
    await untilPaused(client);
    const closing = client.close();
    await peer.next(OPCODE.CLOSE);
    peer.socket.end(close(1000));
    expect(await closing).toMatchObject({ wasClean: true });
    expect((await rest(client)).map(String).map((data) => data.trim())).toEqual(["0", "1", "2"]);
  });

  test("`terminate` ends at once, and nothing comes behind what stands in the channel", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 3 });
    peer.write(...numbered(1000).map((each) => text(each)));
    await untilPaused(client);
    client.terminate();
    expect(client.channel().length).toBe(3);
    const info = await client.closed;
    expect(info).toMatchObject({ code: 1006, wasClean: false, initiator: "local", error: undefined });
    expect(await rest(client)).toEqual(["0", "1", "2"]);
    await peer.gone();
  });

  test.each([
    ["a close frame", (peer: { socket: { end(bytes: Buffer): unknown } }) => peer.socket.end(close(1000)), 1000],
    ["FIN", (peer: { socket: { end(): unknown } }) => peer.socket.end(), 1006],
  ])("%s of the peer arrives behind every message", async (_, end, code) => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 3 });
    peer.write(...numbered(1000).map((each) => text(each)));
    end(peer);
    await untilPaused(client);
    await time.sleep(20);
    expect(client.channel().length).toBe(3);
    expect(await rest(client)).toEqual(numbered(1000));
    expect((await client.closed).code).toBe(code);
  });

  test("a reset of the peer is found as soon as the reading goes on", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 3 });
    peer.write(...numbered(1000).map((each) => text(each)));
    await untilPaused(client);
    peer.socket.resetAndDestroy();
    const received = await rest(client);
    expect(received).toEqual(numbered(received.length));
    expect(received.length).toBeGreaterThanOrEqual(3);
    expect(await client.closed).toMatchObject({ code: 1006, initiator: "network" });
  });

  test("`close` to a peer that is gone does not wait", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 1, closeTimeout: 0 });
    peer.write(text("1"), text("2"), text("3"));
    await untilPaused(client);
    peer.socket.destroy();
    expect(await client.close()).toMatchObject({ wasClean: false, initiator: "local" });
    expect(await rest(client)).toEqual(["1"]);
  });
});

describe("a peer that stops reading", () => {
  const chunk = Buffer.alloc(64 * 1024);
  // More than the kernel takes for two sockets.
  const sendMuch = (client: Client): Promise<void>[] => Array.from({ length: 400 }, () => client.send(chunk));

  test("makes `send` wait, with little in our memory, and everything arrives once it reads on", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.socket.pause();
    let accepted = 0;
    const sending = (async () => {
      for (let i = 0; i < 400; i += 1) {
        await client.send(i.toString().padEnd(chunk.length));
        accepted += 1;
      }
    })();
    for (let before = -1; before !== accepted;) {
      before = accepted;
      await time.sleep(50);
    }
    expect(accepted).toBeLessThan(400);
    expect(client.stats).toMatchObject({ sendsWaiting: 1, messagesSent: accepted });
    expect(client.stats.bufferedAmount).toBeLessThan(256 * 1024);
    peer.socket.resume();
    await sending;
    for (const data of numbered(400)) expect((await peer.frames.receive()).value?.payload.toString().trim()).toBe(data);
    expect(client.stats.bufferedAmount).toBe(0);
  });

  test("is ended by `writeTimeout`: what waits rejects, and so does what comes later", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ writeTimeout: "100ms" });
    peer.socket.pause();
    const settled = await Promise.allSettled(sendMuch(client));
    const info = await client.closed;
    expect(info).toMatchObject({ code: 1006, wasClean: false, initiator: "network" });
    expect(info.error).toMatchObject({ kind: errors.TIMEOUT, retryable: false, details: { code: 1006, reason: "" } });
    const rejected = settled.filter((result) => result.status === "rejected");
    expect(rejected.length).toBeGreaterThan(0);
    expect(new Set(rejected.map(({ reason }) => reason as unknown))).toEqual(new Set([info.error]));
    expect(client.channel().cause).toBe(info.error);
    expect(await failureOf(client.send("late"))).toMatchObject({ kind: errors.INTERNAL, retryable: false });
  });

  test("and reads a little now and then is not ended by `writeTimeout`", async () => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const { client, peer } = await server.meet({ writeTimeout: "20ms" });
    // Two messages wait in our memory at most: before eight more were accepted, each had left.
    let pieces = 0;
    const sending = (async () => {
      while (pieces < 10) await client.send(chunk);
    })();
    for (let accepted = 0; pieces < 10 && !client.channel().closed; await turn()) {
      if (client.stats.messagesSent < accepted + 8) continue;
      accepted = client.stats.messagesSent;
      pieces += 1;
      pass(9);
      peer.socket.pause();
      await clocksRun(20);
      peer.socket.resume();
    }
    await sending;
    expect(client.channel().closed).toBe(false);
  });

  test("does not hold up `close` beyond `writeTimeout`", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ writeTimeout: "100ms", closeTimeout: "1h" });
    peer.socket.pause();
    const sends = Promise.allSettled(sendMuch(client));
    const info = await client.close();
    expect(info).toMatchObject({ code: 1000, wasClean: false, initiator: "local", error: { kind: errors.TIMEOUT } });
    await sends;
  });

  test("does not hold up `close` beyond `closeTimeout`: accepted sends go if they can, waiting ones reject", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ closeTimeout: "100ms" });
    peer.socket.pause();
    const sends = Promise.allSettled(sendMuch(client));
    await time.sleep(20);
    const info = await client.close();
    expect(info).toMatchObject({ code: 1000, wasClean: false, initiator: "local", error: { kind: errors.TIMEOUT } });
    const statuses = (await sends).map(({ status }) => status);
    expect(statuses).toEqual(statuses.toSorted()); // first those that were accepted, then those that were not
    expect(statuses.at(-1)).toBe("rejected");
  });

  test.each<[string, Duration, (client: Client, peer: RawPeer) => unknown, unknown]>([
    ["until `closeTimeout`", "100ms", () => undefined, expect.objectContaining({ kind: errors.TIMEOUT })],
    ["and ends", "100ms", (_, peer) => peer.socket.end(), expect.objectContaining({ kind: errors.TIMEOUT })],
    [
      "and resets",
      "1h",
      (_, peer) => peer.socket.resetAndDestroy(),
      expect.objectContaining({ kind: errors.INTERNAL }),
    ],
    ["and we terminate", "1h", (client) => client.terminate(), undefined],
  ])(
    "and closes, and takes none of what was sent, %s: not clean, since our close frame never left",
    async (_, closeTimeout, end, error) => {
      await using server = await RawServer.listen();
      const { client, peer } = await server.meet({ closeTimeout });
      peer.socket.pause();
      const sends = Promise.allSettled(sendMuch(client));
      peer.write(close(1000));
      while ((await failureOf(client.ping({ timeout: 1 }))).kind === errors.TIMEOUT); // until it is closing
      end(client, peer);
      const info = await client.closed;
      expect(info).toMatchObject({ code: 1000, wasClean: false, initiator: "remote" });
      expect(info.error).toEqual(error);
      expect(client.channel()).toMatchObject({ closed: true, cause: info.error });
      expect((await sends).at(-1)?.status).toBe("rejected");
    },
  );

  test("and answers our close frame, which it did not read, has closed, but not cleanly", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ closeTimeout: "100ms" });
    peer.socket.pause();
    const sends = Promise.allSettled(sendMuch(client));
    const closing = client.close();
    peer.write(close(4002, "enough"));
    const info = await closing;
    expect(info).toMatchObject({ code: 4002, reason: "enough", wasClean: false, initiator: "local" });
    expect(info.error).toMatchObject({ kind: errors.TIMEOUT });
    await sends;
  });

  test("and closes while a message is being compressed is not clean: it never left", async () => {
    await using server = await RawServer.listen();
    const connecting = connect(server.url, { compression: COMPRESSION.NO_CONTEXT, closeTimeout: "50ms" });
    const peer = await server.next();
    const agreed = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";
    peer.write(peer.answer(`Sec-WebSocket-Extensions: ${agreed}`));
    const client = await connecting;
    expect(client.compression).toBe(COMPRESSION.NO_CONTEXT);
    const bytes = randomBytes(8 * 1024 * 1024);
    const sends = Promise.allSettled(Array.from({ length: 4 }, () => client.send(bytes)));
    peer.socket.end(close(1000));
    const info = await client.closed;
    expect(info).toMatchObject({ code: 1000, wasClean: false, initiator: "remote", error: { kind: errors.TIMEOUT } });
    await sends;
  });

  test("does not hold up `terminate` at all", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ closeTimeout: 0 });
    peer.socket.pause();
    const sends = Promise.allSettled(sendMuch(client));
    await time.sleep(20);
    client.terminate();
    expect((await sends).at(-1)).toMatchObject({ status: "rejected", reason: { kind: errors.INTERNAL } });
    expect(await client.closed).toMatchObject({ code: 1006, initiator: "local" });
  });

  test("and never comes back delivers what was accepted when it reads after our `close`", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.socket.pause();
    const sends = Promise.allSettled(sendMuch(client));
    await time.sleep(20);
    const closing = client.close();
    peer.socket.resume();
    await peer.next(OPCODE.CLOSE);
    peer.socket.end(close(1000));
    expect(await closing).toMatchObject({ wasClean: true });
    const accepted = (await sends).filter(({ status }) => status === "fulfilled").length;
    expect(client.stats.messagesSent).toBe(accepted);
  });
});

describe("a peer that is gone", () => {
  test("is found by the next sends, which then reject", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.socket.resetAndDestroy();
    const failure = await failureOf(
      (async () => {
        for (;;) await client.send("anybody there?");
      })(),
    );
    expect(failure).toMatchObject({ kind: errors.INTERNAL, details: { url: server.url } });
    expect(await client.closed).toMatchObject({ code: 1006, initiator: "network", error: { retryable: true } });
  });

  test("while sends wait rejects them with what broke the connection", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.socket.pause();
    const sends = Promise.allSettled(Array.from({ length: 400 }, () => client.send(Buffer.alloc(65_536))));
    await time.sleep(20);
    peer.socket.resetAndDestroy();
    expect((await sends).at(-1)).toMatchObject({ status: "rejected", reason: { kind: errors.INTERNAL } });
    expect((await client.closed).error).toMatchObject({ retryable: true });
  });
});
