// Virtual time: it stands still while anything can run, jumps when nothing can, and says who waits for what at the end.

import { Channel, ClosedError, errors, select, Selector, SluiceError, time, trySelect } from "@sluice/channels";
import { DeadlockError, virtualTime } from "@sluice/channels/testing";
import { describe, expect, test } from "vitest";
import { microtasks, rejection, turns } from "./progress.ts";

const realSetTimeout = globalThis.setTimeout;

/** Waits for the host's own time, which virtual time does not see. */
const hostTime = (milliseconds: number): Promise<string> =>
  new Promise((resolve) => realSetTimeout(resolve, milliseconds, "host"));

/** The DeadlockError of a run; fails when it ended otherwise. */
async function deadlock(body: Parameters<typeof virtualTime>[0]): Promise<DeadlockError> {
  try {
    await virtualTime(body);
  } catch (error) {
    if (error instanceof DeadlockError) return error;
    throw error;
  }
  throw new Error("Expected a deadlock");
}

describe("time", () => {
  test("jumps to the next timer when nothing else can happen", async () => {
    const before = performance.now();
    const slept = await virtualTime(async (clock) => {
      expect(clock.now()).toBe(0);
      await time.sleep("24h");
      expect(clock.now()).toBe(86_400_000);
      await time.after("365h").receive();
      return clock.now();
    });
    expect(slept).toBe(389 * time.HOUR);
    expect(performance.now() - before).toBeLessThan(time.HOUR);
  });

  test("jumps to each deadline in turn, not past it", () =>
    virtualTime(async (clock) => {
      const woken: number[] = [];
      const sleeper = async (milliseconds: number): Promise<void> => {
        await time.sleep(milliseconds);
        woken.push(clock.now());
      };
      await Promise.all([30, 10.5, 20, 10.5].map(sleeper));
      expect(woken).toEqual([10.5, 10.5, 20, 30]);
    }));

  test("the time of day goes with it", () =>
    virtualTime(async () => {
      const start = time.after(0).tryReceive();
      await time.sleep("1h");
      const later = time.after(0).tryReceive();
      expect(Number(later?.value) - Number(start?.value)).toBe(time.HOUR);
    }));

  test("stands still while a task works its way through channels", () =>
    virtualTime(async (clock) => {
      const [a, b] = [new Channel<number>(), new Channel<number>()];
      const echo = async (): Promise<void> => {
        for await (const value of a) await b.send(value);
      };
      void echo();
      void time.sleep(1);
      for (let i = 0; i < 5000; i += 1) {
        const received = b.receive();
        await a.send(i);
        expect((await received).value).toBe(i);
      }
      expect(clock.now()).toBe(0);
    }));

  test("stands still while completions wait for their turn", () =>
    virtualTime(async (clock) => {
      void time.sleep(1);
      const channel = new Channel<number>(10_000);
      for (let i = 0; i < 10_000; i += 1) await channel.send(i);
      expect(clock.now()).toBe(0);
    }));

  test("stands still while a task goes through microtasks and a few turns of the loop without us", () =>
    virtualTime(async (clock) => {
      void time.sleep(1);
      const channel = new Channel<number>(1);
      for (let round = 0; round < 20; round += 1) {
        channel.trySend(round);
        await microtasks(500);
        channel.tryReceive();
        await time.sleep(0);
        expect(clock.now()).toBe(0);
      }
    }));

  test("a sleep of zero lets everything else run first and takes no time", () =>
    virtualTime(async (clock) => {
      const channel = new Channel<string>();
      const seen: unknown[] = [];
      void time.sleep(0).then(() => seen.push("slept"));
      void channel.receive().then(({ value }) => seen.push(value));
      await channel.send("sent");
      await clock.idle();
      expect([seen, clock.now()]).toEqual([["sent", "slept"], 0]);
    }));

  test("is only this library's: host timers and the clock of the host go on", () =>
    virtualTime(async (clock) => {
      const before = performance.now();
      await time.sleep("1h");
      expect(performance.now() - before).toBeLessThan(time.HOUR);
      expect(await clock.external(hostTime(2))).toBe("host");
      expect(clock.now()).toBe(time.HOUR);
    }));

  test("a Selector, a ticker and a timer from before the run follow it, and go back to the host's clock after it", async () => {
    const ticker = time.ticker("10m");
    const [once, later] = [time.after("25m"), time.timer("1h")];
    const events = new Selector({ tick: ticker.channel(), once });
    await virtualTime(async (clock) => {
      const seen: unknown[] = [];
      for (let i = 0; i < 3; i += 1) seen.push((await events.next())?.name);
      expect(seen).toEqual(["tick", "tick", "once"]);
      expect(Math.round(clock.now() / time.MINUTE)).toBe(25);
      const over = await select({ later: later.channel(), other: new Channel() });
      expect(over.name).toBe("later");
    });
    later.reset(1);
    ticker.reset(1);
    expect(await later.channel().receive()).toMatchObject({ ok: true });
    expect(await events.next()).toMatchObject({ name: "tick" });
  });
});

describe("a Selector that is parked while the clock changes, and then touched", () => {
  test("keeps what is left from the host's time to virtual time", async () => {
    const events = new Selector({ first: time.after("5s"), second: time.after("8s") });
    const next = events.next();
    await virtualTime(async (clock) => {
      await time.sleep("24h");
      events.delete("first");
      expect(await next).toMatchObject({ name: "second" });
      expect(Math.round(clock.now() / 1000)).toBe(86_408);
    });
  });

  test("and from virtual time to the host's", async () => {
    const events = new Selector<Record<string, Date>>();
    let next: Promise<unknown> | undefined;
    await virtualTime(async () => {
      await time.sleep("24h");
      events.add("first", time.after(5)).add("second", time.after(10));
      next = events.next();
    });
    events.delete("first");
    expect(await next).toMatchObject({ name: "second" });
  });
});

describe("clock.advance", () => {
  test("lets a stretch of time pass and everything in it happen", () =>
    virtualTime(async (clock) => {
      const ticks: number[] = [];
      const loop = async (): Promise<void> => {
        for await (const tick of time.ticker("1s").channel()) ticks.push(tick.getTime() > 0 ? clock.now() : -1);
      };
      void loop();
      await clock.advance("3.5s");
      expect([ticks, clock.now()]).toEqual([[1000, 2000, 3000], 3500]);
      await clock.advance(500);
      expect([ticks, clock.now()]).toEqual([[1000, 2000, 3000, 4000], 4000]);
      await clock.advance(0);
      expect(clock.now()).toBe(4000);
    }));

  test("what happens at its last moment has happened, whoever came first", () =>
    virtualTime(async (clock) => {
      const seen: string[] = [];
      const early = time.sleep("1s").then(() => seen.push("before"));
      const advanced = clock.advance("1s");
      const late = time.sleep("1s").then(() => seen.push("after"));
      await advanced;
      expect(seen).toEqual(["before", "after"]);
      await Promise.all([early, late]);
    }));

  test("several at once each take their own stretch", () =>
    virtualTime(async (clock) => {
      const ends = [30, 10, 20].map(async (milliseconds) => {
        await clock.advance(milliseconds);
        return clock.now();
      });
      expect(await Promise.all(ends)).toEqual([30, 10, 20]);
    }));

  test.each([-1, "-1s", "soon", Number.NaN, Infinity])("%s is refused with kind INVALID", (duration) =>
    virtualTime(async (clock) => {
      expect(await rejection(clock.advance(duration))).toMatchObject({ kind: errors.INVALID });
    }),
  );
});

describe("clock.idle", () => {
  test("resolves when nothing can run without time passing", () =>
    virtualTime(async (clock) => {
      const [first, last] = [new Channel<number>(), new Channel<number>(1)];
      let from = first;
      for (let i = 0; i < 100; i += 1) {
        const to = i === 99 ? last : new Channel<number>();
        const link = async (source: Channel<number>): Promise<void> => {
          for await (const value of source) await to.send(value + 1);
        };
        void link(from);
        from = to;
      }
      void time.sleep("1h");
      await first.send(0);
      await clock.idle();
      expect([last.tryReceive()?.value, clock.now()]).toEqual([100, 0]);
    }));

  test("resolves although it alone is left", () =>
    virtualTime(async (clock) => {
      await clock.idle();
      await Promise.all([clock.idle(), clock.idle()]);
      expect(clock.now()).toBe(0);
    }));
});

test("clock.idle does not wait for an external promise, whenever it is called", () =>
  virtualTime(async (clock) => {
    const io = new Channel<string>(1);
    const opened = clock.external(io.receive());
    await clock.idle();
    await hostTime(5);
    await clock.idle();
    expect(clock.now()).toBe(0);
    io.trySend("open");
    expect(await opened).toMatchObject({ value: "open" });
  }));

describe("clock.external", () => {
  test("gives what the promise gives and throws what it throws", () =>
    virtualTime(async (clock) => {
      expect(await clock.external(Promise.resolve("body"))).toBe("body");
      const failure = new Error("no network");
      await expect(clock.external(Promise.reject(failure))).rejects.toBe(failure);
    }));

  test("once it was rejected time goes on", () =>
    virtualTime(async (clock) => {
      const failing = clock.external(hostTime(5).then(() => Promise.reject(new Error("no network"))));
      const slept = time.sleep("1h").then(() => clock.now());
      await expect(failing).rejects.toThrow("no network");
      expect(clock.now()).toBe(0);
      expect(await slept).toBe(time.HOUR);
    }));

  test("until it settles time does not jump, and there is no deadlock", () =>
    virtualTime(async (clock) => {
      let slept = false;
      void time.sleep("1s").then(() => (slept = true));
      await clock.external(hostTime(5));
      expect([slept, clock.now()]).toEqual([false, 0]);
      const channel = new Channel<string>();
      void clock.external(hostTime(5)).then((value) => channel.send(value));
      expect(await channel.receive()).toMatchObject({ value: "host" });
      expect(clock.now()).toBe(0);
      await clock.advance("1s");
      expect(slept).toBe(true);
    }));

  test("of several, the last decides; what they lead to happens first", () =>
    virtualTime(async (clock) => {
      const seen: unknown[] = [];
      const channel = new Channel<number>();
      const arrive: Record<number, () => void> = {};
      for (const nth of [3, 1, 2]) {
        const arrived = new Promise<void>((resolve) => (arrive[nth] = resolve));
        void clock.external(arrived).then(() => channel.send(nth));
      }
      void (async () => {
        for (const nth of [1, 2, 3]) {
          await hostTime(1);
          arrive[nth]?.();
        }
      })();
      void time.sleep(1).then(() => seen.push("slept"));
      for (let i = 0; i < 3; i += 1) seen.push((await channel.receive()).value);
      seen.push(clock.now());
      await clock.advance(1);
      expect(seen).toEqual([1, 2, 3, 0, "slept"]);
    }));
});

/** Tasks that send, receive, select and yield at random, and note what they did. */
async function bustle(clock: { now(): number }): Promise<string[]> {
  const log: string[] = [];
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const channels = [new Channel<number>(), new Channel<number>(3), new Channel<number>(1), new Channel<number>()];
  const task = async (name: number): Promise<void> => {
    for (let i = 0; i < 150; i += 1) {
      const one = channels[random(4)] as Channel<number>;
      const two = channels[random(4)] as Channel<number>;
      const what = random(5);
      if (what === 0) await time.sleep(random(4));
      else if (what === 1) await microtasks(random(6));
      else if (what === 2) one.trySend(i);
      else {
        const chosen = await select([one, two.caseSend(i), two, time.after(random(3) + 1)]);
        log.push(`${clock.now()} ${name} ${i} ${chosen.index}`);
      }
    }
  };
  await Promise.all(Array.from({ length: 12 }, (_, name) => task(name)));
  return log;
}

const besideHost = (): Promise<string> =>
  virtualTime(async () => {
    const channel = new Channel<number>(10);
    const log: string[] = [];
    const sends = [1, 2, 3].map(async (i) => {
      await channel.send(i);
      log.push(String(i));
    });
    await Promise.all([...sends, Promise.resolve().then(() => log.push("host"))]);
    return log.join(" ");
  });

describe("two runs happen in the same order", () => {
  test("with the fair draw of select, however much of a turn's budget was spent before", async () => {
    const first = await virtualTime(bustle);
    const channel = new Channel<number>(1);
    for (const spent of [1, 17, 40, 500]) {
      for (let i = 0; i < spent; i += 1) {
        await channel.send(i);
        await channel.receive();
      }
      expect(await virtualTime(bustle)).toEqual(first);
    }
    expect(first.length).toBeGreaterThan(500);
    expect(new Set(first.map((line) => line.at(-1))).size).toBe(4);
  });

  test.each([1000, 1030, 3000])("although a burst of %i completions before is not over yet", async (burst) => {
    const first = await virtualTime(bustle);
    const channel = new Channel<number>(burst);
    for (let i = 0; i < burst; i += 1) channel.trySend(i);
    const received = Promise.all(Array.from({ length: burst }, async () => channel.receive()));
    await microtasks(200); // until the turn's budget is spent
    expect(await virtualTime(bustle)).toEqual(first);
    await received;
  });

  test("beside microtasks of the host's own, whatever the clock said before", async () => {
    expect([await besideHost(), await besideHost(), await besideHost()]).toEqual(Array(3).fill("1 2 3 host"));
  });

  test("however slow the host is", async () => {
    const first = await virtualTime(bustle);
    const slow = await virtualTime(async (clock) => {
      const working = new AbortController();
      const burden = async (): Promise<void> => {
        while (!working.signal.aborted) {
          const end = performance.now() + 0.3;
          while (performance.now() < end);
          await turns(1);
        }
      };
      void burden();
      const log = await bustle(clock);
      working.abort();
      return log;
    });
    expect(slow).toEqual(first);
  });

  test("and outside the draw is fair again", async () => {
    await virtualTime(() => undefined);
    const [a, b] = [new Channel<number>(1), new Channel<number>(1)];
    const draws = Array.from({ length: 64 }, () => {
      a.trySend(0);
      b.trySend(1);
      return trySelect([a, b])?.index;
    });
    await virtualTime(() => undefined);
    const more = Array.from({ length: 64 }, () => {
      a.trySend(0);
      b.trySend(1);
      return trySelect([a, b])?.index;
    });
    expect(more).not.toEqual(draws);
  });
});

test("a day of heartbeats every 30 s takes no waiting", () =>
  virtualTime(async (clock) => {
    let beats = 0;
    const end = time.after("24h");
    const ticker = time.ticker("30s");
    for (;;) {
      const r = await select({ tick: ticker.channel(), end }, { priority: true });
      if (r.name === "end") break;
      beats += 1;
    }
    expect([beats, clock.now()]).toEqual([2880, 86_400_000]);
  }));

describe("a deadlock", () => {
  test("is reported with every operation that is parked: what it is, on which channel, and the line that called it", async () => {
    const jobs = new Channel<number>({ name: "jobs" });
    const results = new Channel<number>({ name: "results" });
    const batches = new Channel<number>({ name: "batches" });
    const full = new Channel<number>(1, { name: "full" });
    full.trySend(0);
    async function worker(): Promise<void> {
      for await (const job of jobs) await results.send(job);
    }
    async function sender(): Promise<void> {
      await full.send(1);
    }
    async function collector(): Promise<void> {
      await batches.receiveMany(8);
    }
    async function chooser(): Promise<void> {
      const off: false = false;
      await select({ job: jobs, out: results.caseSend(1), off, stopped: stopped.channel() });
    }
    async function watcher(): Promise<void> {
      await new Selector({ jobs, other: new Channel<string>() }).next();
    }
    const stopped = time.timer(1);
    stopped.stop();
    const error = await deadlock(async () => {
      void worker();
      void sender();
      void chooser();
      void watcher();
      await time.sleep("2s");
      void collector();
      await stopped.channel().receive();
    });
    expect(error).toBeInstanceOf(SluiceError);
    expect(errors.is(error, errors.INTERNAL)).toBe(true);
    expect(error.name).toBe("DeadlockError");
    expect(error.retryable).toBe(false);
    const plain = error.message.replaceAll(/^ {4}at (?:(\w+ )\()?.*testing\.test\.ts.*:\d+:\d+\)?$/gm, "    at $1here");
    expect(plain.split("\n")).toEqual([
      "Deadlock: nothing can ever happen again",
      '  for await waits for a value on channel "jobs", parked 2000 ms ago',
      "    at worker here",
      '  send waits for a receiver on channel "full", parked 2000 ms ago',
      "    at sender here",
      '  select waits for a value on channel "jobs", a receiver on channel "results", a timer that was stopped or has fired, parked 2000 ms ago',
      "    at chooser here",
      '  Selector.next waits for a value on channel "jobs", a value on an unnamed Channel, parked 2000 ms ago',
      "    at watcher here",
      '  receiveMany waits for a value on channel "batches", parked 0 ms ago',
      "    at collector here",
      "  receive waits for a timer that was stopped or has fired, parked 0 ms ago",
      "    at here",
      "  If real I/O is under way, wrap it: await clock.external(promise)",
    ]);
    expect(error.parked.map(({ operation }) => operation)).toEqual([
      "for await",
      "send",
      "select",
      "Selector.next",
      "receiveMany",
      "receive",
    ]);
    expect(error.parked[1]).toMatchObject({ operation: "send", waitsFor: ['a receiver on channel "full"'] });
    expect(error.parked[1]?.calledAt).toMatch(/^sender .*testing\.test\.ts.*:\d+:\d+\)$/);
    expect(error.details).toEqual({ parked: error.parked });
  });

  test("names the line of all who a timer could have woken and did not", async () => {
    const lines: Record<string, () => Promise<unknown>> = {
      second: () => once.receive(), // behind `first`, who got the only value
      behindSelect: () => chosen.receive(),
      behindSelector: () => watched.receive(),
      late: () => fired.receive(),
      ticking: () => ticker.channel().receive(),
      timed: () => select([timer.channel(), new Channel()]),
      watcher: () => events.next(), // its timer is deleted while it waits
      overtaken: () => overtaken.receive(), // by a Selector that waited before and watches it later
    };
    const [once, chosen, watched, fired] = [time.after("1s"), time.after("1s"), time.after("1s"), time.after("1s")];
    const [ticker, timer, overtaken] = [time.ticker("1h"), time.timer("1h"), time.after("1s")];
    const events = new Selector({ end: time.after("1h") });
    const error = await deadlock(async () => {
      const first: Promise<unknown>[] = [
        once.receive(),
        select([chosen, new Channel()]),
        new Selector({ watched }).next(),
      ];
      await fired.receive();
      const earlier = new Selector<Record<string, Date>>();
      first.push(earlier.next());
      const stuck = Object.values(lines).map((wait) => wait());
      earlier.add("overtaken", overtaken);
      await Promise.all(first);
      ticker.stop();
      timer.stop();
      events.delete("end");
      await Promise.all(stuck);
    });
    expect(error.parked.map(({ calledAt }) => /^(\w+) \(.*testing\.test\.ts/.exec(calledAt)?.[1])).toEqual(
      Object.keys(lines),
    );
  });

  test("of a send that nobody takes is found at once, and the promises stay as they are", async () => {
    const channel = new Channel<number>({ name: "numbers" });
    const error = await deadlock(() => channel.send(1));
    expect(error.message).toContain('send waits for a receiver on channel "numbers"');
    expect(channel.tryReceive()).toMatchObject({ value: 1 });
  });

  test("of a body that waits for something else says that nothing is parked, and gives the hint", async () => {
    const error = await deadlock(() => new Promise(() => undefined));
    expect(error.parked).toEqual([]);
    expect(error.message).toContain("nothing is parked");
    expect(error.message).toContain("clock.external(");
    expect((await deadlock(() => new Promise(() => undefined))).parked).toEqual([]);
  });

  test("shows only a few channels of a select that has many", async () => {
    const channels = Array.from({ length: 20 }, (_, i) => new Channel({ name: `number ${i}` }));
    const error = await deadlock(() => select(channels));
    expect(error.message).toContain('channel "number 7" and 12 more');
    expect(error.parked[0]?.waitsFor).toHaveLength(20);
  });

  test("does not list what was served, aborted or closed", async () => {
    const channel = new Channel<number>({ name: "served" });
    const last = new Channel({ name: "last" });
    const error = await deadlock(async () => {
      const controller = new AbortController();
      const served = [channel.receive(), select([channel, last])];
      void channel.receive(controller).catch(() => undefined);
      const waits = channel.receive();
      const iterator = channel[Symbol.asyncIterator]();
      void iterator.next();
      await iterator.return?.();
      channel.trySend(1);
      channel.trySend(2);
      controller.abort();
      await Promise.all(served);
      channel.close();
      await waits;
      await time.sleep(5);
      await last.receive();
    });
    expect(error.parked.map(({ waitsFor }) => waitsFor)).toEqual([['a value on channel "last"']]);
  });

  test("is not declared while a timer is left, nor for tasks that the body did not wait for", async () => {
    const never = new Channel();
    const result = await virtualTime(async () => {
      void never.receive();
      void never.receive();
      await select([never, time.after("1000h")]);
      return "done";
    });
    expect(result).toBe("done");
  });
});

describe("the run", () => {
  test("gives what the body gives, at once or later", async () => {
    expect(await virtualTime(() => 1)).toBe(1);
    expect(await virtualTime(() => Promise.resolve("two"))).toBe("two");
    expect(await virtualTime(() => undefined)).toBeUndefined();
  });

  test("rejects with what the body throws, at once or later, and cleans up", async () => {
    const failure = new Error("mistake");
    const failing = [
      (): never => {
        throw failure;
      },
      async (): Promise<never> => {
        await time.sleep("1h");
        throw failure;
      },
    ];
    for (const body of failing) expect(await rejectionOf(virtualTime(body))).toBe(failure);
    const before = performance.now();
    await time.sleep(3);
    expect(performance.now() - before).toBeGreaterThan(1.5);
  });

  test("is one at a time: a second rejects with kind CONFLICT and leaves the first alone", async () => {
    const slept = await virtualTime(async (clock) => {
      expect(await rejectionOf(virtualTime(() => 1))).toMatchObject({ kind: errors.CONFLICT });
      await time.sleep("1h");
      return clock.now();
    });
    expect(slept).toBe(time.HOUR);
    const both = await Promise.allSettled([virtualTime(() => 1), virtualTime(() => 2)]);
    expect(both).toMatchObject([{ value: 1 }, { reason: { kind: errors.CONFLICT } }]);
    expect(await virtualTime(() => 3)).toBe(3);
  });

  test("after it a turn's budget goes by time again: slow tasks let the loop turn long before a thousand steps", async () => {
    await virtualTime(() => time.sleep("1h"));
    const channel = new Channel<number>(1);
    const { port1, port2 } = new MessageChannel();
    const turned: unknown[] = [];
    port1.addEventListener("message", (message) => turned.push(message));
    port1.start();
    port2.postMessage(undefined);
    for (let i = 0; i < 300 && turned.length === 0; i += 1) {
      const end = performance.now() + 0.3;
      while (performance.now() < end);
      await channel.send(i);
      await channel.receive();
    }
    port1.close();
    expect(turned).toHaveLength(1);
  });

  test("after a deadlock the next one starts afresh", async () => {
    await deadlock(() => new Channel().receive());
    expect(await virtualTime((clock) => clock.now())).toBe(0);
    expect((await deadlock(() => new Channel({ name: "again" }).receive())).parked).toHaveLength(1);
  });

  test("errors of the library pass through as they are", async () => {
    const channel = new Channel<number>();
    channel.close();
    expect(await rejectionOf(virtualTime(() => channel.send(1)))).toBeInstanceOf(ClosedError);
    expect(await rejectionOf(virtualTime(() => time.sleep("soon")))).toMatchObject({ kind: errors.INVALID });
  });
});

/** What a promise was rejected with, however many turns that takes. */
async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (reason) {
    return reason;
  }
  throw new Error("Expected a rejection");
}

const poll = new Channel<number>(1, { overflow: "drop-oldest" });
const alarm = time.timer("1h");
const closing = new Selector();
const watcher = new Selector<Record<string, number>>();
test.each<[string, () => unknown]>([
  ["trySend", () => poll.trySend(1)],
  ["tryReceive", () => new Channel().tryReceive()],
  ["trySelect", () => trySelect([new Channel()])],
  ["tryNext", () => new Selector({ silent: new Channel() }).tryNext()],
  ["time.after", () => time.after("1h")],
  ["reset", () => alarm.reset("1h")],
  ["close", () => new Channel().close()],
  ["a Selector's close", () => closing.close()],
  ["a timer's stop", () => alarm.stop()],
  [
    "add and delete",
    () => {
      watcher.add("silent", poll);
      watcher.delete("silent");
    },
  ],
])("time stands still while a task goes on calling %s, however often the loop turns", (_name, operation) =>
  virtualTime(async (clock) => {
    const slept = time.sleep("1s");
    for (let i = 0; i < 20; i += 1) {
      operation();
      await turns(1);
    }
    expect(clock.now()).toBe(0);
    await slept;
    expect(clock.now()).toBe(1000);
  }),
);

test("a clock that is kept beyond its run says so, instead of a wait for ever", async () => {
  const kept = await virtualTime((clock) => ({ clock }));
  for (const late of [kept.clock.idle(), kept.clock.advance("1s")]) {
    expect(await rejectionOf(late)).toMatchObject({ kind: errors.CONFLICT, message: expect.stringContaining("ended") });
  }
});

test("what still waits on the clock when its run ends is told, and nobody need listen", async () => {
  const waits: Promise<void>[] = [];
  await virtualTime((clock) => {
    waits.push(clock.idle(), clock.advance("1h"));
    void clock.idle();
    void clock.advance("1h");
  });
  for (const late of waits) expect(await rejectionOf(late)).toMatchObject({ kind: errors.CONFLICT });
});

test("a run ends with its body, whatever is left of real I/O", async () => {
  const result = await virtualTime(async (clock) => {
    void clock.external(new Promise(() => undefined));
    return hostTime(5);
  });
  expect(result).toBe("host");
});

test("a body that goes on after its deadlock is told, too", async () => {
  const told = new Channel(1);
  const { port1, port2 } = new MessageChannel(); // what virtual time does not see
  const outside = new Promise((resolve) => {
    port1.addEventListener("message", resolve);
    port1.start();
  });
  await deadlock(async (clock) => {
    await outside;
    told.trySend(await rejectionOf(clock.advance("1s")));
  });
  port2.postMessage("go on");
  expect((await told.receive()).value).toMatchObject({ kind: errors.CONFLICT });
  port1.close();
});
