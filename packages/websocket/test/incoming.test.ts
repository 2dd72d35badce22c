// The receive channel: backpressure, drop policies, what stays receivable at the end.

import { Channel, errors, Selector, time } from "@sluice/channels";
import { describe, expect, test, vi } from "vitest";
import type { Message } from "../src/index.ts";
import { failureOf } from "./fixtures/failures.ts";
import { close, text } from "./fixtures/frames.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { PlainServer } from "./fixtures/ws-server.ts";

leavesNothingBehind();

const names = (messages: readonly Message[]): unknown[] => messages.map(({ data }) => data);
const numbered = (count: number): Buffer[] => Array.from({ length: count }, (_, i) => text(`${i}`));

/** Waits until `done`, looking at each turn of the event loop. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await time.sleep(0);
}

describe("a full channel", () => {
  test("shows exactly its capacity, and pauses the reading", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 3 });
    peer.write(...numbered(10));
    await until(() => client.stats.paused);
    await time.sleep(5);
    expect(client.channel().length).toBe(3);
    expect(client.stats).toMatchObject({ paused: true, messagesReceived: 3 });
  });

  test("stops a sender that does not stop by itself", async () => {
    await using server = await PlainServer.listen();
    const { client, socket } = await server.meet({ channelCapacity: 1 });
    const block = Buffer.alloc(64 * 1024);
    for (let i = 0; i < 400; i += 1) socket.send(block);
    await until(() => client.stats.paused);
    await time.sleep(50);
    expect(socket.bufferedAmount).toBeGreaterThan(0);
    expect(client.stats.bytesReceived).toBeLessThan(1024 * 1024);
    for (let i = 0; i < 400; i += 1) await client.channel().receive();
    expect(client.stats.messagesReceived).toBe(400);
  });

  test("is one that holds 4 MiB, too", async () => {
    await using server = await PlainServer.listen();
    const { client, socket } = await server.meet();
    for (let i = 0; i < 80; i += 1) socket.send(Buffer.alloc(512 * 1024, i));
    await until(() => client.stats.paused);
    await time.sleep(20);
    expect(client.channel().length).toBe(8);
    for (let i = 0; i < 80; i += 1) {
      const { value } = await client.channel().receive();
      expect(value?.data).toHaveLength(512 * 1024);
      expect(value?.data[0]).toBe(i);
    }
    expect(client.stats.paused).toBe(false);
  });

  test("is one that holds a message of 1 MiB, too, until that is taken", async () => {
    await using server = await PlainServer.listen();
    const { client, socket } = await server.meet();
    const channel = client.channel();
    for (let i = 0; i < 10; i += 1) {
      socket.send("small");
      socket.send(Buffer.alloc(1024 * 1024, i));
    }
    for (let i = 0; i < 10; i += 1) {
      await until(() => client.stats.paused);
      await time.sleep(5);
      expect(channel.length).toBe(2);
      expect(channel.tryReceive()?.value?.data).toBe("small");
      expect(client.stats.paused).toBe(true);
      const data = channel.tryReceive()?.value?.data;
      expect([data?.length, data?.[0]]).toEqual([1024 * 1024, i]);
    }
    expect(client.stats.paused).toBe(false);
  });

  test("reads on when half of it is free", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 8 });
    peer.write(...numbered(100));
    await until(() => client.stats.paused);
    for (let i = 0; i < 3; i += 1) client.channel().tryReceive();
    expect(client.channel().length).toBe(5);
    client.channel().tryReceive();
    expect(client.channel().length).toBe(8);
    const rest = [];
    while (rest.length < 96) rest.push(...(await client.channel().receiveMany(64)));
    expect(rest.map(({ data }) => data)).toEqual(Array.from({ length: 96 }, (_, i) => `${i + 4}`));
  });

  test("loses and reorders nothing, however it is received", async () => {
    await using server = await PlainServer.listen();
    const { client, socket } = await server.meet({ channelCapacity: 2 });
    for (let i = 0; i < 3000; i += 1) socket.send(`${i}${"x".repeat(i % 300)}`);
    socket.close(1000);
    const received: string[] = [];
    const channel = client.channel();
    for (let round = 0; ; round += 1) {
      const one = round % 3 === 0 ? channel.tryReceive() : await channel.receive();
      if (one === undefined) continue;
      if (!one.ok) break;
      received.push(one.value.data as string);
      if (round % 7 === 0) received.push(...(await channel.receiveMany(5)).map(({ data }) => data as string));
    }
    expect(received).toHaveLength(3000);
    received.forEach((message, i) => expect(message.startsWith(`${i}`)).toBe(true));
    expect(await client.closed).toMatchObject({ code: 1000, wasClean: true });
  });
});

test("a Selector over sockets gives every message, and the end of each", async () => {
  await using server = await PlainServer.listen();
  const clients = [await server.meet(), await server.meet(), await server.meet()];
  const events = new Selector<Record<string, Message>>();
  clients.forEach(({ client, socket }, i) => {
    events.add(`${i}`, client.channel());
    for (let n = 0; n < 50; n += 1) socket.send(`${i}`);
    socket.close(1000);
  });
  const counts: Record<string, number> = {};
  for await (const event of events) {
    const what = `${event.name}: ${event.ok ? String(event.value.data) : "end"}`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  expect(counts).toEqual({ "0: 0": 50, "1: 1": 50, "2: 2": 50, "0: end": 1, "1: end": 1, "2: end": 1 });
});

describe("a drop policy never pauses", () => {
  test("drop-oldest keeps the newest", async () => {
    await using server = await RawServer.listen();
    const dropped: Message[] = [];
    const onDrop = (message: Message): void => void dropped.push(message);
    const { client, peer } = await server.meet({ channelCapacity: 3, overflow: "drop-oldest", onDrop });
    peer.write(...numbered(10));
    await until(() => client.stats.messagesReceived === 10);
    expect(client.stats).toMatchObject({ paused: false, messagesDropped: 7 });
    expect(names(await client.channel().receiveMany(10))).toEqual(["7", "8", "9"]);
    expect(names(dropped)).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
  });

  test("drop-newest keeps the oldest", async () => {
    await using server = await RawServer.listen();
    const dropped: Message[] = [];
    const onDrop = (message: Message): void => void dropped.push(message);
    const { client, peer } = await server.meet({ channelCapacity: 3, overflow: "drop-newest", onDrop });
    peer.write(...numbered(10));
    await until(() => client.stats.messagesReceived === 10);
    expect(names(await client.channel().receiveMany(10))).toEqual(["0", "1", "2"]);
    expect(names(dropped)).toEqual(["3", "4", "5", "6", "7", "8", "9"]);
    expect(await client.ping({ timeout: 1 }).catch((error: unknown) => error)).not.toMatchObject({
      kind: errors.UNAVAILABLE,
    });
  });

  test("a receiver that waits is served first, and nothing is dropped", async () => {
    await using server = await RawServer.listen();
    const onDrop = vi.fn<() => void>();
    const { client, peer } = await server.meet({ channelCapacity: 1, overflow: "drop-newest", onDrop });
    const waiting = [client.channel().receive(), client.channel().receive()];
    peer.write(...numbered(3));
    expect((await Promise.all(waiting)).map(({ value }) => value?.data)).toEqual(["0", "1"]);
    expect((await client.channel().receive()).value?.data).toBe("2");
    expect(onDrop).not.toHaveBeenCalled();
  });

  test("a hook may receive from the channel itself, and what it throws is an uncaught exception", async () => {
    await using server = await RawServer.listen();
    const uncaught = new Channel<unknown>(10);
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => void uncaught.trySend(error));
    try {
      const taken: unknown[] = [];
      const { client, peer } = await server.meet({
        channelCapacity: 1,
        overflow: "drop-oldest",
        onDrop: () => {
          taken.push(client.channel().tryReceive()?.value?.data);
          throw new Error("of the hook");
        },
      });
      peer.write(...numbered(3));
      expect((await uncaught.receive()).value).toMatchObject({ message: "of the hook" });
      expect(taken).toEqual(["1"]);
      expect((await client.channel().receive()).value?.data).toBe("2");
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const listener of listeners) process.on("uncaughtException", listener);
    }
  });
});

describe("at the end", () => {
  test("of the peer every message is delivered, then `ok` is false, whatever the capacity", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 2 });
    peer.write(...numbered(5), close(1000));
    peer.socket.end();
    const received: unknown[] = [];
    for await (const { data } of client) received.push(data);
    expect(received).toEqual(["0", "1", "2", "3", "4"]);
  });

  test("`closed` may settle before the last message is received", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.write(text("last"), close(1011, "oops"));
    peer.socket.end();
    const info = await client.closed;
    const channel = client.channel();
    expect(channel).toMatchObject({ closed: true, length: 1, cause: info.error });
    expect((await channel.receive()).value?.data).toBe("last");
    expect(await channel.receive()).toMatchObject({ ok: false });
    expect(info).toMatchObject({ code: 1011, reason: "oops", wasClean: true, initiator: "remote" });
  });

  test.each(["close", "terminate"] as const)(
    "of ours (%s) what stands in the channel stays receivable, then it ends",
    async (way) => {
      await using server = await RawServer.listen();
      const { client, peer } = await server.meet({ channelCapacity: 2 });
      peer.write(...numbered(5));
      await until(() => client.stats.paused);
      const ending = client[way]();
      expect(client.channel()).toMatchObject({ closed: true, length: 2, cause: undefined });
      peer.write(...numbered(5), close(1000));
      peer.socket.end();
      await ending;
      await client.closed;
      const received: unknown[] = [];
      for await (const { data } of client) received.push(data);
      expect(received).toEqual(["0", "1"]);
      expect(await failureOf(client.send("x"))).toMatchObject({ kind: errors.INTERNAL });
    },
  );

  test("receivers that wait learn it, in order", async () => {
    await using server = await RawServer.listen();
    const { client } = await server.meet();
    const settled: number[] = [];
    const waiting = [0, 1, 2].map(async (i) => {
      const result = await client.channel().receive();
      settled.push(i);
      return result.ok;
    });
    void client.close();
    expect(await Promise.all(waiting)).toEqual([false, false, false]);
    expect(settled).toEqual([0, 1, 2]);
  });
});
