// What the library does to the process it runs in, seen from outside: whether it ends, and what it complains about.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { Child, type Ended } from "./child.ts";

let child: Child;
beforeAll(async () => {
  child = await Child.prepare();
});

const run = (body: string, ...flags: string[]): Promise<Ended> => child.run(body, ...flags);
const quietly = (...lines: string[]): Ended => ({ code: 0, lines, stderr: "" });

/** A flag that takes globals away before anything is imported. */
const without = (...names: string[]): string =>
  `--import=data:text/javascript,${names.map((name) => `delete globalThis.${name}`).join(";")}`;

describe.concurrent("K8: the process ends although", () => {
  test.for([
    ["a receive waits", "void new Channel().receive()"],
    ["a send waits", "void new Channel().send(1)"],
    ["a receive waits with a signal", "void new Channel().receive({ signal: new AbortController().signal })"],
    ["a receiveMany waits", "void new Channel().receiveMany(3)"],
    ["a select waits", "void select([new Channel(), new Channel().caseSend(1)])"],
    ["a Selector waits", "void new Selector({ a: new Channel() }).next()"],
    ["a loop waits", "void (async () => { for await (const _ of new Channel()); })()"],
    ["ten thousand tasks wait", "for (let i = 0; i < 10_000; i += 1) void new Channel().receive()"],
    ["timers were made that nobody waits for", "time.after('1h'); time.timer('1h').channel(); time.ticker('1h')"],
    [
      "a select was lost to a timer far away",
      "const c = new Channel(1); c.trySend(1); await select([c, time.after('1h')])",
    ],
    [
      "a parked select was won by another than its timer",
      "const c = new Channel(); setTimeout(() => c.trySend(1), 5); await select([c, time.after('1h')])",
    ],
    [
      "a wait on a timer was aborted",
      "const a = new AbortController(); const s = time.sleep('1h', a).catch(() => {}); a.abort(); await s",
    ],
    [
      "a burst of completions went over the budget of a turn",
      "const c = new Channel(5000); for (let i = 0; i < 5000; i += 1) await c.send(i); void c.receive()",
    ],
  ])("%s", async ([, body], { expect }) => {
    expect(await run(`${body}; console.log("main is done");`)).toEqual(quietly("main is done"));
  });

  test("the host has no setImmediate, as browsers have none, nor perhaps a MessageChannel, and a burst goes on", async ({
    expect,
  }) => {
    const body = `
      const c = new Channel(5000);
      for (let i = 0; i < 5000; i += 1) await c.send(i);
      await time.sleep(0);
      console.log(typeof setImmediate, c.length);
    `;
    expect(await run(body, without("setImmediate"))).toEqual(quietly("undefined 5000"));
    expect(await run(body, without("setImmediate", "MessageChannel"))).toEqual(quietly("undefined 5000"));
  });

  test("fakes were there before the library was imported, and then time is virtual", async ({ expect }) => {
    const sinon = pathToFileURL(createRequire(import.meta.url).resolve("@sinonjs/fake-timers")).href;
    const install = `import fakes from "${sinon}"; globalThis.fakes = fakes.install();`;
    const body = `
      const c = new Channel(1);
      for (let i = 0; i < 5000; i += 1) await Promise.all([c.send(i), c.receive()]);
      console.log(await virtualTime((clock) => time.sleep("1h").then(() => clock.now())));
      const slept = time.sleep("1h");
      await fakes.tickAsync(3_600_000);
      console.log(await slept, "clock" in setImmediate);
    `;
    const flag = `--import=data:text/javascript,${encodeURIComponent(install)}`;
    expect(await run(body, flag)).toEqual(quietly("3600000", "undefined true"));
  });

  test("main returns while its tasks wait for one another", async ({ expect }) => {
    const ended = await run(`
      const [a, b] = [new Channel(), new Channel()];
      const task = async (from, to) => { for (;;) { await from.receive(); await to.send(1); } };
      void task(a, b);
      void task(b, a);
      console.log("main is done");
    `);
    expect(ended).toEqual(quietly("main is done"));
  });

  test("an awaited receive that nobody serves leaves the top level unsettled: Node says so with code 13", async ({
    expect,
  }) => {
    expect((await run(`await new Channel().receive(); console.log("never");`)).code).toBe(13);
  });
});

test("a burst of completions leaves no timer that would hold the process", async () => {
  const ended = await run(`
    const channel = new Channel(5000);
    for (let i = 0; i < 5000; i += 1) await channel.send(i);
    console.log(process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length);
  `);
  expect(ended).toEqual(quietly("0"));
});

describe.concurrent("the process stays alive while", () => {
  test.for([
    ["a receive waits on a timer", "await time.after(20).receive()"],
    ["a select waits on a timer", "await select([new Channel(), time.after(20)])"],
    ["a loop waits on a ticker", "for await (const tick of time.ticker(10).channel()) break"],
    ["a Selector waits on a timer", "await new Selector({ late: time.after(20) }).next()"],
    ["a task sleeps", "await time.sleep(20)"],
    ["a task sleeps for no time", "await time.sleep(0)"],
    [
      "completions wait for their turn",
      "const c = new Channel(5000); for (let i = 0; i < 5000; i += 1) await c.send(i)",
    ],
  ])("%s", async ([, body], { expect }) => {
    expect(await run(`${body}; console.log("woken");`)).toEqual(quietly("woken"));
  });
});

test("K8: a deadlock is reported under virtual time, with every operation that waits", async () => {
  const ended = await run(`
    const jobs = new Channel({ name: "jobs" });
    await virtualTime(async () => { void jobs.receive(); await new Channel({ name: "other" }).send(1); })
      .catch((error) => console.log(error.kind, error.message.includes("jobs"), error.message.includes("other")));
  `);
  expect(ended).toEqual(quietly("INTERNAL true true"));
});

describe("H10: what a drop hook throws", () => {
  test("is reported as an uncaught exception; the send succeeds and the channel goes on", async () => {
    const { lines, code } = await run(`
      process.on("uncaughtException", (error) => console.log("uncaught", error.message));
      const onDrop = (value) => { throw new Error("hook " + value); };
      const channel = new Channel(1, { overflow: "drop-oldest", onDrop });
      console.log(channel.trySend(0), channel.trySend(1));
      console.log(await channel.send(2));
      console.log((await select([channel.caseSend(3)])).ok);
      console.log(channel.length, channel.tryReceive().value, channel.tryReceive());
    `);
    expect(code).toBe(0);
    const uncaught = lines.filter((line) => line.startsWith("uncaught"));
    expect(uncaught).toEqual(["uncaught hook 0", "uncaught hook 1", "uncaught hook 2"]);
    expect(lines.filter((line) => !uncaught.includes(line))).toEqual([
      "true true",
      "undefined",
      "true",
      "1 3 undefined",
    ]);
  });

  test("ends the process when nobody listens, as any other mistake does", async () => {
    const { code, stderr } = await run(`
      const onDrop = () => { throw new Error("hook failed"); };
      const channel = new Channel(1, { overflow: "drop-newest", onDrop });
      channel.trySend(0);
      channel.trySend(1);
    `);
    expect(code).toBe(1);
    expect(stderr).toContain("hook failed");
  });
});

describe("unhandled rejections", () => {
  test("N2: a send that nobody awaits and that fails is the caller's unhandled rejection, once", async () => {
    const ended = await run(`
      process.on("unhandledRejection", (reason) => console.log(reason.name, reason.value));
      const channel = new Channel();
      void channel.send("lost");
      channel.close();
      void channel.send("late");
      void select([channel.caseSend("selected")]);
    `);
    expect(ended).toEqual(quietly("ClosedError lost", "ClosedError late", "ClosedError selected"));
  });

  test("L6: the library makes none of its own, whichever way an operation ends", async () => {
    const ended = await run(`
      process.on("unhandledRejection", (reason) => console.log("unhandled", reason));
      const abort = () => { const a = new AbortController(); setTimeout(() => a.abort("stop"), 1); return a; };
      const settled = [];
      const keep = (promise) => settled.push(promise.then(() => "ok", () => "failed"));
      for (let i = 0; i < 3000; i += 1) {
        const channel = new Channel(i % 2);
        const { signal } = i % 3 === 0 ? abort() : new AbortController();
        keep(channel.send(i, { signal })); keep(channel.send(i)); keep(select([channel.caseSend(i), new Channel()], { signal }));
        keep(channel.receive({ signal })); keep(channel.receiveMany(2)); keep(time.sleep(1, { signal }));
        const iterator = channel[Symbol.asyncIterator]();
        keep(iterator.next()); keep(iterator.next()); keep(iterator.next()); keep(iterator.return());
        setTimeout(() => channel.close(i % 5 === 0 ? "why" : undefined), 2);
      }
      const results = await Promise.all(settled);
      console.log(results.length, results.includes("ok"), results.includes("failed"));
    `);
    expect(ended).toEqual(quietly("30000 true true"));
  });
});

test("no warning is printed for a signal that a thousand operations wait on", async () => {
  const ended = await run(`
    const { signal } = new AbortController();
    const channel = new Channel();
    for (let i = 0; i < 1000; i += 1) { void channel.receive({ signal }); void select([channel], { signal }); }
    setTimeout(() => console.log("done"), 5);
  `);
  expect(ended).toEqual(quietly("done"));
});
