// fromEvent: an emitter does not wait, so the caller says what becomes of what does not fit.

import { errors, type ReceiveChannel } from "@sluice/channels";
import { type EmitterLike, type EventOptions, fromEvent } from "@sluice/channels/interop";
import { describe, expect, test } from "vitest";
import { askers } from "./askers.ts";
import { taken, thrownBy, upTo } from "./values.ts";

type Listener = (...args: never[]) => void;

/** As much of an emitter as is asked for, and who listens. */
class Emitter implements EmitterLike {
  readonly listeners = new Set<Listener>();
  on(_name: string | symbol, listener: Listener): void {
    this.listeners.add(listener);
  }
  off(_name: string | symbol, listener: Listener): void {
    this.listeners.delete(listener);
  }
  emit(...args: unknown[]): void {
    for (const listener of this.listeners) listener(...(args as never[]));
  }
}

const ROOMY = { capacity: 8, overflow: "drop-oldest" } as const;

describe.each(askers)("a parked %s", (_way, ask) => {
  test("gets an event as it comes, of an EventTarget and of an emitter", async () => {
    const target = new EventTarget();
    const events = fromEvent(target, "ping", ROOMY);
    const asked = ask(events);
    const event = new Event("ping");
    target.dispatchEvent(event);
    target.dispatchEvent(new Event("other"));
    expect(await asked).toEqual({ ok: true, value: event });
    const emitter = new Emitter();
    const numbers = fromEvent<number>(emitter, "n", ROOMY);
    const next = ask(numbers);
    emitter.emit(7);
    expect(await next).toEqual({ ok: true, value: 7 });
  });
});

test("what comes while nobody waits is kept, in order; several arguments are an array, none is undefined", () => {
  const emitter = new Emitter();
  const events = fromEvent<unknown>(emitter, Symbol("any"), { ...ROOMY, name: "any" });
  const promise = Promise.resolve(1);
  for (const args of [[1], ["a", "b"], [], [promise]]) emitter.emit(...args);
  expect([events.length, events.name, events.capacity]).toEqual([4, "any", 0]);
  const values = taken(events);
  expect(values.slice(0, 3)).toEqual([1, ["a", "b"], undefined]);
  expect(values[3]).toBe(promise);
});

describe("a full channel", () => {
  const dropped: number[] = [];
  const full = (overflow: EventOptions<number>["overflow"]): [Emitter, ReceiveChannel<number>] => {
    dropped.length = 0;
    const emitter = new Emitter();
    const events = fromEvent<number>(emitter, "n", { capacity: 2, overflow, onDrop: (event) => dropped.push(event) });
    for (const i of upTo(4)) emitter.emit(i);
    return [emitter, events];
  };

  test("drops the oldest", () => {
    const [, events] = full("drop-oldest");
    expect([taken(events), dropped]).toEqual([
      [2, 3],
      [0, 1],
    ]);
  });

  test("drops the newest", () => {
    const [, events] = full("drop-newest");
    expect([taken(events), dropped]).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  test("ends with a cause after what it holds, and takes its listener away", async () => {
    const [emitter, events] = full("close");
    expect([events.closed, events.length, emitter.listeners.size, dropped]).toEqual([true, 2, 0, [2]]);
    expect(taken(events)).toEqual([0, 1]);
    expect((await events.receive()).ok).toBe(false);
    expect(errors.is(events.cause, errors.UNAVAILABLE)).toBe(true);
    expect(events.cause).toMatchObject({
      retryable: true,
      message: "A channel of events was full",
      details: { capacity: 2 },
    });
  });
});

describe.each<[string, (events: Disposable, controller: AbortController) => void, unknown]>([
  ["dispose", (events) => events[Symbol.dispose](), undefined],
  ["its signal", (_, controller) => controller.abort("enough"), "enough"],
])("ended by %s", (_way, end, cause) => {
  test("takes the listener away; what stands in it stays receivable, who waits learns the end", async () => {
    const controller = new AbortController();
    const emitter = new Emitter();
    const events = fromEvent<number>(emitter, "n", { ...ROOMY, signal: controller.signal });
    emitter.emit(1);
    end(events, controller);
    emitter.emit(2);
    expect([emitter.listeners.size, events.closed, events.cause, taken(events)]).toEqual([0, true, cause, [1]]);
    expect((await events.receive()).ok).toBe(false);

    const other = new AbortController();
    const target = new EventTarget();
    const pings = fromEvent(target, "ping", { ...ROOMY, signal: other.signal });
    const asked = pings.receive();
    end(pings, other);
    expect((await asked).ok).toBe(false);
    target.dispatchEvent(new Event("ping"));
    expect(pings.length).toBe(0);
  });
});

test("a signal that was aborted before: it never listens", () => {
  const emitter = new Emitter();
  const events = fromEvent(emitter, "n", { ...ROOMY, signal: AbortSignal.abort("before") });
  expect([emitter.listeners.size, events.closed, events.cause]).toEqual([0, true, "before"]);
});

test("law 5: emitting runs no receiver's code before it returns", async () => {
  const emitter = new Emitter();
  const events = fromEvent<number>(emitter, "n", ROOMY);
  const order: string[] = [];
  const loop = (async () => {
    await events.receive();
    order.push("received");
  })();
  emitter.emit(1);
  order.push("emitted");
  await loop;
  expect(order).toEqual(["emitted", "received"]);
});

describe("mistakes", () => {
  const call = fromEvent as unknown as (...values: unknown[]) => unknown;
  const target = new EventTarget();

  test.each<[string, unknown[], string]>([
    [
      "no target",
      [undefined, "n", ROOMY],
      "TypeError: Expected `target` to be an EventTarget or an emitter with `on` and `off`, got `undefined`",
    ],
    ["a name that is none", [target, 1, ROOMY], "TypeError: Expected `name` to be a string or a symbol, got `1`"],
    ["no options", [target, "n"], "TypeError: Expected `capacity` to be a positive integer, got `undefined`"],
    [
      "capacity 0",
      [target, "n", { ...ROOMY, capacity: 0 }],
      "RangeError: Expected `capacity` to be a positive integer, got `0`",
    ],
    [
      "no overflow",
      [target, "n", { capacity: 1 }],
      "TypeError: Expected `overflow` to be one of drop-oldest, drop-newest, close, got `undefined`",
    ],
    [
      "block",
      [target, "n", { capacity: 1, overflow: "block" }],
      'TypeError: Expected `overflow` to be one of drop-oldest, drop-newest, close, got `"block"`',
    ],
    [
      "a hook that is none",
      [target, "n", { ...ROOMY, onDrop: 1 }],
      "TypeError: Expected `onDrop` to be a function, got `1`",
    ],
    [
      "a misspelt option",
      [target, "n", { ...ROOMY, capcity: 1 }],
      "TypeError: There is no option `capcity`: did you mean `capacity`?",
    ],
  ])("%s throws", (_, values, message) => {
    expect(String(thrownBy(() => call(...values)))).toBe(message);
  });
});
