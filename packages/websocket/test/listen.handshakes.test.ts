// Handshakes that wait, that are too many, that somebody is asked about: each ends once, with an answer.

import { once } from "node:events";
import { Channel, errors, select } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { connect, refuse, type Upgrade } from "../src/index.ts";
import { fastClock } from "./fixtures/fast-clock.ts";
import { frame, OPCODE } from "./fixtures/frames.ts";
import { ask, dial, type Request, requestOf, statusOf } from "./fixtures/raw-client.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { next, serve, until } from "./fixtures/served.ts";
import { uncaught } from "./fixtures/uncaught.ts";

leavesNothingBehind();

const early = frame(OPCODE.TEXT, "early", { masked: true });

describe("a handshake waits until its connection has a place", () => {
  test("in the backlog", async () => {
    const server = await serve({ backlog: 2 });
    for (let i = 0; i < 2; i += 1) await ask(server.port, { target: `/${i}` });
    const third = ask(server.port, { target: "/2" });
    await until(() => server.stats.handshakes === 1);
    expect(server.stats).toEqual({ accepted: 2, open: 2, refused: 0, handshakes: 1 });
    expect(server.connections()).toMatchObject({ length: 2, capacity: 2, name: "connections" });
    expect((await next(server)).upgrade.url.pathname).toBe("/0");
    expect((await third).status).toBe(101);
    expect(server.stats).toEqual({ accepted: 3, open: 3, refused: 0, handshakes: 0 });
  });

  test("or, with a backlog of 0, until somebody takes it", async () => {
    const server = await serve({ backlog: 0 });
    const first = ask(server.port, { target: "/first" });
    await until(() => server.stats.handshakes === 1);
    const second = ask(server.port, { target: "/second" });
    await until(() => server.stats.handshakes === 2);
    expect(server.stats.accepted).toBe(0);
    expect((await select([server.connections()])).value?.upgrade.url.pathname).toBe("/first");
    expect((await first).status).toBe(101);
    expect(server.stats).toEqual({ accepted: 1, open: 1, refused: 0, handshakes: 1 });
    expect((await next(server)).upgrade.url.pathname).toBe("/second");
    expect((await second).status).toBe(101);
    const waiting = next(server);
    expect((await ask(server.port, { target: "/third" })).status).toBe(101);
    expect((await waiting).upgrade.url.pathname).toBe("/third");
  });

  test("and is passed over when its peer has left", async () => {
    const server = await serve({ backlog: 0 });
    const sockets = [];
    for (let i = 0; i < 3; i += 1) {
      const socket = await dial(server.port);
      socket.write(requestOf(server.port, { target: `/${i}` }));
      sockets.push(socket);
      await until(() => server.stats.handshakes === i + 1);
    }
    sockets[0]?.resetAndDestroy();
    sockets[1]?.end();
    await until(() => server.stats.handshakes === 1);
    expect((await next(server)).upgrade.url.pathname).toBe("/2");
    expect(server.connections().tryReceive()).toBeUndefined();
    expect(server.stats).toEqual({ accepted: 1, open: 1, refused: 0, handshakes: 0 });
    sockets[2]?.destroy();
  });

  test("for as long as `handshakeTimeout`: then it gets 503, and nothing is left of it", async () => {
    const pass = fastClock();
    const server = await serve({ backlog: 5, handshakeTimeout: "3s" });
    for (let i = 0; i < 5; i += 1) await ask(server.port);
    const more = Array.from({ length: 5 }, () => ask(server.port));
    await until(() => server.stats.handshakes === 5);
    await pass(2999);
    expect(server.stats.refused).toBe(0);
    await pass(1);
    for (const answer of await Promise.all(more)) {
      expect([answer.status, answer.header("retry-after")]).toEqual([503, "5"]);
      await answer.body();
    }
    expect(server.stats).toEqual({ accepted: 5, open: 5, refused: 5, handshakes: 0 });
  });
});

describe("limits", () => {
  test("`maxConnections` answers 503 with Retry-After, until one has ended", async () => {
    const server = await serve({ maxConnections: 2 });
    const [first] = [await connect(server.url), await connect(server.url)];
    const refused = await ask(server.port);
    expect([refused.status, refused.header("retry-after")]).toEqual([503, "5"]);
    await refused.body();
    await first.close();
    await until(() => server.stats.open === 1);
    expect((await ask(server.port)).status).toBe(101);
    expect(server.stats).toMatchObject({ accepted: 3, refused: 1 });
  });

  test("`maxConnections` counts those that are being asked about", async () => {
    const server = await serve({ maxConnections: 1, authorize: (_, signal) => once(signal, "abort") });
    const socket = await dial(server.port);
    socket.write(requestOf(server.port, {}));
    await until(() => server.stats.handshakes === 1);
    expect(await statusOf(server.port)).toBe(503);
    socket.destroy();
    await until(() => server.stats.handshakes === 0);
    const another = await dial(server.port);
    another.write(requestOf(server.port, {}));
    await until(() => server.stats.handshakes === 1);
    another.destroy();
  });

  test("`maxConnectionsPerKey` answers 429, to that key alone", async () => {
    const server = await serve({
      maxConnectionsPerKey: { limit: 1, key: ({ url }) => url.searchParams.get("user") ?? "" },
    });
    const ann = await connect(`${server.url}?user=ann`);
    expect(await statusOf(server.port, { target: "/?user=ann" })).toBe(429);
    await connect(`${server.url}?user=bob`);
    await ann.close();
    await until(() => server.stats.open === 1);
    await connect(`${server.url}?user=ann`);
    expect(server.stats.accepted).toBe(3);
  });
});

describe("`authorize`", () => {
  test("gives the data of the connection, of whatever kind, a look-alike of a refusal included", async () => {
    const given = [{ user: "ann" }, 0, null, "", { status: 401 }, undefined];
    const left = [...given];
    const server = await serve({ authorize: () => left.shift() as object });
    for (const data of given) {
      await connect(server.url);
      expect((await next(server)).data).toBe(data);
    }
  });

  test("refuses with a status, headers and a body", async () => {
    const refusal = refuse(401, { headers: { "WWW-Authenticate": "Bearer", "X-Why": "no" }, body: "Who are you?" });
    expect(refusal).toEqual({
      status: 401,
      headers: { "WWW-Authenticate": "Bearer", "X-Why": "no" },
      body: "Who are you?",
    });
    const server = await serve({ authorize: async () => refusal });
    const answer = await ask(server.port);
    expect([answer.status, answer.header("www-authenticate"), answer.header("x-why")]).toEqual([401, "Bearer", "no"]);
    expect(answer.header("connection")).toBe("close");
    expect(await answer.body()).toBe("Who are you?");
    await expect(connect(server.url)).rejects.toMatchObject({
      kind: errors.PERMISSION_DENIED,
      details: { status: 401, body: "Who are you?" },
    });
    expect(server.stats).toEqual({ accepted: 0, open: 0, refused: 2, handshakes: 0 });
  });

  test.each([100, 101, 200, 600, 401.5, Number.NaN])("cannot refuse with %d", (status) => {
    expect(() => refuse(status)).toThrow(expect.objectContaining({ kind: errors.INVALID }));
  });

  test.each([
    { headers: { "X-Split": "a\r\nSet-Cookie: b" } },
    { headers: { "Content-Length": "5" } },
    { headers: { "": "x" } },
    { body: 5 },
    { statusText: "x" },
  ])("cannot refuse with what no answer can have: %j", (options) => {
    expect(() => refuse(401, options as object)).toThrow(expect.objectContaining({ kind: errors.INVALID }));
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("of authorize");
      },
    ],
    ["rejects", async () => Promise.reject(new Error("of authorize"))],
  ])("that %s is 500, an uncaught exception, and no open door", async (_, authorize) => {
    const caught = uncaught();
    const server = await serve({ authorize });
    expect(await statusOf(server.port)).toBe(500);
    expect((await caught.receive()).value).toMatchObject({ message: "of authorize" });
    expect(server.stats).toEqual({ accepted: 0, open: 0, refused: 1, handshakes: 0 });
  });

  test.each(["FIN", "RST"])("is told when the peer leaves, by %s", async (how) => {
    const signals = new Channel<AbortSignal>(1);
    const server = await serve({
      authorize: async (_, signal) => {
        signals.trySend(signal);
        await once(signal, "abort");
        throw signal.reason;
      },
    });
    const socket = await dial(server.port);
    socket.write(Buffer.concat([Buffer.from(requestOf(server.port, {})), early]));
    const { value: signal } = await signals.receive();
    if (how === "FIN") socket.end();
    else socket.resetAndDestroy();
    if (signal?.aborted === false) await once(signal, "abort");
    expect(signal?.reason).toMatchObject({ kind: errors.CANCELED });
    await until(() => server.stats.handshakes === 0);
    expect(server.stats).toEqual({ accepted: 0, open: 0, refused: 0, handshakes: 0 });
    expect(server.connections().tryReceive()).toBeUndefined();
  });

  test("is told when its time is over, and the peer gets 503", async () => {
    const pass = fastClock();
    const signals = new Channel<AbortSignal>(1);
    const server = await serve({
      authorize: async (_, signal) => {
        signals.trySend(signal);
        await once(signal, "abort");
        return { too: "late" };
      },
    });
    const asked = ask(server.port);
    const { value: signal } = await signals.receive();
    await pass(10_000);
    const answer = await asked;
    expect(answer.status).toBe(503);
    await answer.body();
    expect(signal?.reason).toMatchObject({ kind: errors.TIMEOUT });
    expect(server.stats).toEqual({ accepted: 0, open: 0, refused: 1, handshakes: 0 });
  });
});

const offer = (...protocols: string[]): Request => ({ headers: { "Sec-WebSocket-Protocol": protocols.join(", ") } });

function choose(offered: readonly string[], { url }: Upgrade): string | undefined {
  if (url.pathname === "/last") return offered.at(-1);
  return url.pathname === "/none" ? undefined : "made up";
}

describe("subprotocols", () => {
  test("are chosen in the server's order; with none in common there is none", async () => {
    const server = await serve({ protocols: ["second", "first"] });
    expect((await ask(server.port, offer("first", "second"))).header("sec-websocket-protocol")).toBe("second");
    expect((await ask(server.port, offer("other"))).header("sec-websocket-protocol")).toBeUndefined();
    expect((await ask(server.port)).header("sec-websocket-protocol")).toBeUndefined();
    const accepted = [await next(server), await next(server), await next(server)];
    expect(accepted.map(({ client }) => client.protocol)).toEqual(["second", "", ""]);
    expect(accepted[0]?.upgrade.protocols).toEqual(["first", "second"]);
  });

  test("may be chosen by a function, among those that were offered", async () => {
    const caught = uncaught();
    const server = await serve({ protocols: choose });
    const asked = { ...offer("a", "b") };
    expect((await ask(server.port, { ...asked, target: "/last" })).header("sec-websocket-protocol")).toBe("b");
    expect((await ask(server.port, { ...asked, target: "/none" })).header("sec-websocket-protocol")).toBeUndefined();
    expect(await statusOf(server.port, asked)).toBe(500);
    expect((await caught.receive()).value).toMatchObject({ kind: errors.INVALID });
  });
});
