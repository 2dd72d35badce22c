// What a client does to the process it runs in, seen from outside: whether it ends, and what it complains about.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Child } from "./fixtures/child.ts";
import { PlainServer } from "./fixtures/ws-server.ts";

let child: Child;
let server: PlainServer;
beforeAll(async () => {
  child = await Child.prepare();
  server = await PlainServer.listen({}, ({ socket, request }) => {
    if (request.url === "/flood") for (let i = 0; i < 100; i += 1) socket.send(Buffer.alloc(100_000));
    if (request.url === "/bye") socket.close(1001, "restart");
    socket.on("message", (data, binary) => {
      socket.send(data, { binary });
    });
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await child[Symbol.asyncDispose]();
});

const quietly = { code: 0, lines: [], stderr: "" };
const connecting = (path = "", options = "{}"): string =>
  `const client = await websocket.connect("${server.url}${path}", ${options});`;
// Says when it is where the test wants it, ends the connection when it is told to, and says when nothing keeps it any more.
const telling = `
  process.on("beforeExit", () => console.log("idle"));
  process.stdin.once("data", () => { console.log("told"); client.terminate(); }).unref();
  console.log("there");
`;

describe.concurrent("the process goes on", () => {
  test.for([
    ["while a client is open", "", ""],
    [
      "while a client is paused because nobody receives",
      "flood",
      // Until Node has stopped reading, and not only the client: that takes more than is read ahead.
      "do await new Promise((resolve) => setTimeout(resolve, 50)); while (!client.stats.paused);",
    ],
  ])("%s", async ([, path, body], { expect }) => {
    const ended = await child.run(`${connecting(path, "{ channelCapacity: 1 }")} ${body} ${telling}`, "there");
    expect(ended).toEqual({ code: 0, lines: ["there", "told", "idle"], stderr: "" });
  });

  test("until a closing handshake is done", async ({ expect }) => {
    const ended = await child.run(`${connecting()} client.close().then(({ code }) => console.log(code));`);
    expect(ended).toEqual({ code: 0, lines: ["1000"], stderr: "" });
  });

  test("until it is done although the client was let go", async ({ expect }) => {
    const ended = await child.run(`${connecting()} client.unref(); client.close().then((i) => console.log(i.code));`);
    expect(ended).toEqual({ code: 0, lines: ["1000"], stderr: "" });
  });

  test("while a server listens", async ({ expect }) => {
    const listening = `const client = { terminate: () => server.close() }; const server = await websocket.listen();`;
    const ended = await child.run(`${listening} ${telling}`, "there");
    expect(ended).toEqual({ code: 0, lines: ["there", "told", "idle"], stderr: "" });
  });

  test("while it connects", async ({ expect }) => {
    const ended = await child.run(
      `void websocket.connect("${server.url}").then((c) => { console.log("open"); c.terminate(); });`,
    );
    expect(ended).toEqual({ code: 0, lines: ["open"], stderr: "" });
  });
});

describe.concurrent("the process ends", () => {
  test.for([
    ["when the client was closed", "", "await client.close();"],
    ["when the client was terminated", "", "client.terminate();"],
    ["when the peer closed", "bye", "for await (const _ of client);"],
    ["when the peer closed, and nobody asked", "bye", ""],
    ["although a client is open, after `unref`", "", "client.unref();"],
    ["although a ping waits, after `unref`", "", "client.unref(); void client.ping({ timeout: '1h' });"],
    ["although a receive waits, after `unref`", "", "client.unref(); void client.channel().receive();"],
  ])("%s", async ([, path, body], { expect }) => {
    expect(await child.run(`${connecting(path)} ${body}`)).toEqual(quietly);
  });

  test("although a server listens and a topic has told its connection, after `unref`", async ({ expect }) => {
    const body = `
      const server = await websocket.listen();
      const client = await websocket.connect(server.url);
      const { value } = await server.connections().receive();
      const topic = new websocket.Topic({ gather: "5ms" });
      topic.add(value.client);
      await topic.publish("told");
      console.log((await client.channel().receive()).value.data);
      for (const one of [server, client, value.client]) one.unref();
      void server.connections().receive();
    `;
    expect(await child.run(body)).toEqual({ code: 0, lines: ["told"], stderr: "" });
  });

  test("although a paused client is open, after `unref`, early or late", async ({ expect }) => {
    const paused = connecting("flood", "{ channelCapacity: 1 }");
    const until = "while (!client.stats.paused) await new Promise((resolve) => setTimeout(resolve, 1));";
    // Early: the pause comes, or does not, before the process is gone; nothing is awaited that could keep it.
    expect(await child.run(`${paused} client.unref(); void client.channel().receive();`)).toEqual(quietly);
    expect(await child.run(`${paused} ${until} client.unref();`)).toEqual(quietly);
  });

  test("although every clock is set, after `unref`", async ({ expect }) => {
    const clocks =
      "{ readTimeout: '1h', writeTimeout: '1h', keepAlive: { interval: '1h' }, closeTimeout: '1h', dialTimeout: '1h' }";
    expect(await child.run(`${connecting("", clocks)} await client.send("x"); client.unref();`)).toEqual(quietly);
  });

  test("when a dialling was given up", async ({ expect }) => {
    const body = `await websocket.connect("${server.url}", { signal: AbortSignal.abort() }).catch(() => {});`;
    expect(await child.run(body)).toEqual(quietly);
  });

  test("when paced sends were given up by `terminate`", async ({ expect }) => {
    const body = `${connecting("", "{ pace: { messages: 1, per: '1h' } }")}
      await client.send("1"); const waiting = client.send("2").catch(() => {}); client.terminate(); await waiting;`;
    expect(await child.run(body)).toEqual(quietly);
  });
});

test("a program in one process after the other leaves no warning behind: fifty clients at once", async () => {
  const body = `
    const clients = await Promise.all(Array.from({ length: 50 }, () => websocket.connect("${server.url}")));
    await Promise.all(clients.map((client) => client.send("x")));
    await Promise.all(clients.map((client) => client.channel().receive()));
    const infos = await Promise.all(clients.map((client) => client.close()));
    console.log(new Set(infos.map(({ code }) => code)).size, process.getActiveResourcesInfo().filter((r) => /TCP|Timeout/.test(r)).length);
  `;
  expect(await child.run(body)).toEqual({ code: 0, lines: ["1 0"], stderr: "" });
});
