// Pings both ways with a raw peer: floods of them, answers out of the ordinary, and peers that fall silent.

import { setImmediate as turn } from "node:timers/promises";
import { errors, time } from "@sluice/channels";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type Client, connect } from "../src/index.ts";
import { failureOf } from "./fixtures/failures.ts";
import { close, OPCODE, ping, pong, text } from "./fixtures/frames.ts";
import { clocksRun, heldClock } from "./fixtures/held-clock.ts";
import { Proxy } from "./fixtures/proxy.ts";
import { type RawPeer, RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

// The messages fill a channel of capacity 1 and stop the reading.
const FILL = [text("1"), text("2"), text("3")];

async function untilPaused(client: Client): Promise<void> {
  while (!client.stats.paused) await time.sleep(1);
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await turn();
}

function answers(peer: RawPeer): void {
  void (async () => {
    for await (const { opcode, payload } of peer.frames)
      if (opcode === OPCODE.PING) peer.write(pong(payload.toString()));
  })();
}

/** All pongs that came until the one with this payload. */
async function pongsUntil(peer: RawPeer, newest: string): Promise<string[]> {
  const payloads: string[] = [];
  while (payloads.at(-1) !== newest) payloads.push((await peer.next(OPCODE.PONG)).payload.toString());
  return payloads;
}

describe("pings from the peer", () => {
  test("61 in one segment are answered with the newest, and the connection lives", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.write(...Array.from({ length: 61 }, (_, i) => ping(`${i}`)), text("after"));
    expect(await pongsUntil(peer, "60")).toEqual(["60"]);
    expect((await client.channel().receive()).value?.data).toBe("after");
  });

  test("20,000 are answered with few pongs, the newest payload last", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.write(...Array.from({ length: 20_000 }, (_, i) => ping(`${i}`)), text("after"));
    expect((await pongsUntil(peer, "19999")).length).toBeLessThan(100);
    expect((await client.channel().receive()).value?.data).toBe("after");
  });

  test("20,000 from a peer that reads no pongs leave the connection alive and nothing piled up", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.socket.pause();
    for (let i = 0; i < 200; i += 1)
      await peer.drip([Buffer.concat(Array.from({ length: 100 }, () => ping("x".repeat(125))))]);
    peer.write(text("after"));
    expect((await client.channel().receive()).value?.data).toBe("after");
    expect(client.stats.bufferedAmount).toBeLessThan(64 * 1024);
  });

  test("80 that pile up while reading is paused are answered when it goes on", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 1 });
    peer.write(...FILL);
    await untilPaused(client);
    await peer.drip(Array.from({ length: 80 }, (_, i) => ping(`${i}`)));
    expect(client.stats.paused).toBe(true);
    for (const data of ["1", "2", "3"]) expect((await client.channel().receive()).value?.data).toBe(data);
    await pongsUntil(peer, "79");
    peer.write(text("after"));
    expect((await client.channel().receive()).value?.data).toBe("after");
  });

  test("the payload comes back as it was, empty and of 125 bytes", async () => {
    await using server = await RawServer.listen();
    const { peer } = await server.meet();
    for (const payload of ["", "\0\u007f".repeat(62), "x".repeat(125)]) {
      peer.write(ping(payload));
      const answer = await peer.next(OPCODE.PONG);
      expect({ ...answer, payload: answer.payload.toString() }).toEqual({
        opcode: OPCODE.PONG,
        fin: true,
        reserved: 0,
        masked: true,
        payload,
      });
    }
  });
});

describe("`ping`", () => {
  test("resolves with the milliseconds to its pong", async () => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const { client, peer } = await server.meet();
    const pinging = client.ping();
    const { payload } = await peer.next(OPCODE.PING);
    pass(20);
    peer.write(pong(payload.toString()));
    expect(await pinging).toBe(20);
    expect(client.stats.roundTrip).toBe(20);
  });

  test("a pong settles its ping and every earlier one, and no later one", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    const pings = [client.ping(), client.ping(), client.ping(), client.ping({ timeout: "50ms" })];
    const settled = Promise.allSettled(pings);
    const payloads: string[] = [];
    while (payloads.length < 4) payloads.push((await peer.next(OPCODE.PING)).payload.toString());
    expect(new Set(payloads).size).toBe(4);
    peer.write(pong(payloads[2] ?? ""));
    expect((await settled).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled", "rejected"]);
    expect(await failureOf(pings[3] as Promise<unknown>)).toMatchObject({ kind: errors.TIMEOUT, retryable: true });
  });

  test("pongs that nobody asked for settle nothing and hurt nothing", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    const pinging = client.ping();
    const payload = (await peer.next(OPCODE.PING)).payload.toString();
    peer.write(pong(""), pong("unasked"), pong(payload.slice(0, -1)), pong(`${payload}zz!`), pong("x".repeat(125)));
    peer.write(text("after"));
    expect((await client.channel().receive()).value?.data).toBe("after");
    expect(client.stats.roundTrip).toBeUndefined();
    peer.write(pong(payload), pong(payload));
    expect(await pinging).toBeGreaterThan(0);
  });

  test("a pong that comes after the timeout is ignored, and the connection lives", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    expect(await failureOf(client.ping({ timeout: "10ms" }))).toMatchObject({ kind: errors.TIMEOUT, retryable: true });
    const late = (await peer.next(OPCODE.PING)).payload.toString();
    const again = client.ping();
    const payload = (await peer.next(OPCODE.PING)).payload.toString();
    peer.write(pong(late), pong(payload));
    expect(await again).toBeGreaterThan(0);
  });

  test("resolves with undefined at once while reading is paused, and sends nothing", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 1 });
    peer.write(...FILL);
    await untilPaused(client);
    expect(await client.ping()).toBeUndefined();
    expect(peer.frames.length).toBe(0);
    for (let i = 0; i < 3; i += 1) await client.channel().receive();
    answers(peer);
    expect(await client.ping()).toBeGreaterThan(0);
  });

  test("resolves with undefined when reading pauses while it waits, and every other that waits", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 1 });
    const pings = [client.ping({ timeout: 0 }), client.ping()];
    const { payload } = await peer.next(OPCODE.PING);
    peer.write(...FILL, pong(payload.toString()));
    expect(await Promise.all(pings)).toEqual([undefined, undefined]);
  });

  test.each([
    ["FIN", (peer: RawPeer) => peer.socket.end(), errors.INTERNAL],
    ["RST", (peer: RawPeer) => peer.socket.resetAndDestroy(), errors.INTERNAL],
    ["a close frame", (peer: RawPeer) => peer.socket.end(close(1000)), errors.INTERNAL],
  ])("rejects when the connection ends by %s while it waits", async (_, end, kind) => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    const failing = failureOf(client.ping({ timeout: 0 }));
    await peer.next(OPCODE.PING);
    end(peer);
    expect(await failing).toMatchObject({ kind, details: { url: server.url } });
  });
});

describe("`keepAlive`", () => {
  test("finds within interval and timeout that a proxy went silent", async () => {
    const pass = heldClock();
    await using server = await RawServer.listen();
    await using proxy = await Proxy.to(server.port);
    const connecting = connect(proxy.url, { keepAlive: { interval: "50ms", timeout: "50ms" } });
    const peer = await server.next();
    peer.write(peer.answer());
    const client = await connecting;
    for (let round = 1; round <= 3; round += 1) {
      pass(50);
      const { payload } = await peer.next(OPCODE.PING);
      pass(40 + round);
      peer.write(pong(payload.toString()));
      await until(() => client.stats.roundTrip === 40 + round);
    }
    proxy.goSilent();
    const { bytesSent } = client.stats;
    pass(50);
    await until(() => client.stats.bytesSent > bytesSent);
    pass(49);
    await clocksRun(50);
    expect(client.channel().closed).toBe(false);
    pass(1);
    const info = await client.closed;
    expect(info).toMatchObject({ code: 1006, wasClean: false, initiator: "network" });
    expect(info.error).toMatchObject({ kind: errors.TIMEOUT, retryable: false, details: { code: 1006, reason: "" } });
    expect(client.channel().cause).toBe(info.error);
    expect(await failureOf(client.send("into the void"))).toMatchObject({ kind: errors.INTERNAL });
  });

  test("takes any byte from the peer for life, pongs or none", async () => {
    const pass = heldClock();
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ keepAlive: { interval: "30ms", timeout: "30ms" } });
    for (const byte of text("slow but alive")) {
      const { bytesReceived } = client.stats;
      peer.write(Buffer.from([byte]));
      await until(() => client.stats.bytesReceived > bytesReceived);
      pass(30);
      await peer.next(OPCODE.PING);
      pass(29);
      await clocksRun(30);
    }
    expect((await client.channel().receive()).value?.data).toBe("slow but alive");
    expect(client.channel().closed).toBe(false);
  });

  test("does not ping a peer that is not silent", async () => {
    const pass = heldClock();
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ keepAlive: { interval: "20ms", timeout: "1s" } });
    for (let i = 0; i < 10; i += 1) {
      peer.write(text("busy"));
      await client.channel().receive();
      pass(19);
      await clocksRun(20);
    }
    expect(peer.frames.length).toBe(0);
    pass(1);
    await peer.next(OPCODE.PING);
  });
});

describe("while our own slow consumer pauses the reading", () => {
  test.each([
    ["`keepAlive` neither pings nor ends the connection", { keepAlive: { interval: "20ms", timeout: "20ms" } }],
    ["`readTimeout` does not end the connection", { readTimeout: "20ms" }],
  ])("%s, and its clock starts afresh afterwards", async (_, options) => {
    const pass = heldClock();
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 1, ...options });
    peer.write(...FILL);
    await untilPaused(client);
    for (let i = 0; i < 5; i += 1) {
      pass(40);
      await clocksRun(20);
    }
    expect(peer.frames.length).toBe(0);
    expect(client.stats.paused).toBe(true);
    expect(peer.frames.closed).toBe(false);
    for (const data of ["1", "2", "3"]) expect((await client.channel().receive()).value?.data).toBe(data);
    pass(19);
    await clocksRun(20);
    expect(client.channel().closed).toBe(false);
    pass(1);
    if ("keepAlive" in options) {
      await peer.next(OPCODE.PING);
      pass(20);
    }
    expect((await client.closed).error).toMatchObject({ kind: errors.TIMEOUT });
    expect(await client.channel().receive()).toMatchObject({ ok: false });
  });

  test("pause after pause of a consumer slower than `keepAlive` ends nothing", async () => {
    const pass = heldClock();
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({
      channelCapacity: 2,
      keepAlive: { interval: "15ms", timeout: "15ms" },
    });
    answers(peer);
    peer.write(...Array.from({ length: 12 }, (_, i) => text(`${i}`)), close(1000));
    const received: unknown[] = [];
    for await (const { data } of client) {
      received.push(data);
      pass(40);
      await clocksRun(15);
    }
    expect(received).toEqual(Array.from({ length: 12 }, (_, i) => `${i}`));
  });

  test("a pong every 15 s says that we live", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 1 });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    onTestFinished(() => void vi.useRealTimers());
    peer.write(...FILL);
    await until(() => client.stats.paused);
    await vi.advanceTimersByTimeAsync(14_999);
    await turn();
    expect(peer.frames.length).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect((await peer.next(OPCODE.PONG)).payload).toHaveLength(0);
    expect(client.stats.paused).toBe(true);
  });
});

test("`readTimeout` counts from the last byte, whatever it is part of", async () => {
  const pass = heldClock();
  await using server = await RawServer.listen();
  const { client, peer } = await server.meet({ readTimeout: "60ms" });
  for (const part of [ping(""), pong(""), text("hello").subarray(0, 3), text("hello").subarray(3)]) {
    const { bytesReceived } = client.stats;
    peer.write(part);
    await until(() => client.stats.bytesReceived === bytesReceived + part.length);
    pass(59);
    await clocksRun(60);
  }
  expect((await client.channel().receive()).value?.data).toBe("hello");
  expect(client.channel().closed).toBe(false);
  pass(1);
  expect((await client.closed).error).toMatchObject({ kind: errors.TIMEOUT, retryable: false });
});
