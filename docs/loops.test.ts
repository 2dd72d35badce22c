// The loops of README.md and examples.md, as they stand there, against what kills loops: a feed that comes in bursts, a
// consumer that is slower, a round trip of 80 ms, and a peer that goes silent. Only their durations are shorter, the server
// is another, and each `console.log` takes a turn. The clock is held: nothing is late because the machine is.

import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import * as channels from "@sluice/channels";
import * as websocket from "@sluice/websocket";
import ts from "typescript";
import { expect, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { clocksRun, heldClock } from "../packages/websocket/test/fixtures/held-clock.ts";
import { Proxy } from "../packages/websocket/test/fixtures/proxy.ts";

const BURST = 100; // three times what the channel holds
const QUIET = 20; // milliseconds, as the loops are run here
const SILENCE = 60;
const KEEP_ALIVE = `keepAlive: { interval: "${SILENCE}ms", timeout: "${SILENCE}ms" }`;

/** The code block of a page that begins after `from`, with what the test needs otherwise. */
function blockOf(page: string, from: string, changes: readonly (readonly [RegExp, string])[]): string {
  const text = readFileSync(new URL(page, import.meta.url), "utf8");
  const [code = ""] = text.slice(text.indexOf(from)).match(/(?<=^```ts\n).*?(?=^```$)/ms) ?? [];
  return changes.reduce((before, [what, instead]) => {
    expect(before.match(new RegExp(what, `g${what.flags}`)), `${what} in ${page}`).toHaveLength(1);
    return before.replace(what, instead);
  }, code);
}

const readme = blockOf("../README.md", "# Sluice", [
  [/^\/\/ A server to talk to.*?^const \{ port \} = .*?;\n/ms, ""],
  [/keepAlive: \{ interval: "20s" \}/, KEEP_ALIVE],
  [/time\.after\("30s"\)/, `time.after(${QUIET})`],
]);
const examples = blockOf("examples.md", "## A price stream", [
  [/QUIET = "200ms"/, `QUIET = ${QUIET}`],
  [/keepAlive: \{ interval: "20s" \}/, KEEP_ALIVE],
  [/^\/\/ A server that breaks off.*^await follow/ms, "await follow"],
]);

const AsyncFunction = (async () => undefined).constructor as new (
  ...source: string[]
) => (...values: unknown[]) => Promise<void>;

function itIs(what: () => boolean): Promise<void> {
  return vi.waitFor(() => expect(what()).toBe(true), { timeout: 60_000, interval: 5 });
}

test.each([
  ["README.md", readme, "quiet for 30 seconds", [1006, ""], [1006, ""]],
  ["examples.md", examples, "still there", ["lost:", 1006], ["closed"]],
])(
  "the loop of %s survives bursts, a slow consumer, 80 ms and a silent peer",
  async (page, code, whenQuiet, told, last) => {
    const pass = heldClock();
    const server = new WebSocketServer({ port: 0 });
    const { port } = server.address() as AddressInfo;
    const sockets: WebSocket[] = [];
    server.on("connection", (socket) => sockets.push(socket));
    await using proxy = await Proxy.to(port, { delay: 40 });

    const shown: unknown[][] = [];
    let client: websocket.Client | undefined;
    let pauses = 0;
    const modules: Record<string, unknown> = {
      "@sluice/channels": channels,
      "@sluice/websocket": {
        ...websocket,
        connect: async (_url: string, options: websocket.ConnectOptions) =>
          (client = await websocket.connect(proxy.url, options)),
        reconnect: (_url: string, options: websocket.ReconnectOptions) => {
          const setup = async (opened: websocket.Client, attempt: websocket.Attempt): Promise<void> => {
            await options.setup?.(opened, attempt);
            client = opened;
          };
          return websocket.reconnect(proxy.url, { ...options, setup });
        },
      },
      ws: {},
    };
    const log = async (...values: unknown[]): Promise<void> => {
      shown.push(values);
      if (client?.stats.paused === true) pauses += 1;
      await turn();
    };
    const source = ts.transpile(code.replaceAll("console.log(", "await console.log("), {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2022,
    });
    const run = new AsyncFunction("exports", "require", "console", "port", "server", source);
    const ended = run({}, (name: string) => modules[name], { log }, port, server);
    const early = ended.then(() => expect.unreachable("the loop has ended"));
    early.catch(() => undefined); // it is to end, when the peer has gone silent
    const until = (what: () => boolean): Promise<void> => Promise.race([itIs(what), early]);

    const prices = (): string[] =>
      shown.filter(([first]) => first === "price" || first === "ACME").map(([, price]) => String(price));
    let sent = 0;
    const burst = (): void => {
      for (let i = 0; i < BURST; i += 1) sockets.at(-1)?.send(String((sent += 1)));
    };
    const allShown = (): Promise<void> => until(() => prices().length === sent);
    const becomeQuiet = async (): Promise<void> => {
      pass(QUIET);
      await clocksRun(QUIET);
    };

    await until(() => client !== undefined);
    await becomeQuiet();
    await until(() => shown.some(([first]) => first === whenQuiet));
    for (let i = 0; i < 5; i += 1) {
      await becomeQuiet(); // a ping that leaves now is answered behind the burst
      burst();
      await allShown();
    }
    expect(pauses).toBeGreaterThan(0);

    const heard = client?.stats.bytesReceived ?? 0;
    pass(SILENCE);
    await clocksRun(SILENCE);
    await until(() => (client?.stats.bytesReceived ?? 0) > heard); // its answer to `keepAlive`
    burst();
    await allShown();

    proxy.goSilent();
    for (let i = 0; i < 2; i += 1) {
      pass(SILENCE);
      await clocksRun(SILENCE);
    }
    await until(() => shown.some((values) => values[1] === told[1] && values[0] === told[0])).catch(() => ended);
    expect(shown.at(-1)).toEqual(told);

    if (page === "examples.md") {
      proxy.speak();
      await until(() => {
        if (sockets.length === 1) pass(1); // it waits a moment before it tries again
        return sockets.length === 2;
      });
      burst();
      sockets.at(-1)?.close(1000);
    }
    await ended;
    expect(shown.at(-1)).toEqual(last);
    expect(prices()).toEqual(Array.from({ length: sent }, (_, i) => String(i + 1)));
    for (const each of server.clients) each.terminate();
    server.close();
  },
);
