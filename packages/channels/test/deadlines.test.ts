// Many deadlines on one host timer, moved and called off at random, against a model that knows when each must fire.

import { time } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { array, assert, asyncProperty, constant, integer, nat, oneof, record } from "fast-check";
import { expect, test, vi } from "vitest";
import { hunt, turns } from "./progress.ts";

const TIMERS = 8;

type Command =
  | { readonly what: "reset"; readonly timer: number; readonly delay: number }
  | { readonly what: "stop"; readonly timer: number }
  | { readonly what: "wait"; readonly timer: number }
  | { readonly what: "abort"; readonly timer: number }
  | { readonly what: "advance"; readonly by: number };

const timer = nat(TIMERS - 1);
const command = oneof(
  record({ what: constant("reset" as const), timer, delay: integer({ min: -2, max: 40 }) }),
  record({ what: constant("stop" as const), timer }),
  record({ what: constant("wait" as const), timer }),
  record({ what: constant("abort" as const), timer }),
  record({ what: constant("advance" as const), by: nat(20) }),
);
const commands = array(command, { minLength: 1, maxLength: 60 });

/** Who fired and when, in the order of the moments; timers of one moment in the order of their numbers. */
type Fired = [moment: number, timer: number][];
const sorted = (fired: Fired): Fired => fired.toSorted(([a, x], [b, y]) => a - b || x - y);

/** What must happen: a timer fires at its moment, or when somebody waits for it again. */
function model(list: readonly Command[]): { fired: Fired; pending: boolean[] } {
  const fired: Fired = [];
  const pending: boolean[] = [];
  const due = Array.from({ length: TIMERS }, () => Infinity);
  const waits = Array.from({ length: TIMERS }, () => false);
  let now = 0;
  const fire = (): void => {
    for (let i = 0; i < TIMERS; i += 1) {
      if (!waits[i] || (due[i] as number) > now) continue;
      fired.push([now, i]);
      due[i] = Infinity;
      waits[i] = false;
    }
  };
  for (const step of list) {
    if (step.what === "advance") {
      for (const end = now + step.by; now < end;) {
        now += 1;
        fire();
      }
      continue;
    }
    if (step.what === "reset" || step.what === "stop") {
      pending.push((due[step.timer] as number) < Infinity);
      due[step.timer] = step.what === "stop" ? Infinity : now + Math.max(0, step.delay);
    } else {
      waits[step.timer] = step.what === "wait";
    }
    fire();
  }
  return { fired, pending };
}

/** What does happen. */
async function timers(
  list: readonly Command[],
  now: () => number,
  advance: (milliseconds: number) => Promise<void>,
): Promise<{ fired: Fired; pending: boolean[] }> {
  const fired: Fired = [];
  const pending: boolean[] = [];
  const made = Array.from({ length: TIMERS }, () => time.timer("1h"));
  for (const each of made) each.stop();
  const waits: (AbortController | undefined)[] = made.map(() => undefined);
  const note = async (index: number, controller: AbortController): Promise<void> => {
    await (made[index] as (typeof made)[number]).channel().receive(controller);
    fired.push([now(), index]);
    waits[index] = undefined;
  };
  for (const step of list) {
    if (step.what === "advance") {
      await advance(step.by);
    } else if (step.what === "reset") {
      pending.push((made[step.timer] as (typeof made)[number]).reset(step.delay));
    } else if (step.what === "stop") {
      pending.push((made[step.timer] as (typeof made)[number]).stop());
    } else if (step.what === "abort") {
      waits[step.timer]?.abort();
      waits[step.timer] = undefined;
    } else if (waits[step.timer] === undefined) {
      const controller = new AbortController();
      waits[step.timer] = controller;
      void note(step.timer, controller).catch(() => undefined);
    }
    await advance(0);
  }
  return { fired, pending };
}

test("F15, F17: moved earlier and later at random, no timer is dropped, early or late: virtual time", () =>
  assert(
    asyncProperty(commands, async (list) => {
      const expected = model(list);
      const { fired, pending } = await virtualTime((clock) =>
        timers(
          list,
          () => clock.now(),
          (milliseconds) => clock.advance(milliseconds),
        ),
      );
      expect(pending).toEqual(expected.pending);
      expect(fired.map(([moment]) => moment)).toEqual(fired.map(([moment]) => moment).toSorted((a, b) => a - b));
      expect(sorted(fired)).toEqual(sorted(expected.fired));
    }),
    hunt(150),
  ));

test("F15, F17: moved earlier and later at random, no timer is dropped, early or late: fake timers", async () => {
  vi.useFakeTimers();
  try {
    await assert(
      asyncProperty(commands, async (list) => {
        const start = performance.now();
        const expected = model(list);
        const { fired, pending } = await timers(
          list,
          () => performance.now() - start,
          async (milliseconds) => {
            await vi.advanceTimersByTimeAsync(milliseconds);
            await turns();
          },
        );
        expect(pending).toEqual(expected.pending);
        expect(sorted(fired)).toEqual(sorted(expected.fired));
        vi.clearAllTimers();
      }),
      hunt(60),
    );
  } finally {
    vi.useRealTimers();
  }
});

test("F17: a hundred timers moved through ten states each fire once, at their last moment", () =>
  virtualTime(async (clock) => {
    const fired: number[] = [];
    const made = Array.from({ length: 100 }, (_, i) => time.timer(1000 + i));
    for (const [i, each] of made.entries())
      void each
        .channel()
        .receive()
        .then(() => (fired[i] = clock.now()));
    for (let state = 1; state <= 10; state += 1) {
      for (const [i, each] of made.entries()) expect(each.reset(((i * 37 + state * 101) % 500) + 50)).toBe(true);
      await clock.advance(4);
    }
    await clock.advance(2000);
    expect(fired).toEqual(made.map((_, i) => 36 + ((i * 37 + 1010) % 500) + 50));
  }));
