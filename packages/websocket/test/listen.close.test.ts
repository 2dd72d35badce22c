// The end of a server: it takes nobody in, says good-bye to all, and counts.

import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { Channel, errors } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { attach, connect, listen, type Server } from "../src/index.ts";
import { fastClock } from "./fixtures/fast-clock.ts";
import { closeOf, frame, OPCODE } from "./fixtures/frames.ts";
import { ask, dial, statusOf } from "./fixtures/raw-client.ts";
import type { RawPeer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { next, serve, until } from "./fixtures/served.ts";

leavesNothingBehind();

describe("closing a server", () => {
  test("closes every connection with 1012, those that nobody received too, which stay receivable", async () => {
    const server = await listen();
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(server.url)));
    await next(server);
    const closing = server.close();
    expect(server.close({ code: 1001 })).toBe(closing);
    expect(server.connections().closed).toBe(true);
    expect(await closing).toEqual({ closed: 20, terminated: 0 });
    for (const client of clients) expect(await client.closed).toMatchObject({ code: 1012, initiator: "remote" });
    let left = 0;
    for await (const { client } of server) {
      expect((await client.closed).code).toBe(1012);
      left += 1;
    }
    expect(left).toBe(19);
    expect(server.stats).toEqual({ accepted: 20, open: 0, refused: 0, handshakes: 0 });
    await expect(connect(server.url)).rejects.toMatchObject({ details: { errno: "ECONNREFUSED" } });
  });

  test("says the code and the reason that it is told, and is what `await using` does", async () => {
    let client;
    {
      await using server = await listen();
      client = await connect(server.url);
    }
    expect(await client.closed).toMatchObject({ code: 1012, reason: "" });
    const server = await listen();
    const another = await connect(server.url);
    await server.close({ code: 4000, reason: "for good" });
    expect(await another.closed).toMatchObject({ code: 4000, reason: "for good" });
  });

  test.each([
    { code: 1005 },
    { code: "1012" },
    { reason: "x".repeat(124) },
    { over: -1 },
    { within: "soon" },
    { after: "1s" },
  ])("with what is no option rejects, and closes nothing: %j", async (options) => {
    const server = await serve();
    await expect(server.close(options as object)).rejects.toMatchObject({ kind: errors.INVALID });
    expect((await ask(server.port)).status).toBe(101);
  });

  test("spreads the close frames over the time it is given, and terminates who does not answer", async () => {
    const server = await listen({ closeTimeout: 0 });
    const peers: RawPeer[] = [];
    for (let i = 0; i < 10; i += 1) peers.push((await ask(server.port)).peer());
    const pass = fastClock();
    const closing = server.close({ over: "10s", within: "5s" });
    for (let i = 0; i < 10; i += 1) {
      await pass(i === 0 ? 0 : 1000);
      await until(() => peers.filter(({ frames }) => frames.length > 0).length === i + 1);
    }
    for (const peer of peers.slice(0, 7)) {
      expect(closeOf(await peer.next(OPCODE.CLOSE)).code).toBe(1012);
      peer.write(frame(OPCODE.CLOSE, Buffer.from([3, 244]), { masked: true }));
      peer.socket.end();
    }
    await until(() => server.clients.size === 3);
    await pass(5000);
    expect(await closing).toEqual({ closed: 7, terminated: 3 });
  });

  test("counts who did not answer within `closeTimeout` as terminated", async () => {
    const server = await listen({ closeTimeout: "1s" });
    await ask(server.port);
    const pass = fastClock();
    const closing = server.close();
    await pass(1000);
    expect(await closing).toEqual({ closed: 0, terminated: 1 });
  });

  test("`within: 0` ends all at once", async () => {
    const server = await listen();
    for (let i = 0; i < 3; i += 1) await ask(server.port);
    expect(await server.close({ within: 0 })).toEqual({ closed: 0, terminated: 3 });
  });

  test("answers 503 to those who are being asked about, and tells whoever asks", async () => {
    const signals = new Channel<AbortSignal>(500);
    const server = await listen({
      authorize: async (_, signal) => {
        signals.trySend(signal);
        await once(signal, "abort");
        throw signal.reason;
      },
    });
    const answers = Array.from({ length: 100 }, () => ask(server.port));
    await until(() => server.stats.handshakes === 100);
    const closing = server.close();
    for (const answer of await Promise.all(answers)) {
      expect(answer.status).toBe(503);
      await answer.body();
    }
    expect(await closing).toEqual({ closed: 0, terminated: 0 });
    expect((await signals.receive()).value?.reason).toMatchObject({ kind: errors.UNAVAILABLE });
    expect(server.stats).toEqual({ accepted: 0, open: 0, refused: 100, handshakes: 0 });
  });

  test("lets go of who has said nothing yet", async () => {
    const server = await listen();
    const socket = await dial(server.port);
    const ended = once(socket.resume(), "end");
    expect(await server.close()).toEqual({ closed: 0, terminated: 0 });
    await ended;
  });
});

async function site(): Promise<{ http: ReturnType<typeof createServer>; port: number }> {
  const http = createServer((_, response) => response.end("page"));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return { http, port: (http.address() as AddressInfo).port };
}

async function page(port: number): Promise<number | undefined> {
  const [response] = await once(request({ port, host: "127.0.0.1", agent: false }).end(), "response");
  response.resume();
  return (response as { statusCode?: number }).statusCode;
}

describe("on a server that exists", () => {
  test("two of ours have their own paths, and what is nobody's is left alone", async () => {
    const { http, port } = await site();
    const others: string[] = [];
    const [a, b] = [attach(http, { path: "/a" }), attach(http, { path: "/b" })];
    http.on("upgrade", ({ url = "" }, socket) => {
      if (url !== "/c") return;
      others.push(url);
      socket.end("HTTP/1.1 418 I'm a teapot\r\n\r\n");
    });
    expect([a.port, a.url]).toEqual([port, `ws://127.0.0.1:${port}/`]);
    expect(await statusOf(port, { target: "/a" })).toBe(101);
    expect(await statusOf(port, { target: "/b" })).toBe(101);
    expect(await statusOf(port, { target: "/c" })).toBe(418);
    expect((await next(a)).upgrade.url.pathname).toBe("/a");
    expect((await next(b)).upgrade.url.pathname).toBe("/b");
    expect(others).toEqual(["/c"]);
    expect([a.stats, b.stats]).toMatchObject([
      { accepted: 1, refused: 0 },
      { accepted: 1, refused: 0 },
    ]);
    expect(await page(port)).toBe(200);
    await a.close({ within: 0 });
    expect(await statusOf(port, { target: "/b" })).toBe(101);
    expect(await page(port)).toBe(200);
    await b.close({ within: 0 });
    expect(http.listening).toBe(true);
    http.close();
  });

  test("new handshakes get 503 while ours is closing", async () => {
    const { http, port } = await site();
    const server: Server<undefined> = attach(http);
    const peer = (await ask(port)).peer();
    const closing = server.close();
    await peer.next(OPCODE.CLOSE);
    const refused = await ask(port);
    expect([refused.status, refused.header("connection")]).toEqual([503, "close"]);
    peer.write(frame(OPCODE.CLOSE, Buffer.from([3, 244]), { masked: true }));
    peer.socket.end();
    expect(await closing).toEqual({ closed: 1, terminated: 0 });
    http.close();
  });

  test("there is no URL before it listens", async () => {
    const http = createServer();
    const server = attach(http);
    expect([server.url, server.port]).toEqual(["", 0]);
    expect(await server.close()).toEqual({ closed: 0, terminated: 0 });
  });

  test("what nobody answers is let go of after `handshakeTimeout`", async () => {
    const pass = fastClock();
    const { http, port } = await site();
    const server = attach(http, { path: "/ours" });
    let answer: unknown;
    const asked = ask(port, { target: "/other" }).catch(() => "none");
    void asked.then((end) => (answer = end));
    while (answer === undefined) await pass(1000);
    expect(answer).toBe("none");
    expect(server.stats.refused).toBe(0);
    await server.close();
    http.close();
  });

  test("is one of node:http: what else is given is INVALID", () => {
    expect(() => attach({} as never)).toThrow(expect.objectContaining({ kind: errors.INVALID }));
    expect(() => attach(createServer(), { port: 1 } as never)).toThrow(
      expect.objectContaining({ kind: errors.INVALID }),
    );
  });
});
