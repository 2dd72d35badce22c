// Bugs found by running other libraries, one test each: those of channels, buffers, closing, iteration, scheduling.

import { Channel, ClosedError, errors, select, Selector, time } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { describe, expect, test } from "vitest";
import { outcome, rejection, waiting } from "./progress.ts";

/** Does `step` until a host timer has fired: for ever, in a library that never lets the loop turn. */
async function stepsUntilTimer(step: () => Promise<unknown>): Promise<number> {
  let fired = false;
  setTimeout(() => {
    fired = true;
  }, 0);
  const hasFired = (): boolean => fired;
  let steps = 0;
  while (!hasFired() && steps < 3_000_000) {
    await step();
    steps += 1;
  }
  return hasFired() ? steps : Infinity;
}

describe("a channel that is taken for something else", () => {
  test("medium: channels are thenables, so an async function that returns one takes a value from it", async () => {
    const channel = new Channel<string>(1);
    channel.trySend("x");
    const make = async (): Promise<Channel<string>> => channel;
    expect(await make()).toBe(channel);
    expect(channel.length).toBe(1);
  });

  test("@thi.ng/csp, js-csp, @nodeguy/channel: undefined and null are banned, or look like the end", async () => {
    const channel = new Channel<null | undefined>(2);
    channel.trySend(undefined);
    channel.trySend(null);
    channel.close();
    const got: (null | undefined)[] = [];
    for await (const value of channel) got.push(value);
    expect(got).toEqual([undefined, null]);
    expect(await channel.receive()).toEqual({ ok: false, value: undefined, done: true });
  });

  test("@thi.ng/csp: a value that somebody else took first makes a select give undefined, which `merge` takes for the end", async () => {
    const channel = new Channel<number>();
    const parked = select([channel]);
    channel.trySend(1);
    expect(channel.tryReceive()).toBeUndefined();
    expect(await parked).toMatchObject({ value: 1, ok: true });

    const buffered = new Channel<number>(1);
    const first = select([buffered]);
    const second = select([buffered]);
    buffered.trySend(1);
    expect(await first).toMatchObject({ value: 1, ok: true });
    expect(await outcome(second)).toBe(waiting);
  });

  test("js-csp#64: the result of a select does not tell a send from a receive", async () => {
    const channel = new Channel<undefined>();
    const received = select({ in: channel, out: new Channel<undefined>().caseSend(undefined) });
    await channel.send(undefined);
    expect((await received).name).toBe("in");
  });
});

describe("buffers and overflow that are none", () => {
  test("@lesomnus/channel: a receiver that waits on a buffered channel is never woken: the value goes to the buffer", async () => {
    const channel = new Channel<string>(3);
    const receivers = [channel.receive(), select([channel]), channel.receiveMany(2)] as const;
    for (const value of ["a", "b", "c"]) await channel.send(value);
    expect(channel.length).toBe(0);
    expect(await receivers[0]).toMatchObject({ value: "a" });
    expect(await receivers[1]).toMatchObject({ value: "b" });
    expect(await receivers[2]).toEqual(["c"]);
  });

  test("@thi.ng/csp: a write into a buffer with room waits for the read", async () => {
    const channel = new Channel<number>(2);
    expect(await outcome(Promise.all([channel.send(1), channel.send(2)]))).toHaveLength(2);
    expect(await outcome(channel.send(3))).toBe(waiting);
  });

  test("@thi.ng/csp: the write that a sliding buffer evicted never settles", async () => {
    const dropped: string[] = [];
    const channel = new Channel<string>(1, { overflow: "drop-oldest", onDrop: (value) => dropped.push(value) });
    expect(await outcome(Promise.all(["a", "b", "c"].map((value) => channel.send(value))))).toHaveLength(3);
    expect(dropped).toEqual(["a", "b"]);
    expect(await channel.receiveMany(10)).toEqual(["c"]);
  });

  test("@thi.ng/csp: a dropping buffer delivers everything, later", async () => {
    const channel = new Channel<string>(1, { overflow: "drop-newest" });
    await Promise.all(["a", "b", "c"].map((value) => channel.send(value)));
    expect(await channel.receiveMany(10)).toEqual(["a"]);
    expect(await outcome(channel.receive())).toBe(waiting);
  });

  test("js-csp#103, @thi.ng/csp, repeater: the 1,025th that waits is refused", async () => {
    const channel = new Channel<number>();
    const receivers = Array.from({ length: 5_000 }, () => channel.receive());
    expect(receivers.every((_, i) => channel.trySend(i))).toBe(true);
    expect((await Promise.all(receivers)).map(({ value }) => value)).toEqual(
      Array.from({ length: 5_000 }, (_, i) => i),
    );
    const senders = Array.from({ length: 5_000 }, (_, i) => channel.send(i));
    expect(await channel.receiveMany(5_000)).toHaveLength(5_000);
    await Promise.all(senders);
  });
});

describe("closing loses what was under way", () => {
  test("@lesomnus/channel, spica: close discards the buffer", async () => {
    const channel = new Channel<number>(3);
    for (const value of [1, 2, 3]) channel.trySend(value);
    channel.close();
    expect(await select([channel])).toMatchObject({ value: 1, ok: true });
    expect(await channel.receiveMany(10)).toEqual([2, 3]);
  });

  test("js-csp 1.0.1: the values of senders that wait at the close are gone without a trace", async () => {
    const channel = new Channel<number>();
    const senders = [channel.send(1), channel.send(2)];
    channel.close();
    const failures = await Promise.all(senders.map(rejection));
    expect(failures.map((failure) => (failure as ClosedError).value)).toEqual([1, 2]);
  });

  test("@lesomnus/channel, spica: a select over a closed channel rejects, or ends", async () => {
    const channel = new Channel<number>();
    channel.close();
    expect(await select([channel])).toMatchObject({ index: 0, ok: false });
  });

  test("deno std: an abandoned receive is an unhandled rejection when the channel closes", async () => {
    const channel = new Channel<number>();
    const abandoned = [
      channel.receive(),
      select([channel]),
      channel.receiveMany(1),
      channel[Symbol.asyncIterator]().next(),
    ];
    channel.close();
    // Were one of them rejected, the run itself would report it: nobody has asked for them yet.
    expect(await outcome(Promise.resolve("still here"))).toBe("still here");
    expect((await Promise.allSettled(abandoned)).map(({ status }) => status)).toEqual(Array(4).fill("fulfilled"));
  });

  test("it-queueless-pushable, js-libp2p#3063: a push after the end crashes: here it is one kind of error, with the value", () => {
    const channel = new Channel<string>(1);
    channel.close();
    expect(() => channel.trySend("late")).toThrow(ClosedError);
    expect(() => channel.trySend("late")).toThrow(expect.objectContaining({ kind: errors.CLOSED, value: "late" }));
  });
});

describe("iterators that hang or take too much", () => {
  test("async generators (whatwg/streams#1255, deno std): `return` hangs behind a step that waits", async () => {
    const channel = new Channel<number>();
    const iterator = channel[Symbol.asyncIterator]();
    const step = iterator.next();
    expect(await outcome(iterator.return?.() ?? Promise.reject(new Error("no return")))).toMatchObject({ done: true });
    expect(await outcome(step)).toMatchObject({ done: true, value: undefined });
    expect(channel.trySend(1)).toBe(false);
  });

  test("N9: deno std (`toReadableStream`): a loop that breaks has prefetched one value, which is gone", async () => {
    const channel = new Channel<number>(3);
    for (const value of [1, 2, 3]) channel.trySend(value);
    for await (const value of channel) {
      expect(value).toBe(1);
      break;
    }
    expect(channel.length).toBe(2);
    expect(channel.tryReceive()).toMatchObject({ value: 2 });
  });

  test("@thi.ng/csp: async iteration skips undefined", async () => {
    const channel = new Channel<number | undefined>(3);
    for (const value of [undefined, 1, undefined]) channel.trySend(value);
    channel.close();
    const got: unknown[] = [];
    for await (const value of channel) got.push(value);
    expect(got).toEqual([undefined, 1, undefined]);
  });
});

describe("timers and sockets starve while tasks exchange values", () => {
  const buffered = new Channel<number>(1);
  const ping = new Channel<number>();
  const pong = new Channel<number>();
  const closed = new Channel<number>();
  closed.close();

  test.each([
    ["a ping-pong", async () => Promise.all([ping.send(1), ping.receive()])],
    ["a buffer", async () => Promise.all([buffered.send(1), buffered.receive()])],
    ["immediate sends", async () => (buffered.tryReceive(), buffered.send(1))],
    ["a select", async () => Promise.all([select([ping, pong]), select([pong.caseSend(1)])])],
    ["a default", async () => select([ping], { default: true })],
    ["a Selector", async () => (buffered.trySend(1), new Selector({ buffered }).next())],
  ])(
    "thi.ng, nodeguy, medium, f5io, lesomnus, spica, goscript, effection, repeater …: over %s a timer never fires",
    async (_name, step) => {
      expect(await stepsUntilTimer(step)).toBeLessThan(Infinity);
    },
  );

  test("js-csp#8: a loop over a channel that is closed spins and freezes the tab", async () => {
    expect(await stepsUntilTimer(() => closed.receive())).toBeLessThan(Infinity);
    expect(await stepsUntilTimer(() => select([closed]))).toBeLessThan(Infinity);
  });
});

test("js-csp, @thi.ng/csp: the timeout that lost a select cannot be called off: here a lost one fires for nobody", () =>
  virtualTime(async (clock) => {
    const busy = new Channel<number>(1);
    const timeout = time.after("1s");
    busy.trySend(1);
    expect(await select([busy, timeout], { priority: true })).toMatchObject({ index: 0 });
    await clock.advance("10s");
    // Not consumed by the select that lost: whoever looks next gets it.
    expect(timeout.tryReceive()?.ok).toBe(true);
    expect(timeout.tryReceive()).toBeUndefined();
  }));
