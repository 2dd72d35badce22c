// Bugs found by running other libraries, one test each: those of their selects. What they do wrong is in the title.

import { Channel, select, Selector, trySelect } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { microtasks, outcome, rejection, waiting } from "./progress.ts";

describe("a select loses a value that came to a case which lost", () => {
  test.each([0, 1, 2, 3])(
    "medium (`any`): the value that is sent %i microtasks after the winner's is gone",
    async (delay) => {
      for (const capacity of [0, 1]) {
        const winner = new Channel<string>(capacity);
        const loser = new Channel<string>(capacity);
        const parked = select([winner, loser]);
        expect(winner.trySend("first")).toBe(true);
        await microtasks(delay);
        const late = loser.send("second");
        expect(await parked).toMatchObject({ index: 0, value: "first" });
        expect(await loser.receive()).toMatchObject({ value: "second" });
        await late;
      }
    },
  );

  test("chan: when the first case was ready, the registration of the second swallows its next value", async () => {
    const ready = new Channel<string>(1);
    const later = new Channel<string>(1);
    ready.trySend("now");
    expect(await select([ready, later])).toMatchObject({ index: 0 });
    later.trySend("kept");
    expect(later.length).toBe(1);
    expect(later.tryReceive()).toMatchObject({ value: "kept" });
  });

  test("deno std, go-go-scope, goscript#180 (Promise.race over receives): every loser swallows one later value", async () => {
    const busy = new Channel<number>();
    const quiet = new Channel<number>(4);
    for (let i = 0; i < 4; i += 1) {
      const parked = select([busy, quiet]);
      busy.trySend(i);
      await parked;
    }
    for (let i = 0; i < 4; i += 1) quiet.trySend(i);
    expect(await quiet.receiveMany(4)).toEqual([0, 1, 2, 3]);
  });

  test("effect 3, effection, redux-saga#546: of two channels that are both ready, both values are eaten", async () => {
    const a = new Channel<string>(1);
    const b = new Channel<string>(1);
    a.trySend("a");
    b.trySend("b");
    const first = await select([a, b]);
    const second = await select([a, b]);
    expect(new Set([first.value, second.value])).toEqual(new Set(["a", "b"]));
  });

  test("effect#716: an interrupted take loses the element that was on its way to it", async () => {
    const channel = new Channel<string>();
    const abort = new AbortController();
    const interrupted = channel.receive({ signal: abort.signal });
    abort.abort("stop");
    expect(channel.trySend("x")).toBe(false);
    expect(await rejection(interrupted)).toBe("stop");
    const sender = channel.send("x");
    expect(await channel.receive()).toMatchObject({ value: "x" });
    await sender;
  });

  test("spica: a loop of selects that was left behind holds one pull for each channel, and these eat later values", async () => {
    const channels = { a: new Channel<number>(2), b: new Channel<number>(2) };
    channels.a.trySend(1);
    channels.b.trySend(1);
    for await (const event of new Selector(channels)) {
      expect(event.value).toBe(1);
      break;
    }
    expect(channels.a.length + channels.b.length).toBe(1);
    channels.a.trySend(2);
    channels.b.trySend(2);
    expect(channels.a.length + channels.b.length).toBe(3);
  });
});

describe("a select removes a waiter that is not its own", () => {
  test("@thi.ng/csp (`shift`), @f5io/csp (`pop`): two selects share a channel, one wins elsewhere, the other never wakes", async () => {
    for (const earlierWins of [true, false]) {
      const shared = new Channel<string>();
      const own = [new Channel<string>(), new Channel<string>()] as const;
      const parked = [select([shared, own[0]]), select([shared, own[1]])] as const;
      const [winner, other] = earlierWins ? ([0, 1] as const) : ([1, 0] as const);
      own[winner].trySend("elsewhere");
      expect(await parked[winner]).toMatchObject({ index: 1 });
      expect(shared.trySend("shared")).toBe(true);
      expect(await parked[other]).toMatchObject({ index: 0, value: "shared" });
    }
  });

  test("medium (`splice(-1, 1)`): a select that won removes a plain receiver of a channel it shares", async () => {
    const shared = new Channel<string>();
    const own = new Channel<string>();
    const before = shared.receive();
    const parked = select([shared, own]);
    const after = shared.receive();
    own.trySend("elsewhere");
    await parked;
    expect([shared.trySend("1"), shared.trySend("2"), shared.trySend("3")]).toEqual([true, true, false]);
    expect([(await before).value, (await after).value]).toEqual(["1", "2"]);
  });

  test("medium: the cleanup of one select hangs others that wait for the same channels", async () => {
    const a = new Channel<number>();
    const b = new Channel<number>();
    const parked = Array.from({ length: 10 }, () => select([a, b]));
    for (let i = 0; i < 10; i += 1) expect((i % 2 === 0 ? a : b).trySend(i)).toBe(true);
    expect((await Promise.all(parked)).map(({ value }) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe("a select meets itself", () => {
  test("ts-chan, js-csp, @nodeguy/channel, medium: a select that sends and receives on one channel talks to itself", async () => {
    const channel = new Channel<string>();
    expect(trySelect([channel, channel.caseSend("me")])).toBeUndefined();
    const parked = select([channel.caseSend("me"), channel]);
    expect(await outcome(parked)).toBe(waiting);
    expect(channel.trySend("you")).toBe(true);
    expect(await parked).toMatchObject({ index: 1, value: "you" });
  });
});

describe("one case is always preferred", () => {
  test("@thi.ng/csp, @nodeguy/channel, @f5io/csp, @lesomnus/channel, effect, redux-saga: the first of two ready cases wins 1,000 times of 1,000", async () => {
    const channels = [new Channel<number>(1), new Channel<number>(1)];
    const chosen = [0, 0];
    for (let i = 0; i < 1_000; i += 1) {
      for (const channel of channels) channel.trySend(i);
      const { index } = await select(channels);
      chosen[index] = (chosen[index] ?? 0) + 1;
    }
    // A fair draw is further off than this once in a million runs.
    expect(Math.min(...chosen)).toBeGreaterThan(500 - 4.89 * Math.sqrt(250));
  });
});

describe("deliver and abort in one tick", () => {
  test("ts-chan: a value that was delivered before the abort stays inside a select that rejected", async () => {
    const channel = new Channel<string>();
    const abort = new AbortController();
    const parked = select([channel], { signal: abort.signal });
    const sender = channel.send("x");
    abort.abort();
    expect(await parked).toMatchObject({ value: "x" });
    await sender;
  });

  test("ts-chan: a send after the abort resolves although nobody received", async () => {
    const channel = new Channel<string>();
    const abort = new AbortController();
    const parked = select([channel], { signal: abort.signal });
    abort.abort("stop");
    const sender = channel.send("x");
    expect(await rejection(parked)).toBe("stop");
    expect(await outcome(sender)).toBe(waiting);
    expect(channel.tryReceive()).toMatchObject({ value: "x" });
    await sender;
  });
});
