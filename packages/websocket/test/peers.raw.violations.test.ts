// Frames of a raw peer that break the protocol, and connections that break in the middle of a frame.

import { randomBytes } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import { errors } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { COMPRESSION, connect } from "../src/index.ts";
import { binary, close, closeOf, compressed, frame, OPCODE, ping, text } from "./fixtures/frames.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

const first = (payload: string | Uint8Array): Buffer => frame(OPCODE.TEXT, payload, { fin: false });
const last = (payload: string | Uint8Array): Buffer => frame(OPCODE.CONTINUATION, payload);
const notUtf8 = Buffer.from([0xff]);
const halfCharacter = Buffer.from("€").subarray(0, 2);
const LIMIT = 1000;

const violations: readonly (readonly [string, number, readonly Buffer[]])[] = [
  ["a masked frame", 1002, [text("x", { masked: true })]],
  ["a masked ping", 1002, [frame(OPCODE.PING, "", { masked: true })]],
  ["RSV1 without compression", 1002, [text("x", { reserved: 4 })]],
  ["RSV2", 1002, [text("x", { reserved: 2 })]],
  ["RSV3", 1002, [text("x", { reserved: 1 })]],
  ["RSV1 on a control frame", 1002, [frame(OPCODE.PING, "", { reserved: 4 })]],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`opcode ${opcode}`, 1002, [frame(opcode)]] as const),
  ["a ping in fragments", 1002, [frame(OPCODE.PING, "x", { fin: false })]],
  ["a close frame in fragments", 1002, [frame(OPCODE.CLOSE, "", { fin: false })]],
  ["a ping of 126 bytes", 1002, [ping("x".repeat(126))]],
  ["a close frame of 126 bytes", 1002, [close(1000, "x".repeat(124))]],
  ["an empty ping whose length is written in 16 bits", 1002, [frame(OPCODE.PING, "", { bits: 16 })]],
  ["an empty pong whose length is written in 64 bits", 1002, [frame(OPCODE.PONG, "", { bits: 64 })]],
  ["a close frame whose length is written in 16 bits", 1002, [frame(OPCODE.CLOSE, "", { bits: 16 })]],
  ["a length of 2^63", 1002, [frame(OPCODE.BINARY, "", { claims: 2 ** 63 })]],
  ["a continuation of nothing", 1002, [last("x")]],
  ["the end of a message twice", 1002, [first("a"), last("b"), last("c")]],
  ["a new message inside of another", 1002, [first("a"), text("b")]],
  ["a close frame with one byte", 1002, [frame(OPCODE.CLOSE, "x")]],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map(
    (code) => [`a close frame with code ${code}`, 1002, [close(code)]] as const,
  ),
  ["a close reason that is not UTF-8", 1007, [close(1000, notUtf8)]],
  ["text that is not UTF-8", 1007, [frame(OPCODE.TEXT, notUtf8)]],
  ["text that ends in half a character", 1007, [frame(OPCODE.TEXT, halfCharacter)]],
  ["text that is not UTF-8, in fragments", 1007, [first(halfCharacter), last("x")]],
  ["a surrogate as UTF-8", 1007, [frame(OPCODE.TEXT, Buffer.from([0xed, 0xa0, 0x80]))]],
  ["a message over `readLimit`", 1009, [binary(Buffer.alloc(LIMIT + 1))]],
  ["the header of a message over `readLimit`", 1009, [frame(OPCODE.TEXT, "", { claims: LIMIT + 1 })]],
  ["a header that claims 2^53 bytes", 1009, [frame(OPCODE.BINARY, "", { claims: 2 ** 53 })]],
  ["fragments over `readLimit` together", 1009, [first("x".repeat(LIMIT)), last("y")]],
];

describe("the connection is closed, the code that travelled is reported, what came before is delivered, after", () => {
  test.each(violations)("%s: %i", async (title, code, frames) => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ readLimit: LIMIT });
    const before = title.includes("twice") ? ["before", "ab"] : ["before"];
    peer.write(text("before"), ...frames, text("after"));
    expect(closeOf(await peer.next(OPCODE.CLOSE))).toEqual({ code, reason: "" });
    peer.socket.end();
    const info = await client.closed;
    expect(info).toMatchObject({ code, wasClean: false, initiator: "local" });
    expect(info.error).toMatchObject({ kind: errors.INTERNAL, retryable: false, details: { code, url: server.url } });
    for (const data of before) expect((await client.channel().receive()).value?.data).toBe(data);
    expect(await client.channel().receive()).toMatchObject({ ok: false });
    expect(client.channel().cause).toBe(info.error);
  });

  const agree = "Sec-WebSocket-Extensions: permessage-deflate";
  test.each([
    ["compressed bytes that are none", 1007, frame(OPCODE.TEXT, randomBytes(100).fill(0xff, 0, 10), { reserved: 4 })],
    ["compressed text that is not UTF-8", 1007, compressed(OPCODE.TEXT, notUtf8)],
    ["a bomb", 1009, compressed(OPCODE.BINARY, Buffer.alloc(1_000_000))],
    ["RSV1 on a continuation", 1002, Buffer.concat([first("a"), frame(OPCODE.CONTINUATION, "b", { reserved: 4 })])],
  ])("%s: %i", async (_, code, bad) => {
    await using server = await RawServer.listen();
    const connecting = connect(server.url, { readLimit: LIMIT, compression: COMPRESSION.CONTEXT_TAKEOVER });
    const peer = await server.next();
    peer.write(peer.answer(agree), text("before"), bad, text("after"));
    const client = await connecting;
    expect(closeOf(await peer.next(OPCODE.CLOSE)).code).toBe(code);
    peer.socket.end();
    expect(await client.closed).toMatchObject({ code, initiator: "local", error: { details: { code } } });
    const received: unknown[] = [];
    await expect(
      (async () => {
        for await (const { data } of client) received.push(data);
      })(),
    ).rejects.toBe((await client.closed).error);
    expect(received).toEqual(["before"]);
  });
});

const beginnings: readonly (readonly [string, readonly number[]])[] = [
  ["a reserved opcode, a length of 16 bits", [0x83, 126]],
  ["a reserved opcode of control frames", [0x8b, 127]],
  ["a ping of more than 125 bytes", [0x89, 126]],
  ["a ping in fragments", [0x09, 126]],
  ["a masked frame", [0x81, 0xff]],
  ["RSV1 without compression", [0xc1, 127]],
  ["a continuation of nothing", [0x80, 126]],
  ["a close frame of one byte", [0x88, 1]],
  ["a length of 2^63, nine of ten bytes", [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0]],
];

test.each(beginnings)(
  "a frame is judged by its beginning, the rest of its length is not waited for: %s",
  async (_, bytes) => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.write(Buffer.from(bytes));
    expect(closeOf(await peer.next(OPCODE.CLOSE)).code).toBe(1002);
    peer.socket.end();
    expect(await client.closed).toMatchObject({ code: 1002, initiator: "local" });
  },
);

describe("while a compressed message is on its way, one that takes its time to inflate,", () => {
  const agree = "Sec-WebSocket-Extensions: permessage-deflate";
  const deflated = deflateRawSync(Buffer.alloc(14 * 1024 * 1024));
  const half = Math.floor(deflated.length / 2);
  const begun = frame(OPCODE.BINARY, deflated.subarray(0, half), { fin: false, reserved: 4 });
  const rest = frame(OPCODE.CONTINUATION, deflated.subarray(half));

  test.each([
    ["the rest of the message", rest],
    ["a close frame with another code", close(1008)],
    ["another message", compressed(OPCODE.BINARY, Buffer.alloc(1024 * 1024))],
    ["more that is forbidden", Buffer.from([0x8b, 0, 0xf1, 0])],
  ])("a violation closes with 1002 and nothing behind it has an effect: %s", async (_, behind) => {
    await using server = await RawServer.listen();
    const connecting = connect(server.url, { compression: COMPRESSION.CONTEXT_TAKEOVER });
    const peer = await server.next();
    peer.write(peer.answer(agree));
    const client = await connecting;
    await peer.drip([begun, frame(3), behind]);
    expect(closeOf(await peer.next(OPCODE.CLOSE)).code).toBe(1002);
    peer.socket.destroy();
    expect(await client.closed).toMatchObject({ code: 1002, wasClean: false, initiator: "local" });
    expect(client.stats.messagesReceived).toBe(0);
  });

  test("a whole one is delivered before the violation behind it is looked at", async () => {
    await using server = await RawServer.listen();
    const connecting = connect(server.url, { compression: COMPRESSION.CONTEXT_TAKEOVER });
    const peer = await server.next();
    peer.write(peer.answer(agree));
    const client = await connecting;
    await peer.drip([begun, rest, frame(3), close(1008)]);
    expect((await client.channel().receive()).value?.data).toHaveLength(14 * 1024 * 1024);
    expect(closeOf(await peer.next(OPCODE.CLOSE)).code).toBe(1002);
    peer.socket.destroy();
    expect(await client.closed).toMatchObject({ code: 1002, initiator: "local" });
  });
});

describe("a ping is answered although", () => {
  test.each([
    ["a close frame stands behind it", close(1000), 1000],
    ["a violation stands behind it", frame(3), 1002],
  ])("%s, in the same segment", async (_, behind, code) => {
    await using server = await RawServer.listen();
    const { peer } = await server.meet();
    peer.write(ping("first"), ping("last"), behind);
    const answers = [(await peer.frames.receive()).value, (await peer.frames.receive()).value];
    expect(answers.map((answer) => answer?.opcode)).toEqual([OPCODE.PONG, OPCODE.CLOSE]);
    expect(answers[0]?.payload.toString()).toBe("last");
    expect(answers[1]?.payload.readUInt16BE()).toBe(code);
    peer.socket.end();
  });

  test("we close in the turn in which it arrives", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ closeTimeout: 50 });
    const received = client.channel().receive();
    const closing = received.then(() => client.close());
    peer.write(text("close"), ping("?"));
    expect((await peer.frames.receive()).value?.opcode).toBe(OPCODE.PONG);
    expect((await peer.frames.receive()).value?.opcode).toBe(OPCODE.CLOSE);
    await closing;
  });
});

test("a violation behind a full channel waits its turn: every message before it is delivered", async () => {
  await using server = await RawServer.listen();
  const { client, peer } = await server.meet({ channelCapacity: 2 });
  const count = 500;
  peer.write(...Array.from({ length: count }, (_, i) => text(`${i}`)), frame(3));
  const received: unknown[] = [];
  await expect(
    (async () => {
      for await (const { data } of client) received.push(data);
    })(),
  ).rejects.toMatchObject({ kind: errors.INTERNAL, details: { code: 1002 } });
  expect(received).toEqual(Array.from({ length: count }, (_, i) => `${i}`));
  peer.socket.end();
  expect((await client.closed).code).toBe(1002);
});

test("a violator that holds the connection open is let go of after `closeTimeout`", async () => {
  await using server = await RawServer.listen();
  const { client, peer } = await server.meet({ closeTimeout: "50ms" });
  peer.write(frame(3));
  expect(await client.closed).toMatchObject({ code: 1002, initiator: "local", wasClean: false });
  await peer.gone();
});

test("a violator that goes on sending has no effect on the client", async () => {
  await using server = await RawServer.listen();
  const { client, peer } = await server.meet({ closeTimeout: "100ms", channelCapacity: 1 });
  peer.write(frame(3));
  const flood = Buffer.alloc(60_000, text("x"));
  while (peer.socket.writable) await peer.drip([flood]);
  expect(await client.channel().receive()).toMatchObject({ ok: false });
  expect(await client.closed).toMatchObject({ code: 1002 });
  expect(client.stats.messagesReceived).toBe(0);
});

const halves: readonly (readonly [string, Buffer])[] = [
  ["the first byte of a header", text("x").subarray(0, 1)],
  ["half a long header", frame(OPCODE.BINARY, Buffer.alloc(70_000)).subarray(0, 7)],
  ["a header", text("hello").subarray(0, 2)],
  ["half a payload", text("hello").subarray(0, 4)],
  ["half a payload of 2 MiB", frame(OPCODE.BINARY, Buffer.alloc(1_000_000), { claims: 2_000_000 })],
  ["the first of two fragments", text("hello", { fin: false })],
  ["half a close frame", close(1000).subarray(0, 3)],
];

describe("a connection that breaks after a whole message and", () => {
  test.each(halves)(
    "%s, by FIN: the message is delivered, the rest is not, the end is the network's",
    async (_, half) => {
      await using server = await RawServer.listen();
      const { client, peer } = await server.meet();
      peer.write(text("whole"), half);
      peer.socket.end();
      expect((await client.channel().receive()).value?.data).toBe("whole");
      expect(await client.channel().receive()).toMatchObject({ ok: false });
      const info = await client.closed;
      expect(info).toMatchObject({ code: 1006, reason: "", wasClean: false, initiator: "network" });
      expect(info.error).toMatchObject({ kind: errors.INTERNAL, retryable: true, details: { code: 1006 } });
      expect(client.channel().cause).toBe(info.error);
    },
  );

  test.each(halves)("%s, by RST: the errno is in the details", async (_, half) => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.write(text("whole"), half);
    expect((await client.channel().receive()).value?.data).toBe("whole");
    peer.socket.resetAndDestroy();
    const info = await client.closed;
    expect(info).toMatchObject({ code: 1006, wasClean: false, initiator: "network" });
    expect(info.error).toMatchObject({ kind: errors.INTERNAL, retryable: true, details: { errno: "ECONNRESET" } });
    expect(await client.channel().receive()).toMatchObject({ ok: false });
  });

  test.each(halves)("%s, by silence: `readTimeout` ends it", async (_, half) => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ readTimeout: "50ms" });
    peer.write(text("whole"), half);
    const info = await client.closed;
    expect(info).toMatchObject({ code: 1006, wasClean: false, initiator: "network" });
    expect(info.error).toMatchObject({
      kind: errors.TIMEOUT,
      retryable: false,
      details: { phase: "open", code: 1006, reason: "" },
    });
    expect((await client.channel().receive()).value?.data).toBe("whole");
    expect(await client.channel().receive()).toMatchObject({ ok: false });
    await peer.gone();
  });
});

test("messages in front of a RST that nobody had received yet stay receivable as far as they had been read", async () => {
  await using server = await RawServer.listen();
  const { client, peer } = await server.meet({ channelCapacity: 100 });
  peer.write(...Array.from({ length: 20 }, (_, i) => text(`${i}`)));
  while (client.channel().length < 20) await new Promise((resolve) => setImmediate(resolve));
  peer.socket.resetAndDestroy();
  await client.closed;
  expect((await client.channel().receiveMany(100)).map(({ data }) => data)).toEqual(
    Array.from({ length: 20 }, (_, i) => `${i}`),
  );
  expect(await client.channel().receiveMany(100)).toEqual([]);
});
