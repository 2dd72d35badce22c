// What a link does with its connections, one after the other, under virtual time: the connections are played.

import { Channel, errors, select, Selector, SluiceError, time } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { array, assert, asyncProperty, constantFrom } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Attempt,
  type Client,
  type Failure,
  type ReconnectingClient,
  reconnect,
  type ReconnectOptions,
  type State,
} from "../../src/index.ts";
import { FakeClient } from "../fixtures/fake-client.ts";

const unavailable = (details?: Record<string, unknown>): SluiceError =>
  new SluiceError(errors.UNAVAILABLE, "down", { retryable: true, details });

/** A peer that gives a new connection for each dial, or fails as `answer` says. */
class Peer {
  readonly dials: { readonly at: number; readonly attempt: Attempt }[] = [];
  readonly clients: FakeClient[] = [];
  readonly #now: () => number;
  answer: (attempt: Attempt) => unknown = () => undefined;

  constructor(clock: { now(): number }) {
    this.#now = () => clock.now();
  }

  link(options: ReconnectOptions = {}): ReconnectingClient {
    return reconnect(this.dial, options);
  }

  get last(): FakeClient {
    return this.clients.at(-1) as FakeClient;
  }

  readonly dial = async (attempt: Attempt): Promise<Client> => {
    this.dials.push({ at: this.#now(), attempt });
    const answer = this.answer(attempt);
    if (answer instanceof FakeClient) return this.#open(answer);
    if (answer instanceof Error) throw answer;
    return this.#open(new FakeClient());
  };

  #open(client: FakeClient): Client {
    this.clients.push(client);
    return client.client;
  }
}

function isOpen(state: State): state is Extract<State, { state: "open" }> {
  return state.state === "open";
}

async function texts(link: ReconnectingClient, count: number): Promise<string[]> {
  const got: string[] = [];
  while (got.length < count) {
    const { value } = await link.channel().receive();
    if (value === undefined) break;
    got.push(`${value.epoch}:${String(value.data)}`);
  }
  return got;
}

describe("epochs", () => {
  test("all messages of an epoch come before those of the next, each with its epoch", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link();
      await link.client();
      peer.last.arrive("a");
      peer.last.arrive("b");
      peer.last.end(1012);
      await link.state.until((state) => isOpen(state) && state.epoch === 2);
      peer.last.arrive("c");
      expect(await texts(link, 3)).toEqual(["1:a", "1:b", "2:c"]);
      link.terminate();
    }));

  test("the next dial does not wait for the reader, the one after that does", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link();
      await link.client();
      peer.last.arrive("a");
      peer.last.end(1012);
      await link.state.until((state) => isOpen(state) && state.epoch === 2);
      peer.last.arrive("b");
      peer.last.end(1012);
      await clock.advance("10m");
      expect(peer.dials.length).toBe(2);
      expect(await texts(link, 1)).toEqual(["1:a"]);
      await clock.idle();
      expect(peer.dials.length).toBe(3);
      peer.last.arrive("c");
      expect(await texts(link, 2)).toEqual(["2:b", "3:c"]);
      link.terminate();
    }));

  test("a receiver, a select and a Selector that wait get a message when it arrives, whoever came first", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link();
      const { client } = (await link.state.until(isOpen)) as { client: Client };
      using events = new Selector({ feed: link.channel() });
      const first = select([link.channel(), new Channel()]);
      const second = events.next();
      const third = client.channel().receive();
      const fourth = link.channel().receive();
      for (const text of ["a", "b", "c", "d"]) peer.last.arrive(text);
      expect(((await first) as { value?: { data: unknown } }).value?.data).toBe("a");
      expect(await second).toMatchObject({ name: "feed", value: { data: "b", epoch: 1 } });
      expect(await third).toMatchObject({ value: { data: "c" } });
      expect(await fourth).toMatchObject({ value: { data: "d", epoch: 1 } });
      peer.last.arrive("e");
      expect(await events.next()).toMatchObject({ name: "feed", value: { data: "e" } });
      link.terminate();
    }));

  test("a Selector that watches the feed through a break hears of what was left and of what comes", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link();
      await link.client();
      using events = new Selector({ feed: link.channel() });
      peer.last.arrive("a");
      peer.last.end(1006);
      await link.state.until((state) => isOpen(state) && state.epoch === 2);
      peer.last.arrive("b");
      expect(events.tryNext()).toMatchObject({ value: { data: "a", epoch: 1 } });
      expect(events.tryNext()).toMatchObject({ value: { data: "b", epoch: 2 } });
      const waiting = events.next();
      peer.last.end(1000);
      expect(await waiting).toMatchObject({ ok: false });
    }));

  test("`receiveMany`, `tryReceive` and `length` see what stands in the connection of now", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link();
      await link.client();
      for (const text of ["a", "b", "c"]) peer.last.arrive(text);
      const feed = link.channel();
      expect([feed.length, feed.capacity, feed.closed]).toEqual([3, 32, false]);
      expect(feed.tryReceive()).toMatchObject({ ok: true, value: { data: "a" } });
      expect((await feed.receiveMany(10)).map(({ data }) => data)).toEqual(["b", "c"]);
      expect(feed.tryReceive()).toBeUndefined();
      link.terminate();
      expect(feed.tryReceive()).toMatchObject({ ok: false });
    }));

  test("nothing is lost, doubled or out of order in any interleaving of messages, breaks and receivers", () =>
    assert(
      asyncProperty(
        array(constantFrom("message", "break", "receive", "select", "try", "idle"), { maxLength: 60 }),
        (steps) =>
          virtualTime(async (clock) => {
            const peer = new Peer(clock);
            const link = peer.link();
            const feed = link.channel();
            const sent: string[] = [];
            const got: { readonly at: number; readonly text: string }[] = [];
            let asked = 0;
            const note = (at: number, value: { epoch: number; data: unknown } | undefined): void => {
              if (value !== undefined) got.push({ at, text: `${value.epoch}:${String(value.data)}` });
            };
            await clock.idle();
            for (const step of steps) {
              asked += 1;
              const at = asked;
              const now = link.state.value;
              if (step === "message" && isOpen(now)) {
                const text = String(sent.length);
                if (!peer.last.channel().closed && peer.last.channel().length < 32) {
                  peer.last.arrive(text);
                  sent.push(`${now.epoch}:${text}`);
                }
              } else if (step === "break" && isOpen(now)) peer.last.end(1006);
              else if (step === "receive") void feed.receive().then((r) => note(at, r.value));
              else if (step === "select") {
                void select([feed, false]).then((r) => note(at, r.value));
              } else if (step === "try") note(at, feed.tryReceive()?.value);
              else await clock.advance("1m");
            }
            await clock.idle();
            link.terminate();
            await clock.idle();
            for (let left = feed.tryReceive(); left?.ok; left = feed.tryReceive()) note(asked + 1, left.value);
            await clock.idle();
            got.sort((one, other) => one.at - other.at); // who asked first has the earlier message
            expect(got.map(({ text }) => text)).toEqual(sent);
          }),
      ),
      { numRuns: 200 },
    ));
});

describe("the backoff", () => {
  test("a server that accepts and then closes is dialled ever more seldom", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      peer.answer = () => {
        const client = new FakeClient();
        client.end(1012);
        return client;
      };
      const link = peer.link();
      await clock.advance("1h");
      // Full jitter at its cap of 30 s waits 15 s on average: 240 dials in an hour, give or take; and a third of them
      // cannot come in the first minute.
      expect(peer.dials.length).toBeGreaterThan(120);
      expect(peer.dials.length).toBeLessThan(480);
      expect(peer.dials.filter(({ at }) => at < 60_000).length).toBeLessThan(40);
      expect(peer.dials.at(-1)?.attempt.failures).toBe(peer.dials.length - 1);
      link.terminate();
    }));

  test("each wait is at random up to `from`, twice that, and so on up to `to`", () =>
    virtualTime(async (clock) => {
      const longest: number[] = [];
      for (let run = 0; run < 200; run += 1) {
        const peer = new Peer(clock);
        peer.answer = () => unavailable();
        const link = peer.link({ backoff: { from: "100ms", to: "1s" }, attempts: 8 });
        await link.closed;
        peer.dials.slice(1).forEach(({ at }, i) => {
          longest[i] = Math.max(longest[i] ?? 0, at - (peer.dials[i]?.at ?? 0));
        });
      }
      expect(longest.length).toBe(7);
      [100, 200, 400, 800, 1000, 1000, 1000].forEach((limit, i) => {
        expect(longest[i]).toBeLessThanOrEqual(limit);
        expect(longest[i]).toBeGreaterThan(limit * 0.9);
      });
    }));

  test("failures are forgotten after `stableAfter` of an open connection, not on open and not on a message", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link({ stableAfter: "10s" });
      const failures: number[] = [];
      for (const stable of ["1s", "9999ms", "10s", "1s", "1h"]) {
        const { client } = (await link.state.until(isOpen)) as { client: Client };
        failures.push(peer.dials.at(-1)?.attempt.failures ?? -1);
        (client as unknown as FakeClient).arrive("hello");
        await link.channel().receive();
        await time.sleep(stable);
        (client as unknown as FakeClient).end(1006);
        await link.state.until((state) => !isOpen(state));
      }
      const after = await link.state.until((state) => state.state === "waiting");
      expect(failures).toEqual([0, 1, 2, 1, 2]);
      expect(after).toMatchObject({ failure: { failures: 1, phase: "open" } });
      link.terminate();
    }));

  test("`Retry-After` is a floor, with the jitter on top", () =>
    virtualTime(async (clock) => {
      const waits: number[] = [];
      for (let run = 0; run < 50; run += 1) {
        const peer = new Peer(clock);
        peer.answer = ({ failures }) => (failures === 0 ? unavailable({ retryAfter: 120_000 }) : undefined);
        const link = peer.link();
        await link.client();
        waits.push((peer.dials[1]?.at ?? 0) - (peer.dials[0]?.at ?? 0));
        link.terminate();
      }
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(120_000);
      expect(Math.max(...waits)).toBeLessThanOrEqual(121_000);
      expect(new Set(waits).size).toBeGreaterThan(40);
    }));

  test("`until` says when the next dial comes, and a wait that `retry` gave is used as it is", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      peer.answer = ({ failures }) => (failures === 0 ? unavailable() : undefined);
      const link = peer.link({ retry: () => "90s" });
      const waiting = await link.state.until((state) => state.state === "waiting");
      expect(waiting).toMatchObject({ failure: { phase: "dial", info: undefined, failures: 1, epoch: 1, unsent: 0 } });
      const now = time.after(0).tryReceive()?.value as Date;
      expect((waiting as { until: Date }).until.getTime() - now.getTime()).toBe(90_000);
      await link.client();
      expect(peer.dials.map(({ at }) => at)).toEqual([0, 90_000]);
      link.terminate();
    }));

  test("1,000 links that lose one server dial spread, also at the cap", () =>
    virtualTime(async (clock) => {
      const down = clock.now() + 60_000;
      const dials: number[] = [];
      const links = Array.from({ length: 1000 }, () =>
        reconnect(async () => {
          dials.push(clock.now());
          if (clock.now() > 0 && clock.now() < down) throw unavailable();
          const fake = new FakeClient();
          if (clock.now() === 0) fake.end(1012);
          return fake.client;
        }),
      );
      await clock.advance("2m");
      expect(links.every(({ state }) => isOpen(state.value))).toBe(true);
      const late = dials.filter((at) => at > 20_000).toSorted((one, other) => one - other);
      const within = late.map((at, i) => i - late.findIndex((other) => other > at - 100) + 1);
      expect(late.length).toBeGreaterThan(3000);
      expect(Math.max(...within)).toBeLessThanOrEqual(20); // in any 100 ms
      for (const link of links) link.terminate();
    }));
});

describe("what comes after an end", () => {
  const goesOn = [1001, 1005, 1006, 1011, 1012, 1013, 1014, 3008];
  const ends = [1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003, 3999, 4000, 4001, 4999];

  test.each(goesOn)("%i: it connects again", (code) =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link();
      await link.client();
      peer.last.end(code);
      await clock.advance("1m");
      expect(link.state.value).toMatchObject({ state: "open", epoch: 2 });
      link.terminate();
    }),
  );

  test.each(ends)("%i: it ends, and does not look finished", (code) =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link();
      await link.client();
      peer.last.arrive("last words");
      peer.last.end(code);
      const { epochs, error, info } = await link.closed;
      expect({ epochs, code: info?.code }).toEqual({ epochs: 1, code });
      expect(error).toMatchObject({ kind: "UNAVAILABLE", details: { code } });
      expect(await texts(link, 2)).toEqual(["1:last words"]);
      expect(link.channel().cause).toBe(error);
      expect(link.state.value).toMatchObject({ state: "closed", epoch: 1, failure: { phase: "open", failures: 1 } });
      await expect(link.client()).rejects.toBe(error);
      await expect(link.send("late")).rejects.toBe(error);
      expect(peer.dials.length).toBe(1);
    }),
  );

  test("1000: the peer is done, and the channel ends without a cause", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link();
      await link.client();
      peer.last.end(1000);
      expect(await link.closed).toMatchObject({ epochs: 1, error: undefined, info: { code: 1000 } });
      for await (const _ of link) throw new Error("there is nothing");
      await expect(link.client()).rejects.toMatchObject({ kind: "INTERNAL", message: /used after close/ });
      await expect(link.send("late")).rejects.toMatchObject({ kind: "INTERNAL", message: /used after close/ });
    }));

  test("`retry` may go on after 1000, and may give up after 1001, which then has its code", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const asked: (number | undefined)[] = [];
      const link = peer.link({
        retry: ({ info }) => {
          asked.push(info?.code);
          return info?.code === 1000;
        },
      });
      await link.client();
      peer.last.end(1000);
      await clock.advance("1m");
      peer.last.end(1001, { reason: "deploy" });
      expect(await link.closed).toMatchObject({
        epochs: 2,
        error: { kind: "UNAVAILABLE", details: { code: 1001, reason: "deploy" } },
      });
      expect(asked).toEqual([1000, 1001]);
    }));

  test("`attempts` failures in a row end it with the last one", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      let count = 0;
      const failures = [unavailable({ n: 1 }), unavailable({ n: 2 }), unavailable({ n: 3 })];
      peer.answer = () => failures[count++];
      const link = peer.link({ attempts: 3 });
      expect(await link.closed).toEqual({ epochs: 0, error: failures[2], info: undefined });
      expect(peer.dials.length).toBe(3);
    }));

  test.each([
    ["INVALID", new SluiceError(errors.INVALID, "no")],
    ["PERMISSION_DENIED", new SluiceError(errors.PERMISSION_DENIED, "no")],
    ["NOT_FOUND", new SluiceError(errors.NOT_FOUND, "no")],
    ["an untrusted certificate", new SluiceError(errors.INTERNAL, "no")],
    ["a mistake of the dial", new TypeError("no")],
  ])("%s ends it at the first dial", (_what, error) =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      peer.answer = () => error;
      const link = peer.link();
      expect(await link.closed).toEqual({ epochs: 0, error, info: undefined });
      expect(await link.channel().receive()).toMatchObject({ ok: false, cause: error });
      expect(link.channel().cause).toBe(error);
    }),
  );

  test("a deadline that passed is tried again, whatever the error says of itself", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      peer.answer = ({ failures }) => (failures === 0 ? new SluiceError(errors.TIMEOUT, "late") : undefined);
      const link = peer.link();
      await link.client();
      expect(peer.dials.length).toBe(2);
      link.terminate();
    }));

  test.each([
    [
      "throws",
      (): boolean => {
        throw new RangeError("mine");
      },
      RangeError,
    ],
    ["gives nothing", (): boolean => undefined as unknown as boolean, TypeError],
    ["gives a bad duration", (): string => "soon", SluiceError],
  ])("a `retry` that %s is a mistake, and the end", (_what, retry, Mistake) =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      peer.answer = () => unavailable();
      const { error } = await peer.link({ retry }).closed;
      expect(error).toBeInstanceOf(Mistake);
    }),
  );

  test("a target that gives no client is a mistake, and the end", () =>
    virtualTime(async () => {
      const link = reconnect((async () => ({})) as never);
      expect((await link.closed).error).toMatchObject({ name: "TypeError", message: /`target` to give a client/ });
    }));

  test("a connection that has ended when it arrives is an epoch, and its messages come", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      peer.answer = () => {
        const fake = new FakeClient();
        fake.arrive("hello and goodbye");
        fake.end(1000);
        return fake;
      };
      const link = peer.link();
      expect(await texts(link, 2)).toEqual(["1:hello and goodbye"]);
      expect(await link.closed).toMatchObject({ epochs: 1, error: undefined });
    }));

  test("what had not left the process is counted", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link();
      await link.client();
      peer.last.messagesUnsent = 7;
      peer.last.end(1006);
      const waiting = await link.state.until((state) => state.state === "waiting");
      expect(waiting).toMatchObject({ failure: { unsent: 7, epoch: 1, phase: "open", info: { code: 1006 } } });
      link.terminate();
    }));
});

describe("setup", () => {
  test("has the client to itself; what it leaves flows on", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      peer.answer = () => {
        const fake = new FakeClient();
        for (const text of ["a", "b", "c", "d", "e"]) fake.arrive(text);
        return fake;
      };
      const own: unknown[] = [];
      const link = peer.link({
        setup: async (client, { epoch, failures }) => {
          expect([epoch, failures]).toEqual([1, 0]);
          await client.send("subscribe");
          for (let i = 0; i < 2; i += 1) own.push((await client.channel().receive()).value?.data);
          await time.sleep("1s");
          expect(link.channel().length).toBe(0);
          expect(link.state.value.state).toBe("connecting");
        },
      });
      expect(await texts(link, 3)).toEqual(["1:c", "1:d", "1:e"]);
      expect(own).toEqual(["a", "b"]);
      expect(peer.last.sent).toEqual(["subscribe"]);
      link.terminate();
    }));

  test("a SluiceError of it closes the connection with 1000, and `retry` decides", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      let tries = 0;
      const link = peer.link({
        setup: () => {
          tries += 1;
          if (tries < 3) throw unavailable();
          throw new SluiceError(errors.PERMISSION_DENIED, "not you");
        },
      });
      const { epochs, error } = await link.closed;
      expect([epochs, tries]).toEqual([0, 3]);
      expect(error).toMatchObject({ kind: "PERMISSION_DENIED" });
      expect(peer.clients.map(({ ended }) => ended)).toEqual(["close 1000", "close 1000", "close 1000"]);
      expect(link.state.value).toMatchObject({ failure: { phase: "setup", info: undefined, failures: 3 } });
    }));

  test("anything else that it throws is a mistake, and the end", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const mistake = new TypeError("mine");
      const link = peer.link({
        setup: () => {
          throw mistake;
        },
      });
      expect((await link.closed).error).toBe(mistake);
      expect(peer.last.ended).toBe("close 1000");
    }));

  test("one that never settles is a TIMEOUT after `setupTimeout`, and is tried again", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const failures: Failure[] = [];
      const link = peer.link({
        setup: (_client, { failures: before }) => (before === 0 ? new Promise(() => undefined) : undefined),
        setupTimeout: "5s",
        retry: (failure) => {
          failures.push(failure);
          return "1s";
        },
      });
      await link.client();
      expect(peer.dials.map(({ at }) => at)).toEqual([0, 6000]);
      expect(peer.clients[0]?.ended).toBe("terminate");
      expect(failures).toMatchObject([{ phase: "setup", error: { kind: "TIMEOUT", retryable: true } }]);
      link.terminate();
    }));

  test("a connection that ends meanwhile decides, not what the hook made of it", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const failures: Failure[] = [];
      const link = peer.link({
        setup: async (client) => {
          const { value } = await client.channel().receive();
          if (value?.data !== "welcome") (undefined as unknown as { fail(): void }).fail();
        },
        retry: (failure) => {
          failures.push(failure);
          return failure.failures < 2;
        },
      });
      await clock.idle();
      peer.last.end(1013);
      await clock.advance("1s"); // the first wait is at most that, and `setup` has 30 s
      peer.last.end(1008);
      const { error } = await link.closed;
      expect(failures.map(({ phase, info }) => [phase, info?.code])).toEqual([
        ["setup", 1013],
        ["setup", 1008],
      ]);
      expect(error).toMatchObject({ kind: "UNAVAILABLE", details: { code: 1008 } });
    }));
});

describe("stopping", () => {
  /** A link in each of the things it does. */
  const phases: Record<string, (peer: Peer, options: ReconnectOptions) => Promise<ReconnectingClient>> = {
    dial: async (peer, options) =>
      reconnect((attempt) => {
        peer.dials.push({ at: 0, attempt }); // and never answers
        return new Promise(() => undefined);
      }, options),
    setup: async (peer, options) =>
      peer.link({ ...options, setup: () => new Promise(() => undefined), setupTimeout: 0 }),
    open: async (peer, options) => {
      const link = peer.link(options);
      await link.client();
      return link;
    },
    wait: async (peer, options) => {
      peer.answer = () => unavailable();
      const link = peer.link({ ...options, retry: () => "1h" });
      await link.state.until((state) => state.state === "waiting");
      return link;
    },
  };

  describe.each(Object.keys(phases))("in %s", (phase) => {
    const begin = phases[phase] as (peer: Peer, options: ReconnectOptions) => Promise<ReconnectingClient>;

    test.each(["signal", "close", "terminate"])("by %s settles everything in the same turn", (how) =>
      virtualTime(async (clock) => {
        const peer = new Peer(clock);
        const controller = new AbortController();
        const link = await begin(peer, { signal: controller.signal });
        await clock.idle();
        const reason = new Error("enough");
        const waiting = link.channel().receive();
        if (how === "signal") controller.abort(reason);
        else if (how === "close") void link.close(4000, "bye");
        else link.terminate();
        expect(link.channel().closed).toBe(true);
        expect(link.state.value.state).toBe("closed");
        const cause = how === "signal" ? reason : undefined;
        expect(await waiting).toEqual({ ok: false, value: undefined, done: true, cause });
        expect(link.channel().cause).toBe(cause);
        expect((await link.closed).error).toBe(cause);
        expect(peer.dials[0]?.attempt.signal.aborted).toBe(phase === "dial");
        const ended = { signal: "close 1001", close: "close 4000", terminate: "terminate" }[how];
        expect(peer.clients.map((client) => client.ended)).toEqual(
          phase === "setup" || phase === "open" ? [ended] : [],
        );
        const begun = clock.now();
        await clock.idle();
        expect(clock.now()).toBe(begun);
      }),
    );
  });

  test("a client that comes late is ended", () =>
    virtualTime(async (clock) => {
      const late = new FakeClient();
      const give = new Channel<Client>(1);
      const link = reconnect(async () => (await give.receive()).value as Client);
      await clock.idle();
      link.terminate();
      await give.send(late.client);
      await clock.idle();
      expect(late.ended).toBe("terminate");
      expect(link.state.value).toMatchObject({ state: "closed", epoch: 0 });
    }));

  test("what stands in the channel stays receivable", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link();
      await link.client();
      peer.last.arrive("a");
      peer.last.end(1012);
      await link.state.until((state) => isOpen(state) && state.epoch === 2);
      peer.last.arrive("b");
      await link.close();
      expect(await texts(link, 3)).toEqual(["1:a", "2:b"]);
    }));

  test("a signal that was aborted before dials nothing", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const reason = new Error("before");
      const link = peer.link({ signal: AbortSignal.abort(reason) });
      expect(await link.closed).toEqual({ epochs: 0, error: reason, info: undefined });
      expect(peer.dials.length).toBe(0);
    }));

  test("`state` closes behind its last value", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link();
      const seen: string[] = [];
      const watching = (async () => {
        for await (const { state } of link.state.changes()) seen.push(state);
      })();
      await link.client();
      await clock.idle();
      peer.last.end(1012);
      await clock.advance("1m");
      await link.close();
      await watching;
      expect(seen).toEqual(["connecting", "open", "waiting", "connecting", "open", "closed"]);
    }));
});

describe("trying at once", () => {
  test("`retryNow` cuts a wait short", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      peer.answer = ({ failures }) => (failures === 0 ? unavailable() : undefined);
      const link = peer.link({ retry: () => "1h" });
      await link.state.until((state) => state.state === "waiting");
      await time.sleep("1s");
      link.retryNow();
      await link.client();
      expect(peer.dials.map(({ at }) => at)).toEqual([0, 1000]);
      link.terminate();
    }));

  test("`retryNow` gives up a dial under way: no failure, no hook, and its client is ended when it comes", () =>
    virtualTime(async (clock) => {
      const attempts: Attempt[] = [];
      const late = new FakeClient();
      const asked: Failure[] = [];
      const link = reconnect(
        (attempt) => {
          attempts.push(attempt);
          if (attempts.length > 1) return Promise.resolve(new FakeClient().client);
          return new Promise((resolve) => attempt.signal.addEventListener("abort", () => resolve(late.client)));
        },
        { retry: (failure) => (asked.push(failure), true) },
      );
      await clock.idle();
      link.retryNow();
      await link.client();
      expect(attempts.map(({ epoch, failures }) => [epoch, failures])).toEqual([
        [1, 0],
        [1, 0],
      ]);
      expect(attempts.map(({ signal }) => signal.aborted)).toEqual([true, false]);
      expect(late.ended).toBe("terminate");
      expect(asked).toEqual([]);
      link.retryNow();
      await clock.idle();
      expect(attempts.length).toBe(2);
      link.terminate();
    }));

  test("`restart` connects again without a backoff, a question or a wait for the closing handshake", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      peer.answer = () => {
        const fake = new FakeClient();
        fake.close = (code: number | undefined) => {
          fake.ended = `close ${String(code)}`;
          return fake.closed; // the peer does not answer
        };
        return fake;
      };
      const asked: Failure[] = [];
      const link = peer.link({ retry: (failure) => (asked.push(failure), true) });
      await link.client();
      link.restart();
      await link.state.until((state) => isOpen(state) && state.epoch === 2);
      expect(clock.now()).toBe(0);
      expect(peer.clients[0]?.ended).toBe("close 1000");
      expect(asked).toEqual([]);
      expect(peer.dials[1]?.attempt.failures).toBe(0);
      link.terminate();
    }));
});

describe("sends", () => {
  test("go to the connection of now and give its epoch", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link();
      await link.client();
      expect(await link.send("one")).toBe(1);
      expect(await link.send("two", { epoch: 1 })).toBe(1);
      peer.last.end(1012);
      await clock.advance("1m");
      expect(await link.send("three")).toBe(2);
      await expect(link.send("old", { epoch: 1 })).rejects.toMatchObject({ kind: "CONFLICT" });
      await expect(link.send("early", { epoch: 3 })).rejects.toMatchObject({ kind: "CONFLICT" });
      expect(peer.clients.map(({ sent }) => sent)).toEqual([["one", "two"], ["three"]]);
      link.terminate();
    }));

  test("are refused at once while there is no connection, and nothing is kept", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      peer.answer = ({ failures }) => (failures === 0 ? unavailable() : undefined);
      const link = peer.link({ retry: () => "1h" });
      await expect(link.send("a")).rejects.toMatchObject({ kind: "UNAVAILABLE", retryable: true });
      await link.state.until((state) => state.state === "waiting");
      await expect(link.send("b")).rejects.toMatchObject({ kind: "UNAVAILABLE", retryable: true });
      await expect(link.send("c", { epoch: 1 })).rejects.toMatchObject({ kind: "CONFLICT" });
      await expect(link.ping()).rejects.toMatchObject({ kind: "UNAVAILABLE", retryable: true });
      await link.client();
      expect(peer.last.sent).toEqual([]);
      link.terminate();
    }));

  test("one that the end of its connection rejects is UNAVAILABLE, one that is a mistake is the mistake", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link();
      await link.client();
      peer.last.send = async () => {
        throw new SluiceError(errors.INTERNAL, "lost");
      };
      await expect(link.send("a")).rejects.toMatchObject({ kind: "UNAVAILABLE", cause: { message: "lost" } });
      peer.last.send = async () => {
        throw new TypeError("mine");
      };
      await expect(link.send("b")).rejects.toThrow("mine");
      link.terminate();
    }));
});

/** Bytes on the heap that something still holds. */
function held(): number {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("This test needs --expose-gc");
  for (let i = 0; i < 3; i += 1) gc();
  return process.memoryUsage().heapUsed;
}

describe("at length", () => {
  test("two virtual days with a break each hour leave nothing behind", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const link = peer.link();
      for (let hour = 0; hour < 48; hour += 1) {
        const client = (await link.client()) as unknown as FakeClient;
        await time.sleep("1h");
        client.arrive(String(hour));
        client.end(1001);
        expect(await texts(link, 1)).toEqual([`${hour + 1}:${hour}`]);
        await link.state.until((state) => state.state === "waiting");
      }
      expect(peer.dials.length).toBe(48);
      link.terminate();
      await clock.idle();
    }));

  test("10,000 epochs hold the heap flat", () =>
    virtualTime(async (clock) => {
      const peer = new Peer(clock);
      const signal = new AbortController();
      const link = peer.link({ signal: signal.signal, setup: (client) => client.send("subscribe") });
      const epochs = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i += 1) {
          const client = (await link.client()) as unknown as FakeClient;
          client.arrive("hello");
          client.end(1012);
          await link.channel().receive();
          await link.state.until((state) => !isOpen(state));
          peer.clients.length = peer.dials.length = 0; // what this test remembers
        }
      };
      await epochs(2000);
      const before = held();
      await epochs(10_000);
      // A connection that stayed would be kilobytes for each; what Node keeps of AbortControllers for a while is 100 B.
      await expect.poll(() => (held() - before) / 10_000, { timeout: 60_000, interval: 10 }).toBeLessThan(150);
      link.terminate();
    }));
});
