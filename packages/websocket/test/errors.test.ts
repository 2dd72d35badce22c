// What errors show, and what they never show.

import { inspect } from "node:util";
import { errors, type SluiceError } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { connect, security } from "../src/index.ts";
import { failureOf } from "./fixtures/failures.ts";
import { close } from "./fixtures/frames.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { PlainServer } from "./fixtures/ws-server.ts";

leavesNothingBehind();

const USER = "customer-17";
const PASSWORD = "p@ss/w:rd#1";
const TOKEN = "tok_8f3a9c";
const QUERY = "q-secret&=x";
const COOKIE = "sess-5150";
const secrets = [PASSWORD, encodeURIComponent(PASSWORD), TOKEN, QUERY, encodeURIComponent(QUERY), COOKIE];
secrets.push(Buffer.from(`${USER}:${PASSWORD}`).toString("base64"));

const headers = { Authorization: `Bearer ${TOKEN}`, Cookie: `sid=${COOKIE}; theme=dark` };

/** The URL of a server with every kind of secret in it. */
function secretive(url: string): string {
  const target = new URL(`/ws?key=${encodeURIComponent(QUERY)}`, url);
  target.username = USER;
  target.password = PASSWORD;
  return target.href;
}

/** Everything that an error can show of itself. */
function shownBy(error: SluiceError): string {
  const seen: string[] = [];
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    seen.push(String(one), one.message, one.stack ?? "", inspect(one, { depth: 20, showHidden: true, getters: true }));
    seen.push(JSON.stringify(one), JSON.stringify(one, Object.getOwnPropertyNames(one)));
    seen.push(JSON.stringify((one as SluiceError).details));
  }
  return seen.join("\n");
}

/** The secrets that an error gives away. */
function secretsIn(error: SluiceError): string[] {
  const shown = shownBy(error);
  return secrets.filter((secret) => shown.includes(secret));
}

describe("no secret is in an error", () => {
  test("about a connection that was refused", async () => {
    const failure = await failureOf(connect(secretive("ws://127.0.0.1:1/"), { headers }));
    expect(failure.details["url"]).toBe("ws://127.0.0.1:1/ws?key=[redacted]");
    expect(secretsIn(failure)).toEqual([]);
  });

  test("about a name that does not exist", async () => {
    expect(secretsIn(await failureOf(connect(secretive("ws://no-such-host.invalid/"), { headers })))).toEqual([]);
  });

  test("about a refusal that repeats everything it was sent, in its status, headers and body", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(secretive(server.url), { headers }));
    const peer = await server.next();
    const echoed = `${peer.head.replaceAll(/\r\n/g, " ")} ${secrets.join(" ")}`;
    peer.socket.end(
      `HTTP/1.1 403 No ${TOKEN}\r\nServer: ${echoed}\r\nLocation: ${secretive(server.url)}\r\n\r\n${echoed}`,
    );
    const failure = await failing;
    expect(failure).toMatchObject({ kind: errors.PERMISSION_DENIED, details: { status: 403 } });
    expect(failure.details["body"]).toContain("[redacted]");
    expect(secretsIn(failure)).toEqual([]);
  });

  test("about a body in which the limit cuts a secret in two", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(server.url, { headers }));
    const peer = await server.next();
    peer.socket.end(`HTTP/1.1 403 No\r\n\r\n${"x".repeat(1020)}${TOKEN}${"x".repeat(2000)}`);
    const { body } = (await failing).details;
    expect(body).not.toContain(TOKEN.slice(0, 4));
    expect(Buffer.byteLength(body as string)).toBeLessThanOrEqual(1024);
  });

  test("about a redirect, which is not followed, or leads elsewhere", async () => {
    await using server = await RawServer.listen();
    for (const redirects of [0, 1]) {
      const failing = failureOf(connect(secretive(server.url), { headers, redirects }));
      const peer = await server.next();
      peer.socket.end(`HTTP/1.1 302 Found\r\nLocation: ws://x:y@127.0.0.1:1/${TOKEN}?again=${COOKIE}\r\n\r\n`);
      expect(secretsIn(await failing)).toEqual([]);
    }
  });

  test("about a wrong handshake", async () => {
    await using server = await RawServer.listen();
    const failing = failureOf(connect(secretive(server.url), { headers }));
    const peer = await server.next();
    peer.write(`HTTP/1.1 101 Go ${TOKEN}\r\nUpgrade: ${TOKEN}\r\nConnection: Upgrade\r\n\r\n`);
    expect(secretsIn(await failing)).toEqual([]);
  });

  test("about a deadline, a denial, or a bad option", async () => {
    await using server = await RawServer.listen();
    const url = secretive(server.url);
    expect(secretsIn(await failureOf(connect(url, { headers, dialTimeout: 10 })))).toEqual([]);
    const scope = security.scope([]);
    expect(
      secretsIn(await security.run({ actor: { id: "a" }, scope }, () => failureOf(connect(url, { headers })))),
    ).toEqual([]);
    expect(secretsIn(await failureOf(connect(url, { headers, addresses: { deny: ["loopback"] } })))).toEqual([]);
    expect(secretsIn(await failureOf(connect(url, { headers, readLimit: -1 })))).toEqual([]);
    expect(secretsIn(await failureOf(connect(`${url}#fragment`, { headers })))).toEqual([]);
    expect(secretsIn(await failureOf(connect(url.replace("ws:", "ftp:"), { headers })))).toEqual([]);
    expect(secretsIn(await failureOf(connect(url.replace(/:\d+\//, ":99999/"), { headers })))).toEqual([]);
    expect(secretsIn(await failureOf(connect(new URL(url.replace("ws:", "ftp:")), { headers })))).toEqual([]);
    expect(secretsIn(await failureOf(connect(url, { headers: { ...headers, "X-Bad": `${TOKEN}\n` } })))).toEqual([]);
    expect(secretsIn(await failureOf(connect(url, { headers: { ...headers, Host: TOKEN } })))).toEqual([]);
  });

  test("about an open connection: its end, its use after the end, its timeouts", async () => {
    await using server = await RawServer.listen();
    const connecting = connect(secretive(server.url), { headers, readTimeout: 40 });
    const peer = await server.next();
    peer.write(peer.answer());
    const client = await connecting;
    expect(secretsIn(await failureOf(client.ping({ timeout: 5 })))).toEqual([]);
    const { error } = await client.closed;
    expect(error).toMatchObject({ kind: errors.TIMEOUT });
    expect(secretsIn(error as SluiceError)).toEqual([]);
    expect(secretsIn(await failureOf(client.send("x")))).toEqual([]);
    expect(client.channel().name).not.toContain(PASSWORD);
  });
});

describe("an error about the end of a connection", () => {
  test.each([
    [1002, false],
    [1003, false],
    [1007, false],
    [1008, false],
    [1009, false],
    [1011, true],
    [1012, true],
    [1013, true],
    [3000, false],
    [4999, false],
  ])("with code %i carries it, with the reason; retryable: %s", async (code, retryable) => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.write(close(code, "because"));
    peer.socket.end();
    const { error } = await client.closed;
    const expected = {
      kind: errors.INTERNAL,
      retryable,
      details: { code, reason: "because", url: server.url, phase: "open" },
    };
    expect(error).toMatchObject(expected);
    expect(client.channel().cause).toBe(error);
    await expect(client[Symbol.asyncIterator]().next()).rejects.toBe(error);
    expect(await client.channel().receive()).toStrictEqual({ ok: false, value: undefined, done: true, cause: error });
  });

  test.each([1000, 1001, undefined])("does not exist for %s: the channel closes without a cause", async (code) => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.write(close(code));
    peer.socket.end();
    expect(await client.closed).toStrictEqual({
      code: code ?? 1005,
      reason: "",
      wasClean: true,
      initiator: "remote",
      error: undefined,
    });
    expect(client.channel()).toMatchObject({ closed: true, cause: undefined });
    for await (const message of client) throw new Error(`Unexpected ${message.type}`);
  });
});

describe("use after the end", () => {
  test("rejects with INTERNAL, and the details have the CloseInfo", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet();
    const info = await client.close(4001, "enough");
    for (const failing of [client.send("x"), client.ping()]) {
      const failure = await failureOf(failing);
      expect(failure).toMatchObject({ kind: errors.INTERNAL, retryable: false });
      expect(failure.details).toMatchObject({ ...info, url: server.url, phase: "closing" });
    }
    expect(await client.close()).toBe(info);
    expect(await client.closed).toBe(info);
    client.terminate();
    client.unref();
  });

  test("rejects while the closing handshake is under way", async () => {
    await using server = await RawServer.listen();
    const { client } = await server.meet();
    void client.close(4001, "enough");
    expect(await failureOf(client.send("x"))).toMatchObject({
      kind: errors.INTERNAL,
      details: { code: 4001, reason: "enough", initiator: "local", wasClean: false },
    });
  });

  test.each([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, Number.NaN, "1000"])(
    "`close` rejects code %s with INVALID, and the connection goes on",
    async (code) => {
      await using server = await PlainServer.echo();
      const { client } = await server.meet();
      expect(await failureOf(client.close(code as number))).toMatchObject({
        kind: errors.INVALID,
        details: { option: "code" },
      });
      await client.send("on");
      expect((await client.channel().receive()).value?.data).toBe("on");
    },
  );

  test("`close` takes a reason of at most 123 bytes, not characters", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet();
    const failure = await failureOf(client.close(1000, "é".repeat(62)));
    expect(failure).toMatchObject({ kind: errors.INVALID, details: { option: "reason" } });
    expect(failure.message).toContain("124 bytes");
    expect(await failureOf(client.close(1000, 1 as unknown as string))).toMatchObject({ kind: errors.INVALID });
    expect(await client.close(1000, `${"é".repeat(61)}x`)).toMatchObject({
      reason: `${"é".repeat(61)}x`,
      wasClean: true,
    });
  });
});

test("an error's stack leads to the caller of `connect`", async () => {
  const { stack } = await failureOf(connect("ws://127.0.0.1:1/"));
  expect(stack).toContain("failureOf");
});
