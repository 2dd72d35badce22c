// What only Node shows of a group: async context, listeners of a signal, the heap, the life of the process.

import { AsyncLocalStorage } from "node:async_hooks";
import { getEventListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Channel, errors, SluiceError, time } from "@sluice/channels";
import { group } from "@sluice/channels/group";
import { expect, test } from "vitest";
import { rejection, turns } from "./progress.ts";
import { residue } from "./residue.ts";
import { upTo } from "./values.ts";

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

test("a task runs in the async context of whoever called go, one that waited for its place and a background task too", async () => {
  const context = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const gate = new Channel<never>();
  await context.run("group", () =>
    group(
      async (tasks) => {
        for (const name of ["first", "second", "third"]) {
          context.run(name, () => {
            void tasks.go(async () => {
              seen.push(context.getStore());
              await gate.receive();
              seen.push(context.getStore());
            });
            tasks.background(() => void seen.push(`${context.getStore()} in the background`));
          });
        }
        await turns();
        context.run("closer", () => gate.close());
      },
      { limit: 2 },
    ),
  );
  expect(seen.map(String).toSorted()).toEqual(
    ["first", "second", "third"].flatMap((name) => [name, name, `${name} in the background`]),
  );
});

test("a thousand groups share one listener of the outer signal, which goes with the last of them", async () => {
  const controller = new AbortController();
  const gate = new Channel<never>();
  const groups = upTo(1000).map(() => group((tasks) => tasks.go(() => gate.receive()), controller));
  expect(listeners(controller.signal)).toBe(1);
  gate.close();
  await Promise.all(groups);
  expect(listeners(controller.signal)).toBe(0);
  await group(() => Promise.reject(new Error("boom")), controller).catch(() => {});
  expect(listeners(controller.signal)).toBe(0);

  const others = upTo(3).map(() =>
    group((tasks) => tasks.go((signal) => new Channel().receive({ signal })), controller),
  );
  expect(listeners(controller.signal)).toBe(1);
  controller.abort("enough");
  expect(listeners(controller.signal)).toBe(0);
  for (const one of others) expect(await rejection(one)).toBe("enough");
});

test("the AbortError of Node's own functions is the abort, not a failure of its own", async () => {
  const failure = new SluiceError(errors.UNAVAILABLE, "boom");
  const done = group((tasks) => {
    void tasks.go((signal) => sleep(3_600_000, undefined, { signal }));
    void tasks.go(() => Promise.reject(failure));
  });
  expect(await rejection(done)).toBe(failure);
  expect(failure.details).toEqual({});
});

test("groups leave nothing on the heap, nor on a signal that lives long", { timeout: 60_000 }, async () => {
  const controller = new AbortController();
  const bytes = await residue(5_000, async (i) => {
    const failing = i % 2 === 0;
    const done = group(
      async (tasks) => {
        for (const one of upTo(4))
          void tasks.go((signal) =>
            failing && one === 3 ? Promise.reject(new Error("boom")) : Promise.resolve(signal),
          );
        tasks.background((signal) => time.sleep("1h", { signal }));
      },
      { signal: controller.signal, limit: 2, timeout: "1h" },
    );
    await done.catch(() => {});
  });
  expect(bytes).toBeLessThan(150); // a group that stays is a thousand bytes and more
  expect(listeners(controller.signal)).toBe(0);
});
