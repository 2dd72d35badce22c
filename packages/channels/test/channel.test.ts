// What a channel is when it is made: capacity, options, state, views.

import { Channel, errors, time } from "@sluice/channels";
import type { ChannelOptions, ReceiveChannel, SendChannel } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { thrownBy, upTo } from "./values.ts";

describe("capacity", () => {
  test("A1: the capacity is reported as it was given, and is 0 by default", () => {
    expect(new Channel().capacity).toBe(0);
    expect(new Channel(undefined).capacity).toBe(0);
    expect(new Channel({ name: "sync" }).capacity).toBe(0);
    expect(new Channel(undefined, { name: "sync" }).capacity).toBe(0);
    expect(new Channel({}).capacity).toBe(0);
    for (const capacity of [0, 1, 2, 7, 8, 9, 1000, 2 ** 30, Number.MAX_SAFE_INTEGER]) {
      expect(new Channel(capacity).capacity).toBe(capacity);
    }
  });

  test.each([-1, -0.5, 0.5, 1.5, Number.NaN, Infinity, -Infinity])(
    "A2: a capacity of %s throws RangeError",
    (capacity) => {
      const thrown = thrownBy(() => new Channel(capacity));
      expect(thrown).toBeInstanceOf(RangeError);
      expect(String(thrown)).toContain("`capacity`");
      expect(String(thrown)).toContain(`got \`${capacity}\``);
    },
  );

  test("A2: the message for an infinite capacity suggests a large one", () => {
    expect(() => new Channel(Infinity)).toThrow(/a non-negative integer \(a large one is fine: .*\), got `Infinity`/);
  });

  test.each(["1", true, 1n, () => 1])(
    "A2: a capacity that is not a number, such as %s, throws TypeError",
    (capacity) => {
      expect(() => new Channel(capacity as never)).toThrow(TypeError);
    },
  );

  test("A3: a hundred thousand channels of capacity 2^30 cost no buffer before they are used", () => {
    const channels = upTo(100_000).map(() => new Channel<number>(2 ** 30));
    expect(channels.every((channel) => channel.trySend(1))).toBe(true);
    expect(channels.at(-1)?.length).toBe(1);
  });
});

describe("length", () => {
  test.each([1, 2, 8, 9, 100])(
    "A4: with capacity %d the length counts every value through fill and drain",
    (capacity) => {
      const channel = new Channel<number>(capacity);
      for (const i of upTo(capacity)) {
        expect(channel.length).toBe(i);
        expect(channel.trySend(i)).toBe(true);
      }
      expect(channel.length).toBe(capacity);
      expect(channel.trySend(-1)).toBe(false);
      expect(channel.length).toBe(capacity);
      for (const i of upTo(capacity)) {
        expect(channel.tryReceive()?.value).toBe(i);
        expect(channel.length).toBe(capacity - i - 1);
      }
      expect(channel.tryReceive()).toBeUndefined();
      expect(channel.length).toBe(0);
    },
  );

  test("A4: a rendezvous is empty and full at once: its length is 0 while senders wait", () => {
    const channel = new Channel<number>();
    void channel.send(1);
    void channel.send(2);
    expect(channel.length).toBe(0);
    expect(channel.trySend(3)).toBe(false);
  });

  test("A4: senders that wait do not count", () => {
    const channel = new Channel<number>(1);
    void channel.send(1);
    void channel.send(2);
    expect(channel.length).toBe(1);
  });

  test("A5: the length stays exact while the buffer wraps around", () => {
    const channel = new Channel<number>(5);
    let sent = 0;
    let received = 0;
    for (const step of upTo(1000)) {
      const fill = step % 6; // from nothing to one more than fits
      while (channel.length < fill && channel.trySend(sent)) sent += 1;
      expect(channel.length).toBe(sent - received);
      const leave = (step * 7) % 5;
      while (channel.length > leave) {
        expect(channel.tryReceive()?.value).toBe(received);
        received += 1;
      }
      expect(channel.length).toBe(sent - received);
    }
    expect(received).toBeGreaterThan(1000);
  });

  test("A5: under load the length is never below 0 or above the capacity", async () => {
    for (const capacity of [0, 1, 3]) {
      const channel = new Channel<number>(capacity);
      const lengths = new Set<number>();
      const send = async (): Promise<void> => {
        for (const i of upTo(200)) {
          await channel.send(i);
          lengths.add(channel.length);
        }
      };
      const receive = async (): Promise<void> => {
        for (const _ of upTo(300)) {
          await channel.receive();
          lengths.add(channel.length);
        }
      };
      await Promise.all([send(), receive(), send(), send(), receive()]);
      expect([...lengths].toSorted((a, b) => a - b)).toEqual(upTo(capacity + 1));
      expect(channel.length).toBe(0);
    }
  });
});

describe("options", () => {
  test("a name is kept for readers, and is undefined without one", () => {
    expect(new Channel({ name: "jobs" }).name).toBe("jobs");
    expect(new Channel(3, { name: "jobs" }).name).toBe("jobs");
    expect(new Channel(3).name).toBeUndefined();
    expect(new Channel({ name: "" }).name).toBe("");
  });

  test("an option that is undefined is absent", () => {
    const channel = new Channel<number>(1, { name: undefined, overflow: undefined, onDrop: undefined });
    expect(channel.trySend(1)).toBe(true);
    expect(channel.trySend(2)).toBe(false);
  });

  test.each<[string, unknown]>([
    ["name", { name: 7 }],
    ["overflow", { overflow: "drop" }],
    ["overflow", { overflow: null }],
    ["onDrop", { onDrop: "log" }],
  ])("a wrong `%s` throws TypeError that names the option", (option, options) => {
    expect(() => new Channel(1, options as ChannelOptions)).toThrow(TypeError);
    expect(() => new Channel(1, options as ChannelOptions)).toThrow(`\`${option}\``);
  });

  test("a capacity of 0 with a drop policy throws RangeError", () => {
    expect(() => new Channel(0, { overflow: "drop-oldest" })).toThrow(RangeError);
    expect(() => new Channel({ overflow: "drop-newest" })).toThrow(RangeError);
    expect(new Channel({ overflow: "block" }).capacity).toBe(0);
  });
});

describe("views", () => {
  test("A8: a channel is the same object through either view, and no other's equal", () => {
    const channel = new Channel<number>(1);
    const sender: SendChannel<number> = channel;
    const receiver: ReceiveChannel<number> = channel;
    expect(sender).toBe(receiver);
    expect(channel === new Channel<number>(1)).toBe(false);
    expect(new Map([[channel, "kept"]]).get(channel)).toBe("kept");
  });

  test("A10: the channel of a timer has no send and no close at run time", () => {
    const names = ["send", "trySend", "caseSend", "case_send", "close"];
    for (const channel of [time.after("1h"), time.timer("1h").channel(), time.ticker("1h").channel()]) {
      expect(names.filter((name) => name in channel)).toEqual([]);
      expect(Symbol.dispose in channel).toBe(false);
      expect(channel).not.toBeInstanceOf(Channel);
    }
  });

  test("a channel is not a thenable: a promise may resolve with it", async () => {
    const channel = new Channel<number>(1);
    expect("then" in channel).toBe(false);
    expect(await Promise.resolve(channel)).toBe(channel);
  });

  test("options belong to the caller: changing them later changes no channel", () => {
    const options: { name: string; overflow?: "drop-oldest" } = { name: "first" };
    const first = new Channel<number>(options);
    options.name = "second";
    options.overflow = "drop-oldest";
    expect(first.name).toBe("first");
    expect(first.trySend(1)).toBe(false);
  });

  test("G5: there is no peek to be confused by: `length` looks, takes nothing, and gives the same again", () => {
    const channel = new Channel<number>(2);
    channel.trySend(1);
    expect([channel.length, channel.length, channel.tryReceive()?.value, channel.length]).toEqual([1, 1, 1, 0]);
  });

  test("the state cannot be written", () => {
    "use strict";
    const channel = new Channel<number>(1) as unknown as Record<string, unknown>;
    for (const name of ["closed", "cause", "length", "capacity", "name"]) {
      expect(() => {
        channel[name] = 1;
      }).toThrow(TypeError);
    }
  });

  test("N4: dispose closes a channel and does nothing more", () => {
    const kept = (() => {
      using channel = new Channel<number>(2);
      channel.trySend(7);
      expect(channel.closed).toBe(false);
      return channel;
    })();
    expect(kept.closed).toBe(true);
    expect(kept.cause).toBeUndefined();
    expect(kept.tryReceive()).toEqual({ ok: true, value: 7, done: false });
    expect(
      errors.is(
        thrownBy(() => kept.trySend(8)),
        errors.CLOSED,
      ),
    ).toBe(true);
    kept[Symbol.dispose]();
    expect(kept.tryReceive()?.ok).toBe(false);
  });
});
