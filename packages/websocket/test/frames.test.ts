// The two ways in which messages are cut out of the stream: by us, one at a time, and, should ws ever read otherwise
// than it does, by ws alone. Then what no pause can stop stands behind the full channel, bounded.

import { constants, deflateRawSync } from "node:zlib";
import { errors, time } from "@sluice/channels";
import { afterEach, describe, expect, test, vi } from "vitest";
import { connect } from "../src/index.ts";
import { Gate } from "../src/connection/gate.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { close, frame, OPCODE, text } from "./fixtures/frames.ts";
import { type RawPeer, RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();
afterEach(() => {
  vi.restoreAllMocks();
});

const MEBIBYTE = 1024 * 1024;
const numbered = (count: number): Buffer[] => Array.from({ length: count }, (_, i) => text(`${i}`));

function compressed(size: number): Buffer {
  const deflated = deflateRawSync(Buffer.alloc(size, "a"), { finishFlush: constants.Z_SYNC_FLUSH });
  return frame(OPCODE.TEXT, deflated.subarray(0, -4), { reserved: 4 });
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await time.sleep(0);
}

/** Accepts compression, and sends these frames in the same segment. */
async function accept(peer: RawPeer, ...frames: readonly Buffer[]): Promise<void> {
  peer.write(peer.answer("Sec-WebSocket-Extensions: permessage-deflate"), ...frames);
}

describe("cut by us", () => {
  test("not one message is read beyond the capacity", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 2 });
    peer.write(...numbered(1000));
    await until(() => client.stats.paused);
    await time.sleep(5);
    expect(client.stats.messagesReceived).toBe(2);
  });

  test("nor under TLS, where ws reads the same way", async () => {
    await using server = await RawServer.listen({ tls: certificate("trusted") });
    const { client, peer } = await server.meet({ channelCapacity: 2, tls: { ca: authority } });
    peer.write(...numbered(1000));
    await until(() => client.stats.paused);
    await time.sleep(5);
    expect(client.stats.messagesReceived).toBe(2);
    for (let i = 0; i < 1000; i += 1) expect((await client.channel().receive()).value?.data).toBe(`${i}`);
  });

  test("text in several segments that is not UTF-8 ends the connection with 1007, and nothing behind it arrives", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ closeTimeout: 50 });
    const long = Buffer.concat([Buffer.alloc(200_000, "a"), Buffer.from([0xc3, 0x28])]);
    peer.write(text("before"), frame(OPCODE.TEXT, long), text("behind"));
    expect((await client.channel().receive()).value?.data).toBe("before");
    expect(await client.channel().receive()).toMatchObject({ ok: false });
    expect((await peer.next(OPCODE.CLOSE)).payload.readUInt16BE()).toBe(1007);
    expect(await client.closed).toMatchObject({ code: 1007, initiator: "local" });
  });

  test("a compressed message is not inflated before there is room for it", async () => {
    await using server = await RawServer.listen();
    const connecting = connect(server.url, { channelCapacity: 1, compression: 1 });
    const peer = await server.next();
    await accept(peer, ...Array.from({ length: 10 }, () => compressed(MEBIBYTE)));
    const client = await connecting;
    await until(() => client.stats.paused);
    await time.sleep(20);
    expect(client.stats.messagesReceived).toBe(1);
    for (let i = 0; i < 10; i += 1) expect((await client.channel().receive()).value?.data).toHaveLength(MEBIBYTE);
    client.terminate();
  });
});

describe("cut by ws alone", () => {
  test("what comes behind a full channel is kept, in order, and never shown as more than the capacity", async () => {
    vi.spyOn(Gate, "between").mockReturnValue(undefined);
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 2 });
    peer.write(...numbered(1000));
    await until(() => client.stats.messagesReceived === 1000);
    expect(client.channel().length).toBe(2);
    expect(client.stats.paused).toBe(true);
    peer.write(...numbered(10), close(1000));
    peer.socket.end();
    const received: unknown[] = [];
    for await (const { data } of client) received.push(data);
    expect(received).toEqual([...new Array(1000).keys(), ...new Array(10).keys()].map(String));
    expect(client.stats.paused).toBe(false);
  });

  test.each(["close", "terminate"] as const)("`%s` discards what had not reached the channel", async (way) => {
    vi.spyOn(Gate, "between").mockReturnValue(undefined);
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 2 });
    peer.write(...numbered(100));
    await until(() => client.stats.messagesReceived === 100);
    void client[way]();
    peer.write(text("late"), close(1000));
    peer.socket.end();
    await client.closed;
    const received: unknown[] = [];
    for await (const { data } of client) received.push(data);
    expect(received).toEqual(["0", "1"]);
  });

  test("a peer that inflates a segment a thousandfold is closed with 1009, and what came before is kept", async () => {
    vi.spyOn(Gate, "between").mockReturnValue(undefined);
    await using server = await RawServer.listen();
    const connecting = connect(server.url, { channelCapacity: 1, compression: 1, closeTimeout: 200 });
    const peer = await server.next();
    await accept(peer, ...Array.from({ length: 40 }, () => compressed(2 * MEBIBYTE)));
    const client = await connecting;
    const info = await client.closed;
    expect(info).toMatchObject({ code: 1009, initiator: "local", error: { kind: errors.INTERNAL } });
    const frames = await peer.next(OPCODE.CLOSE);
    expect(frames.payload.readUInt16BE()).toBe(1009);
    expect(client.channel()).toMatchObject({ closed: true, length: 1, cause: info.error });
    expect(client.stats.messagesReceived).toBeLessThan(40);
  });
});
