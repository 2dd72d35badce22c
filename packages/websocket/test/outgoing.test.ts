// Sending: what leaves when, in how many writes, and what waits.

import { Socket } from "node:net";
import { errors, time } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { COMPRESSION, connect, type ConnectOptions } from "../src/index.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { Child } from "./fixtures/child.ts";
import { Elsewhere } from "./fixtures/elsewhere.ts";
import { failureOf } from "./fixtures/failures.ts";
import { OPCODE, ping } from "./fixtures/frames.ts";
import { heldClock } from "./fixtures/held-clock.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { heard, PlainServer } from "./fixtures/ws-server.ts";

leavesNothingBehind();
afterEach(() => {
  vi.restoreAllMocks();
});

/** Counts the system calls that write to this server, made from now on. */
function countWrites(server: PlainServer): () => number {
  const one = vi.spyOn(Socket.prototype, "_write");
  const many = vi.spyOn(Socket.prototype as unknown as { _writev: () => void }, "_writev");
  return () => {
    const sockets = [...one.mock.contexts, ...many.mock.contexts] as unknown as Socket[];
    return sockets.filter(({ remotePort }) => remotePort === server.port).length;
  };
}

describe("messages of one turn leave in one write", () => {
  test("when nobody waits for them", async () => {
    await using server = await PlainServer.listen();
    const { client, socket } = await server.meet();
    const messages = heard(socket);
    const writes = countWrites(server);
    for (let i = 0; i < 100; i += 1) void client.send(`${i}`);
    void client.ping().catch(() => undefined);
    expect(writes()).toBe(0);
    await time.sleep(0);
    expect(writes()).toBe(1);
    for (let i = 0; i < 100; i += 1) expect((await messages.receive()).value).toBe(`${i}`);
  });

  test("when each is awaited: the first by itself, what follows at once together", async () => {
    await using server = await PlainServer.listen();
    const { client, socket } = await server.meet();
    const messages = heard(socket);
    const writes = countWrites(server);
    heldClock(); // a slow machine would make lone ones of them
    // Where turns are budgeted by the count alone: a slow machine's would end before the fiftieth.
    await virtualTime(async () => {
      for (let i = 0; i < 50; i += 1) await client.send(`${i}`);
    });
    await time.sleep(0);
    expect(writes()).toBe(2);
    for (let i = 0; i < 50; i += 1) expect((await messages.receive()).value).toBe(`${i}`);
  });

  test("when all of them are awaited together", async () => {
    await using server = await PlainServer.listen();
    const { client } = await server.meet();
    const writes = countWrites(server);
    await Promise.all(Array.from({ length: 100 }, (_, i) => client.send(`${i}`)));
    expect(writes()).toBe(1);
  });

  test("a lone one as soon as the turn is over: before any timer, any immediate, any read", async () => {
    await using server = await PlainServer.listen();
    const { client, socket } = await server.meet();
    const messages = heard(socket);
    const writes = countWrites(server);
    const order: string[] = [];
    setImmediate(() => order.push(`immediate ${writes()}`));
    setTimeout(() => order.push(`timer ${writes()}`), 0);
    await client.send("now");
    await messages.receive();
    await time.sleep(2);
    expect(order.toSorted()).toEqual(["immediate 1", "timer 1"]);
  });
});

/** Works without letting anything else happen. */
function work(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe("a lone message is with the system when `send` resolves, whatever the program does next:", () => {
  const trusted = { tls: certificate("trusted") };
  const deflating = { options: { perMessageDeflate: true } };
  const ways: readonly (readonly [string, Parameters<typeof Elsewhere.begin>[0], ConnectOptions, string])[] = [
    ["over TCP", {}, {}, "progress 10 %"],
    ["over TLS", trusted, { tls: { ca: authority } }, "progress 10 %"],
    ["compressed", deflating, { compression: COMPRESSION.CONTEXT_TAKEOVER }, "progress ".repeat(1000)],
    ["not worth to be compressed", deflating, { compression: COMPRESSION.NO_CONTEXT }, "progress 10 %"],
    ["large", {}, {}, "progress ".repeat(5_000)],
  ];
  test.each(ways)("it arrives while this thread works, %s", async (_, given, options, message) => {
    await using server = await Elsewhere.begin(given);
    const scheme = given?.tls === undefined ? "ws" : "wss";
    const client = await connect(`${scheme}://127.0.0.1:${server.port}/`, options);
    // Each time the thread works until it has arrived, and the loop never turns but for zlib.
    for (let count = 1; count <= 3; count += 1) {
      await client.send(message);
      expect(server.arrivals(count)).toBe(count);
      work(1);
    }
    client.terminate();
    await client.closed;
  });

  test("what was held back before it goes along", async () => {
    await using server = await Elsewhere.begin();
    const client = await connect(`ws://127.0.0.1:${server.port}/`);
    await client.send("first");
    void client.send("at once behind it");
    expect(server.arrivals(1)).toBe(1);
    work(1);
    await client.send("after a while");
    expect(server.arrivals(3)).toBe(3);
    client.terminate();
    await client.closed;
  });

  test("nothing that was accepted is lost by `process.exit`", async () => {
    await using child = await Child.prepare();
    await using server = await PlainServer.listen();
    const running = child.run(`
      const client = await websocket.connect("${server.url}");
      for (let i = 0; i < 500; i += 1) await client.send(String(i));
      client.send("not awaited");
      const topic = new websocket.Topic({ gather: "1h" });
      topic.add(client);
      for (let i = 0; i < 100; i += 1) topic.publish("published");
      process.exit(7);
    `);
    const messages = heard((await server.next()).socket);
    expect(await running).toMatchObject({ code: 7 });
    const received: string[] = [];
    for await (const message of messages) received.push(message);
    expect(received).toEqual([
      ...Array.from({ length: 500 }, (__, i) => String(i)),
      "not awaited",
      ...new Array<string>(100).fill("published"),
    ]);
  });
});

describe("`send`", () => {
  test("keeps the order of the calls, small and large, text and bytes, awaited and not", async () => {
    await using server = await PlainServer.listen();
    const { client, socket } = await server.meet();
    const messages = heard(socket);
    const sends: Promise<void>[] = [];
    for (let i = 0; i < 500; i += 1) {
      const message = `${i} ${"x".repeat(i % 10 === 0 ? 50_000 : 10)}`;
      const sending = client.send(i % 3 === 0 ? Buffer.from(message) : message);
      if (i % 5 === 0) await sending;
      else sends.push(sending);
    }
    await Promise.all(sends);
    for (let i = 0; i < 500; i += 1) expect((await messages.receive()).value?.split(" ")[0]).toBe(`${i}`);
  });

  test("takes the bytes at the call, whether it waits or not", async () => {
    await using server = await PlainServer.listen();
    const { client, socket } = await server.meet();
    const messages = heard(socket);
    const bytes = Buffer.alloc(400_000, "a");
    const sends = Array.from({ length: 50 }, () => client.send(bytes));
    expect(client.stats.sendsWaiting).toBeGreaterThan(0);
    bytes.fill("b");
    await Promise.all(sends);
    for (let i = 0; i < 50; i += 1) expect((await messages.receive()).value).toBe("a".repeat(400_000));
  });

  test("does not starve a 10 ms timer in a loop that awaits it", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.socket.removeAllListeners("data"); // a peer in this process must not be what costs
    peer.socket.resume();
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 10);
    for (let i = 0; ticks < 5 && i < 5_000_000; i += 1) await client.send("x".repeat(64));
    clearInterval(ticking);
    expect(ticks).toBe(5);
  });

  test("waits above the high-water mark, and what waits rejects when we close, while the accepted is sent", async () => {
    await using server = await PlainServer.listen();
    const { client, socket } = await server.meet();
    const messages = heard(socket);
    const block = "x".repeat(1024 * 1024);
    const sends = Array.from({ length: 40 }, () => client.send(block));
    const results = Promise.allSettled(sends);
    const info = await client.close(1000, "done");
    const statuses = (await results).map(({ status }) => status);
    const accepted = statuses.filter((status) => status === "fulfilled").length;
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(40);
    expect(statuses).toEqual([...new Array(accepted).fill("fulfilled"), ...new Array(40 - accepted).fill("rejected")]);
    expect(await failureOf(sends[39] as Promise<void>)).toMatchObject({
      kind: errors.INTERNAL,
      details: { code: 1000 },
    });
    expect(info).toMatchObject({ wasClean: true });
    const received: string[] = [];
    for await (const message of messages) received.push(message);
    expect(received).toHaveLength(accepted);
  });
});

describe("`pace`", () => {
  test("lets so many messages leave in any stretch of time, in order, however they are sent", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ pace: { messages: 3, per: "60ms" } });
    const arrivals: number[] = [];
    const payloads: string[] = [];
    const started = performance.now();
    const sends = Array.from({ length: 8 }, (_, i) => client.send(`${i}`));
    expect(client.stats.messagesSent).toBe(3); // at once
    for (let i = 0; i < 8; i += 1) {
      payloads.push((await peer.next(OPCODE.TEXT)).payload.toString());
      arrivals.push(performance.now() - started);
    }
    await Promise.all(sends);
    expect(payloads).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
    expect(arrivals[3]).toBeGreaterThanOrEqual(58);
    expect(arrivals[6]).toBeGreaterThanOrEqual(116);
  });

  test("does not hold up pings, pongs and the close frame, and what waits rejects", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ pace: { messages: 1, per: "1h" } });
    await client.send("first");
    const waiting = failureOf(client.send("second"));
    expect(client.stats.sendsWaiting).toBe(1);
    void client.ping().catch(() => undefined);
    await peer.next(OPCODE.PING);
    peer.write(ping("are you there"));
    expect((await peer.next(OPCODE.PONG)).payload.toString()).toBe("are you there");
    void client.close();
    await peer.next(OPCODE.CLOSE);
    expect(await waiting).toMatchObject({ kind: errors.INTERNAL });
  });

  test("grants thousands at once without a deep stack", async () => {
    await using server = await PlainServer.listen();
    const { client } = await server.meet({ pace: { messages: 5000, per: "1s" } });
    await Promise.all(Array.from({ length: 5000 }, (_, i) => client.send(`${i}${"x".repeat(100)}`)));
    expect(client.stats.messagesSent).toBe(5000);
  });
});
