// Whole programs: rings, chains, pools, request and response, pipelines.

import { Channel, type ReceiveChannel, select, type SendChannel, time } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { describe, expect, test } from "vitest";
import { microtasks } from "./progress.ts";
import { upTo } from "./values.ts";

/** All values of a channel, to its end. */
async function all<T>(channel: ReceiveChannel<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of channel) values.push(value);
  return values;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe("K4", () => {
  test("a daisy chain of 10,000 tasks, each adding one, counts to 10,000", async () => {
    const last = new Channel<number>();
    let right = last;
    for (const _ of upTo(10_000)) {
      const [to, from] = [right, new Channel<number>()];
      void (async () => to.send(((await from.receive()).value ?? 0) + 1))();
      right = from;
    }
    await right.send(0);
    expect((await last.receive()).value).toBe(10_000);
  });

  test("a token goes round a ring of 1,000 tasks ten times", async () => {
    const links = upTo(1000).map(() => new Channel<number>());
    const tasks = links.map(async (from, i) => {
      const to = links[(i + 1) % links.length] ?? from;
      for await (const token of from) {
        if (token === 0) for (const link of links) link.close();
        else await to.send(token - 1);
      }
    });
    await links[0]?.send(10_000);
    await Promise.all(tasks);
    expect(links.every(({ closed }) => closed)).toBe(true);
  });

  test("one source feeds 32 branches, which all come together again", async () => {
    const [source, together] = [new Channel<number>(), new Channel<number>(4)];
    const branches = upTo(32).map(async () => {
      for await (const value of source) await together.send(value);
    });
    const collected = all(together);
    for (const i of upTo(3200)) await source.send(i);
    source.close();
    await Promise.all(branches);
    together.close();
    expect((await collected).toSorted((a, b) => a - b)).toEqual(upTo(3200));
  });
});

test("K5: 23 workers share 271,828 items through two channels and two closes, and the sum is right", async () => {
  const ITEMS = 271_828;
  const [items, results] = [new Channel<number>(64), new Channel<number>(64)];
  const workers = upTo(23).map(async (worker) => {
    for await (const item of items) {
      if (item % 1000 === worker) await Promise.resolve(); // fall out of step now and then
      await results.send(item);
    }
  });
  const feed = async (): Promise<void> => {
    for (let i = 0; i < ITEMS; i += 1) await items.send(i);
    items.close();
    await Promise.all(workers);
    results.close();
  };
  const feeding = feed();
  let [count, total] = [0, 0];
  for await (const item of results) {
    count += 1;
    total += item;
  }
  await feeding;
  expect([count, total]).toEqual([ITEMS, (ITEMS * (ITEMS - 1)) / 2]);
});

interface Request {
  readonly question: number;
  readonly reply: SendChannel<number>;
}

test("K6: requests carry the channel of their answer; a done channel ends the server and whoever still asks", async () => {
  const [requests, done] = [new Channel<Request>(), new Channel<never>()];
  const serve = async (): Promise<number> => {
    for (let served = 0; ; served += 1) {
      const r = await select({ requests, done });
      if (r.name === "done" || !r.ok) return served;
      await r.value.reply.send(r.value.question ** 2);
    }
  };
  const ask = async (client: number): Promise<number> => {
    const reply = new Channel<number>();
    for (let asked = 0; ; asked += 1) {
      const question = client * 1000 + asked;
      const sent = await select({ out: requests.caseSend({ question, reply }), done });
      if (sent.name === "done") return asked;
      expect(await reply.receive()).toEqual({ ok: true, value: question ** 2, done: false });
      if (client === 0 && asked === 200) done.close();
    }
  };
  const [served, ...asked] = await Promise.all([serve(), ...upTo(10).map(ask)]);
  expect(sum(asked)).toBe(served);
  expect(Math.min(...asked)).toBeGreaterThan(150); // first come, first served: nobody was forgotten
});

test("K6: a barrier made of two channels holds every task until the last has come, round after round", async () => {
  const TASKS = 8;
  const [arrived, release] = [new Channel<null>(), new Channel<null>()];
  const rounds = new Array<number>(TASKS).fill(0);
  const keeper = async (): Promise<void> => {
    for (const _ of upTo(50)) {
      for (let task = 0; task < TASKS; task += 1) await arrived.receive();
      for (let task = 0; task < TASKS; task += 1) await release.send(null);
    }
  };
  const tasks = rounds.map(async (_, task) => {
    for (const round of upTo(50)) {
      await microtasks((task * round) % 5);
      rounds[task] = round;
      await arrived.send(null);
      await release.receive();
      expect(Math.min(...rounds)).toBe(round); // nobody is a round behind
    }
  });
  await Promise.all([keeper(), ...tasks]);
  expect(rounds).toEqual(rounds.map(() => 49));
});

/** A task that passes every value on, mapped, a while after it came. */
function stage(from: ReceiveChannel<number>, delay: string, map: (value: number) => number): ReceiveChannel<number> {
  const to = new Channel<number>(1);
  const pass = async (): Promise<void> => {
    for await (const value of from) {
      await time.sleep(delay);
      await to.send(map(value));
    }
    to.close();
  };
  void pass();
  return to;
}

describe("K7", () => {
  test("a pool of workers takes jobs as each gets free; every job is done once", () =>
    virtualTime(async (clock) => {
      const [jobs, results] = [new Channel<number>(2), new Channel<[worker: number, job: number]>()];
      const workers = upTo(4).map(async (worker) => {
        for await (const job of jobs) {
          await time.sleep(worker === 0 ? "1h" : "1s"); // one is very slow: it must not hold the others up
          await results.send([worker, job]);
        }
      });
      const collected = all(results);
      for (const job of upTo(40)) await jobs.send(job);
      jobs.close();
      await Promise.all(workers);
      results.close();
      const done = await collected;
      expect(done.map(([, job]) => job).toSorted((a, b) => a - b)).toEqual(upTo(40));
      expect(done.filter(([worker]) => worker === 0).length).toBe(1);
      expect(clock.now()).toBe(time.HOUR);
    }));

  test("four producers fan in to one channel, five values each, each producer's in order", async () => {
    const together = new Channel<[producer: number, value: number]>();
    const producers = upTo(4).map(async (producer) => {
      for (const value of upTo(5)) await together.send([producer, value]);
    });
    const collected = all(together);
    await Promise.all(producers);
    together.close();
    const values = await collected;
    expect(values.length).toBe(20);
    for (const producer of upTo(4)) {
      expect(values.filter(([from]) => from === producer).map(([, value]) => value)).toEqual(upTo(5));
    }
  });

  test("a ping-pong of two tasks alternates strictly", async () => {
    const [ping, pong] = [new Channel<number>(), new Channel<number>()];
    const log: string[] = [];
    const player = async (name: string, from: Channel<number>, to: Channel<number>): Promise<void> => {
      for await (const ball of from) {
        log.push(`${name} ${ball}`);
        if (ball === 0) to.close();
        else await to.send(ball - 1);
      }
      to.close();
    };
    const game = [player("a", ping, pong), player("b", pong, ping)];
    await ping.send(5);
    await Promise.all(game);
    expect(log).toEqual(["a 5", "b 4", "a 3", "b 2", "a 1", "b 0"]);
  });

  test("a pipeline of three stages of different speed keeps the order and ends when its source does", () =>
    virtualTime(async (clock) => {
      const source = new Channel<number>();
      const out = stage(
        stage(
          stage(source, "10ms", (value) => value + 1),
          "30ms",
          (value) => value * 2,
        ),
        "5ms",
        (value) => value - 1,
      );
      const collected = all(out);
      for (const i of upTo(20)) await source.send(i);
      source.close();
      expect(await collected).toEqual(upTo(20).map((i) => (i + 1) * 2 - 1));
      expect(clock.now()).toBe(10 + 20 * 30 + 5); // the slowest stage sets the pace: the others work meanwhile
    }));

  test("map and reduce: words counted by many tasks come to the right totals", async () => {
    const text = "go to the sea and to the hill and go home to the sea".split(" ");
    const counts = new Channel<Map<string, number>>();
    const mapped = upTo(4).map(async (part) => {
      const own = new Map<string, number>();
      for (const word of text.filter((_, i) => i % 4 === part)) own.set(word, (own.get(word) ?? 0) + 1);
      await counts.send(own);
    });
    const totals = new Map<string, number>();
    for (const _ of mapped) {
      for (const [word, n] of (await counts.receive()).value ?? []) totals.set(word, (totals.get(word) ?? 0) + n);
    }
    await Promise.all(mapped);
    expect(totals.get("to")).toBe(3);
    expect(totals.get("the")).toBe(3);
    expect(sum([...totals.values()])).toBe(text.length);
  });
});
