// A link under load, while its server is killed, stopped and started again, and what stands between cuts and goes silent.
// A few seconds of it; `CHAOS=60` makes it a minute.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { select, time } from "@sluice/channels";
import { double, readConfigureGlobal, sample } from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { reconnect, type State } from "../../src/index.ts";
import { leavesNothingBehind } from "../fixtures/residue.ts";

leavesNothingBehind();

const SECONDS = Number(process.env["CHAOS"] ?? 4);

/** Stands between: it has one address, whatever becomes of the server, and can cut, go silent, and come back. */
class Between implements AsyncDisposable {
  target = 0;
  silent = false;
  readonly #server = createServer((near) => {
    const far = connect(this.target, "127.0.0.1");
    this.#pairs.add([near, far]);
    this.#join(near, far);
    this.#join(far, near);
  });
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  cut(): void {
    for (const [near, far] of this.#pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
    this.#pairs.clear();
  }

  #join(from: Socket, to: Socket): void {
    from.on("error", () => to.destroy());
    from.on("end", () => to.end());
    from.on("close", () => to.destroy());
    from.on("data", (chunk) => {
      if (this.silent) return; // lost, as behind a firewall that forgot: until the connection is cut nothing comes right
      if (!to.write(chunk)) {
        from.pause();
        to.once("drain", () => from.resume());
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}

async function startServer(): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(fileURLToPath(new URL("../fixtures/counting-server.mjs", import.meta.url)), { execArgv: [] });
  const [port] = (await once(child, "message")) as [number];
  return { child, port };
}

test(
  "nothing that arrived is lost, doubled or out of order, and the link is open again when its server is",
  { timeout: SECONDS * 1000 + 300_000 },
  async () => {
    await using between = new Between();
    const url = await between.listen();
    let { child, port } = await startServer();
    between.target = port;
    onTestFinished(() => void child.kill("SIGKILL"));

    const link = reconnect(url, {
      backoff: { from: "5ms", to: "100ms" },
      connect: { keepAlive: { interval: "200ms", timeout: "200ms" }, dialTimeout: "1s", channelCapacity: 64 },
      stableAfter: "1s",
    });
    const received = new Map<number, number>();
    const clients = new Map<number, Extract<State, { state: "open" }>["client"]>();
    const wrong: string[] = [];
    const reading = (async () => {
      let [epoch, id, next] = [0, "", 0];
      for await (const message of link) {
        const [of = "", count] = String(message.data).split(":");
        if (message.epoch < epoch) wrong.push(`epoch ${message.epoch} after ${epoch}`);
        if (message.epoch !== epoch) [epoch, id, next] = [message.epoch, of, 0];
        if (of !== id || Number(count) !== next) wrong.push(`${of}:${count} instead of ${id}:${next}`);
        next += 1;
        received.set(epoch, next);
        if (next % 5000 === 0) await delay(20); // a reader that is slow at times
      }
    })();
    const watching = (async () => {
      for await (const state of link.state.changes())
        if (state.state === "open") clients.set(state.epoch, state.client);
    })();

    const { seed = Date.now() } = readConfigureGlobal();
    const random = sample(double({ min: 0, max: 1, noNaN: true }), { numRuns: 2000, seed });
    const end = performance.now() + SECONDS * 1000;
    for (let i = 0; performance.now() < end; i += 1) {
      const [what = 0, long = 0] = [random[2 * i], random[2 * i + 1]];
      await delay(100 + long * 600);
      if (what < 0.3) {
        child.kill("SIGKILL");
        await once(child, "exit");
        await delay(long * 300);
        ({ child, port } = await startServer());
        between.target = port;
      } else if (what < 0.5) {
        child.kill("SIGSTOP");
        await delay(long * 1000);
        child.kill("SIGCONT");
      } else if (what < 0.8) {
        between.cut();
      } else {
        between.silent = true;
        await delay(700);
        between.silent = false;
        between.cut();
      }
    }

    // Everything runs again: so does the link.
    const open = await link.state.until((state) => state.state === "open" && state.epoch > 1);
    const before = received.get(open.epoch) ?? 0;
    while ((received.get(link.state.value.epoch) ?? 0) <= before) {
      await select([time.after("10ms")]);
    }
    await link.close();
    await Promise.all([reading, watching]);
    expect({ seed, wrong }).toEqual({ seed, wrong: [] });
    // What reached the process is what was received, for each epoch that ended by itself.
    const last = Math.max(...clients.keys());
    const ended = [...clients].filter(([epoch]) => epoch < last);
    expect(ended.map(([epoch]) => received.get(epoch) ?? 0)).toEqual(
      ended.map(([, { stats }]) => stats.messagesReceived),
    );
    expect(clients.size).toBeGreaterThan(1);
  },
);
