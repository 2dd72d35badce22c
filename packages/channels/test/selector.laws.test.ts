// Selectors beside plain receives and selects on the same channels, at random: nothing is lost or doubled, the earliest
// comes first, nobody waits two rounds, timers come on time. And what an event costs, counted in steps, not in time.

import { Channel, type ReceiveChannel, select, Selector, time } from "@sluice/channels";
import { handOff, ready, Source, take, turnedReady } from "@sluice/channels/source";
import { virtualTime } from "@sluice/channels/testing";
import { array, assert, asyncProperty, boolean, constant, integer, nat, oneof, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { hunt, turns } from "./progress.ts";

const CHANNELS = 3;
const channel = nat(CHANNELS - 1);
const selector = nat(1);
const is = <T extends string>(name: T) => constant(name);

const command = oneof(
  { weight: 6, arbitrary: record({ do: is("send"), channel }) },
  { weight: 2, arbitrary: record({ do: is("park a send"), channel }) },
  { weight: 3, arbitrary: record({ do: is("receive"), channel }) },
  { weight: 2, arbitrary: record({ do: is("select"), channel, other: channel }) },
  { weight: 5, arbitrary: record({ do: is("next"), selector, loop: boolean() }) },
  { weight: 1, arbitrary: record({ do: is("try next"), selector }) },
  { weight: 3, arbitrary: record({ do: is("add"), selector, channel }) },
  { weight: 2, arbitrary: record({ do: is("delete"), selector, channel }) },
  { weight: 2, arbitrary: record({ do: is("abort"), which: nat(20) }) },
  { weight: 1, arbitrary: record({ do: is("let the loop turn") }) },
);
const scene = record({
  capacities: array(nat(2), { minLength: CHANNELS, maxLength: CHANNELS }),
  commands: array(command, { minLength: 1, maxLength: 60 }),
});

/** An operation that waits for a value, in the order of arrival; `watches` says where it stands now. */
interface Ask {
  readonly watches: () => readonly number[];
  done: boolean;
  /** What it must get, once something was sent to it. */
  expected: number | undefined;
}

test("laws 1, 2, 4: beside receives and selects, with channels added and deleted at any moment", () =>
  assert(
    asyncProperty(scene, async ({ capacities, commands }) => {
      const channels = capacities.map((capacity) => new Channel<number>(capacity));
      const selectors = [new Selector<Record<string, number>>(), new Selector<Record<string, number>>()];
      const watched = selectors.map(() => new Set<number>());
      const at = (index: number): Channel<number> => channels[index] as Channel<number>;
      const asks: Ask[] = [];
      const controllers: AbortController[] = [];
      const received: number[] = [];
      const aborted = new Set<number>();
      const sent: number[] = [];
      const complaints: string[] = [];
      const all: Promise<unknown>[] = [];

      const ask = (
        watches: () => readonly number[],
        wait: (signal: AbortSignal) => Promise<{ value?: unknown } | undefined>,
      ) => {
        const mine: Ask = { watches, done: false, expected: undefined };
        const controller = new AbortController();
        asks.push(mine);
        controllers.push(controller);
        const gone = (): void => {
          mine.done = true;
        };
        controller.signal.addEventListener("abort", gone);
        all.push(
          (async () => {
            try {
              const result = await wait(controller.signal);
              const value = result !== undefined && "value" in result ? result.value : undefined;
              if (typeof value === "number") received.push(value);
              if (mine.expected !== undefined && value !== mine.expected)
                complaints.push(`${mine.expected} went elsewhere`);
            } catch (reason) {
              if (reason !== "enough") throw reason;
            }
            mine.done = true;
          })(),
        );
      };

      /** Law 2: a value goes to whoever has waited longest where it is sent; the model says who that is. */
      const meet = (index: number, value: number): boolean => {
        const first = asks.find((one) => !one.done && one.watches().includes(index));
        if (first !== undefined) [first.done, first.expected] = [true, value];
        return first !== undefined;
      };

      for (const step of commands) {
        // What has settled must be known to the model before the next step: every promise that was committed settles.
        await turns(1);
        switch (step.do) {
          case "send": {
            const value = sent.length;
            const room = at(step.channel).length < at(step.channel).capacity;
            const taken = at(step.channel).trySend(value);
            if (taken) sent.push(value);
            if (taken !== (meet(step.channel, value) || room)) complaints.push(`trySend gave ${taken}`);
            break;
          }
          case "park a send": {
            const value = sent.length;
            const controller = new AbortController();
            controllers.push(controller);
            meet(step.channel, value);
            sent.push(value);
            all.push(
              at(step.channel)
                .send(value, controller)
                .catch(() => aborted.add(value)),
            );
            break;
          }
          case "receive":
            ask(
              () => [step.channel],
              (signal) => at(step.channel).receive({ signal }),
            );
            break;
          case "select":
            ask(
              () => [step.channel, step.other],
              (signal) => select([at(step.channel), at(step.other)], { signal }),
            );
            break;
          case "next": {
            const events = selectors[step.selector] as (typeof selectors)[number];
            const set = watched[step.selector] as Set<number>;
            ask(
              () => [...set],
              async (signal) => {
                if (!step.loop) return events.next({ signal });
                const iterator = events[Symbol.asyncIterator]();
                signal.addEventListener("abort", () => void iterator.return?.());
                return (await iterator.next()).value;
              },
            );
            break;
          }
          case "try next": {
            const event = selectors[step.selector]?.tryNext();
            if (event?.ok === true) received.push(event.value);
            break;
          }
          case "add": {
            const set = watched[step.selector] as Set<number>;
            if (set.has(step.channel)) break;
            set.add(step.channel);
            selectors[step.selector]?.add(String(step.channel), at(step.channel));
            break;
          }
          case "delete": {
            const existed = (watched[step.selector] as Set<number>).delete(step.channel);
            if (selectors[step.selector]?.delete(String(step.channel)) !== existed) complaints.push("delete");
            break;
          }
          case "abort":
            controllers[step.which]?.abort("enough");
            break;
          case "let the loop turn":
            await turns();
        }
      }

      for (const controller of controllers) controller.abort("enough");
      await turns();
      for (const events of selectors) events.close();
      await Promise.all(all);
      const left: number[] = [];
      for (const one of channels) {
        for (let r = one.tryReceive(); r?.ok === true; r = one.tryReceive()) left.push(r.value);
        // Law 4: nobody is left who would take a value.
        if (one.trySend(-1) && one.tryReceive()?.value !== -1) complaints.push("somebody was left behind");
      }
      expect(complaints).toEqual([]);
      // Law 1: each value was received once, or is still inside, or its send was aborted.
      const accounted = [...received, ...left, ...aborted].toSorted((a, b) => a - b);
      expect(accounted).toEqual(sent);
    }),
    hunt(150),
  ));

test("law 2: the earliest call is served, whatever it is and in whatever order channels were registered", () =>
  assert(
    asyncProperty(
      array(oneof(record({ kind: is("receive"), channel }), record({ kind: is("next"), selector })), {
        minLength: 1,
        maxLength: 12,
      }),
      array(record({ selector, channel, early: boolean() }), { maxLength: 8 }),
      array(channel, { minLength: 1, maxLength: 16 }),
      async (asks, registrations, sends) => {
        const channels = Array.from({ length: CHANNELS }, () => new Channel<number>());
        const selectors = [new Selector<Record<string, number>>(), new Selector<Record<string, number>>()];
        const watched = selectors.map(() => new Set<number>());
        const register = (early: boolean): void => {
          for (const one of registrations) {
            const set = watched[one.selector] as Set<number>;
            if (one.early !== early || set.has(one.channel)) continue;
            set.add(one.channel);
            selectors[one.selector]?.add(String(one.channel), channels[one.channel] as Channel<number>);
          }
        };
        register(true);
        const got: (number | undefined)[] = asks.map(() => undefined);
        const promises = asks.map(async (one, i) => {
          const promise = one.kind === "receive" ? channels[one.channel]?.receive() : selectors[one.selector]?.next();
          const result = await promise;
          if (result?.ok === true) got[i] = result.value;
        });
        register(false);
        const expected: (number | undefined)[] = asks.map(() => undefined);
        for (const [value, to] of sends.entries()) {
          const first = asks.findIndex((one, i) => {
            if (expected[i] !== undefined) return false;
            return one.kind === "receive" ? one.channel === to : watched[one.selector]?.has(to);
          });
          if (first >= 0) expected[first] = value;
          expect(channels[to]?.trySend(value)).toBe(first >= 0);
        }
        await turns();
        expect(got).toEqual(expected);
        for (const one of channels) one.close();
        for (const events of selectors) events.close();
        await Promise.all(promises);
      },
    ),
    hunt(150),
  ));

test("fair: no channel that stays ready waits more than one round, with channels coming and going", () =>
  assert(
    property(
      array(
        oneof(
          record({ do: is("fill"), channel: nat(5), count: integer({ min: 1, max: 6 }) }),
          record({ do: is("event") }),
          record({ do: is("toggle"), channel: nat(5) }),
        ),
        { maxLength: 150 },
      ),
      (moves) => {
        const channels = Array.from({ length: 6 }, () => new Channel<number>(1000));
        const events = new Selector<Record<string, number>>();
        const watched = new Set<string>();
        /** For each ready channel, who had an event since it turned ready or had its own. */
        const overtakenBy = new Map<string, Set<string>>();
        const complaints: string[] = [];
        for (const step of moves) {
          if (step.do === "fill") {
            for (let i = 0; i < step.count; i += 1) channels[step.channel]?.trySend(i);
          } else if (step.do === "toggle") {
            const name = String(step.channel);
            overtakenBy.delete(name);
            for (const set of overtakenBy.values()) set.delete(name);
            if (events.delete(name)) {
              watched.delete(name);
            } else {
              events.add(name, channels[step.channel] as Channel<number>);
              watched.add(name);
            }
          } else {
            const given = events.tryNext()?.name;
            for (const name of watched) {
              const isReady = (channels[Number(name)]?.length ?? 0) > 0;
              if (given === undefined && isReady) complaints.push(`${name} was ready and there was no event`);
              const set = overtakenBy.get(name) ?? new Set();
              if (given === undefined || name === given || !isReady) set.clear();
              else if (set.has(given)) complaints.push(`${given} came twice before ${name}`);
              else set.add(given);
              overtakenBy.set(name, set);
            }
          }
        }
        expect(complaints).toEqual([]);
        expect(events.size).toBe(watched.size);
      },
    ),
    hunt(150),
  ));

test("timers and tickers: every event comes at its moment, beside channels and waits of others", () =>
  assert(
    asyncProperty(
      array(integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
      array(integer({ min: -1, max: 200 }), { maxLength: 5 }),
      array(integer({ min: 0, max: 200 }), { maxLength: 5 }),
      async (periods, delays, sends) => {
        const seen = await virtualTime(async (clock) => {
          const jobs = new Channel<number>(100);
          const events = new Selector<Record<string, number | Date>>({ jobs });
          for (const [i, period] of periods.entries())
            events.add(`every ${period} #${i}`, time.ticker(period).channel());
          for (const [i, delay] of delays.entries()) events.add(`after ${delay} #${i}`, time.after(delay));
          for (const delay of sends) void time.sleep(delay).then(() => jobs.send(delay));
          const end = time.after(200.5);
          events.add("end", end);
          const log: string[] = [];
          for await (const event of events) {
            if (event.name === "end") break;
            log.push(`${String(clock.now()).padStart(3, "0")} ${event.name}`);
          }
          return log;
        });
        const expected = [
          ...periods.flatMap((period, i) => {
            const ticks = Array.from({ length: Math.floor(200 / period) }, (_, n) => (n + 1) * period);
            return ticks.map((at) => `${String(at).padStart(3, "0")} every ${period} #${i}`);
          }),
          ...delays.map((delay, i) => `${String(Math.max(0, delay)).padStart(3, "0")} after ${delay} #${i}`),
          ...sends.map((delay) => `${String(delay).padStart(3, "0")} jobs`),
        ];
        expect(seen.map((line) => line.slice(0, 3))).toEqual(seen.map((line) => line.slice(0, 3)).toSorted());
        expect(seen.toSorted()).toEqual(expected.toSorted());
      },
    ),
    hunt(40),
  ));

/** A channel that counts what it is asked. */
class Counted extends Source<number> {
  static steps = 0;
  readonly #values: number[] = [];

  put(value: number): void {
    if (this[handOff](value)) return;
    this.#values.push(value);
    this[turnedReady]();
  }

  override [ready](): boolean {
    Counted.steps += 1;
    return this.#values.length > 0;
  }

  override [take](): number {
    Counted.steps += 1;
    return this.#values.shift() as number;
  }
}

/** Steps for a thousand events on one of `count` channels: half of them found ready, half of them waited for. */
async function steps(count: number): Promise<number> {
  const channels = Array.from({ length: count }, () => new Counted());
  const events = new Selector<Record<string, number>>();
  for (const [i, one] of channels.entries()) events.add(`channel ${i}`, one);
  const before = Counted.steps;
  for (let i = 0; i < 500; i += 1) {
    const one = channels[(i * 7919) % count] as Counted;
    one.put(i);
    await events.next();
    const next = events.next();
    one.put(-i);
    await next;
  }
  return Counted.steps - before;
}

describe("the cost of an event", () => {
  test("is the same number of steps among 10,000 channels as among 2", async () => {
    const few = await steps(2);
    expect(few).toBeGreaterThan(0);
    expect(await steps(10_000)).toBe(few);
  });

  test("does not touch a channel that never turns ready", async () => {
    const busy = new Channel<number>(1);
    const silent = Array.from({ length: 1000 }, () => new Counted());
    const events = new Selector<Record<string, number>>({ busy });
    for (const [i, one] of silent.entries()) events.add(`silent ${i}`, one);
    const before = Counted.steps;
    for (let i = 0; i < 1000; i += 1) {
      const next = events.next();
      busy.trySend(i);
      await next;
      busy.trySend(i);
      events.tryNext();
    }
    expect(Counted.steps).toBe(before);
    events.close();
    expect(Counted.steps).toBe(before);
  });
});

test("law 4: events and aborted waits leave nothing behind in the channels", async () => {
  const [busy, silent] = [new Channel<number>(), new Channel<number>()];
  const events = new Selector({ busy, silent });
  const controller = new AbortController();
  const others: ReceiveChannel<number>[] = [busy, silent];
  for (let i = 0; i < 1000; i += 1) {
    const next = events.next(i % 2 === 0 ? undefined : controller);
    busy.trySend(i);
    await next;
  }
  const waits = Array.from({ length: 100 }, () => events.next(controller).catch((reason: unknown) => reason));
  controller.abort("enough");
  expect(new Set(await Promise.all(waits))).toEqual(new Set(["enough"]));
  expect([busy.trySend(1), silent.trySend(1)]).toEqual([false, false]);
  const received = others.map((one) => one.receive());
  busy.trySend(1);
  silent.trySend(2);
  expect(await Promise.all(received)).toMatchObject([{ value: 1 }, { value: 2 }]);
});

/** As a socket's channel does: taking makes room, and room lets the next one in at once. */
class Eager extends Source<number> {
  readonly #room: number[] = [];
  readonly #outside: number[];

  constructor(values: readonly number[]) {
    super();
    this.#outside = [...values];
    this.#letIn();
  }

  override [ready](): boolean {
    return this.#room.length > 0;
  }

  override [take](): number {
    const value = this.#room.shift() as number;
    this.#letIn();
    return value;
  }

  #letIn(): void {
    const next = this.#outside.shift();
    if (next === undefined || this[handOff](next)) return;
    this.#room.push(next);
    this[turnedReady]();
  }
}

test.each([1, 2, 3])(
  "a channel that lets more in while it is taken from is added under %i parked next: nothing is lost or out of order",
  async (parked) => {
    const events = new Selector<Record<string, number>>();
    const asked = Array.from({ length: parked }, async () => events.next());
    events.add("eager", new Eager([1, 2, 3, 4, 5]));
    const got = (await Promise.all(asked)).map((event) => event?.value);
    for (let event = events.tryNext(); event !== undefined; event = events.tryNext()) got.push(event.value);
    expect(got).toEqual([1, 2, 3, 4, 5]);
  },
);
