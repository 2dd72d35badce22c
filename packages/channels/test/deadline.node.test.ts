// What a deadline, and a ticker that holds nothing, cost a process: its life, its memory, its async contexts.

import { Channel, errors, time } from "@sluice/channels";
import { AsyncLocalStorage } from "node:async_hooks";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { Child } from "./child.ts";

let child: Child;
beforeAll(async () => {
  child = await Child.prepare();
});

/** True once nothing but the reference holds it; a background job of the engine may take a while to let go. */
async function isGarbage(reference: WeakRef<object>): Promise<boolean> {
  for (let i = 0; i < 50 && reference.deref() !== undefined; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    globalThis.gc?.();
  }
  return reference.deref() === undefined;
}

describe("a deadline that is dropped", () => {
  test("is garbage, was it waited for or not, beside another signal or not", async () => {
    const controller = new AbortController();
    const channel = new Channel<number>(1);
    const make = async (): Promise<WeakRef<AbortSignal>[]> => {
      const used = time.deadline("1h");
      const received = channel.receive({ signal: used });
      channel.trySend(1);
      await received;
      return [time.deadline("1h"), used, time.deadline("1h", controller)].map((signal) => new WeakRef(signal));
    };
    for (const reference of await make()) expect(await isGarbage(reference)).toBe(true);
  });

  test("takes its host timer and its listener at the other signal with it", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const controller = new AbortController();
    const removed = vi.spyOn(controller.signal, "removeEventListener");
    (() => {
      for (let i = 0; i < 100; i += 1) time.deadline("1h", controller);
    })();
    expect(vi.getTimerCount()).toBe(1);
    for (let i = 0; i < 200 && vi.getTimerCount() > 0; i += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      globalThis.gc?.();
    }
    expect(vi.getTimerCount()).toBe(0);
    expect(removed).toHaveBeenCalledTimes(1);
    vi.useRealTimers();
  });

  test("aborts all the same while somebody listens or waits, though nobody holds it", async () => {
    const reasons: unknown[] = [];
    const listened = new Promise<void>((resolve) => {
      time.deadline(60).addEventListener("abort", ({ target }) => {
        reasons.push((target as AbortSignal).reason);
        resolve();
      });
    });
    const waited = new Channel()
      .receive({ signal: time.deadline(60) })
      .catch((reason: unknown) => reasons.push(reason));
    for (let i = 0; i < 5; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      globalThis.gc?.();
    }
    await Promise.all([listened, waited]);
    expect(reasons.map((reason) => errors.is(reason, errors.TIMEOUT))).toEqual([true, true]);
  });
});

test("a deadline does not keep the process alive, nor does what waits for a channel with it", async () => {
  const { lines, code } = await child.run(`
    const signal = time.deadline("1h");
    signal.addEventListener("abort", () => console.log("aborted"));
    void new Channel().receive({ signal: time.deadline("1h") });
    process.on("exit", () => console.log("over"));
  `);
  expect([code, lines]).toEqual([0, ["over"]]);
});

test("a deadline beside a sleep aborts while the sleep keeps the process alive, and comes before it", async () => {
  const { lines, code } = await child.run(`
    time.deadline(20).addEventListener("abort", () => console.log("aborted"));
    await time.sleep(60);
    console.log("slept");
    time.deadline("1h");
  `);
  expect([code, lines]).toEqual([0, ["aborted", "slept"]]);
});

test("who listens to a deadline hears it in no request's context, whoever armed the host's timer", async () => {
  const requests = new AsyncLocalStorage<string>();
  const heard = await new Promise((resolve) => {
    requests.run("first", () => void time.sleep(1));
    requests.run("second", () => time.deadline(2).addEventListener("abort", () => resolve(requests.getStore())));
  });
  expect(heard).toBeUndefined();
});

describe("a ticker that does not hold the process", () => {
  const endings = `process.on("exit", () => console.log("over")); const never = new Channel();`;

  test.each<[string, string]>([
    ["made with { ref: false }", `void time.ticker("1h", { ref: false }).channel().receive();`],
    ["after unref()", `void time.ticker("1h").unref().channel().receive();`],
    ["unref() while somebody waits", `const t = time.ticker("1h"); void t.channel().receive(); t.unref();`],
    ["in a select", `void select([never, time.ticker("1h").unref().channel()]);`],
    ["in a Selector", `void new Selector({ t: time.ticker("1h").unref().channel(), never }).next();`],
    [
      "that a Selector watches already",
      `const t = time.ticker("1h"); const s = new Selector({ t: t.channel() }); void s.next(); t.unref();`,
    ],
    [
      "in a Selector that loses the one which does",
      `const s = new Selector({ a: time.ticker("1h").channel(), b: time.ticker("1h", { ref: false }).channel() });
       void s.next(); s.delete("a");`,
    ],
  ])("%s lets it end", async (_, body) => {
    const { lines, code } = await child.run(endings + body);
    expect([code, lines]).toEqual([0, ["over"]]);
  });

  test.each<[string, string]>([
    ["ref() again", `const t = time.ticker(30).unref(); t.ref(); await t.channel().receive();`],
    [
      "ref() while somebody waits",
      `const t = time.ticker(30).unref(); const r = t.channel().receive(); t.ref(); await r;`,
    ],
    ["another timer that is later", `void time.ticker(5).unref().channel().receive(); await time.sleep(40);`],
    [
      "another of its Selector, which is later",
      `const s = new Selector({ soon: time.ticker(5, { ref: false }).channel(), late: time.after(40) });
       for await (const { name } of s) if (name === "late") break;`,
    ],
  ])("with %s keeps it alive", async (_, body) => {
    const { lines, code } = await child.run(`${endings} ${body} console.log("woken");`);
    expect([code, lines]).toEqual([0, ["woken", "over"]]);
  });

  test("ticks as ever while something else keeps the process alive", async () => {
    const { lines } = await child.run(`
      let ticks = 0;
      const loop = async () => { for await (const _ of time.ticker(5, { ref: false }).channel()) ticks += 1; };
      void loop();
      await time.sleep(100);
      console.log(ticks > 0);
    `);
    expect(lines).toEqual(["true"]);
  });
});
