// Members of a topic that do not keep up: what each policy does, and what is counted.

import { errors, time } from "@sluice/channels";
import { array, assert, asyncProperty, boolean, constantFrom, integer, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { connect, type Data, prepare, type Slow, type SlowClient, Topic } from "../src/index.ts";
import { closeOf, OPCODE } from "./fixtures/frames.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { next, serve, until } from "./fixtures/served.ts";
import { meet, readOn, stall, texts } from "./fixtures/stalled.ts";

leavesNothingBehind();

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

/** The first character of a text. */
function firstOf(data: Data): string {
  return typeof data === "string" ? data.slice(0, 1) : "";
}

/** All events that are there. */
function heard({ slow }: Topic): SlowClient[] {
  const events: SlowClient[] = [];
  for (let event = slow.tryReceive(); event?.ok === true; event = slow.tryReceive()) events.push(event.value);
  return events;
}

describe("a client that does not keep up", () => {
  test("is disconnected by default, with 1013 and `slow`, and holds up nobody", async () => {
    const server = await serve({ closeTimeout: 0 });
    using topic = new Topic({ limit: { messages: 3 } });
    const [stalled, healthy] = [await stall(server), await meet(server)];
    for (const { client } of [stalled, healthy]) topic.add(client);
    const outcomes = await Promise.all(numbers(10).map((message) => topic.publish(message)));
    expect(outcomes.map(({ queued, dropped, disconnected }) => [queued, dropped, disconnected])).toEqual([
      ...[0, 1, 2].map(() => [2, 0, 0]),
      [1, 0, 1],
      ...[4, 5, 6, 7, 8, 9].map(() => [1, 0, 0]),
    ]);
    expect(topic.size).toBe(1);
    expect(heard(topic)).toEqual([{ client: stalled.client, dropped: 0, disconnected: true }]);
    expect(await texts(healthy.peer, 10)).toEqual(numbers(10));
    stalled.peer.socket.resume();
    expect(closeOf(await stalled.peer.next(OPCODE.CLOSE))).toEqual({ code: 1013, reason: "slow" });
    stalled.peer.socket.destroy();
    expect(await stalled.client.closed).toMatchObject({ code: 1013, initiator: "local" });
  });

  test("is closed with the code that `code` says", async () => {
    const server = await serve({ closeTimeout: 0 });
    using topic = new Topic({ limit: { messages: 1 }, code: 4008 });
    const stalled = await stall(server);
    topic.add(stalled.client);
    await Promise.all([topic.publish("a"), topic.publish("b")]);
    stalled.peer.socket.resume();
    expect(closeOf(await stalled.peer.next(OPCODE.CLOSE))).toEqual({ code: 4008, reason: "slow" });
    stalled.peer.socket.destroy();
  });

  test("is slow by bytes as well", async () => {
    const server = await serve({ closeTimeout: 0 });
    using topic = new Topic({ limit: { bytes: 10 } });
    const stalled = await stall(server);
    topic.add(stalled.client);
    expect(await topic.publish("1234567890")).toMatchObject({ queued: 1, disconnected: 0 });
    expect(await topic.publish("")).toMatchObject({ queued: 1, disconnected: 0 });
    expect(await topic.publish("1")).toMatchObject({ queued: 0, disconnected: 1 });
  });

  test("loses the oldest with `drop-oldest`, of this topic only, and reads the rest in order", async () => {
    const server = await serve();
    using topic = new Topic({ slow: "drop-oldest", limit: { messages: 3 } });
    const stalled = await stall(server);
    const { client } = stalled;
    topic.add(client);
    const own = client.send("own");
    const outcomes = await Promise.all(numbers(5).map((message) => topic.publish(message)));
    expect(outcomes.map(({ queued, dropped }) => [queued, dropped])).toEqual([
      [1, 0],
      [1, 0],
      [1, 0],
      [1, 1],
      [1, 1],
    ]);
    const second = client.send("second");
    expect(client.stats).toMatchObject({ messagesSent: 4, messagesUnsent: 4, sendsWaiting: 2 });
    expect(await topic.publish("5")).toEqual({ queued: 1, dropped: 1, disconnected: 0 });
    expect(heard(topic)).toEqual([{ client, dropped: 3, disconnected: false }]);
    expect(await readOn(stalled, 5)).toEqual(["own", "3", "4", "second", "5"]);
    await Promise.all([own, second]);
    await until(() => client.stats.messagesUnsent === 0);
    expect(client.stats).toMatchObject({ messagesSent: 6, bufferedAmount: 0, sendsWaiting: 0 });
  });

  test("keeps the newest message, however large", async () => {
    const server = await serve();
    using topic = new Topic({ slow: "drop-oldest", limit: { bytes: 10 } });
    const stalled = await stall(server);
    topic.add(stalled.client);
    await topic.publish("small");
    expect(await topic.publish("larger than the limit")).toMatchObject({ queued: 1, dropped: 1 });
    expect(await readOn(stalled, 1)).toEqual(["larger than the limit"]);
  });

  test("keeps the newest of each key, and who keeps up gets all of them", async () => {
    const server = await serve();
    using topic = new Topic({ slow: "drop-oldest", key: firstOf });
    const [stalled, healthy] = [await stall(server), await meet(server)];
    for (const { client } of [stalled, healthy]) topic.add(client);
    const messages = ["a1", "b1", "a2", "c1", "b2", "a3"];
    const outcomes = await Promise.all(messages.map((message) => topic.publish(prepare(message))));
    expect(outcomes.map(({ dropped }) => dropped)).toEqual([0, 0, 1, 0, 1, 1]);
    expect(await texts(healthy.peer, 6)).toEqual(messages);
    expect(await readOn(stalled, 3)).toEqual(["c1", "b2", "a3"]);
    expect(heard(topic)).toEqual([{ client: stalled.client, dropped: 3, disconnected: false }]);
  });

  test("makes publishers wait with `block` until it has room, or is gone", async () => {
    const server = await serve();
    using topic = new Topic({ slow: "block", limit: { messages: 2 } });
    const [stalled, gone, healthy] = [await stall(server), await stall(server), await meet(server)];
    for (const { client } of [stalled, gone, healthy]) topic.add(client);
    await Promise.all([topic.publish("0"), topic.publish("1")]);
    let published = false;
    const third = topic.publish("2");
    void third.then(() => (published = true));
    expect(await texts(healthy.peer, 3)).toEqual(numbers(3)); // nobody else waits
    gone.client.terminate();
    await time.sleep(0);
    expect(published).toBe(false);
    expect(await readOn(stalled, 3)).toEqual(numbers(3));
    expect(await third).toEqual({ queued: 3, dropped: 0, disconnected: 0 });
  });

  test("lets a publisher go on when it is no member any more", async () => {
    const server = await serve();
    using topic = new Topic({ slow: "block", limit: { messages: 1 } });
    const stalled = await stall(server);
    topic.add(stalled.client);
    const waiting = Promise.all([topic.publish("0"), topic.publish("1")]);
    await time.sleep(0);
    topic.delete(stalled.client);
    expect(await waiting).toHaveLength(2);
    expect(await readOn(stalled, 2)).toEqual(["0", "1"]);
  });

  test("is judged by the next message when what `gather` collected was told already", async () => {
    const server = await serve();
    using topic = new Topic({ slow: "drop-oldest", limit: { messages: 2 }, gather: "20ms" });
    const stalled = await stall(server);
    topic.add(stalled.client);
    const early = await Promise.all(numbers(5).map((message) => topic.publish(message)));
    expect(early.map(({ dropped }) => dropped)).toEqual([0, 0, 0, 0, 0]);
    await until(() => stalled.client.stats.messagesUnsent === 6);
    expect(await topic.publish("5")).toEqual({ queued: 1, dropped: 4, disconnected: 0 });
    expect(heard(topic)).toEqual([{ client: stalled.client, dropped: 4, disconnected: false }]);
    expect(await readOn(stalled, 2)).toEqual(["4", "5"]);
  });

  test("keeps the newest of each key also of what was told already, by the next message of that key", async () => {
    const server = await serve();
    using topic = new Topic({ slow: "drop-oldest", gather: "20ms", key: firstOf });
    const stalled = await stall(server);
    topic.add(stalled.client);
    const early = await Promise.all(["a1", "b1", "a2"].map((message) => topic.publish(message)));
    expect(early.map(({ dropped }) => dropped)).toEqual([0, 0, 0]);
    await until(() => stalled.client.stats.messagesUnsent === 4);
    expect(await topic.publish("a3")).toMatchObject({ dropped: 2 });
    expect(await readOn(stalled, 2)).toEqual(["b1", "a3"]);
  });

  test("gets what waits for it before a close frame of our own", async () => {
    const server = await serve({ closeTimeout: 0 });
    using topic = new Topic({ slow: "drop-oldest" });
    const stalled = await stall(server);
    topic.add(stalled.client);
    await topic.publish("0");
    const refused = stalled.client.send("waits");
    await topic.publish("1");
    void stalled.client.close();
    await expect(refused).rejects.toMatchObject({ kind: errors.INTERNAL });
    expect(await readOn(stalled)).toEqual(["0", "1"]);
    stalled.peer.socket.destroy();
  });

  test("ends by `writeTimeout`, and what it was to get is not sent", async () => {
    const server = await serve({ writeTimeout: "60ms" });
    using topic = new Topic({ slow: "drop-oldest" });
    const { client, peer } = await stall(server);
    topic.add(client);
    await topic.publish("0");
    expect(await client.closed).toMatchObject({ error: { kind: errors.TIMEOUT } });
    expect(topic.size).toBe(0);
    expect(client.stats).toMatchObject({ messagesSent: 1 });
    peer.socket.destroy();
  });
});

describe("`slow`", () => {
  test("is the same channel every time, with the topic's name", () => {
    using topic = new Topic({ name: "prices" });
    expect(topic.slow).toBe(topic.slow);
    expect(topic.slow.name).toBe("slow clients of prices");
    expect(topic.slow.length).toBe(0);
  });

  test("hands an event to who waits for it, who may publish at once", async () => {
    const server = await serve({ closeTimeout: 0 });
    using topic = new Topic({ limit: { messages: 1 } });
    const [stalled, healthy] = [await stall(server), await meet(server)];
    for (const { client } of [stalled, healthy]) topic.add(client);
    const told = (async () => {
      for await (const { client, disconnected } of topic.slow) {
        expect(client).toBe(stalled.client);
        expect(disconnected).toBe(true);
        return topic.publish("somebody left");
      }
      return undefined;
    })();
    void topic.publish("0");
    void topic.publish("1");
    expect(await told).toEqual({ queued: 1, dropped: 0, disconnected: 0 });
    expect(await texts(healthy.peer, 3)).toEqual(["0", "1", "somebody left"]);
  });

  test("sums up what happened to each client while nobody received, also after the end", async () => {
    const server = await serve();
    const topic = new Topic({ slow: "drop-oldest", limit: { messages: 1 } });
    const [one, other] = [await stall(server), await stall(server)];
    topic.add(one.client);
    for (const message of numbers(3)) await topic.publish(message);
    topic.add(other.client);
    for (const message of numbers(3)) await topic.publish(message);
    topic[Symbol.dispose]();
    expect(topic.slow.length).toBe(2);
    expect(heard(topic)).toEqual([
      { client: one.client, dropped: 5, disconnected: false },
      { client: other.client, dropped: 2, disconnected: false },
    ]);
    expect(await topic.slow.receive()).toMatchObject({ ok: false });
  });
});

describe("the law of counts:", () => {
  const messages = array(
    record({ key: integer({ min: 0, max: 3 }), size: integer({ min: 0, max: 40 }), turn: boolean() }),
    { minLength: 1, maxLength: 60 },
  );
  test("what was published for a client was received, dropped, or it was disconnected; and `slow` sums up the same", async () => {
    const server = await serve({ closeTimeout: 0 });
    await assert(
      asyncProperty(
        messages,
        constantFrom<Slow>("disconnect", "drop-oldest"),
        integer({ min: 1, max: 12 }),
        integer({ min: 1, max: 200 }),
        boolean(),
        async (published, slow, most, bytes, keyed) => {
          const topic = new Topic({ slow, limit: { messages: most, bytes }, key: keyed ? firstOf : undefined });
          const stalled = await stall(server);
          const healthy = await meet(server);
          for (const { client } of [stalled, healthy]) topic.add(client);
          const sent = published.map(({ key: of, size }, i) => `${of} ${i} ${"x".repeat(size)}`);
          const outcomes = [];
          for (const [i, message] of sent.entries()) {
            const outcome = topic.publish(message);
            if (published[i]?.turn === true) await outcome;
            outcomes.push(outcome);
          }
          const all = await Promise.all(outcomes);
          const total = (of: "queued" | "dropped" | "disconnected"): number =>
            all.reduce((sum, outcome) => sum + outcome[of], 0);
          const events = heard(topic);
          expect(events.reduce((sum, event) => sum + event.dropped, 0)).toBe(total("dropped"));
          expect(events.filter(({ disconnected }) => disconnected)).toHaveLength(total("disconnected"));
          expect(await texts(healthy.peer, sent.length)).toEqual(sent);
          const out = total("disconnected") === 1;
          if (!out) void stalled.client.close();
          const got = await readOn(stalled);
          expect(sent.filter((message) => got.includes(message))).toEqual(got); // in order, each once
          expect(got.length + total("dropped")).toBe(out ? total("dropped") : sent.length);
          expect(got.at(-1)).toBe(out ? undefined : sent.at(-1));
          for (const { peer } of [stalled, healthy]) peer.socket.destroy();
          topic[Symbol.dispose]();
        },
      ),
      { numRuns: 8 },
    );
  });

  test("half of the clients are killed in a broadcast, and nobody else loses one", async () => {
    const server = await serve();
    using topic = new Topic();
    const clients = await Promise.all(
      Array.from({ length: 24 }, () => connect(server.url, { channelCapacity: 1000, compression: 0 })),
    );
    for (let i = 0; i < clients.length; i += 1) topic.add((await next(server)).client);
    const [killed, kept] = [clients.slice(0, 12), clients.slice(12)];
    let members = topic.size;
    for (const [i, message] of numbers(120).entries()) {
      if (i % 10 === 5) killed[(i - 5) / 10]?.terminate();
      const { queued, dropped, disconnected } = await topic.publish(message);
      expect([dropped, disconnected]).toEqual([0, 0]);
      expect(queued).toBeLessThanOrEqual(members);
      expect(queued).toBeGreaterThanOrEqual(12);
      members = queued;
    }
    for (const client of kept) {
      const got: unknown[] = [];
      while (got.length < 120) got.push((await client.channel().receive()).value?.data);
      expect(got).toEqual(numbers(120));
      client.terminate();
    }
    await until(() => topic.size === 0);
    expect(topic.slow.length).toBe(0);
  });
});

function held(): number {
  globalThis.gc?.();
  return process.memoryUsage().arrayBuffers;
}

describe("a client that reads nothing", () => {
  test.each(["drop-oldest", "disconnect", "block"] as const)(
    "costs no more memory than the limit, with %s",
    async (slow) => {
      const server = await serve({ closeTimeout: 0 });
      using topic = new Topic({ slow, limit: { bytes: 4 * 1024 * 1024 } });
      const stalled = await stall(server);
      topic.add(stalled.client);
      const before = held();
      const abandoned = new AbortController();
      for (let i = 0; i < 100 && !abandoned.signal.aborted; i += 1) {
        const published = topic.publish(Buffer.alloc(1024 * 1024, i));
        const outcome = await Promise.race([published, time.sleep(20)]); // with "block" the publisher waits for good
        if (outcome === undefined) abandoned.abort();
      }
      expect((held() - before) / 1024 / 1024).toBeLessThan(30); // of the 100 that were published
      stalled.peer.socket.destroy();
    },
  );
});
