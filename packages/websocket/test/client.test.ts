// A conversation with an ordinary server: what is sent, received, pinged, and what a client says of itself.

import { errors, select, time } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import * as websocket from "../src/index.ts";
import { failureOf } from "./fixtures/failures.ts";
import { OPCODE, pong, text } from "./fixtures/frames.ts";
import { heldClock } from "./fixtures/held-clock.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { heard, PlainServer } from "./fixtures/ws-server.ts";

leavesNothingBehind();

function bytesOf(message: websocket.Message | undefined): Uint8Array {
  if (message?.type !== "binary") throw new Error("Expected a binary message", { cause: message });
  return message.data;
}

describe("a message", () => {
  test("of text arrives as text, of bytes as bytes", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet();
    await client.send("Grüße, 世界 🌍");
    await client.send(new Uint8Array([1, 2, 3]));
    expect(await client.channel().receiveMany(1)).toStrictEqual([{ type: "text", data: "Grüße, 世界 🌍" }]);
    expect(await client.channel().receiveMany(1)).toStrictEqual([{ type: "binary", data: new Uint8Array([1, 2, 3]) }]);
  });

  test("may be empty", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet();
    await client.send("");
    await client.send(new ArrayBuffer(0));
    expect((await client.channel().receive()).value).toStrictEqual({ type: "text", data: "" });
    expect((await client.channel().receive()).value).toStrictEqual({ type: "binary", data: new Uint8Array() });
  });

  test("of bytes may be any buffer or view, and only the part in view is sent", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet();
    const bytes = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]);
    const shared = new SharedArrayBuffer(2);
    new Uint8Array(shared).set([8, 9]);
    const sent: websocket.Data[] = [
      bytes.buffer,
      bytes.subarray(2, 4),
      new DataView(bytes.buffer, 6),
      Buffer.from([1]),
      shared,
    ];
    sent.push(new Uint16Array([0x0201]), new Uint8Array(shared));
    for (const data of sent) await client.send(data);
    const received: number[][] = [];
    for (const _ of sent) received.push([...bytesOf((await client.channel().receive()).value)]);
    expect(received).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], [2, 3], [6, 7], [1], [8, 9], [1, 2], [8, 9]]);
  });

  test("is sent as the type that is asked for", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet();
    await client.send("raw", websocket.BINARY);
    await client.send(Buffer.from("text"), websocket.TEXT);
    expect((await client.channel().receive()).value).toStrictEqual({
      type: "binary",
      data: new Uint8Array(Buffer.from("raw")),
    });
    expect((await client.channel().receive()).value).toStrictEqual({ type: "text", data: "text" });
  });

  test("that cannot be sent rejects, and the connection goes on", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet();
    for (const data of [undefined, null, 1, {}, [1], new Blob(["x"])]) {
      await expect(client.send(data as string)).rejects.toBeInstanceOf(TypeError);
    }
    expect(await failureOf(client.send("x", 3 as 1))).toMatchObject({ kind: errors.INVALID });
    expect(await failureOf(client.send(Buffer.from([0xff]), websocket.TEXT))).toMatchObject({ kind: errors.INVALID });
    await client.send("still here");
    expect((await client.channel().receive()).value?.data).toBe("still here");
  });

  test("has a buffer of its own, whose neighbours cannot be seen", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.write(...Array.from({ length: 8 }, () => Buffer.from([0x82, 3, 1, 2, 3])));
    for (let i = 0; i < 8; i += 1) {
      const { value } = await client.channel().receive();
      expect(value?.data).toStrictEqual(new Uint8Array([1, 2, 3]));
      expect(bytesOf(value).buffer.byteLength).toBe(3);
    }
  });
});

describe("the channel", () => {
  test("is the same object every time, and has nothing to send or close with", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet();
    const channel = client.channel();
    expect(client.channel()).toBe(channel);
    for (const name of ["send", "trySend", "caseSend", "case_send", "close", Symbol.dispose]) {
      expect(name in channel).toBe(false);
    }
    expect(channel).toMatchObject({ capacity: 32, length: 0, closed: false, cause: undefined });
  });

  test("is what `for await` over the client reads", async () => {
    await using server = await PlainServer.listen({}, ({ socket }) => {
      for (const word of ["a", "b", "c"]) socket.send(word);
      socket.close(1000);
    });
    const { client } = await server.meet();
    const received: unknown[] = [];
    for await (const message of client) received.push(message.data);
    expect(received).toEqual(["a", "b", "c"]);
  });

  test("stands in a select beside a timer: the document's program", async () => {
    await using server = await PlainServer.listen({}, ({ socket }) => {
      socket.on("message", () => {
        socket.send("answer");
      });
    });
    const { client } = await server.meet();
    const channel = client.channel();
    const timeout = time.after("30ms");
    const quiet = await select([channel.case_receive(), timeout.case_receive()]);
    expect(quiet.channel === timeout).toBe(true);
    await client.send("question");
    const r = await select({ message: channel, timeout: time.after("30s") });
    expect(r).toMatchObject({ name: "message", ok: true, value: { type: "text", data: "answer" } });
  });
});

describe("a ping", () => {
  test("resolves with the milliseconds until its pong", async () => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const { client, peer } = await server.meet();
    const pinging = client.ping();
    const { payload } = await peer.next(OPCODE.PING);
    pass(30);
    peer.write(pong(payload.toString("latin1")));
    expect(await pinging).toBe(30);
    expect(client.stats.roundTrip).toBe(30);
  });

  test("has a payload that no other ping has", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    const payloads = new Set<string>();
    for (let i = 0; i < 50; i += 1) {
      void client.ping().catch(() => undefined);
      payloads.add((await peer.next(OPCODE.PING)).payload.toString("latin1"));
    }
    expect(payloads.size).toBe(50);
  });

  test("is settled by a later ping's pong, with its own round-trip time", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    const first = client.ping();
    await time.sleep(20);
    const second = client.ping();
    await peer.next(OPCODE.PING);
    const { payload } = await peer.next(OPCODE.PING);
    peer.write(pong(payload.toString("latin1")));
    expect(await first).toBeGreaterThan((await second) ?? Infinity);
  });

  test("is not settled by pongs that nobody asked for, and these are no messages", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    const pinging = client.ping({ timeout: "50ms" });
    const { payload } = await peer.next(OPCODE.PING);
    const number = payload.toString("latin1");
    peer.write(pong(""), pong("zzzz"), pong(`x${number}`), pong(number.slice(0, -1)), pong(`${number.slice(0, -1)}!`));
    expect(await failureOf(pinging)).toMatchObject({ kind: errors.TIMEOUT, retryable: true });
    expect(client.channel().length).toBe(0);
    peer.write(text("ok"));
    expect((await client.channel().receive()).value?.data).toBe("ok");
  });

  test("that was given up is no hindrance to earlier ones", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    const patient = client.ping();
    expect(await failureOf(client.ping({ timeout: 10 }))).toMatchObject({ kind: errors.TIMEOUT });
    await peer.next(OPCODE.PING);
    peer.write(pong((await peer.next(OPCODE.PING)).payload.toString("latin1")));
    expect(await patient).toBeGreaterThan(0);
  });

  test("rejects with the reason of its signal, before and while it waits", async () => {
    await using server = await RawServer.listen();
    const { client } = await server.meet();
    const reason = new Error("no time");
    await expect(client.ping({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const pinging = client.ping({ signal: controller.signal });
    controller.abort(reason);
    await expect(pinging).rejects.toBe(reason);
  });

  test("rejects options that are none with INVALID", async () => {
    await using server = await RawServer.listen();
    const { client } = await server.meet();
    expect(await failureOf(client.ping({ timeout: -1 }))).toMatchObject({ kind: errors.INVALID });
    expect(await failureOf(client.ping({ timeout: "soon" }))).toMatchObject({ kind: errors.INVALID });
    for (const options of [null, 5000]) {
      const failing = failureOf(client.ping(options as unknown as websocket.PingOptions));
      expect(await failing).toMatchObject({ kind: errors.INVALID, details: { option: "options" } });
    }
  });

  test("resolves with undefined while reading is paused, at once, and when the pause begins while it waits", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 2 });
    const waiting = client.ping();
    peer.write(text("1"), text("2"), text("3"));
    expect(await waiting).toBeUndefined();
    expect(client.stats.paused).toBe(true);
    expect(await client.ping()).toBeUndefined();
    await client.channel().receiveMany(3);
    expect(client.stats.paused).toBe(false);
    const pinging = client.ping();
    await peer.next(OPCODE.PING);
    peer.write(pong((await peer.next(OPCODE.PING)).payload.toString("latin1")));
    expect(await pinging).toBeGreaterThan(0);
  });

  test("rejects when the connection ends", async () => {
    await using server = await RawServer.listen();
    const { client } = await server.meet();
    const pinging = failureOf(client.ping({ timeout: 0 }));
    client.terminate();
    expect(await pinging).toMatchObject({ kind: errors.INTERNAL, retryable: false });
  });
});

describe("a client", () => {
  test("says where it is connected to, without user and password", async () => {
    await using server = await PlainServer.echo();
    const client = await websocket.connect(`ws://me:secret@127.0.0.1:${server.port}/room?id=1`);
    expect(client.url).toBe(`ws://127.0.0.1:${server.port}/room?id=1`);
    expect((await server.next()).request.headers.authorization).toBe(
      `Basic ${Buffer.from("me:secret").toString("base64")}`,
    );
    client.terminate();
  });

  test("says which subprotocol the server chose", async () => {
    await using server = await PlainServer.listen({ handleProtocols: (protocols) => [...protocols][1] ?? false });
    expect((await server.meet({ protocols: ["a", "b"] })).client.protocol).toBe("b");
    await using plain = await PlainServer.listen();
    expect((await plain.meet()).client.protocol).toBe("");
  });

  test("counts", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet();
    await client.send("12345");
    await client.channel().receive();
    const rtt = await client.ping();
    expect(client.stats).toMatchObject({
      messagesReceived: 1,
      messagesSent: 1,
      messagesDropped: 0,
      bufferedAmount: 0,
      sendsWaiting: 0,
      paused: false,
      roundTrip: rtt,
    });
    const { bytesReceived, bytesSent } = client.stats;
    await client.send("12345");
    await client.channel().receive();
    expect(client.stats.bytesReceived - bytesReceived).toBe(7); // 2 of header
    expect(client.stats.bytesSent - bytesSent).toBe(11); // 2 of header, 4 of mask
    await client.close();
    expect(client.stats.messagesSent).toBe(2);
  });

  test("is closed with 1000 by `await using`", async () => {
    await using server = await PlainServer.listen();
    const closed = new Promise<number>((resolve) => {
      void server.next().then(({ socket }) => socket.on("close", resolve));
    });
    {
      await using client = await websocket.connect(server.url);
      await client.send("x");
    }
    expect(await closed).toBe(1000);
  });

  test("shows where it leads, its state, and what waits in its channel", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet({ channelCapacity: 4 });
    const { inspect } = await import("node:util");
    const { url } = client;
    expect(inspect({ client }, { breakLength: Infinity })).toBe(`{ client: Client { ${url}, open, 0 of 4 } }`);
    await client.close();
    expect(inspect(client)).toBe(`Client { ${url}, closed: 1000, 0 of 4 }`);
  });

  test("shows no secret when it is inspected", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet({ headers: { Authorization: "Bearer hunter2" } });
    const { inspect } = await import("node:util");
    expect(inspect(client, { depth: 10, showHidden: true }) + JSON.stringify(client)).not.toContain("hunter2");
  });
});

describe("compression", () => {
  const { DISABLED, CONTEXT_TAKEOVER, NO_CONTEXT } = websocket.COMPRESSION;

  test("is off unless it is asked for and the server agrees", async () => {
    await using able = await PlainServer.listen({ perMessageDeflate: true });
    await using unable = await PlainServer.listen();
    const { client, request } = await able.meet();
    expect(client.compression).toBe(DISABLED);
    expect(request.headers).not.toHaveProperty("sec-websocket-extensions");
    expect((await unable.meet({ compression: CONTEXT_TAKEOVER })).client.compression).toBe(DISABLED);
  });

  test("is what was agreed on, not what was asked for", async () => {
    await using server = await RawServer.listen();
    const agreements = [
      ["permessage-deflate", NO_CONTEXT, CONTEXT_TAKEOVER],
      ["permessage-deflate; server_no_context_takeover", NO_CONTEXT, CONTEXT_TAKEOVER],
      ["permessage-deflate; client_no_context_takeover; server_no_context_takeover", NO_CONTEXT, NO_CONTEXT],
      ["permessage-deflate; client_no_context_takeover; server_no_context_takeover", CONTEXT_TAKEOVER, NO_CONTEXT],
    ] as const;
    for (const [answer, compression, agreed] of agreements) {
      const connecting = websocket.connect(server.url, { compression });
      const peer = await server.next();
      peer.write(peer.answer(`Sec-WebSocket-Extensions: ${answer}`));
      const client = await connecting;
      expect(client.compression).toBe(agreed);
      client.terminate();
    }
  });

  test.each([CONTEXT_TAKEOVER, NO_CONTEXT])("carries messages both ways, mode %i", async (compression) => {
    await using server = await PlainServer.echo({ perMessageDeflate: { threshold: 0 } });
    const { client } = await server.meet({ compression, compressionThreshold: 0 });
    const long = "price ".repeat(10_000);
    const bytes = new Uint8Array(10_000).fill(7);
    for (let i = 0; i < 3; i += 1) {
      await client.send(long);
      await client.send(bytes);
      expect((await client.channel().receive()).value).toStrictEqual({ type: "text", data: long });
      expect((await client.channel().receive()).value).toStrictEqual({ type: "binary", data: bytes });
    }
    expect(client.stats.bytesSent).toBeLessThan(10_000);
    expect(client.stats.bytesReceived).toBeLessThan(10_000);
  });

  test("is decided for each message by its length in bytes, with takeover too", async () => {
    await using server = await RawServer.listen();
    for (const compression of [CONTEXT_TAKEOVER, NO_CONTEXT] as const) {
      const connecting = websocket.connect(server.url, { compression, compressionThreshold: 100 });
      const peer = await server.next();
      peer.write(peer.answer("Sec-WebSocket-Extensions: permessage-deflate"));
      const client = await connecting;
      const reserved: number[] = [];
      for (const message of ["x".repeat(99), "x".repeat(100), "é".repeat(50), "é".repeat(49)]) {
        await client.send(message);
        reserved.push((await peer.next(OPCODE.TEXT)).reserved);
      }
      expect(reserved).toEqual([0, 4, 4, 0]);
      client.terminate();
    }
  });

  test("keeps the order of compressed and plain messages, pings and the close frame", async () => {
    await using server = await PlainServer.listen({ perMessageDeflate: true });
    const { client, socket } = await server.meet({ compression: CONTEXT_TAKEOVER, compressionThreshold: 1000 });
    const messages = heard(socket);
    const sent = Array.from({ length: 200 }, (_, i) => `${i} ${"x".repeat(i % 3 === 0 ? 5000 : 5)}`);
    await Promise.all(sent.map((message) => client.send(message)));
    void client.close(1000, "done");
    const received: string[] = [];
    for await (const message of messages) received.push(message);
    expect(received).toEqual(sent);
    expect(await client.closed).toMatchObject({ code: 1000, reason: "done", wasClean: true });
  });

  test("takes the bytes at the call: the buffer may be reused", async () => {
    await using server = await PlainServer.echo({ perMessageDeflate: true });
    const { client } = await server.meet({ compression: CONTEXT_TAKEOVER, compressionThreshold: 0 });
    const bytes = new Uint8Array(2000).fill(1);
    const sending = client.send(bytes);
    bytes.fill(2);
    await sending;
    expect((await client.channel().receive()).value?.data).toStrictEqual(new Uint8Array(2000).fill(1));
  });
});

test("`response` has the status and the headers of the handshake's answer", async () => {
  await using server = await RawServer.listen();
  const connecting = websocket.connect(server.url);
  const peer = await server.next();
  peer.write(peer.answer("X-Request-Id: 42", "Set-Cookie: a=1", "Set-Cookie: b=2", "Server: feed/7"));
  const client = await connecting;
  expect(client.response.status).toBe(101);
  expect(client.response.headers).toMatchObject({
    "x-request-id": "42",
    "set-cookie": ["a=1", "b=2"],
    server: "feed/7",
    upgrade: "websocket",
  });
  client.terminate();
});
