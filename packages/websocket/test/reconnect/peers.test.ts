// A link against real peers: servers on plain `ws` and by hand, p-queue, processes.

import type { IncomingMessage } from "node:http";
import { setImmediate } from "node:timers/promises";
import { Channel, errors, SluiceError } from "@sluice/channels";
import PQueue from "p-queue";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Failure, reconnect, type ReconnectingClient, security, type State } from "../../src/index.ts";
import { Child } from "../fixtures/child.ts";
import { text } from "../fixtures/frames.ts";
import { RawServer } from "../fixtures/raw-server.ts";
import { leavesNothingBehind } from "../fixtures/residue.ts";
import { PlainServer } from "../fixtures/ws-server.ts";

leavesNothingBehind();

const soon = { from: "1ms", to: "5ms" };

function isOpen(state: State): state is Extract<State, { state: "open" }> {
  return state.state === "open";
}

/** Answers each handshake as told, and closes the connection. */
async function refusing(...answers: readonly string[]): Promise<RawServer> {
  const server = await RawServer.listen();
  let n = 0;
  server.onBytes = (socket) => {
    const answer = answers[Math.min(n, answers.length - 1)] as string;
    n += 1;
    socket.end(`HTTP/1.1 ${answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  };
  return server;
}

describe("messages", () => {
  test("come from one connection after the other, and frames in the segment of a later 101 are not lost", async () => {
    await using server = await RawServer.listen();
    const link = reconnect(server.url, { backoff: soon });
    const got: string[] = [];
    for (const epoch of [1, 2, 3]) {
      const peer = await server.next();
      peer.write(peer.answer(), text(`${epoch}a`), text(`${epoch}b`));
      for (let i = 0; i < 2; i += 1) {
        const { value } = await link.channel().receive();
        got.push(`${value?.epoch}:${String(value?.data)}`);
      }
      peer.socket.destroy();
    }
    expect(got).toEqual(["1:1a", "1:1b", "2:2a", "2:2b", "3:3a", "3:3b"]);
    link.terminate();
    await link.closed;
  });

  test("of an epoch that nobody reads hold the next one back at its server", async () => {
    const chunk = "x".repeat(64 * 1024);
    const counts = [3, 400];
    await using server = await PlainServer.listen({}, ({ socket }) => {
      const count = counts.shift() ?? 0;
      for (let i = 0; i < count; i += 1) socket.send(`${i} ${count > 3 ? chunk : ""}`);
      if (count === 3) socket.close(1012);
    });
    const link = reconnect(server.url, { backoff: soon, connect: { channelCapacity: 4 } });
    await server.next();
    const second = await server.next();
    const { client } = await link.state.until(
      (state): state is Extract<State, { state: "open" }> => isOpen(state) && state.epoch === 2,
    );
    await expect.poll(() => client.stats.paused).toBe(true);
    expect(second.socket.bufferedAmount).toBeGreaterThan(0);
    const got: string[] = [];
    for await (const { epoch, data } of link) {
      got.push(`${epoch}:${Number.parseInt(String(data), 10)}`);
      if (got.length === 403) break;
    }
    expect(got).toEqual([
      ...Array.from({ length: 3 }, (_, i) => `1:${i}`),
      ...Array.from({ length: 400 }, (_, i) => `2:${i}`),
    ]);
    await link.close();
  });
});

describe("a refused handshake", () => {
  test.each([
    ["401 Unauthorized", "PERMISSION_DENIED"],
    ["403 Forbidden", "PERMISSION_DENIED"],
    ["404 Not Found", "NOT_FOUND"],
    ["400 Bad Request", "INVALID"],
  ])("with %s is the end", async (answer, kind) => {
    await using server = await refusing(answer);
    const link = reconnect(server.url, { backoff: soon });
    expect((await link.closed).error).toMatchObject({ kind });
    expect(server.connections).toBe(1);
  });

  test.each([
    ["seconds", () => "Retry-After: 2"],
    ["a date", () => `Date: ${new Date(0).toUTCString()}\r\nRetry-After: ${new Date(2000).toUTCString()}`],
  ])("with 429 waits as long as it says, in %s", async (_how, header) => {
    await using server = await refusing(`429 Too Many Requests\r\n${header()}`);
    const link = reconnect(server.url, { backoff: soon });
    const begun = Date.now();
    const waiting = await link.state.until((state) => state.state === "waiting");
    const { until } = waiting as { until: Date };
    expect(until.getTime() - begun).toBeGreaterThanOrEqual(2000);
    link.terminate();
  });

  test("with 401 may be tried again with another token, which is asked for at each attempt", async () => {
    await using server = await PlainServer.listen({
      verifyClient: ({ req }: { req: IncomingMessage }) => req.headers.authorization === "Bearer 3",
    });
    const attempts: number[] = [];
    const link = reconnect(server.url, {
      backoff: soon,
      connect: ({ failures, signal }) => {
        signal.throwIfAborted();
        attempts.push(failures);
        return { headers: { Authorization: `Bearer ${attempts.length}` } };
      },
      retry: ({ error }) => errors.is(error, errors.PERMISSION_DENIED),
    });
    await link.client();
    expect(attempts).toEqual([0, 1, 2]);
    await link.close();
  });

  test("by nobody who listens is tried again", async () => {
    let port = 0;
    {
      await using server = await PlainServer.listen();
      port = server.port;
    }
    const failures: Failure[] = [];
    const link = reconnect(`ws://127.0.0.1:${port}/`, {
      backoff: soon,
      retry: (failure) => (failures.push(failure), failure.failures < 3),
    });
    expect((await link.closed).error).toMatchObject({ kind: "INTERNAL", retryable: true });
    expect(failures.map(({ phase }) => phase)).toEqual(["dial", "dial", "dial"]);
  });
});

describe("a stop", () => {
  test.each(["signal", "close", "terminate"])("by %s while it dials leaves no socket behind", async (how) => {
    await using server = await RawServer.listen(); // which never answers
    const controller = new AbortController();
    const link = reconnect(server.url, { signal: controller.signal });
    const peer = await server.next();
    if (how === "signal") controller.abort();
    else if (how === "close") await link.close();
    else link.terminate();
    await peer.gone();
    expect((await link.closed).epochs).toBe(0);
  });

  test("by the signal while it is open closes the connection with 1001", async () => {
    await using server = await PlainServer.listen();
    const controller = new AbortController();
    const link = reconnect(server.url, { signal: controller.signal });
    const { socket } = await server.next();
    const code = new Promise((resolve) => socket.on("close", resolve));
    await link.client();
    controller.abort(new Error("enough"));
    expect(link.channel().closed).toBe(true);
    expect(await code).toBe(1001);
    expect(await link.closed).toMatchObject({ error: { message: "enough" }, info: { code: 1001, wasClean: true } });
  });

  test("by `close` tells the peer the code and the reason, and refuses one that cannot be sent", async () => {
    await using server = await PlainServer.listen();
    const link = reconnect(server.url);
    const { socket } = await server.next();
    const end = new Promise((resolve) => socket.on("close", (code, reason) => resolve([code, String(reason)])));
    await link.client();
    await expect(link.close(1005)).rejects.toMatchObject({ kind: "INVALID" });
    expect(link.channel().closed).toBe(false);
    await link.close(4000, "bye");
    expect(await end).toEqual([4000, "bye"]);
  });

  test("one signal has one listener, however many links it stops", async () => {
    await using server = await PlainServer.listen();
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    const links = Array.from({ length: 20 }, () => reconnect(server.url, { signal }));
    await Promise.all(links.map((link) => link.client()));
    expect(listeners).toBe(1);
    controller.abort();
    await Promise.all(links.map(({ closed }) => closed));
  });
});

const policy = (resources: string): ReturnType<typeof security.scope> =>
  security.scope([
    { id: "connect", actions: "websocket.connect", resources: "*", effect: "allow" },
    { id: "url", actions: "websocket.connect.url", resources, effect: "allow" },
  ]);

describe("permissions", () => {
  test("are those of the call, also through a queue that a stranger's dial goes through", async () => {
    await using server = await PlainServer.listen();
    const dials = new PQueue({ concurrency: 1 });
    const begin = (id: string, resources: string): ReconnectingClient =>
      security.run({ actor: { id }, scope: policy(resources) }, () => reconnect(server.url, { dials, backoff: soon }));
    const links: ReconnectingClient[] = [];
    for (let i = 0; i < 10; i += 1) links.push(begin(`admin${i}`, "*"), begin(`guest${i}`, "ws://elsewhere.example/*"));
    const guests = links.filter((_link, i) => i % 2 === 1);
    const admins = links.filter((_link, i) => i % 2 === 0);
    for (const guest of guests) expect((await guest.closed).error).toMatchObject({ kind: "PERMISSION_DENIED" });
    for (const admin of admins) await admin.client();
    for (const admin of admins) admin.restart();
    for (const admin of admins) await admin.state.until((state) => isOpen(state) && state.epoch === 2);
    expect(server.connections).toBe(20);
    await Promise.all(admins.map((admin) => admin.close()));
  });

  test("a dial that waits in the queue is taken out of it when it is stopped", async () => {
    const dials = new PQueue({ concurrency: 1 });
    const finish = new Channel<undefined>();
    void dials.add(() => finish.receive());
    const link = reconnect("ws://127.0.0.1:9/", { dials });
    await expect.poll(() => dials.size).toBe(1);
    link.terminate();
    await link.closed;
    finish.close();
    await dials.onIdle();
  });
});

describe("what was not sent", () => {
  test("is counted: what the kernel did not take before the connection was lost", async () => {
    await using server = await PlainServer.listen({}, ({ socket }) => socket.pause());
    const failures: Failure[] = [];
    const link = reconnect(server.url, { retry: (failure) => (failures.push(failure), false) });
    const { socket } = await server.next();
    await link.client();
    await link.send("first, alone: it has left");
    await setImmediate();
    const large = "x".repeat(32 * 1024 * 1024);
    await link.send(large); // accepted, since nothing waits; the kernel takes a part of it
    socket.terminate();
    await link.closed;
    expect(failures).toMatchObject([{ phase: "open", unsent: 1, epoch: 1 }]);
  });
});

describe("bad arguments", () => {
  test.each([
    ["a URL that is none", () => reconnect("nowhere"), /`url`/],
    ["an option that does not exist", () => reconnect("ws://localhost/", { retries: 3 } as never), /retries/],
    ["a bad option of `connect`", () => reconnect("ws://localhost/", { connect: { readLimit: -1 } }), /readLimit/],
    ["`connect` beside a dial", () => reconnect(async () => Promise.reject(new Error()), { connect: {} }), /connect/],
    ["attempts of none", () => reconnect("ws://localhost/", { attempts: 0 }), /attempts/],
    ["a backoff that begins above its end", () => reconnect("ws://localhost/", { backoff: { from: "2m" } }), /backoff/],
    ["a queue that is none", () => reconnect("ws://localhost/", { dials: [] as never }), /dials/],
  ])("%s throws INVALID at the call", (_what, call, message) => {
    expect(call).toThrow(message);
    expect(call).toThrow(SluiceError);
  });
});

describe("the process", () => {
  let child: Child;
  beforeAll(async () => {
    child = await Child.prepare();
  });
  afterAll(() => child[Symbol.asyncDispose]());

  test("lives while a link waits, and ends when the wait leads to the end", async () => {
    const { code, lines } = await child.run(
      `
        const link = websocket.reconnect("ws://127.0.0.1:9/", { retry: ({ failures }) => (failures < 2 ? "50ms" : false) });
        link.closed.then(({ error }) => console.log(error.kind));
      `,
    );
    expect([code, lines]).toEqual([0, ["INTERNAL"]]);
  });

  test.each(["before", "while"])("ends although a link waits, when `unref` was called %s it did", async (when) => {
    const { code, lines } = await child.run(
      `
        const link = websocket.reconnect("ws://127.0.0.1:9/", { retry: () => "1h" });
        if (${when === "before"}) link.unref();
        link.state.until(({ state }) => state === "waiting").then(() => { link.unref(); console.log("waiting"); });
      `,
    );
    expect([code, lines]).toEqual([0, ["waiting"]]);
  });

  test("ends although a link is open, or dials, when `unref` was called", async () => {
    await using server = await PlainServer.listen();
    await using silent = await RawServer.listen();
    const { code, lines } = await child.run(
      `
        const dialling = websocket.reconnect(${JSON.stringify(silent.url)});
        dialling.unref();
        const link = websocket.reconnect(${JSON.stringify(server.url)});
        await link.client();
        link.unref();
        console.log("open");
      `,
    );
    expect([code, lines]).toEqual([0, ["open"]]);
  });
});
