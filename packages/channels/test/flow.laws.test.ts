// Stages over stages, whatever they are made of: every value comes once, and the end behind it, to a Selector that stays
// registered, is polled, and gives up now and then. What one stage looks at may be what another has half done.

import { Channel, type ReceiveChannel, Selector, time } from "@sluice/channels";
import { batch, map, merge, pipe } from "@sluice/channels/flow";
import { fromIterable } from "@sluice/channels/interop";
import { virtualTime } from "@sluice/channels/testing";
import { array, assert, asyncProperty, boolean, constantFrom, integer, letrec, oneof, record, tuple } from "fast-check";
import { expect, test } from "vitest";
import { hunt, microtasks } from "./progress.ts";
import { filled } from "./values.ts";

type Shape =
  | { readonly kind: "channel"; readonly capacity: number; readonly values: number; readonly pauses: readonly number[] }
  | { readonly kind: "map"; readonly of: Shape; readonly concurrency: number; readonly ordered: boolean }
  | { readonly kind: "batch"; readonly of: Shape; readonly size: number; readonly within: number }
  | { readonly kind: "merge"; readonly of: readonly Shape[] }
  | { readonly kind: "pipe"; readonly of: Shape; readonly capacity: number }
  | { readonly kind: "iterable"; readonly of: Shape };

/** A few microtasks, a turn of the loop, or some time. */
const pauses = array(integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 5 });

async function pause(length: number): Promise<void> {
  if (length < 5) await microtasks(length);
  else await time.sleep(length - 5);
}

const { shape } = letrec<{ shape: Shape }>((tie) => ({
  shape: oneof(
    { maxDepth: 3, depthSize: "medium" },
    record({
      kind: constantFrom("channel" as const),
      capacity: integer({ min: 0, max: 2 }),
      values: integer({ min: 0, max: 5 }),
      pauses,
    }),
    record({
      kind: constantFrom("map" as const),
      of: tie("shape"),
      concurrency: integer({ min: 1, max: 3 }),
      ordered: boolean(),
    }),
    record({
      kind: constantFrom("batch" as const),
      of: tie("shape"),
      size: integer({ min: 1, max: 3 }),
      within: integer({ min: 0, max: 2 }),
    }),
    record({ kind: constantFrom("merge" as const), of: tuple(tie("shape"), tie("shape")) }),
    record({ kind: constantFrom("pipe" as const), of: tie("shape"), capacity: integer({ min: 0, max: 1 }) }),
    record({ kind: constantFrom("iterable" as const), of: tie("shape") }),
  ),
}));

/** Makes what a shape says, and lets its channels be fed; `sent` gets the values. What it gives are values, or arrays. */
function made(one: Shape, sent: number[]): ReceiveChannel<unknown> {
  switch (one.kind) {
    case "channel": {
      const channel = new Channel<unknown>(one.capacity);
      const values = Array.from({ length: one.values }, (_, i) => sent.length + i);
      sent.push(...values);
      void (async () => {
        for (const value of values) {
          await pause(one.pauses[value % one.pauses.length] ?? 0);
          await channel.send(value);
        }
        await pause(one.pauses[0] ?? 0);
        channel.close();
      })();
      return channel;
    }
    case "map": {
      const slowly = async (value: unknown): Promise<unknown> => (await pause(one.concurrency + 3), value);
      const { concurrency, ordered } = one;
      return map(made(one.of, sent), ordered ? slowly : (value) => value, { concurrency, ordered });
    }
    case "batch":
      return batch(made(one.of, sent), { size: one.size, within: one.within });
    case "merge":
      return merge(one.of.map((part) => made(part, sent)));
    case "pipe": {
      const target = new Channel<unknown>(one.capacity);
      void pipe(made(one.of, sent), target);
      return target;
    }
    case "iterable":
    default:
      return fromIterable(made(one.of, sent));
  }
}

/** Takes everything, to the end of all channels. */
async function taken(channels: readonly ReceiveChannel<unknown>[], steps: readonly number[]): Promise<unknown[]> {
  const values: unknown[] = [];
  using events = new Selector<Record<string, unknown>>(Object.fromEntries(channels.entries()));
  for (let i = 0, open = channels.length; open > 0; i += 1) {
    const step = steps[i % steps.length] ?? 0;
    await pause(step);
    const event = i % 3 === 0 ? events.tryNext() : await (i % 3 === 1 ? impatient(events, step) : events.next());
    if (event?.ok === true) values.push(event.value);
    else if (event !== undefined) open -= 1;
  }
  return values;
}

async function impatient(events: Selector, patience: number): ReturnType<Selector["next"]> {
  const controller = new AbortController();
  void pause(patience).then(() => controller.abort());
  return events.next(controller).catch(() => undefined);
}

test("stages over stages lose nothing, and end", { timeout: 120_000 }, async () => {
  const property = asyncProperty(array(shape, { minLength: 1, maxLength: 2 }), pauses, async (shapes, steps) => {
    const sent: number[] = [];
    const received = await virtualTime(() =>
      taken(
        shapes.map((one) => made(one, sent)),
        steps,
      ),
    );
    expect((received.flat(Infinity) as number[]).toSorted((a, b) => a - b)).toEqual(sent);
  });
  await assert(property, hunt(150));
});

test.each([0, 1, 50])(
  "what a batch holds when its source ends reaches the stage over it, within %i ms",
  async (within) => {
    await virtualTime(async () => {
      for (const over of [
        (source: ReceiveChannel<readonly number[]>) => map(source, (some) => some),
        (source: ReceiveChannel<readonly number[]>) => merge([source]),
      ]) {
        using batches = over(batch(filled([1, 2, 3]), { size: 2, within }));
        using events = new Selector({ batches });
        expect((await events.next())?.value).toEqual([1, 2]);
        expect((await events.next())?.value).toEqual([3]);
        expect((await events.next())?.ok).toBe(false);
      }
    });
  },
);

test("the end of a merge in a merge reaches whoever waits", async () => {
  const [left, right] = [new Channel<number>(), new Channel<number>()];
  using events = new Selector({ all: merge([left, merge([right, fromIterable([1])])]) });
  expect((await events.next())?.value).toBe(1);
  const ending = events.next();
  left.close();
  right.close("why");
  expect(await ending).toMatchObject({ ok: false, cause: "why" });
});
