// `for await` over a channel: what it gives, how it ends, and that leaving it takes nothing.

import { Channel, select, Selector, time } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { outcome, rejection, turns, waiting } from "./progress.ts";
import { taken, upTo } from "./values.ts";

const done = { ok: false, value: undefined, done: true };
const step = (value: number): object => ({ ok: true, value, done: false });

function filled(length: number, capacity = length): Channel<number> {
  const channel = new Channel<number>(capacity);
  for (const i of upTo(length)) channel.trySend(i);
  return channel;
}

async function collected<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

describe("G1: for await", () => {
  test("gives every value and ends when the channel is closed and drained", async () => {
    const channel = filled(5);
    channel.close();
    expect(await collected(channel)).toEqual(upTo(5));
    expect(await collected(channel)).toEqual([]);
  });

  test.each([0, 1, 7])("with capacity %i follows a sender to its end", async (capacity) => {
    const channel = new Channel<number>(capacity);
    const all = collected(channel);
    for (const i of upTo(100)) await channel.send(i);
    channel.close();
    expect(await all).toEqual(upTo(100));
  });

  test("waits on an open channel", async () => {
    const channel = filled(2);
    const all = collected(channel);
    expect(await outcome(all)).toBe(waiting);
    channel.close();
    expect(await all).toEqual([0, 1]);
  });

  test("ends for every loop that waits", async () => {
    const channel = new Channel<number>();
    const loops = upTo(5).map(() => collected(channel));
    await turns();
    channel.close();
    expect(await Promise.all(loops)).toEqual([[], [], [], [], []]);
  });

  test("competes with other loops: each value goes to one, in turn", async () => {
    const channel = new Channel<number>();
    const loops = upTo(3).map(() => collected(channel));
    for (const i of upTo(9)) await channel.send(i);
    channel.close();
    expect(await Promise.all(loops)).toEqual([
      [0, 3, 6],
      [1, 4, 7],
      [2, 5, 8],
    ]);
  });

  test("competes with receive and select on equal terms", async () => {
    const channel = new Channel<number>();
    const iterator = channel[Symbol.asyncIterator]();
    const waits = [iterator.next(), channel.receive(), select([channel]), iterator.next()] as const;
    for (const i of upTo(4)) await channel.send(i);
    expect((await Promise.all(waits)).map(({ value }) => value)).toEqual(upTo(4));
  });

  test("its next is receive: steps are received values", async () => {
    const channel = filled(1);
    const iterator = channel[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual(step(0));
    const parked = iterator.next();
    await channel.send(7);
    expect(await parked).toEqual(step(7));
    channel.close();
    expect(await iterator.next()).toEqual(done);
    expect(await iterator.next()).toEqual(done);
  });

  test("each iterator is a fresh one", () => {
    const channel = filled(1);
    expect(channel[Symbol.asyncIterator]()).not.toBe(channel[Symbol.asyncIterator]());
  });

  test("several next calls of one iterator are served in order", async () => {
    const channel = new Channel<number>();
    const iterator = channel[Symbol.asyncIterator]();
    const steps = upTo(4).map(() => iterator.next());
    for (const i of upTo(3)) await channel.send(i);
    channel.close();
    expect(await Promise.all(steps)).toEqual([step(0), step(1), step(2), done]);
  });
});

describe("a channel that was closed with a cause", () => {
  test("makes the loop throw that cause after the last value, and every later loop as well", async () => {
    const channel = filled(3);
    const cause = new Error("why");
    channel.close(cause);
    const seen: number[] = [];
    const loop = async (): Promise<void> => {
      for await (const value of channel) seen.push(value);
    };
    expect(await rejection(loop())).toBe(cause);
    expect(seen).toEqual([0, 1, 2]);
    expect(await rejection(loop())).toBe(cause);
    expect(await channel.receive()).toEqual({ ...done, cause });
  });

  test("makes every parked next reject, in order with the other receivers", async () => {
    const channel = new Channel<number>();
    const order: string[] = [];
    const iterator = channel[Symbol.asyncIterator]();
    const waits = [
      iterator.next().catch(() => order.push("first next")),
      channel.receive().then(() => order.push("receive")),
      iterator.next().catch(() => order.push("second next")),
    ];
    channel.close(new Error("why"));
    await Promise.all(waits);
    expect(order).toEqual(["first next", "receive", "second next"]);
  });

  test("is quiet for an iterator that has returned", async () => {
    const channel = new Channel<number>();
    const iterator = channel[Symbol.asyncIterator]();
    await iterator.return?.();
    channel.close(new Error("why"));
    expect(await iterator.next()).toEqual(done);
  });
});

describe("G2: leaving a loop", () => {
  test("by break takes no further value and leaves the channel open for the next reader", async () => {
    const channel = filled(4);
    for await (const value of channel) if (value === 1) break;
    expect(channel.closed).toBe(false);
    expect(channel.length).toBe(2);
    const rest = collected(channel);
    await channel.send(4);
    channel.close();
    expect(await rest).toEqual([2, 3, 4]);
  });

  test("N3: by throw in the body does the same, and throws what the body threw", async () => {
    const channel = filled(3);
    const mistake = new Error("in the body");
    const loop = (async () => {
      for await (const _ of channel) throw mistake;
    })();
    expect(await rejection(loop)).toBe(mistake);
    expect(taken(channel)).toEqual([1, 2]);
    expect(channel.closed).toBe(false);
  });

  test("by return from the function does the same", async () => {
    const channel = filled(3);
    const first = await (async () => {
      for await (const value of channel) return value;
      return -1;
    })();
    expect(first).toBe(0);
    expect(taken(channel)).toEqual([1, 2]);
  });

  test("takes nothing from a sender that waits", async () => {
    const channel = new Channel<number>();
    const sends = upTo(3).map((i) => channel.send(i));
    for await (const value of channel) if (value === 1) break;
    expect(await outcome(sends[1] ?? Promise.resolve())).toBeUndefined();
    expect(await outcome(sends[2] ?? Promise.resolve())).toBe(waiting);
    expect(taken(channel)).toEqual([2]);
  });
});

describe("G3: return while next waits", () => {
  test("settles both as done, takes nothing, and leaves the channel open", async () => {
    const channel = new Channel<number>();
    const iterator = channel[Symbol.asyncIterator]();
    const parked = iterator.next();
    expect(await outcome(parked)).toBe(waiting);
    expect(await iterator.return?.()).toEqual(done);
    expect(await parked).toEqual(done);
    expect(channel.closed).toBe(false);
    expect(channel.trySend(1)).toBe(false); // nobody waits any more
    const received = channel.receive();
    await channel.send(2);
    expect((await received).value).toBe(2);
  });

  test("settles every parked next of that iterator and of no other, in order", async () => {
    const channel = new Channel<number>();
    const [mine, theirs] = [channel[Symbol.asyncIterator](), channel[Symbol.asyncIterator]()];
    const order: string[] = [];
    const steps = [mine.next(), theirs.next(), mine.next()];
    for (const [i, parked] of steps.entries()) void parked.then((r) => order.push(`${i} ${String(r.done)}`));
    void mine.return?.().then(() => order.push("return"));
    await turns();
    expect(order).toEqual(["0 true", "2 true", "return"]);
    await channel.send(7);
    expect(await steps[1]).toEqual(step(7));
  });

  test("leaves the neighbours in the queue their places", async () => {
    const channel = new Channel<number>();
    const before = channel.receive();
    const iterator = channel[Symbol.asyncIterator]();
    const parked = iterator.next();
    const after = channel.receive();
    await iterator.return?.();
    await channel.send(0);
    await channel.send(1);
    expect([(await before).value, (await after).value]).toEqual([0, 1]);
    expect((await parked).done).toBe(true);
  });

  test("H4: after a value was committed to next changes nothing: the value arrives", async () => {
    const channel = new Channel<number>();
    const iterator = channel[Symbol.asyncIterator]();
    const parked = iterator.next();
    channel.trySend(7);
    void iterator.return?.();
    expect(await parked).toEqual(step(7));
  });

  test("ends the iterator: next gives done although values are there", async () => {
    const channel = filled(3);
    const iterator = channel[Symbol.asyncIterator]();
    await iterator.return?.();
    expect(await iterator.next()).toEqual(done);
    expect(await iterator.return?.()).toEqual(done);
    expect(channel.length).toBe(3);
  });
});

test("G4: what is there can be taken without waiting, and then the loop ends", () => {
  const channel = filled(5);
  expect(taken(channel)).toEqual(upTo(5));
  expect(taken(channel)).toEqual([]);
  expect(channel.closed).toBe(false);
});

const iterators: [string, () => AsyncIterableIterator<unknown>][] = [
  ["a channel", () => filled(3)[Symbol.asyncIterator]()],
  ["values()", () => filled(3).values()],
  ["a timer", () => time.after("1s")[Symbol.asyncIterator]()],
  ["a Selector", () => new Selector({ channel: filled(3) })[Symbol.asyncIterator]()],
];

describe("an iterator", () => {
  test.each(iterators)("of %s inherits from the language's own, and is iterable itself", (_, make) => {
    const iterator = make();
    expect(iterator[Symbol.asyncIterator]()).toBe(iterator);
    const own = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}.prototype)) as object;
    expect(Object.prototype.isPrototypeOf.call(own, iterator)).toBe(true);
    expect(make()).not.toBe(iterator);
  });

  test.each(iterators)("of %s has no names of its own but next and return", (_, make) => {
    const iterator = make();
    const names = Object.getOwnPropertyNames(Object.getPrototypeOf(iterator)).concat(
      Object.getOwnPropertyNames(iterator),
    );
    expect(names.toSorted()).toEqual(["constructor", "next", "return"]);
  });

  test("gives the head by next, and the rest to a loop", async () => {
    const lines = filled(3);
    lines.close();
    const iterator = lines.values();
    expect(await iterator.next()).toEqual(step(0));
    expect(await collected(iterator)).toEqual([1, 2]);
    expect(await collected(iterator)).toEqual([]);
  });

  test("that was left by break in a loop over itself is over, and the channel is open", async () => {
    const channel = filled(3);
    const iterator = channel.values();
    for await (const value of iterator) if (value === 0) break;
    expect(await iterator.next()).toEqual(done);
    expect(await collected(channelOf(channel))).toEqual([1, 2]);
  });
});

function channelOf(channel: Channel<number>): Channel<number> {
  channel.close();
  return channel;
}

describe("values with a signal", () => {
  test("ends the loop by an abort: it throws the reason, nothing was taken, and nobody else lost a place", async () => {
    const channel = filled(2, 2);
    const controller = new AbortController();
    const seen: number[] = [];
    const loop = (async () => {
      for await (const value of channel.values({ signal: controller.signal })) seen.push(value);
    })();
    await turns();
    const behind = channel.receive();
    controller.abort("enough");
    expect(await rejection(loop)).toBe("enough");
    expect(seen).toEqual([0, 1]);
    channel.trySend(7);
    expect(await behind).toEqual(step(7));
    expect(channel.trySend(8)).toBe(true);
    expect(channel.length).toBe(1);
  });

  test("that was aborted before takes nothing, though a value is there, and rejects each time", async () => {
    const channel = filled(1);
    const iterator = channel.values({ signal: AbortSignal.abort("too late") });
    for (const _ of upTo(3)) expect(await rejection(iterator.next())).toBe("too late");
    expect(channel.length).toBe(1);
    expect(await iterator.return?.()).toEqual(done);
    expect(await iterator.next()).toEqual(done);
  });

  test("ends with the channel as any loop does, and a cause wins", async () => {
    const { signal } = new AbortController();
    const channel = filled(2);
    channel.close();
    expect(await collected(channel.values({ signal }))).toEqual([0, 1]);
    const failed = filled(1);
    failed.close("why");
    expect(await rejection(collected(failed.values({ signal })))).toBe("why");
  });

  test("and break, with a step that waits: it is settled as done, and the signal is left alone", async () => {
    const channel = new Channel<number>();
    const controller = new AbortController();
    const iterator = channel.values({ signal: controller.signal });
    const parked = iterator.next();
    expect(await iterator.return?.()).toEqual(done);
    expect(await parked).toEqual(done);
    controller.abort("late");
    expect(await iterator.next()).toEqual(done);
    expect(channel.trySend(1)).toBe(false);
  });

  test("after an abort, break looks for no step any more and takes nobody else's place", async () => {
    const channel = new Channel<number>();
    const controller = new AbortController();
    const iterator = channel.values({ signal: controller.signal });
    const parked = rejection(iterator.next());
    const other = channel.values();
    const waits = other.next();
    controller.abort("enough");
    expect(await parked).toBe("enough");
    await iterator.return?.();
    channel.trySend(5);
    expect(await waits).toEqual(step(5));
  });

  test("tells a mistake at once", () => {
    expect(() => filled(1).values({ singal: 1 } as never)).toThrow(
      new TypeError("There is no option `singal`: did you mean `signal`?"),
    );
    expect(() => filled(1).values({ signal: 1 as never })).toThrow(TypeError);
    expect(() => filled(1).values(undefined)).not.toThrow();
    expect(() => filled(1).values({ signal: undefined })).not.toThrow();
  });
});
