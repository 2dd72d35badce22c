// One tells many: order, instants, writes, and who is a member. Slow members have a file of their own.

import { Socket } from "node:net";
import { errors, time } from "@sluice/channels";
import { afterEach, describe, expect, test, vi } from "vitest";
import { BINARY, type Client, connect, prepare, type Prepared, TEXT, Topic, type TopicOptions } from "../src/index.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { closeOf, OPCODE } from "./fixtures/frames.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { next, serve, until } from "./fixtures/served.ts";
import { meet, texts } from "./fixtures/stalled.ts";

leavesNothingBehind();
afterEach(() => {
  vi.restoreAllMocks();
});

/** Counts the writes that leave by a port of ours, from now on. */
function countWrites(port: number): () => number {
  const one = vi.spyOn(Socket.prototype, "_write");
  const many = vi.spyOn(Socket.prototype as unknown as { _writev: () => void }, "_writev");
  return () => {
    const sockets = [...one.mock.contexts, ...many.mock.contexts] as unknown as Socket[];
    return sockets.filter(({ localPort }) => localPort === port).length;
  };
}

async function received(client: Client, count: number): Promise<unknown[]> {
  const messages: unknown[] = [];
  while (messages.length < count) messages.push((await client.channel().receive()).value?.data);
  return messages;
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

describe("what is published", () => {
  test("reaches every member in the order of the calls, and says how many these are", async () => {
    const server = await serve();
    using topic = new Topic();
    const peers = [await meet(server), await meet(server), await meet(server)];
    for (const { client } of peers) topic.add(client);
    const outcomes = await Promise.all(numbers(100).map((message) => topic.publish(message)));
    expect(outcomes).toEqual(outcomes.map(() => ({ queued: 3, dropped: 0, disconnected: 0 })));
    for (const { peer } of peers) expect(await texts(peer, 100)).toEqual(numbers(100));
    for (const { client } of peers) {
      expect(client.stats).toMatchObject({ messagesSent: 100, messagesUnsent: 0, bufferedAmount: 0 });
    }
  });

  test("in one turn leaves in one write for each client", async () => {
    const server = await serve();
    using topic = new Topic();
    const peers = [await meet(server), await meet(server)];
    for (const { client } of peers) topic.add(client);
    const writes = countWrites(server.port);
    for (const message of numbers(10)) void topic.publish(message);
    await Promise.resolve();
    for (const message of ["10", "11"]) void topic.publish(message);
    expect(writes()).toBe(0);
    for (const { peer } of peers) expect(await texts(peer, 12)).toEqual(numbers(12));
    expect(writes()).toBe(2);
  });

  test("within `gather` leaves in one write, awaited or not", async () => {
    const server = await serve();
    using topic = new Topic({ gather: "40ms" });
    const { peer, client } = await meet(server);
    topic.add(client);
    const writes = countWrites(server.port);
    for (const message of numbers(5)) expect(await topic.publish(message)).toMatchObject({ queued: 1 });
    expect(writes()).toBe(0);
    expect(await texts(peer, 5)).toEqual(numbers(5));
    expect(writes()).toBe(1);
  });

  test("stands between the client's own messages as the calls did", async () => {
    const server = await serve();
    for (const gather of [undefined, "1h"] as const) {
      using topic = new Topic({ gather });
      const { peer, client } = await meet(server);
      topic.add(client);
      void client.send("0");
      void topic.publish("1");
      void topic.publish("2");
      void client.send("3");
      void topic.publish("4");
      await time.sleep(0);
      void topic.publish("5");
      void client.send(prepare("6"));
      expect(await texts(peer, 7)).toEqual(numbers(7));
    }
  });

  test("is committed at the call: who leaves later gets it, who comes later does not", async () => {
    const server = await serve();
    using topic = new Topic();
    const [early, late] = [await meet(server), await meet(server)];
    topic.add(early.client);
    const first = topic.publish("first");
    expect(topic.delete(early.client)).toBe(true);
    expect(topic.delete(early.client)).toBe(false);
    topic.add(late.client);
    const second = topic.publish("second");
    topic.add(early.client);
    topic.add(early.client);
    expect(topic.size).toBe(2);
    const third = topic.publish("third");
    expect(await first).toMatchObject({ queued: 1 });
    expect(await second).toMatchObject({ queued: 1 });
    expect(await third).toMatchObject({ queued: 2 });
    expect(await texts(early.peer, 2)).toEqual(["first", "third"]);
    expect(await texts(late.peer, 2)).toEqual(["second", "third"]);
  });

  test("is taken at the call: buffers may be reused", async () => {
    const server = await serve();
    using topic = new Topic();
    const { peer, client } = await meet(server);
    topic.add(client);
    const bytes = Buffer.from("before");
    void topic.publish(bytes);
    const prepared = prepare(bytes, TEXT);
    bytes.fill("x");
    void topic.publish(prepared);
    expect(await peer.next(OPCODE.BINARY)).toMatchObject({ payload: Buffer.from("before") });
    expect(await texts(peer, 1)).toEqual(["before"]);
    expect(prepared).toMatchObject({ type: TEXT, byteLength: 6 });
  });

  test("leaves before a close frame, whoever closes, and whatever `gather` says", async () => {
    const server = await serve();
    using topic = new Topic({ gather: "1h" });
    const peers = [await meet(server), await meet(server)];
    for (const { client } of peers) topic.add(client);
    void topic.publish("last");
    void peers[0]?.client.close(4000);
    expect(topic.size).toBe(1);
    void server.close();
    for (const [i, { peer }] of peers.entries()) {
      expect(await texts(peer, 1)).toEqual(["last"]);
      expect(closeOf(await peer.next(OPCODE.CLOSE)).code).toBe(i === 0 ? 4000 : 1012);
      peer.socket.destroy();
    }
  });

  test("reaches nobody when there is nobody", async () => {
    using topic = new Topic();
    expect(await topic.publish("hello?")).toEqual({ queued: 0, dropped: 0, disconnected: 0 });
  });
});

describe("a member", () => {
  test("that closes leaves by itself, and one that is closed does not come in", async () => {
    const server = await serve();
    using topic = new Topic();
    const ways = [
      async (client: Client) => client.close(),
      async (client: Client) => client.terminate(),
      async (_: Client, peer: Socket) => peer.destroy(),
      async (_: Client, peer: Socket) => peer.resetAndDestroy(),
    ];
    for (const way of ways) {
      const { peer, client } = await meet(server);
      topic.add(client);
      expect(topic.size).toBe(1);
      void way(client, peer.socket);
      await until(() => topic.size === 0);
      topic.add(client);
      expect(topic.size).toBe(0);
      expect(await topic.publish("too late")).toMatchObject({ queued: 0 });
      peer.socket.destroy();
    }
    const { client } = await meet(server);
    topic.add(client);
    const other = await connect(server.url);
    const { client: theirs } = await next(server);
    topic.add(theirs);
    void other.close();
    await until(() => topic.size === 1);
  });

  test("may be a client of `connect`, whose frames are masked each by itself", async () => {
    const server = await serve();
    using topic = new Topic();
    const clients = [await connect(server.url), await connect(server.url)];
    for (const client of clients) topic.add(client);
    const accepted = [(await next(server)).client, (await next(server)).client];
    const prepared = prepare("prepared");
    for (const message of ["a", prepared, "b".repeat(70_000), prepared]) void topic.publish(message);
    await clients[0]?.send(prepared);
    for (const [i, client] of accepted.entries()) {
      const expected = ["a", "prepared", "b".repeat(70_000), "prepared", ...(i === 0 ? ["prepared"] : [])];
      expect(await received(client, expected.length)).toEqual(expected);
    }
    for (const client of clients) client.terminate();
  });

  test("that has a `pace` keeps it", async () => {
    const server = await serve();
    using topic = new Topic({ limit: { messages: 2 } });
    const client = await connect(server.url, { pace: { messages: 1, per: "1h" } });
    const { client: accepted } = await next(server);
    topic.add(client);
    const outcomes = await Promise.all(numbers(4).map((message) => topic.publish(message)));
    expect(outcomes.map(({ disconnected }) => disconnected)).toEqual([0, 0, 1, 0]);
    expect((await accepted.closed).code).toBe(1013);
  });

  test("may be one of several topics", async () => {
    const server = await serve();
    using one = new Topic();
    using other = new Topic();
    const { peer, client } = await meet(server);
    one.add(client);
    other.add(client);
    void one.publish("one");
    void other.publish("other");
    expect((await texts(peer, 2)).toSorted()).toEqual(["one", "other"]);
    one[Symbol.dispose]();
    void other.publish("still");
    expect(await texts(peer, 1)).toEqual(["still"]);
  });
});

describe("a synchronous burst disconnects nobody healthy,", () => {
  test.each([
    ["over TCP", undefined],
    ["over TLS", certificate("trusted")],
  ])("%s", async (_, tls) => {
    const server = await serve({ tls });
    using topic = new Topic();
    const client = await connect(server.url, {
      tls: { ca: authority, servername: "localhost" },
      channelCapacity: 10_000,
    });
    topic.add((await next(server)).client);
    const outcomes = await Promise.all(numbers(1000).map((message) => topic.publish(message.padEnd(1000))));
    expect(outcomes.filter(({ queued }) => queued === 1)).toHaveLength(1000);
    expect((await received(client, 1000)).map((message) => String(message).trim())).toEqual(numbers(1000));
    client.terminate();
  });
});

describe("a topic that is disposed", () => {
  test("has delivered what was published, leaves its clients open, and takes nothing more", async () => {
    const server = await serve();
    const topic = new Topic({ gather: "1h", name: "prices" });
    const { peer, client } = await meet(server);
    topic.add(client);
    const last = topic.publish("last");
    const news = topic.slow.receive();
    topic[Symbol.dispose]();
    topic[Symbol.dispose]();
    expect(await last).toMatchObject({ queued: 1 });
    expect(await news).toMatchObject({ ok: false });
    expect(topic.slow.closed).toBe(true);
    expect(topic.size).toBe(0);
    await expect(topic.publish("more")).rejects.toMatchObject({
      kind: errors.CLOSED,
      message: 'Cannot publish: the topic "prices" is closed',
    });
    topic.add(client);
    expect(topic.size).toBe(0);
    await client.send("open");
    expect(await texts(peer, 2)).toEqual(["last", "open"]);
  });
});

describe("what cannot be", () => {
  test.each<[string, unknown, string]>([
    ["slow", { slow: "drop-newest" }, "slow"],
    ["limit", { limit: 5 }, "limit"],
    ["limit.messages", { limit: { messages: 0 } }, "limit.messages"],
    ["limit.bytes", { limit: { bytes: 1.5 } }, "limit.bytes"],
    ["limit.byte", { limit: { byte: 1 } }, "limit.byte"],
    ["key", { key: "symbol" }, "key"],
    ["gather", { gather: "soon" }, "gather"],
    ["code", { code: 1005 }, "code"],
    ["name", { name: 5 }, "name"],
    ["policy", { policy: "block" }, "policy"],
  ])("as option is INVALID and named: %s", (_, options, option) => {
    expect(() => new Topic(options as TopicOptions)).toThrow(
      expect.objectContaining({ kind: errors.INVALID, details: { option } }),
    );
  });

  test("be published or prepared is refused, and nobody gets it", async () => {
    using topic = new Topic({ key: (data) => (data === "odd" ? (5 as unknown as string) : "key") });
    const invalid: readonly [unknown, unknown, string][] = [
      ["text", 3, "type"],
      [Buffer.from([0xff]), TEXT, "data"],
      [prepare("text"), BINARY, "type"],
      ["odd", undefined, "key"],
    ];
    for (const [data, type, option] of invalid) {
      await expect(topic.publish(data as string, type as 1)).rejects.toMatchObject({
        kind: errors.INVALID,
        details: { option },
      });
    }
    for (const data of [5, null, undefined, {}, { type: TEXT, byteLength: 4 }]) {
      await expect(topic.publish(data as string)).rejects.toThrow(TypeError);
      expect(() => prepare(data as string)).toThrow(TypeError);
    }
    expect(() => prepare("text", 3 as 1)).toThrow(expect.objectContaining({ details: { option: "type" } }));
    expect(() => prepare(Buffer.from([0xff]), TEXT)).toThrow(expect.objectContaining({ details: { option: "data" } }));
  });

  test("be sent by a client neither", async () => {
    const server = await serve();
    const { client } = await meet(server);
    const lookalike = { type: TEXT, byteLength: 4 } as Prepared;
    await expect(client.send(lookalike)).rejects.toThrow(TypeError);
    await expect(client.send(prepare("text"), BINARY)).rejects.toMatchObject({ details: { option: "type" } });
  });

  test("be a member is INVALID", () => {
    using topic = new Topic();
    for (const client of [undefined, null, "client", {}]) {
      expect(() => topic.add(client as Client)).toThrow(
        expect.objectContaining({ kind: errors.INVALID, details: { option: "client" } }),
      );
    }
  });
});
