// The other end: handshakes become connections on a channel, when there is a place for them.

import { once } from "node:events";
import { Channel, errors, select, Selector } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type Accepted, BINARY, connect, listen, type Upgrade } from "../src/index.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { closeOf, frame, OPCODE } from "./fixtures/frames.ts";
import { next, serve, until } from "./fixtures/served.ts";
import { fastClock } from "./fixtures/fast-clock.ts";
import { ask, dial, requestOf } from "./fixtures/raw-client.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

const masked = { masked: true, key: 0x01_02_03_04 };

describe("a server", () => {
  test("listens on loopback, on a port that is free, and says where", async () => {
    const server = await serve();
    expect(server.url).toBe(`ws://127.0.0.1:${server.port}/`);
    expect(server.port).toBeGreaterThan(0);
    expect(server.stats).toEqual({ accepted: 0, open: 0, refused: 0, handshakes: 0 });
  });

  test.each([
    ["::", "localhost"],
    ["0.0.0.0", "localhost"],
    ["localhost", "localhost"],
  ])("that listens on %s says where it can be dialled", async (host, name) => {
    const server = await serve({ host }).catch(() => serve({ host: "0.0.0.0" })); // without IPv6
    expect(new URL(server.url).hostname).toBe(name);
    await using client = await connect(server.url);
    expect(client.url).toBe(server.url);
  });

  test("whose port is taken says so", async () => {
    const server = await serve();
    await expect(listen({ port: server.port })).rejects.toMatchObject({
      kind: errors.UNAVAILABLE,
      retryable: true,
      details: { errno: "EADDRINUSE", port: server.port },
    });
  });

  test("gives each connection with its handshake, first come, first served, and keeps those that are open", async () => {
    const server = await serve();
    const [one, two] = [await connect(`${server.url}one?a=1`), await connect(`${server.url}two`)];
    const accepted = [await next(server), await next(server)];
    expect(accepted.map(({ upgrade }) => upgrade.url.pathname)).toEqual(["/one", "/two"]);
    expect(accepted[0]?.upgrade).toMatchObject({ origin: undefined, protocols: [], remoteAddress: "127.0.0.1" });
    expect(accepted[0]?.upgrade.request.method).toBe("GET");
    expect(accepted[0]?.upgrade.url.searchParams.get("a")).toBe("1");
    expect(accepted[0]?.data).toBeUndefined();
    expect([...server.clients]).toEqual(accepted.map(({ client }) => client));
    expect(server.stats).toEqual({ accepted: 2, open: 2, refused: 0, handshakes: 0 });
    await one.close();
    await until(() => server.clients.size === 1);
    expect(server.stats).toEqual({ accepted: 2, open: 1, refused: 0, handshakes: 0 });
    await two.close();
  });

  test("serves a Selector, a select and a loop as any channel does", async () => {
    const server = await serve();
    const events = new Selector({ connection: server.connections() });
    await connect(server.url);
    expect(await events.next()).toMatchObject({ name: "connection", ok: true });
    events.close();
    const picked = select([server.connections(), new Channel()]);
    await connect(server.url);
    expect((await picked).index).toBe(0);
    await connect(`${server.url}three`);
    for await (const { upgrade } of server) {
      expect(upgrade.url.pathname).toBe("/three");
      break;
    }
  });
});

describe("a connection that was accepted", () => {
  test.each([0, 1, 2] as const)("talks with a client of ours, compression %i", async (compression) => {
    const server = await serve({ compression, compressionThreshold: 0 });
    await using client = await connect(server.url, { compression });
    const { client: peer } = await next(server);
    expect([client.compression, peer.compression]).toEqual([compression, compression]);
    for (const data of ["text", "", "ü".repeat(70_000), "again ".repeat(1000)]) {
      await client.send(data);
      expect((await peer.channel().receive()).value).toEqual({ type: "text", data });
      await peer.send(data);
      expect((await client.channel().receive()).value).toEqual({ type: "text", data });
    }
    for (const length of [0, 1, 63, 64, 65, 125, 126, 65_535, 65_536, 900_000]) {
      const data = Uint8Array.from({ length }, (_, i) => i % 251);
      await client.send(data);
      const { value } = await peer.channel().receive();
      expect(Buffer.compare(value?.data as Uint8Array, data)).toBe(0);
      expect((value as { data: Uint8Array }).data.buffer.byteLength).toBe(length);
      await peer.send(data, BINARY);
      expect(Buffer.compare((await client.channel().receive()).value?.data as Uint8Array, data)).toBe(0);
    }
    expect(await client.ping()).toBeGreaterThanOrEqual(0);
    expect(await peer.ping()).toBeGreaterThanOrEqual(0);
  });

  test.each([false, true])("talks with a client of ws, compression %s", async (perMessageDeflate) => {
    const server = await serve({ compression: 1, compressionThreshold: 0 });
    const socket = new WebSocket(server.url, { perMessageDeflate });
    const heard: unknown[] = [];
    socket.on("message", (data, binary) => heard.push([(data as Buffer).toString(), binary]));
    await once(socket, "open");
    const { client } = await next(server);
    socket.send("a".repeat(1000));
    socket.send(Buffer.from([1, 2, 3]));
    socket.ping("?");
    expect((await client.channel().receive()).value).toEqual({ type: "text", data: "a".repeat(1000) });
    expect((await client.channel().receive()).value).toEqual({ type: "binary", data: new Uint8Array([1, 2, 3]) });
    const [pong] = (await once(socket, "pong")) as [Buffer];
    expect(pong.toString()).toBe("?");
    await client.send("b".repeat(1000));
    await client.send(new Uint8Array([4]));
    await client.close(4000, "done");
    expect(heard).toEqual([
      ["b".repeat(1000), false],
      ["\u0004", true],
    ]);
    expect(await client.closed).toMatchObject({ code: 4000, reason: "done", wasClean: true, initiator: "local" });
  });

  test("talks under TLS", async () => {
    const server = await serve({ tls: certificate("trusted") });
    expect(server.url.startsWith("wss://127.0.0.1:")).toBe(true);
    await using client = await connect(`wss://localhost:${server.port}`, { tls: { ca: authority } });
    const { client: peer, upgrade } = await next(server);
    expect(upgrade.url.href).toBe(`wss://localhost:${server.port}/`);
    await client.send("hidden");
    expect((await peer.channel().receive()).value?.data).toBe("hidden");
  });

  test("sends its frames unmasked, control frames too", async () => {
    const server = await serve();
    const answer = await ask(server.port);
    const peer = answer.peer();
    const { client } = await next(server);
    peer.write(frame(OPCODE.PING, "p", masked));
    const sent = [await peer.next(OPCODE.PONG)];
    await client.send("text");
    sent.push(await peer.next(OPCODE.TEXT));
    const pinging = client.ping();
    const ping = await peer.next(OPCODE.PING);
    sent.push(ping);
    peer.write(frame(OPCODE.PONG, ping.payload, masked));
    await pinging;
    const closing = client.close();
    sent.push(await peer.next(OPCODE.CLOSE));
    expect(sent.map((one) => one.masked)).toEqual([false, false, false, false]);
    peer.write(frame(OPCODE.CLOSE, Buffer.from([3, 232]), masked));
    peer.socket.end();
    expect(await closing).toMatchObject({ code: 1000, wasClean: true });
  });

  test("takes messages of up to 1 MiB, and is closed with 1009 beyond", async () => {
    const server = await serve();
    const peer = (await ask(server.port)).peer();
    const { client } = await next(server);
    peer.write(frame(OPCODE.BINARY, Buffer.alloc(1024 * 1024), masked));
    expect((await client.channel().receive()).value?.data).toHaveLength(1024 * 1024);
    peer.write(frame(OPCODE.BINARY, "", { ...masked, claims: 1024 * 1024 + 1 }));
    expect(closeOf(await peer.next(OPCODE.CLOSE)).code).toBe(1009);
    peer.socket.end();
    expect(await client.closed).toMatchObject({ code: 1009, initiator: "local" });
  });

  test("is pinged after 30 s of silence, and ended 10 s later", async () => {
    const pass = fastClock();
    const server = await serve();
    const peer = (await ask(server.port)).peer();
    const { client } = await next(server);
    await pass(30_000);
    expect((await peer.next(OPCODE.PING)).payload.length).toBeGreaterThan(0);
    await pass(10_000);
    expect(await client.closed).toMatchObject({ code: 1006, initiator: "network", error: { kind: errors.TIMEOUT } });
  });

  test("stops reading when its channel is full", async () => {
    const server = await serve({ channelCapacity: 2 });
    const peer = (await ask(server.port)).peer();
    const { client } = await next(server);
    peer.write(...Array.from({ length: 1000 }, (_, i) => frame(OPCODE.TEXT, `${i}`, masked)));
    await until(() => client.stats.paused);
    expect(client.channel().length).toBe(2);
    for (let i = 0; i < 1000; i += 1) expect((await client.channel().receive()).value?.data).toBe(`${i}`);
    peer.socket.destroy();
  });
});

const early = Array.from({ length: 50 }, (_, i) => frame(OPCODE.TEXT, `${i}`, masked));
const numbers = early.map((_, i) => `${i}`);

async function texts({ client }: Accepted<unknown>, count: number): Promise<unknown[]> {
  const received: unknown[] = [];
  for (let i = 0; i < count; i += 1) received.push((await client.channel().receive()).value?.data);
  return received;
}

describe("what a peer sends early is received", () => {
  test("when it stands in the same segment as the handshake, and the loop comes much later", async () => {
    const pass = fastClock();
    const server = await serve();
    await ask(server.port, {}, ...early);
    await pass(1000);
    expect(await texts(await next(server), 50)).toEqual(numbers);
  });

  test.each([
    ["", undefined],
    [" under TLS", certificate("trusted")],
  ])("when `authorize` takes its time%s, and more comes than is kept here", async (_, tls) => {
    const asked = new Channel<Upgrade>(1);
    const answers = new Channel<string>(1);
    const server = await serve({
      tls,
      authorize: async (upgrade) => {
        asked.trySend(upgrade);
        return (await answers.receive()).value;
      },
    });
    const socket = await dial(server.port, tls === undefined ? undefined : { ca: authority });
    const large = Array.from({ length: 50 }, () => frame(OPCODE.BINARY, Buffer.alloc(100_000, "ab"), masked));
    socket.write(Buffer.concat([Buffer.from(requestOf(server.port, {})), early[0] as Buffer]));
    await asked.receive();
    socket.write(Buffer.concat([...early.slice(1), ...large]));
    await until(() => socket.writableLength === 0 || socket.bytesWritten > 3_000_000);
    answers.trySend("ann");
    const accepted = await next(server);
    expect(accepted.data).toBe("ann");
    expect(await texts(accepted, 50)).toEqual(numbers);
    for (const data of await texts(accepted, 50)) expect(data).toHaveLength(100_000);
    socket.destroy();
  });

  test("when FIN follows at once", async () => {
    const server = await serve({ channelCapacity: 2 });
    const { socket } = await ask(server.port, {}, ...early);
    socket.end();
    const accepted = await next(server);
    expect(await texts(accepted, 50)).toEqual(numbers);
    expect(await accepted.client.channel().receive()).toMatchObject({ ok: false });
  });
});
