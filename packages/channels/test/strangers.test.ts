// Mistakes of the first day: each is told as what it is, with what was probably meant, instead of a wait for ever.

import { Channel, select, Selector, time, trySelect } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { rejection } from "./progress.ts";

const wrong = (value: unknown): never => value as never;

class Client {
  channel(): Channel<string> {
    return new Channel<string>();
  }
}

class Settings {
  readonly depth = 1;
}

// A test's title cannot show it.
function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

test.each<[unknown, string]>([
  [Promise.resolve(1), "a Promise: await it first"],
  [time.timer("1s"), "a Timer: its channel is `timer.channel()`"],
  [time.ticker("1s"), "a Ticker: its channel is `ticker.channel()`"],
  [new Client(), "a Client: its channel is `client.channel()`"],
  [{ channel: () => new Channel() }, "an object: its channel is `.channel()`"],
  [{ channel: new Channel() }, "an object: its channel is `.channel`"],
  [new Map(), "a Map"],
  [[], "an Array"],
  [new Settings(), "a Settings"],
  [Object.create(null), "an object"],
  [new Selector(), "a Selector"],
  [Channel, "a function"],
  ["inbox", '`"inbox"`'],
  [7n, "`7n`"],
  [new Proxy(new Channel(), {}), "a Proxy of a channel: pass the channel itself"],
  [Object.create(new Channel()), "a Proxy of a channel: pass the channel itself"],
  ["revoked", "an object"],
])("what is no channel is named, to select and to a Selector: %#", async (given, told) => {
  const stranger = given === "revoked" ? revoked() : given;
  const known = new Channel<number>(1);
  known.trySend(1);
  const message = `Expected \`cases.1\` to be a channel or a case, got ${told}`;
  expect(await rejection(select([known, wrong(stranger)]))).toEqual(new TypeError(message));
  expect(() => trySelect([known, wrong(stranger)])).toThrow(new TypeError(message));
  const watched = `Expected \`channels.it\` to be a channel to receive from, got ${told}`;
  expect(() => new Selector({ known, it: wrong(stranger) })).toThrow(new TypeError(watched));
  expect(() => new Selector().add("it", wrong(stranger))).toThrow(new TypeError(watched));
  expect(known.length).toBe(1);
});

test("a Selector watches channels, not cases, as its types say", () => {
  for (const [name, one] of Object.entries({
    ReceiveCase: new Channel().caseReceive(),
    SendCase: new Channel().caseSend(1),
  })) {
    expect(() => new Selector({ it: wrong(one) })).toThrow(`got a ${name}: its channel is \`.channel\``);
  }
});

test.each<[string, () => Promise<unknown>, string]>([
  [
    "channels side by side",
    () => select(wrong(new Channel()), wrong(new Channel())),
    "got a Channel: did you mean `select([a, b])`?",
  ],
  ["one channel", () => select(wrong(new Channel())), "got a Channel: did you mean `select([a, b])`?"],
  [
    "a Map",
    () => select(new Map([["a", new Channel()]]) as never),
    "Expected `cases` to be an array or a record of cases, got a Map",
  ],
  ["a Set", () => select(new Set([new Channel()]) as never), "got a Set"],
  ["a Timer", () => select(wrong(time.timer("1s"))), "got a Timer"],
  ["a Promise", () => select(wrong(Promise.resolve([]))), "got a Promise"],
  ["a Selector", () => select(wrong(new Selector())), "got a Selector"],
  [
    "a channel in the place of options",
    () => select([new Channel()], wrong(new Channel())),
    "Expected `options` to be an object, got a Channel",
  ],
  [
    "a misspelt option",
    () => select([new Channel()], wrong({ defualt: true })),
    "There is no option `defualt`: did you mean `default`?",
  ],
  [
    "an option of nobody",
    () => select([new Channel()], wrong({ timeout: 5 })),
    "There is no option `timeout`, only `default`, `signal`, `priority`",
  ],
])("select of %s is told", async (_what, call, told) => {
  const failure = await rejection(call());
  expect(failure).toBeInstanceOf(TypeError);
  expect(String(failure)).toContain(told);
});

test("trySelect and Selector tell them too", () => {
  const map = new Map([["a", new Channel()]]);
  expect(() => trySelect(map as never)).toThrow("Expected `cases` to be an array or a record of cases, got a Map");
  expect(() => trySelect(wrong(new Channel()), wrong(new Channel()))).toThrow("did you mean `select([a, b])`?");
  expect(() => trySelect([], wrong({ prority: true }))).toThrow(
    "There is no option `prority`: did you mean `priority`?",
  );
  expect(() => trySelect([], wrong({ default: true }))).toThrow("There is no option `default`, only `priority`");
  expect(() => new Selector(map as never)).toThrow("Expected `channels` to be a record of channels, got a Map");
  expect(() => new Selector(wrong(new Channel()))).toThrow(
    "Expected `channels` to be a record of channels, got a Channel",
  );
});

const signal = AbortSignal.abort("why");

test.each<[string, (options: never) => Promise<unknown>]>([
  ["send", (options) => new Channel<number>().send(1, options)],
  ["receive", (options) => new Channel().receive(options)],
  ["receiveMany", (options) => new Channel().receiveMany(2, options)],
  ["Selector.next", (options) => new Selector().next(options)],
  ["sleep", (options) => time.sleep("1s", options)],
  ["select", (options) => select([new Channel()], options)],
])("%s tells options that do not exist, and what is in their place", async (_what, call) => {
  expect(await rejection(call(wrong({ singal: signal })))).toEqual(
    new TypeError("There is no option `singal`: did you mean `signal`?"),
  );
  expect(await rejection(call(wrong(signal)))).toEqual(
    new TypeError("Expected `options` to be an object, got an AbortSignal: did you mean `{ signal }`?"),
  );
  expect(String(await rejection(call(wrong({ signal, deadline: 5 }))))).toContain(
    "There is no option `deadline`, only",
  );
  for (const [value, told] of new Map<unknown, string>([
    [5, "`5`"],
    ["1s", '`"1s"`'],
    [[signal], "an Array"],
    [null, "`null`"],
    [() => {}, "a function"],
  ])) {
    expect(String(await rejection(call(wrong(value))))).toContain(`Expected \`options\` to be an object, got ${told}`);
  }
});

test("options that a prototype has, or that stand under a symbol, are not asked", async () => {
  const jobs = new Channel<number>(1);
  await jobs.send(1, Object.create({ timeout: 5 }) as never);
  await expect(jobs.receive({ signal: undefined, [Symbol("mine")]: 1 })).resolves.toMatchObject({ value: 1 });
});

test.each<[string, () => unknown, string]>([
  [
    "a capacity among the options",
    () => new Channel(wrong({ capacity: 10 })),
    "There is no option `capacity`: the capacity is the first argument, `new Channel(10)`",
  ],
  [
    "a misspelt option",
    () => new Channel(1, wrong({ ondrop: () => {} })),
    "There is no option `ondrop`: did you mean `onDrop`?",
  ],
  [
    "a policy misspelt",
    () => new Channel(1, wrong({ overFlow: "block" })),
    "There is no option `overFlow`: did you mean `overflow`?",
  ],
  [
    "a name in the place of options",
    () => new Channel(1, wrong("orders")),
    'Expected `options` to be an object, got `"orders"`',
  ],
  ["a capacity that is text", () => new Channel(wrong("10")), 'got `"10"`'],
  ["a Map as options", () => new Channel(wrong(new Map())), "Expected `options` to be an object, got a Map"],
  ["a signal as options", () => new Channel(wrong(signal)), "Expected `options` to be an object, got an AbortSignal"],
])("a new channel with %s is told", (_what, call, told) => {
  expect(call).toThrow(TypeError);
  expect(call).toThrow(told);
});

test("a long text is shortened in a message", () => {
  expect(() => new Channel(wrong("x".repeat(500)))).toThrow(/got `"x{100}…"`$/);
});

describe("a Proxy of a channel, as stores of some frameworks make one of whatever they hold", () => {
  const jobs = new Channel<number>(4, { name: "jobs" });
  // By a trap that hands on its receiver, the Proxy itself: what Vue, MobX and valtio do.
  const wrapped = new Proxy(jobs, { get: (target, key, receiver): unknown => Reflect.get(target, key, receiver) });
  const timer = time.after("1s");
  const wrappedTimer = new Proxy(timer, {
    get: (target, key, receiver): unknown => Reflect.get(target, key, receiver),
  });
  const told = "This is a Proxy of a channel, not the channel itself";

  test.each<[string, () => unknown]>([
    ["trySend", () => wrapped.trySend(1)],
    ["caseSend", () => wrapped.caseSend(1)],
    ["case_send", () => wrapped.case_send(1)],
    ["close", () => wrapped.close()],
    ["tryReceive", () => wrapped.tryReceive()],
    ["caseReceive", () => wrapped.caseReceive()],
    ["case_receive", () => wrapped.case_receive()],
    ["values", () => wrapped.values()],
    ["a loop", () => wrapped[Symbol.asyncIterator]()],
    ["closed", () => wrapped.closed],
    ["cause", () => wrapped.cause],
    ["length", () => wrapped.length],
    ["capacity", () => wrapped.capacity],
    ["name", () => wrapped.name],
    ["tryReceive of a timer", () => wrappedTimer.tryReceive()],
  ])("says so by %s", (_, call) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(told);
  });

  test.each<[string, () => Promise<unknown>]>([
    ["send", () => wrapped.send(1)],
    ["receive", () => wrapped.receive()],
    ["receiveMany", () => wrapped.receiveMany(2)],
    ["receive of a timer", () => wrappedTimer.receive()],
  ])("rejects by %s", async (_, call) => {
    const failure = await rejection(call());
    expect(failure).toBeInstanceOf(TypeError);
    expect(String(failure)).toContain(told);
  });

  test("leaves the channel as it was", () => {
    expect([jobs.length, jobs.closed]).toEqual([0, false]);
  });

  test("is not made by Vue's reactive, which leaves alone what calls itself by another name than Object", () => {
    for (const channel of [jobs, timer]) expect(Object.prototype.toString.call(channel)).toBe("[object Channel]");
  });
});
