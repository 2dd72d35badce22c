// A send and a receive: who waits, who is served first, and that nobody overtakes.

import { Channel, select } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { outcome, turns, waiting } from "./progress.ts";
import { taken, upTo } from "./values.ts";

const CAPACITIES = [0, 1, 2, 7, 8, 9, 100];

test.each(CAPACITIES)("B1: with capacity %i a receive on an empty channel waits", async (capacity) => {
  const channel = new Channel<number>(capacity);
  const received = channel.receive();
  expect(await outcome(received)).toBe(waiting);
  await channel.send(7);
  expect(await received).toEqual({ ok: true, value: 7, done: false });
  expect(channel.length).toBe(0);
});

test.each(CAPACITIES)(
  "B2: with capacity %i a send on a full channel waits until a value is taken",
  async (capacity) => {
    const channel = new Channel<number>(capacity);
    for (const i of upTo(capacity)) expect(await outcome(channel.send(i))).toBeUndefined();
    const sent = channel.send(capacity);
    expect(await outcome(sent)).toBe(waiting);
    expect((await channel.receive()).value).toBe(0);
    expect(await outcome(sent)).toBeUndefined();
    expect(taken(channel)).toEqual(upTo(capacity + 1).slice(1));
  },
);

describe("B3: a hundred values arrive in the order they were sent", () => {
  test.each(CAPACITIES)("with capacity %i, the sender ahead and the receiver ahead", async (capacity) => {
    for (const senderFirst of [true, false]) {
      const channel = new Channel<number>(capacity);
      const send = async (): Promise<void> => {
        for (const i of upTo(100)) await channel.send(i);
        channel.close();
      };
      const receive = async (): Promise<number[]> => {
        const values: number[] = [];
        for (let r = await channel.receive(); r.ok; r = await channel.receive()) values.push(r.value);
        return values;
      };
      const tasks = senderFirst ? ([send(), receive()] as const) : ([undefined, receive(), send()] as const);
      expect(await tasks[1]).toEqual(upTo(100));
    }
  });

  test.each(CAPACITIES)("with capacity %i, sent all at once without waiting", async (capacity) => {
    const channel = new Channel<number>(capacity);
    const sending = Promise.all(upTo(100).map((i) => channel.send(i)));
    expect(taken(channel)).toEqual(upTo(100));
    await sending;
  });

  test.each(CAPACITIES)("with capacity %i, the receives all waiting before the first send", async (capacity) => {
    const channel = new Channel<number>(capacity);
    const receiving = Promise.all(upTo(100).map(() => channel.receive()));
    for (const i of upTo(100)) expect(channel.trySend(i)).toBe(true);
    expect((await receiving).map(({ value }) => value)).toEqual(upTo(100));
  });
});

test("B4: receivers that wait are served in the order they came, whatever form they wait in", async () => {
  const channel = new Channel<number>(3);
  const order: string[] = [];
  const record = (name: string) => (value: unknown) => order.push(`${name} ${JSON.stringify(value)}`);
  const waits = [
    channel.receive().then(({ value }) => record("receive")(value)),
    select([channel]).then(({ value }) => record("select")(value)),
    channel.receiveMany(9).then(record("many")),
    channel[Symbol.asyncIterator]()
      .next()
      .then(({ value }) => record("next")(value)),
    channel.receive().then(({ value }) => record("receive")(value)),
  ];
  for (const i of upTo(5)) await channel.send(i);
  await Promise.all(waits);
  expect(order).toEqual(["receive 0", "select 1", "many [2]", "next 3", "receive 4"]);
  expect(channel.length).toBe(0);
});

test("B4: a receiver that comes again stands behind the others", async () => {
  const channel = new Channel<number>();
  const served: string[] = [];
  const task = async (name: string): Promise<void> => {
    for (const _ of upTo(3)) {
      await channel.receive();
      served.push(name);
    }
  };
  const tasks = ["a", "b", "c"].map(task);
  for (const i of upTo(9)) await channel.send(i);
  await Promise.all(tasks);
  expect(served.join("")).toBe("abcabcabc");
});

test("B5: senders that wait are served in the order they came, whatever form they wait in", async () => {
  const channel = new Channel<number>();
  const order: number[] = [];
  const done = (i: number) => () => order.push(i);
  const waits = upTo(6).map((i) =>
    i % 2 === 0 ? channel.send(i).then(done(i)) : select([channel.caseSend(i)]).then(done(i)),
  );
  for (const i of upTo(6)) expect((await channel.receive()).value).toBe(i);
  await Promise.all(waits);
  expect(order).toEqual(upTo(6));
});

test("B5: the slot that a receive frees goes to the sender that has waited longest: nobody overtakes", async () => {
  const channel = new Channel<number>(2);
  await channel.send(0);
  await channel.send(1);
  const third = channel.send(2);
  const fourth = channel.send(3);
  expect((await channel.receive()).value).toBe(0);
  expect(await outcome(third)).toBeUndefined();
  expect(await outcome(fourth)).toBe(waiting);
  expect(channel.length).toBe(2); // the slot is taken already
  expect(channel.trySend(99)).toBe(false);
  const fifth = channel.send(4);
  expect(taken(channel)).toEqual([1, 2, 3, 4]);
  await Promise.all([fourth, fifth]);
});

test("B5: a sender cannot slip in between a receive and the task that it woke", async () => {
  const channel = new Channel<string>(1);
  channel.trySend("buffered");
  void channel.send("waiting");
  void channel.receive(); // frees a slot and fills it at once
  expect(channel.trySend("overtaking")).toBe(false);
  expect(channel.tryReceive()?.value).toBe("waiting");
});

test("B5: values of one sender arrive in order, among the values of others", async () => {
  const channel = new Channel<[task: number, i: number]>(3);
  const sending = upTo(5).map(async (task) => {
    for (const i of upTo(100)) await channel.send([task, i]);
  });
  const next = [0, 0, 0, 0, 0];
  for (const _ of upTo(500)) {
    const { value } = await channel.receive();
    const [task, i] = value ?? [-1, -1];
    expect(i).toBe(next[task]);
    next[task] = i + 1;
  }
  await Promise.all(sending);
});

test.each([0, 1, 3, 1000])(
  "B6: with capacity %i four senders and four receivers pass each value exactly once",
  async (capacity) => {
    const channel = new Channel<number>(capacity);
    const seen = new Uint8Array(4000);
    const receivers = upTo(4).map(async (receiver) => {
      for (let r = await channel.receive(); r.ok; r = await channel.receive()) {
        seen[r.value] = (seen[r.value] ?? 0) + 1;
        if (r.value % 7 === receiver) await Promise.resolve(); // fall out of step
      }
    });
    const senders = upTo(4).map(async (sender) => {
      for (const i of upTo(1000)) {
        await channel.send(sender * 1000 + i);
        if (i % 5 === sender) await Promise.resolve();
      }
    });
    await Promise.all(senders);
    channel.close();
    await Promise.all(receivers);
    expect(seen.every((times) => times === 1)).toBe(true);
  },
);

describe("B7: a rendezvous", () => {
  test("completes a send only when a receiver has the value", async () => {
    const channel = new Channel<number>();
    const sent = channel.send(1);
    expect(await outcome(sent)).toBe(waiting);
    const received = channel.receive();
    expect(await outcome(sent)).toBeUndefined();
    expect((await received).value).toBe(1);
  });

  test("completes a second send only at the second receive", async () => {
    const channel = new Channel<number>();
    const log: string[] = [];
    const sender = (async () => {
      for (const i of upTo(3)) {
        await channel.send(i);
        log.push(`sent ${i}`);
      }
    })();
    await turns();
    expect(log).toEqual([]);
    for (const i of upTo(3)) {
      log.push(`receiving ${i}`);
      expect((await channel.receive()).value).toBe(i);
      await turns();
    }
    await sender;
    expect(log).toEqual(["receiving 0", "sent 0", "receiving 1", "sent 1", "receiving 2", "sent 2"]);
  });

  test("completes a send at once when a receiver waits", async () => {
    const channel = new Channel<number>();
    const received = channel.receive();
    expect(channel.trySend(1)).toBe(true);
    expect((await received).value).toBe(1);
  });
});

test("the sender does not hold its value back: what is sent is committed before send returns", () => {
  const channel = new Channel<number>(1);
  void channel.send(1);
  expect(channel.length).toBe(1);
  void channel.receive();
  expect(channel.length).toBe(0);
});

test("an options object without a signal, or with undefined for one, changes nothing", async () => {
  const channel = new Channel<number>(1);
  await channel.send(1, {});
  expect((await channel.receive({})).value).toBe(1);
  await channel.send(2, { signal: undefined });
  expect((await channel.receive({ signal: undefined })).value).toBe(2);
  const received = channel.receive({ signal: undefined });
  await channel.send(3, undefined);
  expect((await received).value).toBe(3);
  const batch = channel.receiveMany(1, { signal: undefined });
  await channel.send(4, { signal: undefined });
  expect(await batch).toEqual([4]);
});
