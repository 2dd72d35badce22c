// Law 4, read off the heap: an operation that was aborted, lost, or done leaves nothing behind.
// What selects leave behind is in select-heap.node.test.ts.

import { Channel, select, Selector, time } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { turns } from "./progress.ts";
import { collect, residue } from "./residue.ts";
import { upTo } from "./values.ts";

/** The same for operations that one abort ends, a thousand at a time: a fresh signal for each would be most of the cost. */
async function residueOfAborts(start: (signal: AbortSignal) => Promise<unknown>): Promise<number> {
  const bytes = await residue(100, async () => {
    const controller = new AbortController();
    const waits = upTo(1000).map(async () => start(controller.signal));
    controller.abort("enough");
    await Promise.allSettled(waits);
  });
  return bytes / 1000;
}

// A waiter that stays is 100 bytes and more; an abort listener that stays, several hundred.
const NOTHING = 8;

describe("the heap stays flat over a hundred thousand", () => {
  test("H3: aborted receives behind a live one, which still gets its value, the first", async () => {
    const channel = new Channel<number>();
    const live = channel.receive();
    const bytes = await residueOfAborts(async (signal) => channel.receive({ signal }));
    expect(bytes).toBeLessThan(NOTHING);
    expect(channel.trySend(7)).toBe(true);
    expect(channel.trySend(8)).toBe(false); // nobody else waits
    expect((await live).value).toBe(7);
  });

  test("H3: aborted sends behind a live one", async () => {
    const channel = new Channel<number>();
    const live = channel.send(7);
    const bytes = await residueOfAborts(async (signal) => channel.send(1, { signal }));
    expect(bytes).toBeLessThan(NOTHING);
    expect([channel.tryReceive()?.value, channel.tryReceive()]).toEqual([7, undefined]);
    await live;
  });

  test("H11: receives on one signal that lives long", async () => {
    const controller = new AbortController();
    const channel = new Channel<number>();
    const bytes = await residue(100_000, async (i) => {
      const received = channel.receive(controller);
      channel.trySend(i);
      await received;
    });
    expect(bytes).toBeLessThan(NOTHING);
  });

  test("timeouts that lost against a value", async () => {
    const channel = new Channel<number>();
    const bytes = await residue(100_000, async (i) => {
      const selected = select([channel, time.after("1h")]);
      channel.trySend(i);
      await selected;
    });
    expect(bytes).toBeLessThan(NOTHING);
    await turns();
    expect(process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length).toBeLessThan(5);
  });

  test("sleeps that were aborted", async () => {
    const bytes = await residueOfAborts(async (signal) => time.sleep("1h", { signal }));
    expect(bytes).toBeLessThan(NOTHING);
  });

  test("loops that were left while they waited", async () => {
    const channel = new Channel<number>();
    const bytes = await residue(100_000, async () => {
      const iterator = channel[Symbol.asyncIterator]();
      const step = iterator.next();
      await iterator.return?.();
      await step;
    });
    expect(bytes).toBeLessThan(NOTHING);
    expect(channel.trySend(1)).toBe(false);
  });

  test("trySends and tryReceives that found nobody", () => {
    const [channel, full] = [new Channel<object>(), new Channel<object>(1)];
    full.trySend({});
    const round = (): void => {
      channel.trySend({});
      channel.tryReceive();
      full.trySend({});
    };
    for (const _ of upTo(10_000)) round();
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 100_000; i += 1) round();
    collect();
    expect((process.memoryUsage().heapUsed - before) / 100_000).toBeLessThan(NOTHING);
  });

  test("Selectors over a channel that lives long, each closed after use", async () => {
    const channel = new Channel<number>();
    const bytes = await residue(100_000, async (i) => {
      using events = new Selector({ channel });
      const next = events.next();
      channel.trySend(i);
      await next;
    });
    expect(bytes).toBeLessThan(NOTHING);
  });

  test("values that a drop policy dropped", async () => {
    const channel = new Channel<object>(4, { overflow: "drop-oldest" });
    const bytes = await residue(100_000, () => channel.trySend({ large: [1, 2, 3] }));
    expect(bytes).toBeLessThan(NOTHING);
    expect(channel.length).toBe(4);
  });
});

/** What `use` gives for an object that nobody else holds, and whether that object is there. */
function lent(use: (value: object) => unknown): [isThere: () => boolean, kept: unknown] {
  const value = { payload: "large" };
  const weak = new WeakRef(value);
  const isThere = (): boolean => {
    collect();
    return weak.deref() !== undefined;
  };
  return [isThere, use(value)];
}

// V8 holds a closure while it compiles it in the background, however long it waits for a processor there.
const PATIENTLY = { interval: 10, timeout: 60_000 };

describe("C13: a value is garbage once", () => {
  test.each<[string, (value: object) => Channel<object>]>([
    [
      "it was received from a buffer",
      (value) => {
        const channel = new Channel<object>(4);
        channel.trySend(value);
        channel.tryReceive();
        return channel;
      },
    ],
    [
      "it was received from the middle of a buffer, among others that stay",
      (value) => {
        const channel = new Channel<object>(3);
        for (const sent of [{}, value, {}]) channel.trySend(sent);
        channel.tryReceive();
        channel.tryReceive();
        return channel;
      },
    ],
    [
      "it was dropped",
      (value) => {
        const channel = new Channel<object>(1, { overflow: "drop-oldest" });
        channel.trySend(value);
        channel.trySend({});
        return channel;
      },
    ],
    [
      "it was refused by trySend",
      (value) => {
        const channel = new Channel<object>();
        channel.trySend(value);
        return channel;
      },
    ],
    [
      "the send that held it was aborted",
      (value) => {
        const channel = new Channel<object>();
        const controller = new AbortController();
        channel.send(value, controller).catch(() => {});
        controller.abort();
        return channel;
      },
    ],
    [
      "the channel closed under the send that held it",
      (value) => {
        const channel = new Channel<object>();
        channel.send(value).catch(() => {});
        channel.close();
        return channel;
      },
    ],
    [
      "a waiting sender of it was served",
      (value) => {
        const channel = new Channel<object>();
        void channel.send(value);
        channel.tryReceive();
        return channel;
      },
    ],
  ])("%s, although the channel lives on", async (_, use) => {
    const [isThere, channel] = lent(use);
    await expect.poll(isThere, PATIENTLY).toBe(false);
    expect(channel).toBeInstanceOf(Channel);
  });

  test("but not before: what stands in the buffer stays", async () => {
    const [isThere, channel] = lent((value) => {
      const buffered = new Channel<object>(1);
      buffered.trySend(value);
      return buffered;
    });
    await turns(4);
    expect(isThere()).toBe(true);
    expect((channel as Channel<object>).length).toBe(1);
  });
});

test("C13, K8: a channel that nobody holds is garbage, with the tasks that wait on it and what they hold", async () => {
  const held: WeakRef<object>[] = [];
  for (const i of upTo(100)) {
    const big = { i };
    held.push(new WeakRef(big));
    const channel = new Channel<object>(i % 3);
    void (async () => {
      for await (const _ of channel);
      return big;
    })();
    void select([channel, new Channel().caseSend(big)]);
    void new Channel().receive().then(() => big);
  }
  const alive = (): number => {
    collect();
    return held.filter((ref) => ref.deref() !== undefined).length;
  };
  await expect.poll(alive, PATIENTLY).toBe(0);
});

test("A3: an idle channel is small, and its capacity costs nothing", () => {
  const LENGTH = 20_000;
  collect();
  const before = process.memoryUsage().heapUsed;
  const channels = upTo(LENGTH).map(() => new Channel<number>(2 ** 30));
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / LENGTH;
  expect(channels.length).toBe(LENGTH);
  expect(bytes).toBeLessThan(400);
});
