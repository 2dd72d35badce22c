// What an error says, and how a program tells one from another.

import { Channel, ClosedError, errors, select, SluiceError, trySelect } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { rejection } from "./progress.ts";
import { thrownBy } from "./values.ts";

const KINDS = [
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "INVALID",
  "PERMISSION_DENIED",
  "UNAVAILABLE",
  "INTERNAL",
  "CANCELED",
  "CONFLICT",
  "TIMEOUT",
  "RATE_LIMITED",
  "UNKNOWN",
  "CLOSED",
] as const;

describe("errors", () => {
  test.each(KINDS)("the constant %s equals its name", (kind) => {
    expect(new Map(Object.entries(errors)).get(kind)).toBe(kind);
  });

  test("is tells the kind of an error", () => {
    const error = new SluiceError(errors.TIMEOUT, "too late");
    expect(KINDS.filter((kind) => errors.is(error, kind))).toEqual(["TIMEOUT"]);
  });

  test("is looks at the error itself, not at its cause", () => {
    const inner = new SluiceError(errors.TIMEOUT, "too late");
    expect(errors.is(new SluiceError(errors.INTERNAL, "failed", { cause: inner }), errors.TIMEOUT)).toBe(false);
    expect(errors.is(new Error("failed", { cause: inner }), errors.TIMEOUT)).toBe(false);
  });

  test.each([
    undefined,
    null,
    0,
    "TIMEOUT",
    {},
    { kind: "TIMEOUT" },
    Object.assign(new Error("no"), { kind: "TIMEOUT" }),
  ])("is gives false for what is no error of ours: %s", (value) => {
    expect(errors.is(value, errors.TIMEOUT)).toBe(false);
  });

  test("is narrows: kind, retryable and details are there", () => {
    const error: unknown = new SluiceError(errors.RATE_LIMITED, "slow down", {
      retryable: true,
      details: { limit: 3 },
    });
    if (!errors.is(error, errors.RATE_LIMITED)) throw new Error("Expected the guard to hold");
    const kind: "RATE_LIMITED" = error.kind;
    expect([kind, error.retryable, error.details]).toEqual(["RATE_LIMITED", true, { limit: 3 }]);
  });
});

describe("SluiceError", () => {
  test("is an Error with a kind, and by default is not retryable and has no details", () => {
    const error = new SluiceError(errors.INVALID, "no good");
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "SluiceError",
      kind: "INVALID",
      message: "no good",
      retryable: false,
      details: {},
    });
    expect("cause" in error).toBe(false);
    expect(String(error)).toBe("SluiceError: no good");
    expect(error.stack).toContain("errors.test");
  });

  test("keeps its cause, undefined and null included", () => {
    for (const cause of [undefined, null, new Error("why"), "why"]) {
      const error = new SluiceError(errors.UNKNOWN, "failed", { cause });
      expect("cause" in error).toBe(true);
      expect(error.cause).toBe(cause);
    }
  });

  test("an option that is undefined is absent", () => {
    expect(new SluiceError(errors.UNKNOWN, "failed", { retryable: undefined, details: undefined })).toMatchObject({
      retryable: false,
      details: {},
    });
  });

  test("a subclass shows its own name", () => {
    class Refused extends SluiceError {}
    expect(new Refused(errors.INVALID, "no").name).toBe("Refused");
  });

  test("a subclass may have a name of its own making, and frozen prototypes do no harm", () => {
    class Refused extends SluiceError {
      static {
        Object.defineProperty(this.prototype, "name", { get: () => "a refusal" });
      }
    }
    class Again extends Refused {}
    Object.freeze(Again.prototype);
    expect(String(new Again(errors.INVALID, "no"))).toContain("no");
  });

  test("N5: survives structuredClone as an Error, with its message and its cause", () => {
    const copy = structuredClone(new SluiceError(errors.INVALID, "no good", { cause: new Error("why") }));
    expect(copy).toBeInstanceOf(Error);
    expect(copy.message).toBe("no good");
    expect((copy.cause as Error).message).toBe("why");
  });
});

describe("ClosedError", () => {
  test("B9, C5: gives back the value that was not delivered, says where and why", async () => {
    const channel = new Channel<object>({ name: "jobs" });
    const cause = new Error("shutting down");
    const value = {};
    channel.close(cause);
    for (const error of [await rejection(channel.send(value)), thrownBy(() => channel.trySend(value))]) {
      expect(error).toBeInstanceOf(ClosedError);
      expect(error).toBeInstanceOf(SluiceError);
      expect(errors.is(error, errors.CLOSED)).toBe(true);
      const closed = error as ClosedError;
      expect(closed.value).toBe(value);
      expect(closed.channel).toBe(channel);
      expect(closed.cause).toBe(cause);
      expect(closed.name).toBe("ClosedError");
      expect(closed.retryable).toBe(false);
      expect("index" in closed).toBe(false);
      expect(closed.message).toContain('"jobs"');
    }
  });

  test("B9: a sender that waited gets its value back", async () => {
    const channel = new Channel<object>();
    const value = {};
    const sent = channel.send(value);
    channel.close();
    expect(((await rejection(sent)) as ClosedError).value).toBe(value);
  });

  test("of an array select it says the index, of a record the name; parked or not", async () => {
    const parked = new Channel<number>();
    const waits = [select([null, parked.caseSend(1)]), select({ never: null, out: parked.caseSend(2) })];
    parked.close();
    const failures = await Promise.all(waits.map(rejection));
    expect(failures).toMatchObject([
      { index: 1, name: "ClosedError", value: 1 },
      { name: "out", value: 2 },
    ]);
    expect("index" in (failures[1] as object)).toBe(false);
    expect(Object.keys(failures[1] as object)).not.toContain("name");

    expect(thrownBy(() => trySelect([null, parked.caseSend(3)]))).toMatchObject({ index: 1, value: 3 });
    expect(thrownBy(() => trySelect({ 7: parked.caseSend(4) }))).toMatchObject({ name: "7", value: 4 });
  });

  test("the channel of an error without a name is called closed all the same", () => {
    const channel = new Channel<number>();
    channel.close();
    expect((thrownBy(() => channel.trySend(1)) as Error).message).toBe("Cannot send on a closed channel");
  });
});

describe("a programmer's mistake", () => {
  test.each<[string, (channel: Channel<number>, options: never) => Promise<unknown>]>([
    ["send", (channel, options) => channel.send(1, options)],
    ["receive", (channel, options) => channel.receive(options)],
    ["receiveMany", (channel, options) => channel.receiveMany(1, options)],
    ["select", (channel, options) => select([channel], options)],
  ])("in the options of %s rejects with TypeError, does not throw, and touches nothing", async (_, call) => {
    for (const options of [null, 7, "signal", { signal: null }, { signal: "now" }, { signal: {} }]) {
      const channel = new Channel<number>(2);
      channel.trySend(1);
      expect(await rejection(call(channel, options as never))).toBeInstanceOf(TypeError);
      expect(channel.length).toBe(1);
      expect(channel.tryReceive()?.value).toBe(1);
    }
  });
});
