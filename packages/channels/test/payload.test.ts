// Any value may travel, whatever it looks like, and arrives as the same object.

import { Channel, select, Selector } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { upTo } from "./values.ts";

// A payload that looks like a promise: nobody on the way may call it.
const thenable = {
  // oxlint-disable-next-line unicorn/no-thenable
  then(): never {
    throw new Error("a payload was awaited on the way");
  },
};

const payloads: [string, unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["NaN", Number.NaN],
  ["-0", -0],
  ["false", false],
  ["the empty string", ""],
  ["an Error", new Error("only a value")],
  ["a function", (): number => 1],
  ["a symbol", Symbol("payload")],
  ["a promise", Promise.resolve("inside")],
  ["a promise that never settles", new Promise(() => {})],
  ["a thenable", thenable],
  ["a Received that says it is over", { ok: false, value: undefined, done: true }],
  ["an iterator result that says it is over", { done: true, value: 1 }],
  ["a select result", { default: true, index: 0, ok: false }],
  ["an array", [1, 2]],
  ["an object without a prototype", Object.create(null)],
  ["a channel", new Channel()],
];

/** A value in a box: an async function that returned a promise itself would await it. */
interface Boxed {
  readonly value: unknown;
}

/** Every way to receive one value. */
const receives: [string, (channel: Channel<unknown>) => Promise<Boxed>][] = [
  ["receive", async (channel) => ({ value: (await channel.receive()).value })],
  ["receiveMany", async (channel) => ({ value: (await channel.receiveMany(1))[0] })],
  ["select", async (channel) => ({ value: (await select([channel])).value })],
  ["Selector", async (channel) => ({ value: (await new Selector({ channel }).next())?.value })],
  ["an iterator", async (channel) => ({ value: (await channel[Symbol.asyncIterator]().next()).value })],
];

describe.each(payloads)("A6, A7: %s arrives as the same value", (_, payload) => {
  test.each(receives)(
    "through %s, from the buffer, from a parked sender, and handed to a parked receiver",
    async (_form, receive) => {
      const buffered = new Channel<unknown>(1);
      await buffered.send(payload);
      expect((await receive(buffered)).value).toBe(payload);

      const rendezvous = new Channel<unknown>();
      const sending = rendezvous.send(payload);
      expect((await receive(rendezvous)).value).toBe(payload);
      await sending;

      const receiving = receive(rendezvous);
      await rendezvous.send(payload);
      expect((await receiving).value).toBe(payload);
    },
  );

  test("through tryReceive, which tells a value from none", () => {
    const channel = new Channel<unknown>(1);
    expect(channel.tryReceive()).toBeUndefined();
    channel.trySend(payload);
    const received = channel.tryReceive();
    expect(received?.ok).toBe(true);
    expect(received?.done).toBe(false);
    expect(received?.value).toBe(payload);
  });

  test("into the drop hook and into a ClosedError", async () => {
    const dropped: unknown[] = [];
    const channel = new Channel<unknown>(1, { overflow: "drop-newest", onDrop: (value) => dropped.push(value) });
    channel.trySend("first");
    channel.trySend(payload);
    expect(dropped.length).toBe(1);
    expect(dropped[0]).toBe(payload);
    channel.close();
    const failure: unknown = await channel.send(payload).catch((error: unknown) => error);
    expect((failure as { value: unknown }).value).toBe(payload);
  });
});

test("N1: a promise as payload is not awaited on the way, nor is its rejection touched", async () => {
  const channel = new Channel<Promise<never>>(1);
  const never = Promise.reject(new Error("nobody asked"));
  never.catch(() => {});
  await channel.send(never);
  const { value } = await channel.receive();
  expect(value).toBe(never);
});

test("N1: for await over a channel of promises gives the promises themselves", async () => {
  const promises = upTo(3).map((i) => Promise.resolve(i));
  const channel = new Channel<Promise<number>>(3);
  for (const promise of promises) channel.trySend(promise);
  channel.close();
  const seen: unknown[] = [];
  for await (const promise of channel) seen.push(promise);
  expect(seen.every((value, i) => value === promises[i])).toBe(true);
});

test("A7: the same object may be sent any number of times", async () => {
  const channel = new Channel<object>(3);
  const value = {};
  for (const _ of upTo(3)) await channel.send(value);
  for (const _ of upTo(3)) expect((await channel.receive()).value).toBe(value);
});

test("A6: the results of a receive are plain: ok and value, and the shape of an iterator result", async () => {
  const channel = new Channel<number>(2);
  channel.trySend(1);
  channel.trySend(2);
  channel.close();
  expect(await channel.receive()).toEqual({ ok: true, value: 1, done: false });
  expect(channel.tryReceive()).toEqual({ ok: true, value: 2, done: false });
  expect(await channel.receive()).toEqual({ ok: false, value: undefined, done: true });
  expect(channel.tryReceive()).toEqual({ ok: false, value: undefined, done: true });
});

type Hop = Channel<Hop> | undefined;

test.each([0, 1, 2, 3])(
  "A9: a channel of capacity %i that carries channels leads through a thousand hops",
  async (capacity) => {
    const first = new Channel<Hop>(capacity);
    const lay = async (): Promise<void> => {
      let here = first;
      for (const hop of upTo(1000)) {
        const next = new Channel<Hop>(capacity);
        if (hop % 2 === 0) await here.send(next);
        else await select([here.caseSend(next)]);
        here = next;
      }
      await here.send(undefined);
    };
    const follow = async (): Promise<number> => {
      let hops = 0;
      for (let here: Hop = first; here !== undefined; hops += 1) {
        const { value }: { value: Hop } = hops % 3 === 0 ? await select([here]) : await here.receive();
        here = value;
      }
      return hops;
    };
    const [, hops] = await Promise.all([lay(), follow()]);
    expect(hops).toBe(1001);
  },
);
