// Selects that meet one another, and plain sends and receives, in numbers.

import { Channel, select, trySelect } from "@sluice/channels";
import { handOff, ready, Source, take } from "@sluice/channels/source";
import { expect, test } from "vitest";
import { microtasks, outcome, waiting } from "./progress.ts";

test("E9: a select that sends and receives on one channel never meets itself", async () => {
  const channel = new Channel<number>();
  const parked = select([channel, channel.caseSend(1)]);
  expect(await outcome(parked)).toBe(waiting);
  expect(channel.tryReceive()).toMatchObject({ value: 1 });
  expect(await parked).toMatchObject({ index: 1, ok: true });
  expect(trySelect([channel, channel.caseSend(1)])).toBeUndefined();
});

test("E9: a select that sends and receives on one buffered channel does either, through the buffer", async () => {
  const channel = new Channel<number>(1);
  expect(await select([channel, channel.caseSend(1)])).toMatchObject({ index: 1 });
  expect(await select([channel, channel.caseSend(2)])).toEqual({ index: 0, channel, value: 1, ok: true });
});

test("E9: two selects that both send and receive on one channel meet each other", async () => {
  const channel = new Channel<string>();
  for (let round = 0; round < 200; round += 1) {
    const left = select({ in: channel, out: channel.caseSend("left") });
    const right = select({ in: channel, out: channel.caseSend("right") });
    const [l, r] = await Promise.all([left, right]);
    expect([l.name, r.name].toSorted()).toEqual(["in", "out"]);
    expect(l.name === "in" ? l.value : r.value).toBe(l.name === "in" ? "right" : "left");
    expect([channel.tryReceive(), channel.trySend("nobody")]).toEqual([undefined, false]);
  }
});

test("E9: forty-five tasks that each send and receive in one select all meet somebody but one", async () => {
  const channel = new Channel<number>();
  const met: string[] = [];
  const tasks = Array.from({ length: 45 }, async (_, i) => {
    await microtasks(i % 3);
    met.push((await select({ in: channel, out: channel.caseSend(i) })).name);
  });
  const everybody = Promise.all(tasks);
  expect(await outcome(everybody)).toBe(waiting);
  expect([met.filter((name) => name === "in").length, met.filter((name) => name === "out").length]).toEqual([22, 22]);
  await channel.send(-1);
  await everybody;
});

test("E5: a send and a receive case that are both ready happen once each over two rounds", async () => {
  const input = new Channel<string>(1);
  const output = new Channel<string>(1);
  input.trySend("in");
  const seen: string[] = [];
  const cases = { input, output: output.caseSend("out") };
  for (let round = 0; round < 2; round += 1) seen.push((await select(cases)).name);
  expect(seen.toSorted()).toEqual(["input", "output"]);
  expect(await outcome(select(cases))).toBe(waiting);
  expect([input.length, output.length]).toEqual([0, 1]);
});

test("E7: a sender that selects over four channels delivers each value once", async () => {
  const channels = Array.from({ length: 4 }, () => new Channel<number>());
  const count = 20_000;
  const sender = (async () => {
    for (let i = 0; i < count; i += 1) await select(channels.map((channel) => channel.caseSend(i)));
    for (const channel of channels) channel.close();
  })();
  const seen = new Uint8Array(count);
  await Promise.all(
    channels.map(async (channel) => {
      let latest = -1;
      for await (const value of channel) {
        expect(value).toBeGreaterThan(latest);
        latest = value;
        seen[value] = (seen[value] ?? 0) + 1;
      }
    }),
  );
  await sender;
  expect(seen.every((times) => times === 1)).toBe(true);
});

const WAYS = ["plain", "select of one", "select of two"] as const;
const MEETINGS = [0, 1, 10].flatMap((capacity) =>
  WAYS.flatMap((receives) => WAYS.map((sends) => ({ capacity, receives, sends }))),
);

test.each(MEETINGS)(
  "E19: $sends send meets $receives receive at capacity $capacity, whoever comes first",
  async (given) => {
    const { capacity, receives, sends } = given;
    const channel = new Channel<number>(capacity);
    const quiet = new Channel<number>();
    const received: (number | undefined)[] = [];
    const receiver = async (delay: number): Promise<void> => {
      for (let i = 0; i < 50; i += 1) {
        await microtasks(delay);
        if (receives === "plain") received.push((await channel.receive()).value);
        else if (receives === "select of one") received.push((await select([channel])).value);
        else received.push((await select([quiet, channel])).value);
      }
    };
    const sender = async (delay: number): Promise<void> => {
      for (let i = 0; i < 50; i += 1) {
        await microtasks(delay);
        if (sends === "plain") await channel.send(i);
        else if (sends === "select of one") await select([channel.caseSend(i)]);
        else await select([quiet, channel.caseSend(i)]);
      }
    };
    for (const [early, late] of [
      [0, 2],
      [2, 0],
    ] as const) {
      received.length = 0;
      await Promise.all([receiver(early), sender(late)]);
      expect(received).toEqual(Array.from({ length: 50 }, (_, i) => i));
    }
    expect([quiet.trySend(0), quiet.tryReceive(), channel.length]).toEqual([false, undefined, 0]);
  },
);

test("E21: ten tasks that select over four channels, each way, all finish with every count met", async () => {
  const channels = Array.from({ length: 4 }, () => new Channel<number>());
  const rounds = 500;
  let sent = 0;
  let received = 0;
  const sender = async (first: number): Promise<void> => {
    const left = [rounds, rounds, rounds, rounds];
    while (left.some((count) => count > 0)) {
      const r = await select(channels.map((channel, i) => (left[i] ?? 0) > 0 && channel.caseSend(first + sent)));
      left[r.index] = (left[r.index] ?? 0) - 1;
      sent += 1;
    }
  };
  const receiver = async (): Promise<void> => {
    const left = [rounds, rounds, rounds, rounds];
    while (left.some((count) => count > 0)) {
      const r = await select(channels.map((channel, i) => (left[i] ?? 0) > 0 && channel));
      expect(r.ok).toBe(true);
      left[r.index] = (left[r.index] ?? 0) - 1;
      received += 1;
    }
  };
  const plain = async (channel: Channel<number>, sends: boolean): Promise<void> => {
    for (let i = 0; i < rounds; i += 1) {
      if (sends) await channel.send(i);
      else await channel.receive();
    }
  };
  const four = channels.flatMap((channel) => [plain(channel, true), plain(channel, false)]);
  await Promise.all([sender(0), receiver(), ...four]);
  expect([sent, received]).toEqual([4 * rounds, 4 * rounds]);
});

test("E21: the philosophers who take both forks in one select each never starve one another", async () => {
  const seats = 5;
  const forks = Array.from({ length: seats }, () => {
    const fork = new Channel<number>(1);
    fork.trySend(0);
    return fork;
  });
  let meals = 0;
  const philosopher = async (seat: number): Promise<void> => {
    const pair = [forks[seat] as Channel<number>, forks[(seat + 1) % seats] as Channel<number>];
    while (meals < 1_000) {
      const first = await select(pair);
      const second = await select(pair, { default: true });
      if (!second.default) {
        meals += 1;
        await (pair[second.index] as Channel<number>).send(0);
      }
      await (pair[first.index] as Channel<number>).send(0);
    }
  };
  await Promise.all(Array.from({ length: seats }, (_, seat) => philosopher(seat)));
  expect(meals).toBeGreaterThanOrEqual(1_000);
  expect(forks.map(({ length }) => length)).toEqual([1, 1, 1, 1, 1]);
});

test("E23: fifty thousand tasks that select over a shared channel and one of their own leave it one by one", async () => {
  const shared = new Channel<number>();
  const own = Array.from({ length: 50_000 }, () => new Channel<number>());
  const parked = own.map((channel) => select([shared, channel]));
  for (const [i, channel] of own.entries()) if (i % 2 === 1) channel.trySend(i);
  for (let i = 0; i < own.length; i += 2) expect(shared.trySend(i)).toBe(true);
  expect(shared.trySend(-1)).toBe(false);
  const results = await Promise.all(parked);
  expect(results.every(({ index, value }, i) => index === i % 2 && value === i)).toBe(true);
});

/** A rendezvous that counts how often it is asked. */
class Counted extends Source<number> {
  static asked = 0;

  deliver(value: number): boolean {
    Counted.asked += 1;
    return this[handOff](value);
  }

  override [ready](): boolean {
    Counted.asked += 1;
    return false;
  }

  override [take](): number {
    throw new Error("Never ready");
  }
}

async function asked(tasks: number): Promise<number> {
  Counted.asked = 0;
  const shared = new Counted();
  const own = Array.from({ length: tasks }, () => new Counted());
  const parked = own.map((channel) => select([shared, channel]));
  for (const [i, channel] of own.entries()) expect((i % 2 === 0 ? shared : channel).deliver(i)).toBe(true);
  await Promise.all(parked);
  return Counted.asked;
}

test("E23: the cost is linear: twice the tasks over a shared channel ask twice as often", async () => {
  expect(await asked(2000)).toBe(2 * (await asked(1000)));
});
