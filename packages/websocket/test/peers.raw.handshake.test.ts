// Handshakes with a server that does them by hand: early frames, slow answers, wrong answers, refusals.

import { errors, time } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { connect } from "../src/index.ts";
import { failureOf } from "./fixtures/failures.ts";
import { close, OPCODE, text } from "./fixtures/frames.ts";
import { heldClock } from "./fixtures/held-clock.ts";
import { type RawPeer, RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

const many = Array.from({ length: 100 }, (_, i) => `${i}`);

describe("frames in the same segment as the answer", () => {
  test("a frame is received", async () => {
    await using server = await RawServer.listen();
    const { client } = await server.meet({}, text("early"));
    expect((await client.channel().receive()).value).toEqual({ type: "text", data: "early" });
  });

  test("a hundred frames are received in order, also by who looks late, and whatever the capacity", async () => {
    await using server = await RawServer.listen();
    for (const channelCapacity of [1, 32, 1000]) {
      const { client } = await server.meet({ channelCapacity }, ...many.map((each) => text(each)));
      await time.sleep(5);
      const received: unknown[] = [];
      for (let i = 0; i < many.length; i += 1) received.push((await client.channel().receive()).value?.data);
      expect(received).toEqual(many);
    }
  });

  test("a close frame behind them ends the connection after they were delivered", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet(
      { channelCapacity: 4 },
      ...many.map((each) => text(each)),
      close(1000, "bye"),
    );
    const received: unknown[] = [];
    for await (const { data } of client) received.push(data);
    expect(received).toEqual(many);
    await peer.next(OPCODE.CLOSE);
    peer.socket.end();
    expect(await client.closed).toMatchObject({ code: 1000, reason: "bye", wasClean: true, initiator: "remote" });
  });

  test("a close frame alone lets `connect` resolve with a client that is about to be closed", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({}, close(1001));
    peer.socket.end();
    expect(await client.channel().receive()).toMatchObject({ ok: false });
    expect(await client.closed).toMatchObject({ code: 1001, initiator: "remote", error: undefined });
  });

  test("half a frame is completed by the next segment", async () => {
    await using server = await RawServer.listen();
    const whole = text("in two halves");
    const { client, peer } = await server.meet({}, whole.subarray(0, 5));
    peer.write(whole.subarray(5));
    expect((await client.channel().receive()).value?.data).toBe("in two halves");
  });
});

test("an answer that drips byte after byte ends at `dialTimeout`, and so does the connection", async () => {
  await using server = await RawServer.listen();
  const pass = heldClock();
  const failing = failureOf(connect(server.url, { dialTimeout: "50ms" }));
  const peer = await server.next();
  for (const byte of peer.answer().slice(0, 4)) {
    await peer.drip([byte]);
    pass(10);
  }
  pass(10);
  const failure = await failing;
  expect(failure).toMatchObject({ kind: errors.TIMEOUT, retryable: true, details: { phase: "http" } });
  expect(failure.details).toMatchObject({ url: server.url, ms: 50 });
  await peer.gone();
});

test("an abort during a dripping answer rejects with the signal's reason and ends the connection", async () => {
  await using server = await RawServer.listen();
  const controller = new AbortController();
  const connecting = connect(server.url, { signal: controller.signal });
  const peer = await server.next();
  peer.write("HTTP/1.1 101 Switching");
  controller.abort(new Error("changed my mind"));
  await expect(connecting).rejects.toThrow("changed my mind");
  await peer.gone();
});

test("an answer that comes byte by byte within `dialTimeout` is an answer", async () => {
  await using server = await RawServer.listen();
  const connecting = connect(server.url);
  const peer = await server.next();
  await peer.drip(peer.answer());
  peer.write(text("there"));
  const client = await connecting;
  expect((await client.channel().receive()).value?.data).toBe("there");
  client.terminate();
});

const upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
const wrong: readonly (readonly [string, (peer: RawPeer) => void])[] = [
  ["the wrong `Sec-WebSocket-Accept`", (peer) => peer.write(peer.answer().replace(/Accept: ./, "Accept: #"))],
  ["no `Sec-WebSocket-Accept`", (peer) => peer.write(`HTTP/1.1 101 Go\r\n${upgrade}\r\n`)],
  ["a subprotocol that nobody asked for", (peer) => peer.write(peer.answer("Sec-WebSocket-Protocol: chat"))],
  [
    "an extension that nobody offered",
    (peer) => peer.write(peer.answer("Sec-WebSocket-Extensions: permessage-deflate")),
  ],
  ["garbage", (peer) => peer.write("\0\u0001\u0002 no HTTP at all \r\n\r\n")],
  ["frames without an answer", (peer) => peer.write(text("hello"))],
  ["a header that never ends", (peer) => void peer.drip(endless())],
  ["headers that never end", (peer) => void peer.drip(endless("\r\nX: "))],
  ["nothing but FIN", (peer) => peer.socket.end()],
  ["nothing but RST", (peer) => peer.socket.resetAndDestroy()],
  ["half an answer, then FIN", (peer) => peer.socket.end(peer.answer().slice(0, 40))],
  [
    "half an answer, then RST",
    (peer) => peer.socket.write(peer.answer().slice(0, 40), () => peer.socket.resetAndDestroy()),
  ],
];

function* endless(between = ""): Generator<string> {
  yield "HTTP/1.1 101 Switching Protocols\r\nX: ";
  for (;;) yield `${"x".repeat(1000)}${between}`;
}

describe("a server is not one, and the connection is let go of, when it answers with", () => {
  test.each(wrong)("%s", async (_, answer) => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url));
    const peer = await server.next();
    answer(peer);
    const failure = await failing;
    expect(failure).toMatchObject({
      kind: errors.INTERNAL,
      retryable: true,
      details: { url: server.url, phase: "http" },
    });
    expect(failure.details).toHaveProperty("ms");
    await peer.gone();
  });

  test("HTTP/1.0: its 101 is not taken for an agreement", async () => {
    await using server = await RawServer.listen();
    const connecting = connect(server.url);
    const peer = await server.next();
    peer.write(peer.answer().replace("HTTP/1.1", "HTTP/1.0"));
    expect(await failureOf(connecting)).toMatchObject({ kind: errors.INTERNAL, retryable: true });
    await peer.gone();
  });

  test("a reset, whose errno is in the details", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url));
    (await server.next()).socket.resetAndDestroy();
    expect((await failing).details).toMatchObject({ errno: "ECONNRESET" });
  });
});

describe("a refusal", () => {
  test("whose body never ends is reported with its first KiB", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url));
    const peer = await server.next();
    peer.write("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n");
    peer.write(`100000\r\n${"é".repeat(0x80000)}\r\n`);
    const failure = await failing;
    expect(failure).toMatchObject({ kind: errors.UNAVAILABLE, retryable: true });
    expect(failure.details).toMatchObject({ status: 503, retryAfter: 7000, body: "é".repeat(512) });
    await peer.gone();
  });

  test("whose body drips for ever is reported as far as it came, in good time", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url, { dialTimeout: 0 }));
    const peer = await server.next();
    peer.write("HTTP/1.1 403 Forbidden\r\n\r\n");
    void peer.drip(dots(), 50);
    const failure = await failing;
    expect(failure).toMatchObject({ kind: errors.PERMISSION_DENIED, retryable: false, details: { status: 403 } });
    expect(failure.details).toMatchObject({ body: expect.stringMatching(/^\.{1,25}$/) });
    await peer.gone();
  });

  test("whose body drips is cut short by `dialTimeout`, and the answer is still what is reported", async () => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const failing = failureOf(connect(server.url, { dialTimeout: "20ms" }));
    const peer = await server.next();
    peer.write("HTTP/1.1 404 Not Found\r\nContent-Length: 1000\r\n\r\nno such");
    pass(20);
    expect(await failing).toMatchObject({ kind: errors.NOT_FOUND, details: { status: 404, body: "no such" } });
    await peer.gone();
  });

  test("that breaks off in its body is still a refusal", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url));
    const peer = await server.next();
    // FIN, since a reset would also take away what was not read yet.
    peer.socket.end("HTTP/1.1 429 Slow down\r\nContent-Length: 1000\r\n\r\nwait");
    const failure = await failing;
    expect(failure).toMatchObject({ kind: errors.RATE_LIMITED, retryable: true });
    expect(failure.details).toMatchObject({ status: 429, body: "wait" });
  });
});

function* dots(): Generator<string> {
  for (;;) yield ".";
}
