// The laws, as properties of a crowd (bustle.ts): every value is accounted for, whoever aborts, closes, breaks or drops.

import { Channel, select, Selector, time } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { array, assert, asyncProperty, constantFrom } from "fast-check";
import { expect, test } from "vitest";
import { Bustle, type Fate } from "./bustle.ts";
import { hunt, turns } from "./progress.ts";
import { scenes } from "./scenes.ts";

/** What became of all values of all runs: a crowd in which nothing is ever dropped would prove little. */
type Tally = Map<Fate | "runs", number>;

function accounted(bustle: Bustle, tally: Tally): void {
  expect({ miscounted: bustle.miscounted(), complaints: bustle.complaints }).toEqual({
    miscounted: [],
    complaints: [],
  });
  for (const fate of [...bustle.fates.values()].flat()) tally.set(fate, (tally.get(fate) ?? 0) + 1);
}

const FATES: readonly Fate[] = ["dropped", "not sent", "received", "returned", "still inside"];

test(
  "H7: sent = received + still inside + returned + dropped, in order, and nobody hangs, under virtual time",
  { timeout: 3_600_000 },
  async () => {
    const tally: Tally = new Map();
    const property = asyncProperty(scenes, (scene) =>
      virtualTime(async (clock) => {
        const bustle = new Bustle(scene, time.sleep);
        await clock.advance("1h");
        await bustle.end();
        accounted(bustle, tally);
      }),
    );
    await assert(property, hunt(200));
    expect([...tally.keys()].toSorted()).toEqual(FATES);
  },
);

test("H7: the same holds in ordinary time, where turns are budgeted by the clock", { timeout: 3_600_000 }, async () => {
  const tally: Tally = new Map();
  const property = asyncProperty(scenes, async (scene) => {
    const bustle = new Bustle(scene, turns);
    await turns(12);
    await bustle.end();
    accounted(bustle, tally);
  });
  await assert(property, hunt(200));
  expect([...tally.keys()].toSorted()).toEqual(FATES);
});

// Each way of doing one thing that completes, as far as the library is concerned, during the call.
const WAYS: Readonly<Record<string, () => Promise<unknown>[]>> = {
  "a send into a buffer": () => [new Channel<number>(1).send(1)],
  "a receive of what is there": () => {
    const channel = new Channel<number>(1);
    channel.trySend(1);
    return [channel.receive()];
  },
  "a receiver that is woken by a send": () => {
    const channel = new Channel<number>();
    return [channel.receive(), channel.send(1)];
  },
  "senders that are woken by receiveMany": () => {
    const channel = new Channel<number>(1);
    return [channel.send(1), channel.send(2), channel.send(3), channel.receiveMany(3)];
  },
  "two selects that meet": () => {
    const channel = new Channel<number>();
    return [select([channel]), select([channel.caseSend(1)])];
  },
  "a default": () => [select([new Channel<number>()], { default: true })],
  "a Selector's event": () => {
    const channel = new Channel<number>();
    return [new Selector({ channel }).next(), channel.send(1)];
  },
  "a loop's step": () => {
    const channel = new Channel<number>();
    return [channel[Symbol.asyncIterator]().next(), channel.send(1)];
  },
  "everybody at a close": () => {
    const channel = new Channel<number>();
    const waits = [channel.receive(), select([channel]), channel.receiveMany(1)];
    channel.close();
    return waits;
  },
  "an abort": () => {
    const abort = new AbortController();
    const waits = [
      new Channel<number>().receive({ signal: abort.signal }),
      select([new Channel<number>()], { signal: abort.signal }),
    ];
    abort.abort("aborted");
    return waits;
  },
  "a refusal": () => [new Channel<number>().receive({ signal: AbortSignal.abort("aborted") })],
};

test(
  "law 2: promises settle in commit order, also across turns of the event loop",
  { timeout: 3_600_000 },
  async () => {
    // Enough for three turns: the queue of those that wait for theirs is joined while it is being served.
    const names = array(constantFrom(...Object.keys(WAYS)), { minLength: 300, maxLength: 2_000, size: "max" });
    const property = asyncProperty(names, async (list) => {
      const settled: number[] = [];
      let committed = 0;
      const all: Promise<unknown>[] = [];
      for (const [i, name] of list.entries()) {
        for (const promise of WAYS[name]?.() ?? []) {
          const number = committed;
          committed += 1;
          const note = (): number => settled.push(number);
          all.push(promise.then(note, note));
        }
        if (i % 400 === 399) await Promise.resolve();
      }
      await Promise.all(all);
      expect(settled).toEqual(settled.map((_, i) => i));
    });
    await assert(property, hunt(25));
  },
);
