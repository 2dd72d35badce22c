// A value that changes: who looks gets the newest, never a backlog, and the last one always.

import { ClosedError, errors, select, Selector, SluiceError, time } from "@sluice/channels";
import { Latest, type ReadonlyLatest, type Subscription } from "@sluice/channels/broadcast";
import { virtualTime } from "@sluice/channels/testing";
import { describe, expect, test } from "vitest";
import { outcome, rejection, turns, waiting } from "./progress.ts";
import { taken, thrownBy, upTo } from "./values.ts";

describe("value", () => {
  test("is what was set last, at once, in each of its views", () => {
    const level = new Latest("low", { name: "level" });
    const view: ReadonlyLatest<string> = level;
    expect(level.value).toBe("low");
    level.value = "high";
    expect([level.value, view.value]).toEqual(["high", "high"]);
  });

  test("setting it after the close throws, with the value; the last value stays", () => {
    const level = new Latest(1, { name: "level" });
    level.close("why");
    const thrown = thrownBy(() => (level.value = 2));
    expect(thrown).toBeInstanceOf(ClosedError);
    expect(thrown).toMatchObject({ kind: "CLOSED", value: 2, channel: level, cause: "why" });
    expect(String(thrown)).toContain('"level"');
    expect([level.value, level.closed, level.cause]).toEqual([1, true, "why"]);
  });

  test("only the first close counts, and dispose closes without a cause", () => {
    const level = new Latest(1);
    {
      using disposed = level;
      expect([disposed.closed, disposed.cause]).toEqual([false, undefined]);
    }
    level.close("late");
    expect([level.closed, level.cause]).toEqual([true, undefined]);
  });
});

describe("changes", () => {
  test("gives the value of now, then the newest, however often it was set meanwhile", async () => {
    const level = new Latest(0);
    const changes = level.changes();
    expect(taken(changes)).toEqual([0]);
    for (const i of upTo(1000)) level.value = i;
    expect([changes.length, changes.missed]).toEqual([1, 999]);
    expect(taken(changes)).toEqual([999]);
    expect([changes.length, changes.missed]).toEqual([0, 999]);
  });

  test("without `current` it begins with the next change", () => {
    const level = new Latest(0);
    const changes = level.changes({ current: false });
    expect([changes.length, changes.tryReceive()]).toEqual([0, undefined]);
    level.value = 1;
    expect(taken(changes)).toEqual([1]);
  });

  test("the value of now, replaced before anybody looked, counts as missed", () => {
    const level = new Latest(0);
    const changes = level.changes();
    level.value = 1;
    expect([taken(changes), changes.missed]).toEqual([[1], 1]);
  });

  test("setting the same value again is a change", () => {
    const level = new Latest(0);
    const changes = level.changes();
    taken(changes);
    level.value = 0;
    expect(taken(changes)).toEqual([0]);
  });

  test("a receiver that waits is handed the value; set on in the same turn, the newest comes next: two events", async () => {
    const level = new Latest(0);
    const changes = level.changes({ current: false });
    const got: number[] = [];
    const loop = (async () => {
      for await (const value of changes) got.push(value);
    })();
    for (const i of upTo(1000)) level.value = i;
    await turns();
    expect([got, changes.missed]).toEqual([[0, 999], 998]);
    level.close();
    await loop;
  });

  test("set a thousand times in one turn while nobody waits: one event", async () => {
    const level = new Latest(0);
    const changes = level.changes({ current: false });
    const events = new Selector({ changes });
    for (const i of upTo(1000)) level.value = i;
    expect(await events.next()).toMatchObject({ name: "changes", value: 999 });
    expect(events.tryNext()).toBeUndefined();
  });

  test("each subscription has seen what it has seen; several tasks may share one", async () => {
    const level = new Latest(0);
    const [one, two] = [level.changes(), level.changes({ current: false })];
    const waits = [two.receive(), two.receive()];
    level.value = 1;
    level.value = 2;
    expect(await Promise.all(waits)).toMatchObject([{ value: 1 }, { value: 2 }]);
    expect([taken(one), taken(two)]).toEqual([[2], []]);
  });

  test("selects and Selectors take it, with what else may happen", async () => {
    await virtualTime(async () => {
      const level = new Latest("low");
      const changes = level.changes({ name: "level" });
      const loop: string[] = [];
      const timer = time.after("1h");
      void time.sleep("30m").then(() => (level.value = "high"));
      for (;;) {
        const r = await select({ changes, timer });
        if (r.name === "timer") break;
        loop.push(r.value ?? "end");
      }
      expect(loop).toEqual(["low", "high"]);
    });
  });

  test("it says what it is", () => {
    const changes = new Latest(0).changes({ name: "level" });
    const { name, capacity, length, closed, cause, missed } = changes;
    expect({ name, capacity, length, closed, cause, missed }).toEqual({
      name: "level",
      capacity: 1,
      length: 1,
      closed: false,
      cause: undefined,
      missed: 0,
    });
  });

  test("after the close a change that was not seen comes, then the end with its cause", async () => {
    const level = new Latest(0);
    const [seen, behind] = [level.changes(), level.changes()];
    taken(seen);
    const waits = [seen.receive(), select([seen])];
    level.close("why");
    for (const r of await Promise.all(waits)) expect(r.ok).toBe(false);
    expect([behind.closed, behind.cause, behind.length]).toEqual([true, "why", 1]);
    expect(await behind.receiveMany(5)).toEqual([0]);
    expect(await behind.receive()).toMatchObject({ ok: false });
    expect(await rejection(behind[Symbol.asyncIterator]().next())).toBe("why");
  });

  test("on one that is closed: the value, then the end; without `current` only the end", async () => {
    const level = new Latest(7);
    level.close();
    const [all, end] = [level.changes(), level.changes({ current: false })];
    expect([all.closed, taken(all), end.tryReceive()]).toMatchObject([true, [7], { ok: false }]);
  });

  test("unsubscribe ends those who wait, without a cause, and drops what nobody looked at", async () => {
    const level = new Latest(0);
    const [waited, held] = [level.changes({ current: false }), level.changes()];
    level.value = 1;
    level.value = 2;
    taken(waited);
    const wait = waited.receive();
    for (const subscription of [waited, held]) subscription.unsubscribe();
    expect(await wait).toMatchObject({ ok: false });
    level.value = 3;
    for (const subscription of [waited, held]) {
      const { closed, cause, length } = subscription;
      expect({ closed, cause, length }).toEqual({ closed: true, cause: undefined, length: 0 });
      expect(subscription.tryReceive()).toMatchObject({ ok: false });
    }
    expect([waited.missed, held.missed]).toEqual([1, 2]);
    level.close("why");
    held.unsubscribe();
    expect([held.cause, held.missed]).toEqual([undefined, 2]);
  });

  test("unsubscribed after a close, it keeps the cause of that", () => {
    const level = new Latest(0);
    const changes = level.changes();
    level.close("why");
    changes.unsubscribe();
    expect([changes.length, changes.cause, changes.tryReceive()]).toMatchObject([0, "why", { ok: false }]);
  });

  test("leaving the block of a `using` unsubscribes", () => {
    const level = new Latest(0);
    let kept: Subscription<number>;
    {
      using changes = level.changes();
      kept = changes;
    }
    expect(kept.closed).toBe(true);
  });
});

function failAt(at: number): (value: number) => boolean {
  return (value) => {
    if (value === at) throw new Error(`at ${at}`);
    return false;
  };
}

describe("until", () => {
  test("looks at the value of now first, then at each newest one", async () => {
    const level = new Latest(5);
    expect(await level.until((value) => value > 3)).toBe(5);
    const seen: number[] = [];
    const more = level.until((value) => {
      seen.push(value);
      return value > 7;
    });
    level.value = 6;
    expect(await outcome(more)).toBe(waiting);
    for (const i of [9, 1, 7]) level.value = i; // nobody looks in between
    expect(await outcome(more)).toBe(waiting);
    level.value = 8;
    expect(await more).toBe(8);
    level.value = 10;
    await turns();
    expect(seen).toEqual([5, 6, 7, 8]);
  });

  test("never runs the test within the code that sets the value", async () => {
    const level = new Latest(0);
    const log: string[] = [];
    const done = level.until((value) => log.push(`look at ${value}`) > 2);
    level.value = 1;
    log.push("set");
    await turns();
    level.value = 2;
    expect(log).toEqual(["look at 0", "set", "look at 1"]);
    await done;
  });

  test("a test that sets the value is asked again about the new one", async () => {
    const level = new Latest(0);
    const settled = level.until((value) => {
      if (value < 3) level.value = value + 1;
      return value === 3;
    });
    expect(await outcome(settled)).toBe(3);
  });

  test("a test that sets the value without end starves nobody", async () => {
    const level = new Latest(0);
    const abort = new AbortController();
    const never = level.until((value) => ((level.value = value + 1), false), { signal: abort.signal });
    expect(await outcome(never)).toBe(waiting);
    abort.abort("enough");
    expect(await rejection(never)).toBe("enough");
  });

  test("many wait, each for its own", async () => {
    const level = new Latest(0);
    const order: number[] = [];
    for (const i of [3, 1, 2]) void level.until((value) => value >= i).then((value) => order.push(i, value));
    for (const i of [1, 2, 3]) {
      level.value = i;
      await turns();
    }
    expect(order).toEqual([1, 1, 2, 2, 3, 3]);
  });

  test("what the test throws is what it rejects with, at once and later", async () => {
    const level = new Latest(0);
    expect(String(await rejection(level.until(failAt(0))))).toBe("Error: at 0");
    const later = level.until(failAt(1));
    level.value = 1;
    expect(String(await rejection(later))).toBe("Error: at 1");
  });

  test.each(["why", null, undefined])(
    "after a close with cause %s it looks at the last value, then rejects",
    async (cause) => {
      const level = new Latest(0);
      const late = level.until((value) => value === 1);
      const reasons = [rejection(level.until(() => false))];
      level.value = 1;
      level.close(cause);
      reasons.push(rejection(level.until(() => false)));
      expect([await late, await level.until((value) => value === 1)]).toEqual([1, 1]);
      const closed = "SluiceError: Closed before a value came that the test accepts";
      for (const reason of await Promise.all(reasons)) {
        expect(String(reason)).toBe(cause === undefined ? closed : String(cause));
        expect(errors.is(reason, errors.CLOSED)).toBe(cause === undefined);
      }
    },
  );

  test("an abort ends it with the reason; an aborted signal before it looks", async () => {
    const level = new Latest(0);
    let looks = 0;
    const look = (): boolean => (looks += 1) < 0;
    expect(await rejection(level.until(look, { signal: AbortSignal.abort("before") }))).toBe("before");
    expect(looks).toBe(0);
    const abort = new AbortController();
    const wait = level.until(look, { signal: abort.signal });
    level.value = 1;
    abort.abort("enough"); // the change came first, so it still looks
    expect(await rejection(wait)).toBe("enough");
    level.value = 2;
    await turns();
    expect(looks).toBe(2);
  });

  test("times out with kind TIMEOUT, on the library's clock, and not when the value came in time", async () => {
    await virtualTime(async (clock) => {
      const level = new Latest(0);
      const reason = await level.until((value) => value > 0, { timeout: "24h" }).catch((error: unknown) => error);
      expect(clock.now()).toBe(time.parseDuration("24h"));
      expect(errors.is(reason, errors.TIMEOUT)).toBe(true);
      expect(String(reason)).toBe("SluiceError: No value came within 24h that the test accepts");
      void time.sleep("1h").then(() => (level.value = 1));
      expect(await level.until((value) => value > 0, { timeout: "2h" })).toBe(1);
      await time.sleep("2h");
      expect(clock.now()).toBe(time.parseDuration("27h"));
    });
  });

  test("a timeout of zero is one look; a signal may end it before the timeout", async () => {
    await virtualTime(async (clock) => {
      const level = new Latest(0);
      expect(await level.until((value) => value === 0, { timeout: 0 })).toBe(0);
      const reason = await level.until((value) => value === 1, { timeout: 0 }).catch((error: unknown) => error);
      expect(errors.is(reason, errors.TIMEOUT)).toBe(true);
      expect(String(reason)).toContain("within 0 ms");
      const abort = new AbortController();
      void time.sleep("1s").then(() => abort.abort("enough"));
      const wait = level.until(() => false, { timeout: "1h", signal: abort.signal });
      expect(await wait.catch((error: unknown) => error)).toBe("enough");
      expect(clock.now()).toBe(1000);
    });
  });

  test("mistakes reject and leave nothing behind", async () => {
    const level = new Latest(0);
    expect(await rejection(level.until(1 as never))).toEqual(
      new TypeError("Expected `test` to be a function, got `1`"),
    );
    expect(await rejection(level.until(() => false, 1 as never))).toBeInstanceOf(TypeError);
    expect(await rejection(level.until(() => false, { signal: 1 as never }))).toBeInstanceOf(TypeError);
    const bad = await rejection(level.until(() => false, { timeout: "soon" }));
    expect([errors.is(bad, errors.INVALID), String(bad)]).toEqual([true, expect.stringContaining('"soon"')]);
    expect(thrownBy(() => level.changes(1 as never))).toBeInstanceOf(TypeError);
    expect(thrownBy(() => level.changes({ current: 1 as never }))).toBeInstanceOf(TypeError);
    expect(thrownBy(() => level.changes({ name: 1 as never }))).toBeInstanceOf(TypeError);
    expect(thrownBy(() => new Latest(0, 1 as never))).toBeInstanceOf(TypeError);
    expect(thrownBy(() => new Latest(0, { name: 1 as never }))).toBeInstanceOf(TypeError);
    expect(String(thrownBy(() => new Latest(0, { named: "a" } as never)))).toContain("did you mean `name`?");
    expect(String(thrownBy(() => level.changes({ curent: false } as never)))).toContain("did you mean `current`?");
    expect(String(await rejection(level.until(() => false, { timout: 1 } as never)))).toContain("`timeout`?");
  });
});

test("a promise as value is not awaited on the way", async () => {
  const promise = Promise.resolve(1);
  const latest = new Latest<unknown>(promise);
  const changes = latest.changes();
  expect((await changes.receive()).value).toBe(promise);
  const wait = changes.receive();
  latest.value = promise;
  expect((await wait).value).toBe(promise);
  expect(latest.value).toBe(promise);
});

test("a failure can be the value, and the end is something else", async () => {
  const state = new Latest<SluiceError | undefined>(undefined);
  const failed = state.until((value) => value !== undefined);
  state.value = new SluiceError(errors.UNAVAILABLE, "down");
  expect(await failed).toBe(state.value);
});
