// Frames of a raw peer that are legal and unusual: in huge numbers, in pieces, in the middle of other messages.

import { time } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { type Client, COMPRESSION, connect } from "../src/index.ts";
import { binary, close, compressed, frame, OPCODE, ping, text } from "./fixtures/frames.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

async function collect(client: Client): Promise<(string | Uint8Array)[]> {
  const data: (string | Uint8Array)[] = [];
  for await (const message of client) data.push(message.data);
  return data;
}

describe("many at once", () => {
  test.each([1, 32, 10_000])("32,767 empty frames in one segment arrive, capacity %i", async (channelCapacity) => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity });
    peer.write(Buffer.alloc(2 * 32_767, text("")), close(1000));
    const received = await collect(client);
    expect(received).toHaveLength(32_767);
    expect(new Set(received)).toEqual(new Set([""]));
    peer.socket.end();
    expect(await client.closed).toMatchObject({ code: 1000, wasClean: true });
  });

  test("a channel never shows more messages than its capacity", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 3 });
    peer.write(...Array.from({ length: 1000 }, () => text("x")));
    for (let i = 0; i < 1000; i += 1) {
      expect(client.channel().length).toBeLessThanOrEqual(3);
      if (i % 100 === 0) await time.sleep(1);
      await client.channel().receive();
    }
    expect(client.channel().length).toBe(0);
  });

  test("100,000 messages before a close frame are all delivered, through pause after pause", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 8 });
    const count = 100_000;
    const all = Buffer.concat(Array.from({ length: count }, (_, i) => text(i.toString())));
    peer.write(all, close(1000, "done"));
    let [next, misplaced] = [0, 0];
    for await (const { data } of client) {
      if (data !== next.toString()) misplaced += 1;
      next += 1;
      if (next % 5000 === 0) await time.sleep(1);
    }
    expect({ received: next, misplaced }).toEqual({ received: count, misplaced: 0 });
    peer.socket.end();
    expect(await client.closed).toMatchObject({ code: 1000, reason: "done", wasClean: true, initiator: "remote" });
  });
});

describe("in pieces", () => {
  test("4 MiB in fragments of 64 bytes is one message", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    const part = "a".repeat(64);
    const middle = frame(OPCODE.CONTINUATION, part, { fin: false });
    const count = (4 * 1024 * 1024) / 64;
    const whole = [text(part, { fin: false }), ...Array.from({ length: count - 2 }, () => middle)];
    peer.write(...whole, frame(OPCODE.CONTINUATION, part));
    expect((await client.channel().receive()).value?.data).toBe(part.repeat(count));
  });

  test("a ping in the middle of a message is answered before the message is whole", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.write(text("be", { fin: false }), ping("now?"));
    expect((await peer.next(OPCODE.PONG)).payload.toString()).toBe("now?");
    peer.write(frame(OPCODE.CONTINUATION, "fore"));
    expect((await client.channel().receive()).value?.data).toBe("before");
  });

  test("empty fragments add nothing, and a character may be cut in two", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    const [first, second] = [Buffer.from("é").subarray(0, 1), Buffer.from("é").subarray(1)];
    const empty = frame(OPCODE.CONTINUATION, "", { fin: false });
    peer.write(text("", { fin: false }), empty, frame(OPCODE.CONTINUATION, first, { fin: false }), empty);
    peer.write(frame(OPCODE.CONTINUATION, second, { fin: false }), frame(OPCODE.CONTINUATION, ""));
    expect((await client.channel().receive()).value).toEqual({ type: "text", data: "é" });
  });

  test("frames that come byte by byte are the frames that were sent", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    const long = "ü".repeat(100);
    const parts = [text("one"), ping("?"), binary(Buffer.from([1, 2, 3])), text("tw", { fin: false })];
    const bytes = Buffer.concat([...parts, frame(OPCODE.CONTINUATION, "o"), text(long), close(1000)]);
    void peer.drip([...bytes].map((byte) => Buffer.from([byte])));
    expect(await collect(client)).toEqual(["one", new Uint8Array([1, 2, 3]), "two", long]);
    peer.socket.end();
    expect((await client.closed).wasClean).toBe(true);
  });

  test.each([0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 1024 * 1024 - 1, 1024 * 1024 + 1, 3 * 1024 * 1024])(
    "%i bytes arrive as they are, in a buffer that holds nothing else",
    async (length) => {
      await using server = await RawServer.listen();
      const { client, peer } = await server.meet();
      const bytes = Buffer.alloc(length, "0123456789");
      const neighbour = binary(Buffer.from("secret neighbour"));
      peer.write(neighbour, binary(bytes), neighbour);
      const received: Uint8Array[] = [];
      for (let i = 0; i < 3; i += 1) received.push((await client.channel().receive()).value?.data as Uint8Array);
      expect(received.map((data) => data.buffer.byteLength)).toEqual([16, length, 16]);
      expect(Buffer.compare(received[1] ?? Buffer.alloc(0), bytes)).toBe(0);
      expect(new Set(received.map((data) => data.buffer)).size).toBe(3);
    },
  );
});

describe("compressed", () => {
  const agree = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover";

  test("and plain messages keep their order, also when the channel is full in between", async () => {
    await using server = await RawServer.listen();
    const connecting = connect(server.url, { compression: COMPRESSION.NO_CONTEXT, channelCapacity: 2 });
    const peer = await server.next();
    const expected = Array.from({ length: 300 }, (_, i) => `${i}`.repeat(1 + (i % 50)));
    const frames = expected.map((each, i) => (i % 3 === 0 ? text(each) : compressed(OPCODE.TEXT, each)));
    peer.write(peer.answer(agree), ...frames, ping("end"), close(1000));
    const client = await connecting;
    expect(client.compression).toBe(COMPRESSION.NO_CONTEXT);
    while (!client.stats.paused) await time.sleep(1);
    expect(client.channel().length).toBe(2);
    expect(await collect(client)).toEqual(expected);
    peer.socket.end();
    expect((await client.closed).wasClean).toBe(true);
  });

  test("60 messages of 1 MiB that come in one segment wait as bytes, not inflated, while the channel is full", async () => {
    await using server = await RawServer.listen();
    const connecting = connect(server.url, { compression: COMPRESSION.NO_CONTEXT, channelCapacity: 1 });
    const peer = await server.next();
    const bomb = compressed(OPCODE.BINARY, Buffer.alloc(1024 * 1024));
    peer.write(peer.answer(agree));
    const client = await connecting;
    global.gc?.();
    const before = process.memoryUsage().arrayBuffers;
    peer.write(Buffer.concat(Array.from({ length: 60 }, () => bomb)), close(1000));
    await time.sleep(100);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
    const received = await collect(client);
    expect(received.map(({ length }) => length)).toEqual(Array.from({ length: 60 }, () => 1024 * 1024));
    peer.socket.end();
    expect(await client.closed).toMatchObject({ code: 1000, wasClean: true });
  });

  // The kernel shows a FIN although the socket is paused, once everything in front of it was read.
  test("77 messages of 1 MiB are neither inflated early nor lost when FIN follows at once", async () => {
    await using server = await RawServer.listen();
    const connecting = connect(server.url, { compression: COMPRESSION.NO_CONTEXT, channelCapacity: 1 });
    const peer = await server.next();
    const bomb = compressed(OPCODE.BINARY, Buffer.alloc(1024 * 1024));
    peer.write(peer.answer(agree));
    const client = await connecting;
    global.gc?.();
    const before = process.memoryUsage().arrayBuffers;
    peer.write(Buffer.concat(Array.from({ length: 63 }, () => bomb)));
    while (!client.stats.paused) await time.sleep(1);
    peer.socket.end(Buffer.concat([...Array.from({ length: 14 }, () => bomb), close(1000)]));
    await time.sleep(200);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
    expect((await collect(client)).length).toBe(77);
    expect(await client.closed).toMatchObject({ code: 1000, wasClean: true, initiator: "remote" });
  });
});
