// What only Node shows of the stages: async context, listeners of a signal, the heap.

import { AsyncLocalStorage } from "node:async_hooks";
import { getEventListeners } from "node:events";
import { Channel, type ReceiveChannel, type SignalOptions } from "@sluice/channels";
import { batch, map, merge, pipe } from "@sluice/channels/flow";
import { describe, expect, test } from "vitest";
import { turns } from "./progress.ts";
import { residue } from "./residue.ts";
import { filled, upTo } from "./values.ts";

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

const stages: [
  string,
  (source: ReceiveChannel<number>, options?: SignalOptions) => ReceiveChannel<unknown> & Disposable,
][] = [
  ["merge", (source, options) => merge([source], options)],
  ["map", (source, options) => map(source, (value) => value, options)],
  ["batch", (source, options) => batch(source, { size: 1, within: 0, signal: options?.signal })],
];

test("the function of a map runs in the async context of whoever called map; senders and receivers keep their own", async () => {
  const context = new AsyncLocalStorage<string>();
  const seen = new Set<string | undefined>();
  const source = new Channel<number>(2);
  const results = context.run("map", () =>
    map(
      source,
      async (value) => {
        seen.add(context.getStore());
        await turns(1);
        seen.add(context.getStore());
        return value;
      },
      { concurrency: 2 },
    ),
  );
  await context.run("sender", async () => {
    for (const i of upTo(2)) await source.send(i);
    seen.add(`${context.getStore()} of its own`);
  });
  await context.run("receiver", async () => {
    const asked = [results.receive(), results.receive(), results.receive()];
    await context.run("later sender", () => source.send(2));
    await Promise.all(asked);
    seen.add(`${context.getStore()} of its own`);
  });
  expect([...seen].map(String).toSorted()).toEqual(["map", "receiver of its own", "sender of its own"]);
});

describe.each(stages)("%s", (_, stage) => {
  test("has at most one listener on its signal, none once it has ended or is disposed", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const source = new Channel<number>();
    const all = upTo(5).map(() => stage(source, controller));
    const asked = all.map((one) => one.receive());
    expect(listeners(signal)).toBe(1);
    for (const i of upTo(5)) await source.send(i);
    await Promise.all(asked);
    for (const one of all) one[Symbol.dispose]();
    expect(listeners(signal)).toBe(0);

    const others = upTo(5).map(() => stage(source, controller));
    const ends = others.map((one) => one.receive());
    await turns();
    source.close();
    await Promise.all(ends);
    expect(listeners(signal)).toBe(0);
    expect(listeners(new AbortController().signal)).toBe(0);
  });

  test(
    "leaves nothing with its source, nor with a signal that lives long, when it is disposed",
    { timeout: 60_000 },
    async () => {
      const controller = new AbortController();
      const source = new Channel<number>(1);
      const bytes = await residue(5_000, async (i) => {
        using one = stage(source, controller);
        source.trySend(i);
        await one.receive();
      });
      expect(bytes).toBeLessThan(100);
      expect(listeners(controller.signal)).toBe(0);
    },
  );

  test("keeps the heap flat over fifty thousand values", { timeout: 60_000 }, async () => {
    const source = new Channel<number>(1);
    using one = stage(source);
    const bytes = await residue(50_000, async (i) => {
      source.trySend(i);
      await one.receive();
    });
    expect(bytes).toBeLessThan(8);
  });
});

test.each(stages.slice(1))(
  "%s that is forgotten without dispose leaves nothing either, once nobody waits for it",
  { timeout: 60_000 },
  async (_, stage) => {
    const controller = new AbortController();
    const source = new Channel<number>();
    const bytes = await residue(5_000, async () => {
      const impatient = new AbortController();
      const asked = stage(stage(source, controller) as ReceiveChannel<number>, controller).receive(impatient);
      impatient.abort("impatient");
      await asked.catch(() => {});
    });
    expect(bytes).toBeLessThan(100);
    expect(listeners(controller.signal)).toBe(0);
    expect(source.trySend(1)).toBe(false);
  },
);

test(
  "pipes that are over leave nothing with their channels, nor with a signal that lives long",
  { timeout: 60_000 },
  async () => {
    const controller = new AbortController();
    const target = new Channel<number>(1);
    const bytes = await residue(5_000, async (i) => {
      const piped = pipe(filled([i]), target, { signal: controller.signal, close: false });
      await target.receive();
      await piped;
    });
    expect(bytes).toBeLessThan(100);
    expect(listeners(controller.signal)).toBe(0);
  },
);
