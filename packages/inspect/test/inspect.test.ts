// From outside: attaching by a process id and by a URL, the table, and who may read the page.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import inspector from "node:inspector";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { Channel, errors } from "@sluice/channels";
import { record } from "@sluice/channels/inspect";
import { attach, type Look, type Page, servePage, table } from "@sluice/inspect";
import { connect, listen } from "@sluice/websocket";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

afterEach(() => record(false));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test.skipIf(process.platform === "win32")("a process is attached to by its id, and told when it ends", async () => {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [`--inspect-port=${port}`, "-e", "process.send?.(0); setInterval(() => {}, 1000)"],
    {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    },
  );
  await once(child, "message");
  const program = await attach(String(child.pid), { port });
  const look = await program.look();
  expect(look).toMatchObject({ copies: 0, channels: [], waits: [] });
  expect(table(look)).toContain("Nothing is recorded there");
  child.kill();
  await once(child, "exit");
  await expect(program.look()).rejects.toThrow(/process \d+ has ended/);
  await program[Symbol.asyncDispose]();
  await expect(attach(String(child.pid), { port })).rejects.toMatchObject({ kind: errors.NOT_FOUND });
});

test("what is neither a process id nor a URL is a mistake", async () => {
  await expect(attach("program.js")).rejects.toMatchObject({ kind: errors.INVALID });
});

test("a program is looked at through its inspector: names, lines and counts, and no values", async () => {
  record({ parked: true, channels: true, abandoned: true });
  const orders = new Channel<string>(1, { name: "orders" });
  void orders.send("a secret");
  for (let i = 0; i < 2; i += 1) void orders.send("another secret").catch(() => undefined);
  inspector.open(0, "127.0.0.1");
  const program = await attach(inspector.url() as string);
  const look = await program.look();
  expect(look).toMatchObject({ copies: 1, truncated: false });
  const [first] = look.channels; // the rest is of the connection itself
  expect(first).toMatchObject({ name: "orders", verdict: "slow receiver", sendersWaiting: 2, length: 1 });
  expect(look.waits[0]).toMatchObject({ operation: "send", count: 2, waitsFor: ['a receiver on channel "orders"'] });
  expect(JSON.stringify(look)).not.toContain("secret");
  expect(look.lateness).toBeGreaterThanOrEqual(0);
  const text = table(look);
  expect(text).toMatch(/orders +slow receiver +1\/1 +2 +0/);
  expect(text).toMatch(/2 +send .* a receiver on channel "orders" .*inspect\.test\.ts/);
  await program[Symbol.asyncDispose]();
  inspector.close();
  orders.close();
});

test("connections are in the table with their details, without the secrets of their URL", async () => {
  record({ channels: true });
  await using server = await listen();
  await using client = await connect(`${server.url}feed?token=secret`);
  await client.ping();
  inspector.open(0, "127.0.0.1");
  const program = await attach(inspector.url() as string);
  const text = table(await program.look());
  await program[Symbol.asyncDispose]();
  inspector.close();
  expect(text).toMatch(/connections +flowing +1\/\d+ .* open 1, handshakes 0, refused 0 +.*inspect\.test\.ts/);
  expect(text).toMatch(/\/feed\?token=\[redacted\] .* paused false, bufferedAmount 0, .* roundTrip [\d.]+ /);
  expect(text).not.toContain("secret");
});

test("rates are told between two looks, and what nobody can wake by itself", () => {
  const channel = { name: "orders", verdict: "flowing", length: 0, capacity: 4, dropped: 3, createdAt: "a.js:2:1" };
  const parked = { operation: "select", waitsFor: ["a", "b"], since: 0, calledAt: "leak (a.js:1:1)" };
  const look = (at: number, received: number): Look =>
    ({ at, copies: 1, lateness: 0, waits: [], channels: [{ ...channel, received }], abandoned: [parked] }) as never;
  const text = table(look(3000, 110), look(1000, 10));
  expect(text).toMatch(/orders +flowing +0\/4.* 50\/s +3/);
  expect(text).toMatch(/Who will never wake\n.*\nselect +a, b +leak \(a\.js:1:1\)/);
});

describe("the page", () => {
  let page: Page;
  let url: URL;
  beforeAll(async () => {
    page = await servePage({ title: "a program", look: () => Promise.reject(new Error("gone")) });
    url = new URL(page.url);
  });
  afterAll(async () => page[Symbol.asyncDispose]());

  async function status(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<number> {
    const asked = request({ host: "127.0.0.1", port: url.port, path, headers, method });
    asked.end();
    const [response] = (await once(asked, "response")) as [{ statusCode: number; resume(): void }];
    response.resume();
    return response.statusCode;
  }

  test("it is on 127.0.0.1, and served to who has the token", async () => {
    expect(url.hostname).toBe("127.0.0.1");
    for (const file of ["", "page.js", "page.css", "uplot.js", "uplot.css"]) {
      expect(await status(url.pathname + file)).toBe(200);
    }
    expect(await status(`${url.pathname}other`)).toBe(404);
    expect(await status(url.pathname, {}, "POST")).toBe(405);
  });

  test.each([
    ["a wrong token", "/wrong/", {}],
    ["no token", "/", {}],
    ["a foreign Host", undefined, { host: "rebound.example:80" }],
    ["a foreign Host at the right port", undefined, { host: "rebound.example:PORT" }],
    ["a foreign Origin", undefined, { origin: "https://evil.example" }],
    ["an opaque Origin", undefined, { origin: "null" }],
    ["another port of this machine as Origin", undefined, { origin: "http://127.0.0.1:1" }],
  ])("%s gets 403", async (_what, path, headers) => {
    const given = Object.entries(headers).map(([name, value]) => [name, value.replace("PORT", url.port)]);
    for (const file of ["", "looks"]) {
      expect(await status((path ?? url.pathname) + file, Object.fromEntries(given))).toBe(403);
    }
  });

  test("its own Origin may read", async () => {
    expect(await status(url.pathname, { origin: url.origin })).toBe(200);
  });
});
