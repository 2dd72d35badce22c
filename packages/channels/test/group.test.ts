// Tasks that run together: none outlives its group, the first failure ends the rest and is what the group fails with.

import { Channel, errors, SluiceError, time } from "@sluice/channels";
import { type Group, group, type GroupOptions } from "@sluice/channels/group";
import { DeadlockError, virtualTime } from "@sluice/channels/testing";
import { array, assert, asyncProperty, boolean, constantFrom, integer, option, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { Meter } from "./busy.ts";
import { deferred, hunt, microtasks, outcome, rejection, turns, waiting } from "./progress.ts";
import { thrownBy, upTo } from "./values.ts";

/** Waits until the signal is aborted, and rejects with its reason. */
const aborted = async (signal: AbortSignal): Promise<never> =>
  new Channel<never>().receive({ signal }) as Promise<never>;

function thrownIn(failure: unknown): never {
  throw failure as Error;
}

/** A task that fails at once. */
const fails =
  (failure: unknown): (() => Promise<never>) =>
  async () =>
    thrownIn(failure);

/** A group that may fail while the test looks elsewhere. */
function failing(...call: Parameters<typeof group>): Promise<unknown> {
  const done = group(...call);
  done.catch(() => {});
  return done;
}

describe("a group whose tasks succeed", () => {
  test("gives what its body gave, once every task has ended", async () => {
    const gates = upTo(3).map(() => deferred());
    const done = group((tasks) => {
      for (const { promise } of gates) void tasks.go(() => promise);
      return "done";
    });
    for (const { resolve } of gates) {
      expect(await outcome(done)).toBe(waiting);
      resolve();
    }
    expect(await outcome(done)).toBe("done");
  });

  test("waits for tasks that tasks have started, after the body has returned", async () => {
    const ends: number[] = [];
    const spawn = (tasks: Group, depth: number): void => {
      void tasks.go(async () => {
        await turns(1);
        if (depth < 5) spawn(tasks, depth + 1);
        ends.push(depth);
      });
    };
    await group((tasks) => spawn(tasks, 0));
    expect(ends).toEqual(upTo(6));
  });

  test("may have a body that returns at once, starts nothing, or is not async", async () => {
    expect(await group(() => 7)).toBe(7);
    expect(await group(() => undefined)).toBeUndefined();
    expect(await group(() => Promise.resolve("later"))).toBe("later");
  });

  test("gives each caller of go what its task gave", async () => {
    const results = await group((tasks) =>
      Promise.all(upTo(3).map((i) => tasks.go(() => (i === 1 ? i : Promise.resolve(i))))),
    );
    expect(results).toEqual([0, 1, 2]);
  });

  test("runs the body at once, and a task in a microtask, never inside go", async () => {
    const order: string[] = [];
    const done = group(async (tasks) => {
      order.push("body");
      void tasks.go(() => order.push("task"));
      order.push("after go");
      await microtasks(3);
      order.push("body goes on");
    });
    order.push("after group");
    await done;
    expect(order).toEqual(["body", "after go", "after group", "task", "body goes on"]);
  });

  test("has a signal that is aborted when the group is done, with a reason of kind CANCELED", async () => {
    const signals = new Set<AbortSignal>();
    const signal = await group(async (tasks) => {
      signals.add(tasks.signal);
      await tasks.go((given) => signals.add(given));
      tasks.background((given) => signals.add(given));
      await turns(1);
      expect(tasks.signal.aborted).toBe(false);
      return tasks.signal;
    });
    expect(signals.size).toBe(1);
    expect(errors.is(signal.reason, errors.CANCELED)).toBe(true);
    expect((signal.reason as Error).message).toBe("The group has ended");
  });

  test("counts the tasks that run", async () => {
    const seen: number[] = [];
    await group(async (tasks) => {
      const gates = upTo(3).map(() => deferred());
      const ends = gates.map(({ promise }) => tasks.go(() => promise));
      tasks.background(() => new Promise(() => {}));
      seen.push(tasks.running);
      for (const [i, { resolve }] of gates.entries()) {
        resolve();
        await ends[i];
        await microtasks(1);
        seen.push(tasks.running);
      }
    });
    expect(seen).toEqual([3, 2, 1, 0]);
  });
});

describe("the first failure", () => {
  test("aborts the others, is awaited by them, and is what the group rejects with", async () => {
    const failure = new Error("boom");
    const ends: string[] = [];
    const cleaned = deferred();
    const done = group(async (tasks) => {
      void tasks.go(async (signal) => {
        try {
          await aborted(signal);
        } finally {
          ends.push("cleaning");
          await cleaned.promise;
          ends.push("clean");
        }
      });
      void tasks.go(async () => {
        await turns(1);
        throw failure;
      });
      await turns();
      expect(tasks.signal.reason).toBe(failure);
      ends.push("body");
    });
    expect(await outcome(done)).toBe(waiting);
    await turns();
    expect(ends).toEqual(["cleaning", "body"]);
    cleaned.resolve();
    expect(await rejection(done)).toBe(failure);
    expect(ends).toEqual(["cleaning", "body", "clean"]);
  });

  test("may be the body's, of a promise or thrown at once", async () => {
    const failure = new Error("boom");
    for (const fail of [() => Promise.reject(failure), () => thrownIn(failure)]) {
      let signal: AbortSignal | undefined;
      const done = group((tasks): unknown => {
        ({ signal } = tasks);
        void tasks.go(aborted);
        return fail();
      });
      expect(await rejection(done)).toBe(failure);
      expect(signal?.reason).toBe(failure);
    }
  });

  test.each([undefined, null, 0, "", false])("may be %j: what a task threw is what comes out", async (failure) => {
    const done = group((tasks) => void tasks.go(fails(failure)));
    expect(await rejection(done)).toBe(failure);
  });

  test("comes out of its own go as it is, to whoever waits there", async () => {
    const failure = new Error("boom");
    const seen: unknown[] = [];
    const done = group(async (tasks) => {
      try {
        await tasks.go(() => Promise.reject(failure));
      } catch (reason) {
        seen.push(reason, tasks.signal.aborted);
      }
    });
    expect(await rejection(done)).toBe(failure); // caught or not: the task has failed
    expect(seen).toEqual([failure, true]);
  });

  test("counts once when the body waits for the task that failed", async () => {
    const failure = new SluiceError(errors.UNAVAILABLE, "boom");
    const done = group(async (tasks) => {
      await tasks.go(() => Promise.reject(failure));
    });
    expect(await rejection(done)).toBe(failure);
    expect(failure.details).toEqual({});
  });
});

describe("later failures", () => {
  const late = [new Error("second"), new Error("third")];

  test("of two tasks that fail in one turn, the second is later", async () => {
    const failure = new SluiceError(errors.UNAVAILABLE, "first", { details: { url: "ws://x" } });
    const done = group((tasks) => {
      void tasks.go(() => Promise.reject(failure));
      void tasks.go(fails(late[0]));
    });
    expect(await rejection(done)).toBe(failure);
    expect(failure.details).toEqual({ url: "ws://x", later: [late[0]] });
  });

  test("are in the details of a SluiceError, in order of time, and what is hidden there stays", async () => {
    const details = Object.defineProperty({ url: "ws://x" }, "undelivered", { value: [1, 2] });
    const failure = new SluiceError(errors.UNAVAILABLE, "first", { details });
    const done = failing((tasks) => {
      for (const [i, one] of [failure, ...late].entries()) {
        void tasks.go(async () => {
          await turns(i + 1);
          throw one;
        });
      }
    });
    await turns(5);
    expect(await rejection(done)).toBe(failure);
    expect(failure.details).toEqual({ url: "ws://x", later: late });
    expect(failure.details["undelivered"]).toEqual([1, 2]);
    expect(Object.keys(failure.details)).toEqual(["url", "later"]);
  });

  test("are in a SluiceError around any other failure, whose cause is the first", async () => {
    for (const [failure, message] of [
      [new Error("first"), "first (the first of 3 failures)"],
      ["first", "first (the first of 3 failures)"],
      [null, "`null` (the first of 3 failures)"],
      [{ code: 1 }, "an object (the first of 3 failures)"],
    ] as const) {
      const done = group((tasks) => {
        for (const one of [failure, ...late]) void tasks.go(fails(one));
      });
      const reason = (await rejection(done)) as SluiceError;
      expect(reason).toBeInstanceOf(SluiceError);
      expect([reason.kind, reason.message, reason.retryable]).toEqual([errors.UNKNOWN, message, false]);
      expect(reason.cause).toBe(failure);
      expect(reason.details).toEqual({ later: late });
    }
  });

  test("of a nested group come before those of the group around it", async () => {
    const failure = new SluiceError(errors.UNAVAILABLE, "first");
    const done = group(async (outer) => {
      void outer.go(async (signal) => {
        await aborted(signal).catch(() => {});
        thrownIn(late[1]);
      });
      await group((inner) => {
        void inner.go(() => Promise.reject(failure));
        void inner.go(fails(late[0]));
      });
    });
    expect(await rejection(done)).toBe(failure);
    expect(failure.details).toEqual({ later: late });
  });

  test("leave an error that is frozen as it is, and a stranger's `later` too", async () => {
    const frozen = Object.freeze(new SluiceError(errors.UNAVAILABLE, "first"));
    const strange = new SluiceError(errors.UNAVAILABLE, "first", { details: Object.freeze({ later: "soon" }) });
    for (const failure of [frozen, strange]) {
      const done = group((tasks) => {
        void tasks.go(() => Promise.reject(failure));
        void tasks.go(fails(late[0]));
      });
      expect(await rejection(done)).toBe(failure);
    }
    expect(frozen.details).toEqual({});
    expect(strange.details).toEqual({ later: [late[0]] });
  });

  test("do not count the abort itself, which every task sees, also in the words of Node's own functions", async () => {
    const failure = new SluiceError(errors.UNAVAILABLE, "first");
    const done = group((tasks) => {
      void tasks.go(aborted);
      void tasks.go(async (signal) => {
        await aborted(signal).catch((cause: unknown) => {
          throw Object.assign(new Error("The operation was aborted", { cause }), { name: "AbortError" });
        });
      });
      void tasks.go(async (signal) => {
        await aborted(signal).catch((cause: unknown) => {
          throw new Error("could not save", { cause }); // this one says more
        });
      });
      void tasks.go(() => Promise.reject(failure));
      void tasks.go(async (signal) => {
        await aborted(signal).catch(() => {
          throw Object.assign(new Error("a download of its own"), { name: "AbortError" }); // of another signal
        });
      });
    });
    expect(await rejection(done)).toBe(failure);
    const messages = ["could not save", "a download of its own"];
    expect(failure.details["later"]).toMatchObject(messages.map((message) => ({ message })));
  });

  test("of a failure of undefined: the abort's reason is not it, and does not count", async () => {
    const done = group((tasks) => {
      void tasks.go(aborted);
      void tasks.go(fails(undefined));
    });
    expect(await rejection(done)).toBeUndefined();
  });
});

describe("the outer signal", () => {
  test("aborts the group at once, waits for its tasks, and is what it rejects with", async () => {
    const controller = new AbortController();
    const cleaned = deferred();
    let inner: AbortSignal | undefined;
    const done = group(
      async (tasks) => {
        inner = tasks.signal;
        await tasks.go((signal) =>
          aborted(signal).catch(async (reason: unknown) => {
            await cleaned.promise;
            thrownIn(reason);
          }),
        );
      },
      { signal: controller.signal },
    );
    await turns();
    controller.abort("enough");
    expect([inner?.aborted, inner?.reason]).toEqual([true, "enough"]);
    expect(await outcome(done)).toBe(waiting);
    cleaned.resolve();
    expect(await rejection(done)).toBe("enough");
  });

  test("ends a group whose tasks and body did not look at it, with its reason all the same", async () => {
    const controller = new AbortController();
    const gate = deferred();
    const done = group(() => gate.promise, controller);
    controller.abort("enough");
    gate.resolve();
    expect(await rejection(done)).toBe("enough");
  });

  test("aborted before: the body does not run", async () => {
    let ran = false;
    const done = group(() => (ran = true), { signal: AbortSignal.abort("before") });
    expect(await rejection(done)).toBe("before");
    expect(ran).toBe(false);
  });

  test("aborted after a failure, or after the end, changes nothing", async () => {
    const controller = new AbortController();
    const failure = new SluiceError(errors.UNAVAILABLE, "first");
    const gate = deferred();
    const done = group((tasks) => {
      void tasks.go(() => Promise.reject(failure));
      return gate.promise;
    }, controller);
    await turns();
    controller.abort("late");
    gate.resolve();
    expect(await rejection(done)).toBe(failure);
    expect(failure.details).toEqual({});

    const other = new AbortController();
    expect(await group(() => "done", other)).toBe("done");
    other.abort("late");
    await turns();
  });

  test("is that of the group around it, and its reason counts there no second time", async () => {
    const failure = new SluiceError(errors.UNAVAILABLE, "first");
    const done = failing((outer) => {
      void outer.go((signal) => group((inner) => void inner.go(aborted), { signal }));
      void outer.go(async () => {
        await turns(1);
        throw failure;
      });
    });
    await turns(3);
    expect(await rejection(done)).toBe(failure);
    expect(failure.details).toEqual({});
  });
});

describe("a timeout", () => {
  test("aborts the group with an error of kind TIMEOUT, at its moment", async () => {
    await virtualTime(async (clock) => {
      for (const [timeout, words] of [
        ["1m", "1m"],
        [250, "250 ms"],
      ] as const) {
        const began = clock.now();
        const done = group((tasks) => tasks.go(aborted), { timeout, name: "upload" });
        const failure = await done.catch((reason: unknown) => reason);
        expect(clock.now() - began).toBe(time.parseDuration(timeout));
        expect(errors.is(failure, errors.TIMEOUT)).toBe(true);
        expect(failure).toMatchObject({
          message: `The group "upload" was not done within ${words}`,
          details: { timeout },
        });
      }
    });
  });

  test("waits for a task that ignores its signal", async () => {
    await virtualTime(async (clock) => {
      const done = group((tasks) => tasks.go(() => time.sleep("1h")), { timeout: "1s" });
      expect(await done.catch((reason: { kind: string }) => reason.kind)).toBe(errors.TIMEOUT);
      expect(clock.now()).toBe(3_600_000);
    });
  });

  test("is called off with the end of the group: nothing is left that would hold a process", async () => {
    await virtualTime(async (clock) => {
      await group((tasks) => tasks.go(() => time.sleep("1s")), { timeout: "24h" });
      await group((tasks) => tasks.go(() => Promise.reject(new Error("boom"))), { timeout: "24h" }).catch(() => {});
      expect(clock.now()).toBe(1000);
      // Time would jump to it, were it still there.
      expect(await clock.external(Promise.resolve(clock.now()))).toBe(1000);
      const stuck = await outcome(Promise.resolve());
      expect([stuck, clock.now()]).toEqual([undefined, 1000]);
    });
  });

  test("of zero is over once the loop has turned", async () => {
    const failure = await group((tasks) => tasks.go(aborted), { timeout: 0 }).catch((reason: unknown) => reason);
    expect(errors.is(failure, errors.TIMEOUT)).toBe(true);
  });
});

describe("a limit", () => {
  test("lets so many run at once, first come, first served", async () => {
    const [began, gates] = [[] as number[], upTo(6).map(() => deferred())];
    const done = group(
      async (tasks) => {
        const ends = gates.map(({ promise }, i) =>
          tasks.go(async () => {
            began.push(i);
            await promise;
          }),
        );
        expect(tasks.running).toBe(2);
        await Promise.all(ends);
        expect(tasks.running).toBe(0);
      },
      { limit: 2 },
    );
    await turns();
    expect(began).toEqual([0, 1]);
    gates[1]?.resolve();
    await turns();
    expect(began).toEqual([0, 1, 2]);
    gates[0]?.resolve();
    gates[2]?.resolve();
    await turns();
    expect(began).toEqual([0, 1, 2, 3, 4]);
    for (const { resolve } of gates) resolve();
    await done;
    expect(began).toEqual(upTo(6));
  });

  test("is not overtaken by a go that comes when a place is free for somebody else already", async () => {
    const began: string[] = [];
    await group(
      async (tasks) => {
        const gate = deferred();
        const first = tasks.go(() => gate.promise);
        void tasks.go(() => began.push("waited"));
        gate.resolve();
        await first;
        void tasks.go(() => began.push("came later"));
      },
      { limit: 1 },
    );
    expect(began).toEqual(["waited", "came later"]);
  });

  test("has no place for background tasks, and takes none for them", async () => {
    const seen: string[] = [];
    await group(
      async (tasks) => {
        tasks.background(() => new Promise(() => seen.push("background")));
        await tasks.go(() => seen.push("task"));
      },
      { limit: 1 },
    );
    expect(seen).toEqual(["background", "task"]);
  });

  test("is never exceeded, with random latencies", async () => {
    const plans = record({
      limit: integer({ min: 1, max: 5 }),
      tasks: array(integer({ min: 0, max: 20 }), { maxLength: 30 }),
    });
    const property = asyncProperty(plans, ({ limit, tasks: latencies }) =>
      virtualTime(async () => {
        let [running, most] = [0, 0];
        const began: number[] = [];
        await group(
          async (tasks) => {
            for (const [i, latency] of latencies.entries()) {
              void tasks.go(async () => {
                running += 1;
                most = Math.max(most, running);
                began.push(i);
                expect(tasks.running).toBeGreaterThanOrEqual(running);
                await time.sleep(latency);
                running -= 1;
              });
            }
          },
          { limit },
        );
        expect([running, most]).toEqual([0, Math.min(limit, latencies.length)]);
        expect(began).toEqual(upTo(latencies.length));
      }),
    );
    await assert(property, hunt(100));
  });
});

describe("a task that has not started when the group is aborted", () => {
  test("never starts: one that waits for a place, and one of a go during the abort", async () => {
    const failure = new Error("boom");
    const started: string[] = [];
    const reasons: unknown[] = [];
    const note = (reason: unknown): number => reasons.push(reason);
    const done = failing(
      async (tasks) => {
        void tasks.go(async () => {
          await turns(1);
          throw failure;
        });
        const queued = upTo(3).map((i) => tasks.go(() => started.push(`queued ${i}`)).catch(note));
        await turns(2);
        queued.push(tasks.go(() => started.push("during the abort")).catch(note));
        tasks.background(() => started.push("background, during the abort"));
        await Promise.all(queued);
        expect(tasks.running).toBe(0);
      },
      { limit: 1 },
    );
    await turns(3);
    expect(await rejection(done)).toBe(failure);
    expect(started).toEqual([]);
    expect(reasons).toEqual([failure, failure, failure, failure]);
  });

  test("never starts when the abort came between go and its microtask", async () => {
    const controller = new AbortController();
    const started: string[] = [];
    const done = group((tasks) => {
      void tasks.go(() => started.push("task"));
      tasks.background(() => started.push("background"));
      controller.abort("at once");
    }, controller);
    expect(await rejection(done)).toBe("at once");
    expect(started).toEqual([]);
  });

  test("is refused after the end", async () => {
    let late: Group | undefined;
    await group((tasks) => void (late = tasks), { name: "crew" });
    const started: string[] = [];
    const reason = await rejection((late as unknown as Group).go(() => started.push("late")));
    expect(errors.is(reason, errors.CANCELED)).toBe(true);
    expect((reason as Error).message).toBe('The group "crew" has ended');
    (late as unknown as Group).background(() => started.push("late background"));
    await turns();
    expect(started).toEqual([]);
  });
});

describe("a background task", () => {
  test("is aborted when all else is done, and nobody waits for it", async () => {
    const reasons: unknown[] = [];
    const order: string[] = [];
    const over = deferred();
    await group(async (tasks) => {
      tasks.background(async (signal) => {
        await aborted(signal).catch((reason: unknown) => reasons.push(reason));
        await turns();
        order.push("background");
        over.resolve();
      });
      void tasks.go(() => turns());
    });
    order.push("group");
    await over.promise;
    expect(order).toEqual(["group", "background"]);
    expect(errors.is(reasons[0], errors.CANCELED)).toBe(true);
  });

  test("may fail, at once, later, or once it is aborted: nobody else notices", async () => {
    const seen = await group(async (tasks) => {
      tasks.background(() => {
        throw new Error("at once");
      });
      tasks.background(async () => {
        await turns(1);
        throw new Error("later");
      });
      tasks.background(aborted);
      await turns(2);
      return tasks.signal.aborted;
    });
    expect(seen).toBe(false);
    await turns();
  });

  test("is aborted by a failure with the others", async () => {
    const failure = new Error("boom");
    const reasons: unknown[] = [];
    const done = failing(async (tasks) => {
      tasks.background((signal) => aborted(signal).catch((reason: unknown) => reasons.push(reason)));
      void tasks.go(() => turns(1).then(() => Promise.reject(failure)));
    });
    await turns(3);
    expect(await rejection(done)).toBe(failure);
    expect(reasons).toEqual([failure]);
  });
});

describe("under virtual time", () => {
  test("a hang in a group is a deadlock that names the line of the task that hangs", async () => {
    const report = await virtualTime(() =>
      group((tasks) => {
        void tasks.go((signal) => new Channel<number>({ name: "nobody sends" }).receive({ signal }));
      }),
    ).catch((reason: unknown) => reason);
    expect(report).toBeInstanceOf(DeadlockError);
    expect((report as DeadlockError).parked).toMatchObject([
      { operation: "receive", waitsFor: ['a value on channel "nobody sends"'] },
    ]);
    expect((report as DeadlockError).parked[0]?.calledAt).toMatch(/group\.test\.ts/);
  });

  test("a day of tasks takes no time", async () => {
    await virtualTime(async (clock) => {
      let beats = 0;
      await group(async (tasks) => {
        tasks.background(async (signal) => {
          for await (const _ of time.ticker("1m").channel()) {
            if (signal.aborted) return;
            beats += 1;
          }
        });
        for (const hour of upTo(24)) void tasks.go((signal) => time.sleep(`${hour + 1}h`, { signal }));
      });
      expect(clock.now()).toBe(24 * time.HOUR);
      expect(beats).toBeGreaterThanOrEqual(24 * 60 - 1);
    });
  });
});

describe("law 3: host timers go on beside a loop of", () => {
  const loops: [string, (meter: Meter) => Promise<void>][] = [
    [
      "groups that are done at once",
      async (meter) => {
        while (meter.on()) await group(() => 1);
      },
    ],
    [
      "tasks that are done at once",
      async (meter) =>
        group(async (tasks) => {
          while (meter.on()) await tasks.go(() => 1);
        }),
    ],
    [
      "groups that fail at once, and goes that are refused",
      async (meter) => {
        let over: Group | undefined;
        await group((tasks) => void (over = tasks));
        while (meter.on(2)) {
          await group(() => Promise.reject(new Error("boom"))).catch(() => {});
          await over?.go(() => 1).catch(() => {});
        }
      },
    ],
  ];

  test.each(loops)("%s", async (_, loop) => {
    const meter = new Meter();
    setTimeout(() => {
      setTimeout(() => (meter.stopped = true), 1);
    }, 0);
    await loop(meter);
    expect(meter.completions).toBeGreaterThan(0);
  });
});

describe("mistakes", () => {
  const call = group as unknown as (body: unknown, options?: unknown) => Promise<unknown>;

  test.each<[string, unknown, unknown, string]>([
    ["no body", undefined, undefined, "TypeError: Expected `body` to be a function, got `undefined`"],
    ["a promise as body", Promise.resolve(), undefined, "TypeError: Expected `body` to be a function, got a Promise"],
    ["null as options", () => {}, null, "TypeError: Expected `options` to be an object, got `null`"],
    ["a signal that is none", () => {}, { signal: 7 }, "TypeError: Expected `signal` to be an AbortSignal, got `7`"],
    ["a limit of 0", () => {}, { limit: 0 }, "RangeError: Expected `limit` to be a positive integer, got `0`"],
    ["half a task", () => {}, { limit: 1.5 }, "RangeError: Expected `limit` to be a positive integer, got `1.5`"],
    [
      "a limit that is text",
      () => {},
      { limit: "2" },
      'TypeError: Expected `limit` to be a positive integer, got `"2"`',
    ],
    ["a name that is no text", () => {}, { name: 1 }, "TypeError: Expected `name` to be a string, got `1`"],
  ])("%s rejects, and nothing runs", async (_, body, options, message) => {
    expect(String(await rejection(call(body, options)))).toBe(message);
  });

  test("a timeout that is none rejects with kind INVALID, and nothing runs", async () => {
    let ran = false;
    const reason = await rejection(group(() => (ran = true), { timeout: "soon" }));
    expect([errors.is(reason, errors.INVALID), ran]).toEqual([true, false]);
  });

  test("every option may be undefined, and the limit Infinity", async () => {
    const none: GroupOptions = { signal: undefined, limit: undefined, timeout: undefined, name: undefined };
    expect(await group((tasks) => tasks.go(() => 1), none)).toBe(1);
    expect(await group((tasks) => tasks.go(() => 1), { limit: Infinity })).toBe(1);
  });

  test("a task that is no function fails the group, a background task throws", async () => {
    const done = group((tasks) => {
      expect(String(thrownBy(() => tasks.background(7 as never)))).toBe(
        "TypeError: Expected `task` to be a function, got `7`",
      );
      void tasks.go("task" as never);
    });
    expect(String(await rejection(done))).toBe('TypeError: Expected `task` to be a function, got `"task"`');
  });
});

test(
  "in any interleaving no task outlives its group, and the first failure is what it rejects with",
  { timeout: 3_600_000 },
  async () => {
    const tasks = array(
      record({
        latency: integer({ min: 0, max: 9 }),
        fails: boolean(),
        ignores: boolean(), // its signal
        children: integer({ min: 0, max: 2 }),
      }),
      { maxLength: 12 },
    );
    const plans = record({
      tasks,
      limit: option(integer({ min: 1, max: 4 }), { nil: undefined }),
      timeout: option(integer({ min: 1, max: 12 }), { nil: undefined }),
      abortAfter: option(integer({ min: 0, max: 12 }), { nil: undefined }),
      body: constantFrom("returns", "throws", "waits"),
    });
    const seen = new Set<string>();
    const property = asyncProperty(plans, (plan) =>
      virtualTime(async () => {
        const controller = new AbortController();
        const first: { reason?: unknown } = {};
        const note = (reason: unknown): void => {
          if (!("reason" in first)) first.reason = reason;
        };
        let running = 0;
        const ended = new Set<string>();
        const run = async (crew: Group, one: (typeof plan.tasks)[number], depth: number): Promise<void> => {
          expect(ended.size).toBe(0);
          running += 1;
          try {
            for (const _ of upTo(depth < 2 ? one.children : 0)) void crew.go(() => run(crew, one, depth + 1));
            await time.sleep(one.latency, one.ignores ? {} : { signal: crew.signal });
            if (one.fails) {
              const failure = new Error("failed");
              if (!crew.signal.aborted) note(failure);
              throw failure;
            }
          } finally {
            running -= 1;
          }
        };
        if (plan.abortAfter !== undefined) {
          void (async () => {
            await time.sleep(plan.abortAfter ?? 0);
            if (!ended.has("over")) note("aborted");
            controller.abort("aborted");
          })();
        }
        const done = group(
          async (crew) => {
            crew.signal.addEventListener("abort", () => {
              if (errors.is(crew.signal.reason, errors.TIMEOUT)) note(crew.signal.reason);
            });
            const ends = plan.tasks.map((one) => crew.go(() => run(crew, one, 0)));
            if (plan.body === "waits") await Promise.all(ends);
            if (plan.body === "throws") {
              note("body");
              thrownIn("body");
            }
            return "done";
          },
          { signal: controller.signal, limit: plan.limit, timeout: plan.timeout },
        );
        const end = await done.then(
          (value) => value,
          (reason: unknown) => reason,
        );
        ended.add("over");
        expect(running).toBe(0);
        const got = end instanceof SluiceError && end.kind === errors.UNKNOWN ? end.cause : end;
        expect(got).toBe("reason" in first ? first.reason : "done");
        seen.add(got instanceof SluiceError ? got.kind : got instanceof Error ? got.message : String(got));
        await time.sleep("1h");
        expect(running).toBe(0);
      }),
    );
    await assert(property, hunt(200));
    expect([...seen].toSorted()).toEqual(["TIMEOUT", "aborted", "body", "done", "failed"]);
  },
);
