// What an error says, and how a program tells one from another.

import { Channel, ClosedError, errors, select, SluiceError, trySelect } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { microtasks, rejection, turns } from "./progress.ts";
import { thrownBy, upTo } from "./values.ts";

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
      expect("case" in closed).toBe(false);
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

  test("of an array select its case is the index, of a record the name; parked or not, and its own name stays", async () => {
    const parked = new Channel<number>();
    const waits = [select([null, parked.caseSend(1)]), select({ never: null, out: parked.caseSend(2) })];
    parked.close();
    const failures = await Promise.all(waits.map(rejection));
    expect(failures).toMatchObject([
      { case: 1, name: "ClosedError", value: 1 },
      { case: "out", name: "ClosedError", value: 2 },
    ]);
    expect(thrownBy(() => trySelect([null, parked.caseSend(3)]))).toMatchObject({ case: 1, value: 3 });
    expect(thrownBy(() => trySelect({ 7: parked.caseSend(4) }))).toMatchObject({ case: "7", name: "ClosedError" });
  });

  test("the channel of an error without a name is called closed all the same", () => {
    const channel = new Channel<number>();
    channel.close();
    expect((thrownBy(() => channel.trySend(1)) as Error).message).toBe("Cannot send on a closed channel");
  });
});

describe("what a log writes of an error", () => {
  test.each([[{ user: "ann", password: "hunter2" }], [10n], [Symbol("s")], [new Map()]])(
    "is neither the value that was not sent, %s, nor its channel, and no logger throws",
    async (value) => {
      const logins = new Channel<unknown>({ name: "logins" });
      const parked = rejection(logins.send(value));
      logins.close(new Error("no more"));
      const failures = [await parked, await rejection(logins.send(value)), thrownBy(() => logins.trySend(value))];
      for (const failure of failures) {
        expect(JSON.parse(JSON.stringify({ failure }))).toEqual({
          failure: {
            name: "ClosedError",
            kind: "CLOSED",
            message: 'Cannot send on the closed channel "logins"',
            retryable: false,
            details: {},
          },
        });
        expect(Object.keys(failure as object)).not.toContain("value");
        expect(Object.keys(failure as object)).not.toContain("channel");
      }
    },
  );

  test("of any kind of details is JSON, however deep, round or strange, and without the values that were in hand", () => {
    const round: Record<string, unknown> = {};
    round["self"] = round;
    const details = {
      code: 1006,
      big: 10n,
      at: new Date(0),
      why: new TypeError("no"),
      inner: new SluiceError(errors.TIMEOUT, "late", { details: { undelivered: ["secret"], after: 5 } }),
      list: [1, [2n]],
      map: new Map([["a", "secret"]]),
      nothing: undefined,
      undelivered: [{ password: "secret" }],
    };
    const text = JSON.stringify(new SluiceError(errors.INTERNAL, "failed", { details: { ...details, round } }));
    expect(text).not.toContain("secret");
    expect(JSON.parse(text)).toMatchObject({
      name: "SluiceError",
      details: {
        code: 1006,
        big: "10",
        at: "1970-01-01T00:00:00.000Z",
        why: "TypeError: no",
        inner: { name: "SluiceError", kind: "TIMEOUT", details: { after: 5 } },
        list: [1, ["2"]],
        map: "[object Map]",
      },
    });
  });
});

const jobs = (): Channel<string> => new Channel<string>({ name: "jobs" });
const closedLater = async (channel: Channel<string>, send: () => Promise<unknown>): Promise<string> => {
  const main = async (): Promise<void> => {
    await send();
  };
  const failed = rejection(main());
  await microtasks(3);
  channel.close();
  return String(((await failed) as Error).stack);
};

describe.runIf("captureStackTrace" in Error)("the stack of a ClosedError leads to the code that sent", () => {
  test.each<[string, (channel: Channel<string>) => Promise<unknown>]>([
    ["a send", (channel) => channel.send("order 7")],
    ["an array select", (channel) => select([channel.caseSend("order 7")])],
    ["a record select", (channel) => select({ jobs: channel.caseSend("order 7") })],
    ["Promise.all", (channel) => Promise.all([channel.send("order 7"), Promise.resolve()])],
  ])("with %s that a later close woke", async (_, send) => {
    const channel = jobs();
    const importOrders = async (): Promise<void> => {
      await send(channel);
    };
    expect(await closedLater(channel, importOrders)).toContain("importOrders");
  });

  test("also where the budget of the turn is spent, and of each of many senders to its own", async () => {
    const channel = jobs();
    const senders = upTo(3000).map((i) => {
      const sender = {
        [`sender${i}`]: async (): Promise<void> => {
          await channel.send(String(i));
        },
      }[`sender${i}`] as () => Promise<void>;
      return sender().catch((reason: unknown) => reason);
    });
    channel.close();
    const failures = (await Promise.all(senders)) as ClosedError[];
    expect(failures.map(({ value }) => value)).toEqual(upTo(3000).map(String));
    expect(failures.filter(({ stack }, i) => stack?.includes(`sender${i} `) !== true)).toEqual([]);
  });

  test("and what settles after the close comes after it, as in the order of commits", async () => {
    const channel = jobs();
    const other = new Channel<string>(3);
    const log: unknown[] = [];
    channel.send("a").catch(() => log.push("a"));
    channel.send("b").catch(() => log.push("b"));
    channel.close();
    void other.send("c").then(() => log.push("c"));
    void other.receive().then(() => log.push("received"));
    void channel.send("d").catch(() => log.push("d"));
    await turns();
    expect(log).toEqual(["a", "b", "c", "received", "d"]);
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
