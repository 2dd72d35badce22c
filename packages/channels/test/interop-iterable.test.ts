// fromIterable: the iterator is asked when somebody receives, and told when nobody will any more.

import { Channel, select, type ReceiveChannel } from "@sluice/channels";
import { fromIterable } from "@sluice/channels/interop";
import { describe, expect, test } from "vitest";
import { all, askers } from "./askers.ts";
import { Meter } from "./busy.ts";
import { deferred, rejection, turns } from "./progress.ts";
import { thrownBy, upTo } from "./values.ts";

/** An iterator that says what is done with it. */
function spied(values: readonly unknown[]): { iterable: Iterable<unknown>; calls: string[] } {
  const calls: string[] = [];
  const left = [...values];
  const iterator: Iterator<unknown> = {
    next: () => {
      calls.push("next");
      return left.length > 0 ? { done: false, value: left.shift() } : { done: true, value: undefined };
    },
    return: () => {
      calls.push("return");
      return { done: true, value: undefined };
    },
  };
  return { iterable: { [Symbol.iterator]: () => iterator }, calls };
}

async function* later<T>(values: readonly T[]): AsyncGenerator<T> {
  for (const value of values) {
    await turns(1);
    yield value;
  }
}

test("gives what an iterable gives, async or not, and ends with it", async () => {
  expect(await all(fromIterable([1, 2, 3]))).toEqual([1, 2, 3]);
  expect(await all(fromIterable(later([1, 2, 3])))).toEqual([1, 2, 3]);
  expect(await all(fromIterable("abc", { name: "letters" }))).toEqual(["a", "b", "c"]);
  const source = new Channel<number>(1);
  source.trySend(1);
  source.close();
  expect(await all(fromIterable(source))).toEqual([1]);
});

test("a promise of an ordinary iterable is a value, and is not awaited", async () => {
  const promise = Promise.reject(new Error("not awaited"));
  promise.catch(() => {});
  expect((await fromIterable([promise]).receive()).value).toBe(promise);
});

describe.each(askers)("a parked %s", (_way, ask) => {
  test("is what one value is asked for, and before it none is", async () => {
    const { iterable, calls } = spied([1, 2, 3]);
    const values = fromIterable(iterable);
    await turns();
    expect([calls, values.tryReceive()]).toEqual([[], undefined]);
    expect(await ask(values)).toEqual({ ok: true, value: 1 });
    await turns();
    expect(calls).toEqual(["next"]);
    expect([await ask(values), await ask(values), await ask(values)]).toEqual([
      { ok: true, value: 2 },
      { ok: true, value: 3 },
      { ok: false, cause: undefined },
    ]);
    expect(calls).toEqual(["next", "next", "next", "next"]);
  });

  test("that gives up leaves the value under way for the next", async () => {
    const gate = deferred<string>();
    const values = fromIterable({
      async *[Symbol.asyncIterator]() {
        yield await gate.promise;
      },
    });
    const controller = new AbortController();
    const asked = ask(values, controller);
    await turns();
    controller.abort("changed my mind");
    expect(await rejection(asked)).toBe("changed my mind");
    gate.resolve("kept");
    await turns();
    expect(values.length).toBe(1);
    expect(await ask(values)).toEqual({ ok: true, value: "kept" });
  });

  test("learns what the iterator threw, as the cause", async () => {
    const failure = new Error("broken");
    const broken: Iterable<number> = {
      [Symbol.iterator]: () => ({
        next: () => {
          throw failure;
        },
      }),
    };
    expect(await ask(fromIterable(broken))).toEqual({ ok: false, cause: failure });
  });
});

test("several that wait are served in order, one value after the other", async () => {
  const values = fromIterable(later(upTo(3)));
  const asked = upTo(4).map(() => values.receive());
  expect((await Promise.all(asked)).map(({ value }) => value)).toEqual([0, 1, 2, undefined]);
});

describe.each<[string, (values: Disposable, controller: AbortController) => void, unknown]>([
  ["dispose", (values) => values[Symbol.dispose](), undefined],
  ["its signal", (_, controller) => controller.abort("enough"), "enough"],
])("ended by %s", (_way, end, cause) => {
  test("calls the iterator's return once, also before the first value", async () => {
    for (const received of [0, 1]) {
      const { iterable, calls } = spied([1, 2]);
      const controller = new AbortController();
      const values = fromIterable(iterable, { signal: controller.signal });
      if (received === 1) await values.receive();
      end(values, controller);
      values[Symbol.dispose]();
      await turns();
      expect([values.closed, values.cause, calls.filter((call) => call === "return")]).toEqual([
        true,
        cause,
        ["return"],
      ]);
      expect((await values.receive()).ok).toBe(false);
    }
  });

  test("while somebody waits tells it the end; the value under way stays receivable", async () => {
    const gate = deferred<IteratorResult<string>>();
    const controller = new AbortController();
    const iterable: AsyncIterable<string> = { [Symbol.asyncIterator]: () => ({ next: async () => gate.promise }) };
    const values = fromIterable(iterable, { signal: controller.signal });
    const asked = values.receive();
    await turns();
    end(values, controller);
    expect((await asked).ok).toBe(false);
    gate.resolve({ done: false, value: "late" });
    await turns();
    expect([values.length, values.tryReceive()?.value, values.tryReceive()?.ok]).toEqual([1, "late", false]);
  });
});

test("a return that fails is nobody's, and an iterator without one is fine", async () => {
  for (const end of [() => Promise.reject(new Error("late")), () => thrown()]) {
    const iterable = { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 1 }), return: end as never }) };
    fromIterable<number>(iterable)[Symbol.dispose]();
  }
  await turns();
  const values = fromIterable({ [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 1 }) }) });
  values[Symbol.dispose]();
  expect(values.closed).toBe(true);
});

function thrown(): never {
  throw new Error("at once");
}

test("a signal that was aborted before: no iterator is made", async () => {
  const { calls } = spied([]);
  const iterable: Iterable<number> = {
    [Symbol.iterator]: () => {
      calls.push("made");
      return [1][Symbol.iterator]();
    },
  };
  const values = fromIterable(iterable, { signal: AbortSignal.abort("before") });
  expect([values.closed, values.cause, calls, (await values.receive()).ok]).toEqual([true, "before", [], false]);
});

test("law 5: the iterator runs in a microtask, never inside a receive", async () => {
  const order: string[] = [];
  const values: ReceiveChannel<number> = fromIterable(
    (function* () {
      order.push("generator");
      yield 1;
    })(),
  );
  const asked = values.receive();
  order.push("received");
  await asked;
  expect(order).toEqual(["received", "generator"]);
});

test("stands in a select, where a loser keeps its value for later", async () => {
  const values = fromIterable(later(["slow"]));
  const quick = new Channel<string>(1);
  quick.trySend("quick");
  expect((await select([values, quick], { priority: true })).value).toBe("quick");
  const asked = select([values, new Channel<string>()]);
  expect((await asked).value).toBe("slow");
});

test("law 3: host timers go on beside a loop over an endless iterable", async () => {
  const meter = new Meter();
  setTimeout(() => {
    setTimeout(() => (meter.stopped = true), 1);
  }, 0);
  const endless = {
    *[Symbol.iterator]() {
      for (;;) yield 1;
    },
  };
  for await (const _ of fromIterable(endless)) if (!meter.on()) break;
  expect(meter.completions).toBeGreaterThan(0);
});

test.each([undefined, null, 1, {}])("%j is no iterable", (source) => {
  expect(String(thrownBy(() => fromIterable(source as never)))).toContain("Expected `source` to be an iterable");
});
