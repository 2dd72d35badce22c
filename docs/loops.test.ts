// The loops of README.md and examples.md, as they stand there, against what kills loops: a feed that comes in bursts, a
// consumer that is slower, a round trip of 80 ms, and a peer that goes silent. Only their durations are shorter, the server
// is another, and each `console.log` takes a turn. The clock is held: nothing is late because the machine is.

import { once } from "node:events";
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
const stream = blockOf("examples.md", "## A price stream", [
  [/QUIET = "200ms"/, `QUIET = ${QUIET}`],
  [/keepAlive: \{ interval: "20s" \}/, KEEP_ALIVE],
  [/^\/\/ A server that breaks off once.*/ms, "await follow(`ws://localhost:${port}`).catch(told);"],
]);

const AsyncFunction = (async () => undefined).constructor as new (
  ...source: string[]
) => (...values: unknown[]) => Promise<void>;

function itIs(what: () => boolean): Promise<void> {
  return vi.waitFor(() => expect(what()).toBe(true), { timeout: 60_000, interval: 5 });
}

test.each([
  ["README.md", readme, "quiet for 30 seconds"],
  ["examples.md", stream, "still there"],
])("the loop of %s survives bursts, a slow consumer, 80 ms and a silent peer", async (_page, code, whenQuiet) => {
  const pass = heldClock();
  const server = new WebSocketServer({ port: 0 });
  const { port } = server.address() as AddressInfo;
  const connected = once(server, "connection") as Promise<[WebSocket]>;
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
      // One connection is enough here: what comes behind its end, reconnect's own tests tell.
      reconnect: (_url: string, options: websocket.ReconnectOptions) =>
        websocket.reconnect(proxy.url, {
          ...options,
          setup: (opened, attempt) => options.setup?.((client = opened), attempt),
          retry: () => false,
        }),
    },
    ws: {},
  };
  const log = async (...values: unknown[]): Promise<void> => {
    shown.push(values);
    if (client?.stats.paused === true) pauses += 1;
    await turn();
  };
  const told = async ({ details }: channels.SluiceError): Promise<void> => log(details["code"], details["reason"]);
  const source = ts.transpile(code.replaceAll("console.log(", "await console.log("), {
    module: ts.ModuleKind.CommonJS,
    target: ts.ScriptTarget.ES2022,
  });
  const run = new AsyncFunction("exports", "require", "console", "port", "server", "told", source);
  const ended = run({}, (name: string) => modules[name], { log }, port, server, told);
  const early = ended.then(() => expect.unreachable("the loop has ended"));
  early.catch(() => undefined); // it is to end, when the peer has gone silent
  const until = (what: () => boolean): Promise<void> => Promise.race([itIs(what), early]);

  const prices = (): string[] => shown.filter(({ length }) => length === 2).map(([, price]) => String(price));
  const [socket] = await connected;
  let sent = 0;
  const burst = (): void => {
    for (let i = 0; i < BURST; i += 1) socket.send(String((sent += 1)));
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
  await ended;
  expect(shown.at(-1)).toEqual([1006, ""]);
  expect(prices()).toEqual([...Array.from({ length: sent }, (_, i) => String(i + 1)), ""]);
  for (const each of server.clients) each.terminate();
  server.close();
});
