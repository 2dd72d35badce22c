// Proxies: an agent connects in our place, and rules about addresses judge what it is asked for.

import { once } from "node:events";
import { Agent as HttpAgent, createServer, type Server } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { type AddressInfo, connect as connectTcp, type LookupFunction, type Socket } from "node:net";
import { errors } from "@sluice/channels";
import { HttpsProxyAgent } from "https-proxy-agent";
import { describe, expect, test } from "vitest";
import { connect, type ConnectOptions, security } from "../src/index.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { failureOf } from "./fixtures/failures.ts";
import { OPCODE, text } from "./fixtures/frames.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { PlainServer } from "./fixtures/ws-server.ts";

leavesNothingBehind();

/** A proxy that knows CONNECT. Names under `.test` lead to this machine. */
class ConnectProxy implements AsyncDisposable {
  /** What it was asked for. */
  readonly asked: string[] = [];
  /** What it answers in place of connecting. */
  refusal: string | undefined = undefined;
  readonly #server: Server = createServer();
  readonly #sockets = new Set<Socket>();

  static async listen(): Promise<ConnectProxy> {
    const proxy = new ConnectProxy();
    proxy.#server.on("connect", ({ url = "" }, socket: Socket) => proxy.#tunnel(url, socket));
    proxy.#server.on("connection", (socket: Socket) => proxy.#keep(socket));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get agent(): HttpAgent {
    return new HttpsProxyAgent(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #tunnel(target: string, socket: Socket): void {
    this.asked.push(target);
    if (this.refusal !== undefined) {
      socket.end(this.refusal);
      return;
    }
    const { hostname, port } = new URL(`http://${target}`);
    const host = hostname.endsWith(".test") ? "127.0.0.1" : hostname;
    const wire = connectTcp(Number(port || 80), host, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(wire).pipe(socket);
    });
    this.#keep(wire);
    wire.on("error", () => socket.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
  }
}

describe("through an agent for a proxy", () => {
  test("a connection is made, and messages and pings travel", async () => {
    await using server = await PlainServer.echo();
    await using proxy = await ConnectProxy.listen();
    const client = await connect(`ws://feed.test:${server.port}/`, { agent: proxy.agent });
    expect(proxy.asked).toEqual([`feed.test:${server.port}`]);
    for (const message of ["small", "x".repeat(1_000_000)]) {
      await client.send(message);
      expect((await client.channel().receive()).value?.data).toBe(message);
    }
    expect(await client.ping()).toBeGreaterThan(0);
    expect(client.stats).toMatchObject({ messagesReceived: 2, bufferedAmount: 0 });
    expect(await client.close()).toMatchObject({ code: 1000, wasClean: true });
  });

  test("TLS is spoken with the server, by the options of `tls`, and the name is the server's", async () => {
    await using server = await RawServer.listen({ tls: certificate("trusted") });
    await using proxy = await ConnectProxy.listen();
    const connecting = connect(`wss://localhost:${server.port}/`, { agent: proxy.agent, tls: { ca: authority } });
    const peer = await server.next();
    peer.write(peer.answer(), text("early"));
    const client = await connecting;
    expect((await client.channel().receive()).value?.data).toBe("early");
    await client.send("late");
    expect((await peer.next(OPCODE.TEXT)).payload.toString()).toBe("late");
    client.terminate();
  });

  test("a certificate that is not trusted is still not trusted", async () => {
    await using server = await RawServer.listen({ tls: certificate("other-host") });
    await using proxy = await ConnectProxy.listen();
    const failure = await failureOf(
      connect(`wss://localhost:${server.port}/`, { agent: proxy.agent, tls: { ca: authority } }),
    );
    expect(failure).toMatchObject({ kind: errors.INTERNAL, retryable: false, details: { phase: "tls" } });
    expect(failure.message).toMatch(/Cannot trust/);
  });

  test("what the proxy refuses is the answer", async () => {
    await using proxy = await ConnectProxy.listen();
    proxy.refusal = "HTTP/1.1 407 Who are you\r\nContent-Length: 9\r\n\r\nlog in at";
    expect(await failureOf(connect("ws://feed.test/", { agent: proxy.agent }))).toMatchObject({
      kind: errors.INVALID,
      details: { status: 407 },
    });
  });

  test("a deadline and a signal end the dialling", async () => {
    await using server = await RawServer.listen();
    await using proxy = await ConnectProxy.listen();
    const url = `ws://feed.test:${server.port}/`;
    expect(await failureOf(connect(url, { agent: proxy.agent, dialTimeout: 50 }))).toMatchObject({
      kind: errors.TIMEOUT,
    });
    const controller = new AbortController();
    const connecting = connect(url, { agent: proxy.agent, signal: controller.signal });
    await server.next();
    const peer = await server.next();
    controller.abort(new Error("enough"));
    await expect(connecting).rejects.toThrow("enough");
    await peer.gone();
  });

  test("permissions are asked about the server, not about the proxy", async () => {
    await using proxy = await ConnectProxy.listen();
    const scope = security.scope([{ id: "none", actions: "*", resources: "*", effect: "deny" }]);
    const { agent } = proxy;
    const failure = await security.run({ actor: { id: "a" }, scope }, () =>
      failureOf(connect("ws://feed.test/", { agent })),
    );
    expect(failure.kind).toBe(errors.PERMISSION_DENIED);
    expect(proxy.asked).toEqual([]);
  });
});

/** A resolver for which every name leads to this machine. */
const here: LookupFunction = (_name, { all }, answer) => {
  if (all === true) answer(null, [{ address: "127.0.0.1", family: 4 }]);
  else answer(null, "127.0.0.1", 4);
};

describe("rules about addresses", () => {
  const addresses = { deny: ["loopback", "private"] };

  test.each(["ws://10.0.0.1/", "ws://127.1/", "ws://[::ffff:10.0.0.1]/", "wss://192.168.0.1/"])(
    "judge the address that a proxy is asked for, before it is: %s",
    async (url) => {
      await using proxy = await ConnectProxy.listen();
      const failure = await failureOf(connect(url, { agent: proxy.agent, addresses }));
      expect(failure).toMatchObject({ kind: errors.PERMISSION_DENIED, details: { address: expect.any(String) } });
      expect(proxy.asked).toEqual([]);
    },
  );

  test("do not judge the address of the proxy", async () => {
    await using server = await PlainServer.echo();
    await using proxy = await ConnectProxy.listen();
    const options: ConnectOptions = { agent: proxy.agent, addresses: { ...addresses, allow: ["127.0.0.2"] } };
    const client = await connect(`ws://127.0.0.2:${server.port}/`, options).catch((error: unknown) => error);
    // Nobody is at that address: the proxy was asked for it, which is what counts.
    expect(client).toMatchObject({ kind: errors.INTERNAL });
    expect(proxy.asked).toEqual([`127.0.0.2:${server.port}`]);
  });

  test("say so where a name is looked up by the proxy, and nothing is asked of it", async () => {
    await using proxy = await ConnectProxy.listen();
    const failure = await failureOf(connect("ws://feed.test/", { agent: proxy.agent, addresses }));
    expect(failure).toMatchObject({ kind: errors.PERMISSION_DENIED, retryable: false });
    expect(failure.message).toMatch(/cannot be known.*`agent`/);
    expect(proxy.asked).toEqual([]);
  });

  test("hold with an agent of Node, which dials what it is asked for", async () => {
    await using server = await PlainServer.echo();
    const url = `ws://feed.test:${server.port}/`;
    const [agent, lookup] = [new HttpAgent(), here];
    expect(await failureOf(connect(url, { agent, lookup, addresses }))).toMatchObject({
      kind: errors.PERMISSION_DENIED,
      details: { address: "127.0.0.1" },
    });
    const client = await connect(url, { agent, lookup, addresses: { deny: ["private"] } });
    expect(client.url).toBe(url);
    client.terminate();
  });
});

describe("a redirect to another origin", () => {
  test("is not followed by an agent that would show it a client certificate", async () => {
    await using target = await RawServer.listen({ tls: certificate("trusted") });
    await using server = await RawServer.listen({ tls: certificate("trusted") });
    const agent = new HttpsAgent({ ...certificate("trusted"), ca: authority });
    const failing = failureOf(connect(server.url, { agent, redirects: 1, tls: { ca: authority } }));
    const peer = await server.next();
    peer.write(`HTTP/1.1 302 Found\r\nLocation: ${target.url}\r\nContent-Length: 0\r\n\r\n`);
    expect(await failing).toMatchObject({ kind: errors.PERMISSION_DENIED, details: { status: 302 } });
    expect(target.connections).toBe(0);
  });

  test("is followed through a proxy", async () => {
    await using target = await PlainServer.echo();
    await using server = await RawServer.listen();
    await using proxy = await ConnectProxy.listen();
    const connecting = connect(server.url, { agent: proxy.agent, redirects: 1 });
    const peer = await server.next();
    peer.write(`HTTP/1.1 302 Found\r\nLocation: ${target.url}\r\nContent-Length: 0\r\n\r\n`);
    const client = await connecting;
    expect(proxy.asked).toHaveLength(2);
    client.terminate();
  });
});

describe("the option `agent`", () => {
  test.each([["a string"], [42], [true], [null], [{}], [() => undefined]])("is not %j: INVALID", async (agent) => {
    const failure = await failureOf(connect("ws://127.0.0.1:1/", { agent } as unknown as ConnectOptions));
    expect(failure).toMatchObject({ kind: errors.INVALID, details: { option: "agent" } });
  });

  test("is not one for the other scheme: INVALID", async () => {
    for (const [url, agent] of [
      ["wss://127.0.0.1:1/", new HttpAgent()],
      ["ws://127.0.0.1:1/", new HttpsAgent()],
    ] as const) {
      expect(await failureOf(connect(url, { agent }))).toMatchObject({
        kind: errors.INVALID,
        retryable: false,
        details: { option: "agent" },
      });
    }
  });

  test("may be `false`, as for `node:http`: a connection of its own", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet({ agent: false });
    expect(await client.ping()).toBeGreaterThan(0);
  });
});
