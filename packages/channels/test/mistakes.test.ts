import { Channel, ClosedError, errors, select, Selector, SluiceError, time, trySelect } from "@sluice/channels";
import { Broadcast, Latest } from "@sluice/channels/broadcast";
import { batch, map, merge, pipe } from "@sluice/channels/flow";
import { group } from "@sluice/channels/group";
import { fromEvent, fromIterable, fromReadableStream } from "@sluice/channels/interop";
import { describe, expect, test } from "vitest";
import { rejection } from "./progress.ts";

// What plain JavaScript can pass and no type allows.
const wrong = (value: unknown) => value as never;

const WHOLE = "a non-negative integer (a large one is fine: a buffer takes no memory before it is used)";

test("arguments of a channel that are null are a TypeError that says so", () => {
  expect(() => new Channel(wrong(null))).toThrow(TypeError);
  expect(() => new Channel(wrong(null))).toThrow("Expected `capacity` to be a non-negative integer");
  expect(() => new Channel(1, wrong(null))).toThrow(new TypeError("Expected `options` to be an object, got `null`"));
});

test.each<[string, string, unknown, string, new () => Error, () => unknown]>([
  ["capacity", WHOLE, "1", '`"1"`', TypeError, () => new Channel(wrong("1"))],
  ["capacity", WHOLE, 0.5, "`0.5`", RangeError, () => new Channel(0.5)],
  [
    "capacity",
    "at least 1 with a drop policy",
    0,
    "`0`",
    RangeError,
    () => new Channel(0, { overflow: "drop-oldest" }),
  ],
  ["name", "a string", 1, "`1`", TypeError, () => new Channel(1, { name: wrong(1) })],
  [
    "overflow",
    "one of block, drop-oldest, drop-newest",
    "drop",
    '`"drop"`',
    TypeError,
    () => new Channel(1, { overflow: wrong("drop") }),
  ],
  ["onDrop", "a function", {}, "an object", TypeError, () => new Channel(1, { onDrop: wrong({}) })],
  ["cases", "an array or a record of cases", null, "`null`", TypeError, () => trySelect(wrong(null))],
  [
    "cases",
    "an array or a record of cases",
    "a channel",
    "a Channel: did you mean `select([a, b])`?",
    TypeError,
    () => trySelect(wrong(new Channel())),
  ],
  [
    "cases",
    "an array or a record of cases",
    "a case",
    "a ReceiveCase: did you mean `select([a, b])`?",
    TypeError,
    () => trySelect(wrong(new Channel().caseReceive())),
  ],
  [
    "cases.1",
    "a channel or a case",
    Symbol("x"),
    "`Symbol(x)`",
    TypeError,
    () => trySelect([null, wrong(Symbol("x"))]),
  ],
  ["cases.job", "a channel or a case", () => 1, "a function", TypeError, () => trySelect({ job: wrong(() => 1) })],
  ["priority", "a boolean", 1, "`1`", TypeError, () => trySelect([], { priority: wrong(1) })],
  ["name", "a string", 1, "`1`", TypeError, () => new Selector().add(wrong(1), new Channel())],
  [
    "channels.job",
    "a channel to receive from",
    undefined,
    "`undefined`",
    TypeError,
    () => new Selector().add("job", wrong(undefined)),
  ],
])(
  "a wrong `%s` (not %s: %o) is told: the argument, what was expected, what came",
  (what, wanted, _got, shown, Mistake, call) => {
    expect(call).toThrow(Mistake);
    expect(call).toThrow(`Expected \`${what}\` to be ${wanted}, got ${shown}`);
  },
);

test.each<[string, string, string, () => Promise<unknown>]>([
  ["limit", "a positive integer", "`0`", () => new Channel().receiveMany(0)],
  ["options", "an object", "`null`", () => new Channel().receive(wrong(null))],
  ["options", "an object", "`1`", () => new Channel().send(wrong(1), wrong(1))],
  ["signal", "an AbortSignal", "`null`", () => select([], { signal: wrong(null) })],
  ["signal", "an AbortSignal", "an object", () => new Selector().next({ signal: wrong({ aborted: false }) })],
  ["signal", "an AbortSignal", "an EventTarget", () => time.sleep(1, { signal: wrong(new EventTarget()) })],
])("a wrong `%s` (not %s: %s) of an operation rejects and says so", async (what, wanted, shown, call) => {
  await expect(call()).rejects.toThrow(`Expected \`${what}\` to be ${wanted}, got ${shown}`);
});

test("no live case is told as what it would be: a wait for ever", async () => {
  await expect(select([null, false, undefined])).rejects.toThrow(/at least one case that is not switched off/);
});

test("what is wrong with a name of a Selector, and with a period, is in the details", () => {
  const events = new Selector<Record<string, unknown>>({ taken: new Channel() });
  expect(() => events.add("taken", new Channel())).toThrow(expect.objectContaining({ details: { name: "taken" } }));
  events.close();
  expect(() => events.add("late", new Channel())).toThrow('Cannot add "late": the Selector is closed');
  expect(() => time.ticker("-1s")).toThrow(expect.objectContaining({ details: { period: "-1s" } }));
  expect(() => time.ticker(1e-320)).toThrow("Expected a period of at least a nanosecond, got `1e-320`");
  expect(() => time.ticker("-1s")).toThrow("Expected a period of at least a nanosecond, got `-1s`");
});

test("a capacity of -0 is 0", () => {
  expect(Object.is(new Channel(-0).capacity, 0)).toBe(true);
});

test("flags of select that are no booleans are a TypeError, and nothing is taken", async () => {
  const jobs = new Channel<number>(1);
  jobs.trySend(1);
  for (const flag of ["default", "priority"]) {
    const message = `Expected \`${flag}\` to be a boolean, got \`"yes"\``;
    await expect(select([jobs], wrong({ [flag]: "yes" }))).rejects.toThrow(new TypeError(message));
  }
  expect(() => trySelect([jobs], wrong({ priority: 1 }))).toThrow(TypeError);
  expect(jobs.length).toBe(1);
});

test("options of trySelect that are no object are a TypeError", () => {
  expect(() => trySelect([new Channel()], wrong(null))).toThrow("Expected `options` to be an object, got `null`");
});

test("a Selector over null is a TypeError that says what was expected", () => {
  expect(() => new Selector(wrong(null))).toThrow("Expected `channels` to be a record of channels, got `null`");
});

test("errors bear their names as texts, which no bundler renames, and the case apart where a record select failed", () => {
  const jobs = new Channel<number>();
  expect(new SluiceError(errors.INTERNAL, "no").name).toBe("SluiceError");
  expect(new ClosedError(1, jobs).name).toBe("ClosedError");
  expect(new ClosedError(1, jobs, "out")).toMatchObject({ name: "ClosedError", case: "out" });
});

describe("the options of every function: of", () => {
  const channel = new Channel<number>(1);
  const target = new EventTarget();
  const latest = new Latest(1);

  test.each<[string, (options: never) => unknown]>([
    ["Channel", (options) => new Channel(1, options)],
    ["send", (options) => channel.send(1, options)],
    ["receive", (options) => channel.receive(options)],
    ["receiveMany", (options) => channel.receiveMany(1, options)],
    ["values", (options) => channel.values(options)],
    ["select", (options) => select([channel], options)],
    ["trySelect", (options) => trySelect([channel], options)],
    ["Selector.next", (options) => new Selector().next(options)],
    ["sleep", (options) => time.sleep(1, options)],
    ["ticker", (options) => time.ticker(1, options)],
    ["deadline", (options) => time.deadline(1, options)],
    ["Broadcast", (options) => new Broadcast(options)],
    ["Broadcast.send", (options) => new Broadcast().send(1, options)],
    ["subscribe", (options) => new Broadcast().subscribe(options)],
    ["Latest", (options) => new Latest(1, options)],
    ["changes", (options) => latest.changes(options)],
    ["until", (options) => latest.until(() => true, options)],
    ["group", (options) => group(() => {}, options)],
    ["merge", (options) => merge([channel], options)],
    ["map", (options) => map(channel, (value) => value, options)],
    ["batch", (options) => batch(channel, options)],
    ["pipe", (options) => pipe(channel, new Channel(), options)],
    ["fromEvent", (options) => fromEvent(target, "tick", options)],
    ["fromIterable", (options) => fromIterable([], options)],
    ["fromReadableStream", (options) => fromReadableStream(new ReadableStream(), options)],
  ])("%s, one that does not exist and an array are a TypeError of kind INVALID", async (_, call) => {
    for (const options of [{ dial_timeout: 1 }, [1]]) {
      const mistake = await rejection((async () => call(options as never))());
      expect(mistake).toBeInstanceOf(TypeError);
      expect(mistake).toBeInstanceOf(SluiceError);
      expect(errors.is(mistake, errors.INVALID)).toBe(true);
      expect(String(mistake)).toMatch(/no option `dial_timeout`|`options` to be an object, got an Array/);
    }
  });

  test("one out of its limits is a RangeError, and of kind INVALID", async () => {
    const mistake = await rejection(group(() => {}, { limit: 0 }));
    expect(mistake).toBeInstanceOf(RangeError);
    expect(mistake).toMatchObject({ kind: "INVALID", retryable: false, details: {} });
    expect(JSON.parse(JSON.stringify(mistake))).toEqual({
      name: "RangeError",
      kind: "INVALID",
      message: "Expected `limit` to be a positive integer, got `0`",
      retryable: false,
      details: {},
    });
    expect(Object.keys(mistake as object)).toEqual([]);
  });
});

test("instanceof takes no other error for one of the library's, and no SluiceError for a ClosedError", () => {
  expect(new SluiceError(errors.CLOSED, "no")).not.toBeInstanceOf(ClosedError);
  expect(new ClosedError(1, new Channel<number>())).toBeInstanceOf(ClosedError);
  expect([new TypeError("no"), undefined, "no"].some((value: unknown) => value instanceof SluiceError)).toBe(false);
  expect(() => new Channel(-1)).toThrow(SluiceError);
  expect(() => new Channel(-1)).not.toThrow(ClosedError);
});
