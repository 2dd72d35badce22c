// Every way a dialling can end but well: statuses, the network, deadlines, signals, redirects.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { errors } from "@sluice/channels";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { connect, type ConnectOptions, security } from "../src/index.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { failureOf } from "./fixtures/failures.ts";
import { heldClock } from "./fixtures/held-clock.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { PlainServer } from "./fixtures/ws-server.ts";

leavesNothingBehind();

/** A web server that knows no WebSocket, and what it was asked. */
class WebServer implements AsyncDisposable {
  readonly requests: IncomingMessage[] = [];
  readonly #server = createServer();

  static async listen(answer: (response: ServerResponse, request: IncomingMessage) => void): Promise<WebServer> {
    const web = new WebServer();
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      web.requests.push(request);
      answer(response, request);
    };
    web.#server.on("request", onRequest);
    web.#server.listen(0, "127.0.0.1");
    await once(web.#server, "listening");
    return web;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

const { INTERNAL, INVALID, NOT_FOUND, PERMISSION_DENIED, RATE_LIMITED, TIMEOUT, UNAVAILABLE } = errors;

describe("the status that a server answers with", () => {
  test.each([
    [200, INTERNAL, false],
    [204, INTERNAL, false],
    [300, INVALID, false],
    [301, INVALID, false],
    [304, INVALID, false],
    [400, INVALID, false],
    [401, PERMISSION_DENIED, false],
    [402, INVALID, false],
    [403, PERMISSION_DENIED, false],
    [404, NOT_FOUND, false],
    [405, INVALID, false],
    [407, INVALID, false],
    [408, UNAVAILABLE, true],
    [410, NOT_FOUND, false],
    [418, INVALID, false],
    [425, UNAVAILABLE, true],
    [426, INVALID, false],
    [429, RATE_LIMITED, true],
    [500, UNAVAILABLE, true],
    [502, UNAVAILABLE, true],
    [503, UNAVAILABLE, true],
    [504, UNAVAILABLE, true],
    [599, UNAVAILABLE, true],
  ] as const)("%i is %s, retryable: %s", async (status, kind, retryable) => {
    const body = status === 204 || status === 304 ? "" : "no, because";
    await using server = await WebServer.listen((response) => response.writeHead(status, { Server: "test" }).end(body));
    const failure = await failureOf(connect(server.url));
    expect(failure).toMatchObject({
      kind,
      retryable,
      details: { url: server.url, phase: "http", ms: expect.any(Number), status, body, headers: { server: "test" } },
    });
    expect(failure.message).toContain(String(status));
    expect(failure.message).toContain(server.url);
  });

  test.each([
    ["7", 7000],
    ["0", 0],
    ["never", undefined],
    [new Date(Date.now() - 60_000).toUTCString(), 0],
  ])("has `retryAfter` in milliseconds: %s", async (value, milliseconds) => {
    await using server = await WebServer.listen((response) => response.writeHead(429, { "Retry-After": value }).end());
    expect((await failureOf(connect(server.url))).details["retryAfter"]).toBe(milliseconds);
  });

  test("has `retryAfter` in milliseconds from now, when it is a date and the answer has none", async () => {
    const now = Date.parse("2026-01-01T00:00:00.250Z");
    const date = new Date(now + 59_750).toUTCString();
    const today = vi.spyOn(Date, "now").mockReturnValue(now);
    onTestFinished(() => today.mockRestore());
    await using server = await WebServer.listen((response) => {
      response.sendDate = false;
      response.writeHead(503, { "Retry-After": date }).end();
    });
    expect((await failureOf(connect(server.url))).details).toMatchObject({ retryAfter: 59_750 });
  });

  test("shows a short list of headers and no cookies", async () => {
    await using server = await WebServer.listen((response) => {
      response.writeHead(403, { "Set-Cookie": "session=1", "X-Request-Id": "42", "X-Powered-By": "y" }).end();
    });
    const { headers } = (await failureOf(connect(server.url))).details;
    expect(headers).toMatchObject({ "x-request-id": "42" });
    expect(Object.keys(headers as object)).not.toEqual(expect.arrayContaining(["set-cookie", "x-powered-by"]));
  });
});

describe("the network", () => {
  test("that refuses is INTERNAL, retryable, with the errno and the phase", async () => {
    const server = await RawServer.listen();
    const { url } = server;
    await server[Symbol.asyncDispose]();
    expect(await failureOf(connect(url))).toMatchObject({
      kind: INTERNAL,
      retryable: true,
      details: { url, phase: "tcp", errno: "ECONNREFUSED", ms: expect.any(Number) },
    });
  });

  test("that does not know the name is INTERNAL, retryable, in phase dns", async () => {
    expect(await failureOf(connect("ws://no-such-host.invalid/"))).toMatchObject({
      kind: INTERNAL,
      retryable: true,
      details: {
        url: "ws://no-such-host.invalid/",
        phase: "dns",
        errno: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/),
      },
    });
  });

  test("speaks no TLS behind a wss: URL: INTERNAL, not retryable, in phase tls", async () => {
    await using server = await WebServer.listen((response) => response.end());
    expect(await failureOf(connect(server.url.replace("ws:", "wss:")))).toMatchObject({
      kind: INTERNAL,
      retryable: false,
      details: { phase: "tls" },
    });
  });

  test("takes http: and https: URLs for ws: and wss:", async () => {
    await using server = await PlainServer.echo();
    const client = await connect(server.url.replace("ws:", "http:"));
    expect(client.url).toBe(server.url);
    expect(await client.close()).toMatchObject({ code: 1000 });
    expect(await failureOf(connect(new URL(server.url.replace("ws:", "https:"))))).toMatchObject({
      details: { phase: "tls" },
    });
  });
});

describe("`dialTimeout`", () => {
  test("ends a server that accepts and says nothing", async () => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const failing = failureOf(connect(server.url, { dialTimeout: 50 }));
    const peer = await server.next();
    pass(50);
    expect(await failing).toMatchObject({ kind: TIMEOUT, retryable: true, details: { phase: "http" } });
    await peer.gone();
  });

  test("covers redirects together with what came before", async () => {
    const pass = heldClock();
    await using silent = await RawServer.listen();
    await using server = await WebServer.listen((response) => {
      pass(60);
      response.writeHead(302, { Location: silent.url }).end();
    });
    const failing = failureOf(connect(server.url, { dialTimeout: 100, redirects: 1 }));
    await silent.next();
    pass(40);
    expect(await failing).toMatchObject({ kind: TIMEOUT, details: { url: silent.url, ms: 100 } });
  });

  test("of 0 waits as long as it takes", async () => {
    await using server = await RawServer.listen();
    const controller = new AbortController();
    const connecting = connect(server.url, { dialTimeout: 0, signal: controller.signal });
    await server.next();
    controller.abort();
    await expect(connecting).rejects.toBe(controller.signal.reason);
  });
});

describe("a signal", () => {
  test("that is aborted already rejects with its reason, and nothing is dialled", async () => {
    await using server = await RawServer.listen();
    const reason = { any: "thing" };
    await expect(connect(server.url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.connections).toBe(0);
  });

  test("ends the dialling, and the connection with it", async () => {
    await using server = await RawServer.listen();
    const controller = new AbortController();
    const connecting = connect(server.url, { signal: controller.signal });
    const peer = await server.next();
    controller.abort();
    await expect(connecting).rejects.toMatchObject({ name: "AbortError" });
    await peer.gone();
  });

  test("of fifty diallings carries one listener", async () => {
    await using server = await RawServer.listen();
    const controller = new AbortController();
    let listeners = 0;
    const add = controller.signal.addEventListener.bind(controller.signal);
    controller.signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    const diallings = Array.from({ length: 50 }, () => connect(server.url, { signal: controller.signal }));
    expect(listeners).toBeLessThanOrEqual(1);
    controller.abort();
    const results = await Promise.allSettled(diallings);
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["rejected"]));
  });
});

async function redirecting(location: string | (() => string), status = 302): Promise<WebServer> {
  return WebServer.listen((response) => {
    response.writeHead(status, { Location: typeof location === "string" ? location : location() }).end("moved");
  });
}

describe("a redirect", () => {
  test("is not followed unless asked for: INVALID, with the status and the place", async () => {
    await using target = await PlainServer.echo();
    await using server = await redirecting(target.url);
    const failure = await failureOf(connect(server.url));
    expect(failure).toMatchObject({
      kind: INVALID,
      retryable: false,
      details: { status: 302, headers: { location: target.url } },
    });
    expect(target.connections).toBe(0);
  });

  test.each([301, 302, 303, 307, 308])("with status %i is followed when asked for", async (status) => {
    await using target = await PlainServer.echo();
    await using server = await redirecting(target.url.replace("ws:", "http:"), status);
    const client = await connect(server.url, { redirects: 1 });
    expect(client.url).toBe(target.url);
    await client.send("hello");
    expect((await client.channel().receive()).value?.data).toBe("hello");
    client.terminate();
  });

  test("may be relative, and the same origin gets headers, user and password again", async () => {
    await using server = await WebServer.listen((response, { url }) => {
      if (url === "/start") response.writeHead(307, { Location: "/next?x=1" }).end();
      else response.writeHead(404).end();
    });
    const url = server.url.replace("ws://", "ws://me:secret@");
    const options: ConnectOptions = { redirects: 5, headers: { "X-Api-Key": "k" }, protocols: ["p"] };
    expect(await failureOf(connect(`${url}start`, options))).toMatchObject({ kind: NOT_FOUND });
    expect(server.requests.map((request) => request.url)).toEqual(["/start", "/next?x=1"]);
    const [first, second] = server.requests;
    expect(second?.headers).toMatchObject({ "x-api-key": "k", authorization: first?.headers.authorization });
  });

  test("to another origin takes none of the caller's headers along, and no password, its own neither", async () => {
    await using target = await PlainServer.listen({ handleProtocols: () => "p" });
    await using server = await redirecting(target.url.replace("//", "//evil:word@"));
    const url = server.url.replace("//", "//me:secret@");
    const options = { redirects: 1, headers: { Authorization: "Bearer x", Cookie: "a=b", "X-Api-Key": "k" } };
    const client = await connect(url, { ...options, protocols: ["p"] });
    const { request } = await target.next();
    for (const name of ["authorization", "cookie", "x-api-key"]) expect(request.headers).not.toHaveProperty(name);
    expect(request.headers["sec-websocket-protocol"]).toBe("p");
    expect(client.url).toBe(target.url);
    client.terminate();
  });

  test("beyond the limit is refused: INVALID", async () => {
    let hops = 0;
    await using server = await redirecting(() => `/${(hops += 1)}`);
    const failure = await failureOf(connect(server.url, { redirects: 3 }));
    expect(failure).toMatchObject({ kind: INVALID, details: { status: 302, url: `${server.url}3` } });
    expect(server.requests).toHaveLength(4);
  });

  test.each(["ftp://example.com/", "ws+unix:///tmp/x", "javascript:1", "file:///etc/passwd"])(
    "to %s is refused: PERMISSION_DENIED",
    async (location) => {
      await using server = await redirecting(location);
      expect(await failureOf(connect(server.url, { redirects: 1 }))).toMatchObject({ kind: PERMISSION_DENIED });
    },
  );

  test("to no URL at all is refused: INVALID", async () => {
    await using server = await redirecting("http://exa mple:x/");
    expect(await failureOf(connect(server.url, { redirects: 1 }))).toMatchObject({ kind: INVALID });
  });

  test("without a place is an answer like any other", async () => {
    await using server = await WebServer.listen((response) => response.writeHead(302).end());
    expect(await failureOf(connect(server.url, { redirects: 1 }))).toMatchObject({
      kind: INVALID,
      details: { status: 302 },
    });
  });

  test("from wss: to ws: is refused: PERMISSION_DENIED, and nothing is dialled", async () => {
    await using plain = await RawServer.listen();
    await using secure = await RawServer.listen({ tls: certificate("trusted") });
    for (const location of [plain.url, plain.url.replace("ws:", "http:")]) {
      const failing = failureOf(connect(secure.url, { redirects: 5, tls: { ca: authority } }));
      const peer = await secure.next();
      peer.write(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
      expect(await failing).toMatchObject({ kind: PERMISSION_DENIED, details: { status: 302 } });
    }
    expect(plain.connections).toBe(0);
  });

  test("to another origin shows the client certificate to the first server only", async () => {
    const { cert, key } = certificate("trusted");
    const options = { ...certificate("trusted"), ca: authority, requestCert: true, rejectUnauthorized: false };
    await using first = await RawServer.listen({ tls: options });
    await using second = await RawServer.listen({ tls: options });
    const connecting = connect(first.url, { redirects: 1, tls: { ca: authority, cert, key } });
    const one = await first.next();
    const shown = (one.socket as TLSSocket).getPeerCertificate();
    one.write(`HTTP/1.1 302 Found\r\nLocation: ${second.url}\r\nContent-Length: 0\r\n\r\n`);
    const two = await second.next();
    const shownLater = (two.socket as TLSSocket).getPeerCertificate();
    two.write(two.answer());
    (await connecting).terminate();
    expect(shown).toHaveProperty("subject");
    expect(shownLater).toEqual({});
  });

  test("is asked for at each hop, before it is dialled", async () => {
    await using target = await RawServer.listen();
    await using server = await redirecting(target.url);
    const asked: unknown[] = [];
    const scope = security.scope([
      {
        id: "first hop only",
        actions: "*",
        resources: "*",
        effect: "allow",
        when: ({ action, resource, meta }) => {
          asked.push([action, resource, meta["hop"]]);
          return meta["hop"] === 0;
        },
      },
    ]);
    const failing = security.run({ actor: { id: "a" }, scope }, () => failureOf(connect(server.url, { redirects: 1 })));
    expect(await failing).toMatchObject({ kind: PERMISSION_DENIED, details: { url: target.url } });
    expect(asked).toEqual([
      ["websocket.connect", "", 0],
      ["websocket.connect.url", server.url, 0],
      ["websocket.connect", "", 1],
    ]);
    expect(target.connections).toBe(0);
  });
});
