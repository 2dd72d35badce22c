// The client of a page, in Chromium, over WebSocketStream and over WebSocket: the server is this process.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright";
import type * as Face from "../fixtures/page-entry.ts";
import { COMPRESSION, listen, prepare, Topic } from "../../src/index.ts";
import { Chromium } from "../fixtures/chromium.ts";
import { here } from "../fixtures/places.ts";
import { RawServer } from "../fixtures/raw-server.ts";
import { next } from "../fixtures/served.ts";
import { PlainServer } from "../fixtures/ws-server.ts";
import { alike } from "./alike/all.ts";
import { lifecycleOf } from "./lifecycle.ts";

declare const sluice: typeof Face;

let chromium: Chromium;
beforeAll(async () => {
  chromium = await Chromium.launch();
}, 120_000);
afterEach(() => chromium.clear());
afterAll(() => chromium[Symbol.asyncDispose]());

/** Bytes that a tab holds, all of its buffers included. */
async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = (await session.send("Runtime.getHeapUsage")) as {
    usedSize: number;
    backingStorageSize?: number;
  };
  return usedSize + backingStorageSize;
}

describe("in Node", () => {
  alike(() => here, "stream");
});

describe.each(["stream", "socket"] as const)("in a page, over a %s", (over) => {
  alike(() => chromium.page, over);

  test("a client says over which API it goes, and whether it can slow its peer down", async () => {
    await using server = await PlainServer.listen();
    const got = await chromium.page.evaluate(
      async ({ url, transport }) => {
        const client = await sluice.connect(url, { transport });
        client.terminate();
        return [client.transport, client.backpressure];
      },
      { url: server.url, transport: over },
    );
    expect(got).toEqual([over, over === "stream"]);
  });

  test("a refused handshake does not say why", async () => {
    await using server = await RawServer.listen();
    server.onBytes = (socket) => socket.end("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    const { page } = chromium;
    const error = await page.evaluate(
      ({ url, transport }) =>
        sluice.connect(url, { transport }).then(
          () => "open",
          ({ kind, retryable, details }) => ({ kind, retryable, opaque: details.opaque }),
        ),
      { url: `${server.url}?token=secret`, transport: over },
    );
    expect(error).toEqual({ kind: "INTERNAL", retryable: true, opaque: true });
  });

  test("what a page cannot do is refused with the way out, and nothing was dialled", async () => {
    await using server = await PlainServer.listen();
    const { page } = chromium;
    const messages = await page.evaluate(async (url) => {
      const refused: object[] = [
        { headers: {} },
        { readLimit: 1 },
        { writeTimeout: "1s" },
        { keepAlive: { interval: "1s" } },
        { retries: 1 },
      ];
      for (const option of ["tls", "addresses", "redirects", "compression", "compressionThreshold", "agent", "lookup"])
        refused.push({ [option]: 0 });
      const told: string[] = [];
      for (const options of refused) {
        const error: unknown = await sluice.connect(url, options as never).catch((reason: unknown) => reason);
        const { kind, message } = error as { kind: string; message: string };
        told.push(`${kind} ${message}`);
      }
      return told;
    }, server.url);
    expect(messages).toEqual([
      "INVALID A page cannot set `headers`: put a token into `protocols`, a cookie or the URL",
      "INVALID A page cannot set `readLimit`: the browser has its own; `unreadLimit` bounds what stands unread",
      "INVALID A page cannot set `writeTimeout`: use `keepAlive` with `message`",
      expect.stringMatching(/^INVALID In a page `keepAlive` cannot be without `message`/),
      expect.stringMatching(/^INVALID There is no option `retries`/),
      ...["tls", "addresses", "redirects", "compression", "compressionThreshold", "agent", "lookup"].map(
        (option) => `INVALID A page cannot set \`${option}\`: that is for the browser to decide`,
      ),
    ]);
    expect(server.connections).toBe(0);
  });

  test("`keepAlive` sends a message of the application's own, and ends a connection that does not answer", async () => {
    await using server = await PlainServer.listen();
    const { page } = chromium;
    const ending = page.evaluate(
      async ({ url, transport }) => {
        const keepAlive = { interval: "20ms", timeout: "20ms", message: () => "are you there?" };
        const client = await sluice.connect(url, { transport, keepAlive });
        const { code, initiator, error } = await client.closed;
        return { code, initiator, kind: error?.kind };
      },
      { url: server.url, transport: over },
    );
    const { socket } = await server.next();
    const asked = await new Promise((resolve) => socket.once("message", (data: Buffer) => resolve(data.toString())));
    expect(asked).toBe("are you there?");
    expect(await ending).toEqual({ code: 1006, initiator: "network", kind: "TIMEOUT" });
  });

  lifecycleOf(() => chromium, over);
});

describe("a flood that nobody reads", () => {
  const chunk = "x".repeat(16 * 1024);

  test("over a stream stops the server, and the tab's memory stays flat", async () => {
    let sent = 0;
    await using server = await PlainServer.listen({}, ({ socket }) => {
      const more = (): void => {
        if (socket.readyState !== socket.OPEN) return;
        while (socket.bufferedAmount < 64 * 1024) {
          socket.send(chunk);
          sent += chunk.length;
        }
        setImmediate(more);
      };
      more();
    });
    const page = await chromium.open();
    const before = await heapOf(page);
    await page.evaluate(async (url) => {
      Object.assign(globalThis, { client: await sluice.connect(url, { transport: "stream" }) });
    }, server.url);
    let last = -1;
    await expect
      .poll(
        () => {
          const stopped = sent === last;
          last = sent;
          return stopped;
        },
        { timeout: 30_000, interval: 500 },
      )
      .toBe(true);
    expect(sent).toBeLessThan(16 * 1024 * 1024); // Chromium's own buffers and the kernel's
    expect((await heapOf(page)) - before).toBeLessThan(16 * 1024 * 1024);
  });

  test("over a socket is bounded, then closed, and says so", async () => {
    await using server = await PlainServer.listen({}, ({ socket }) => {
      for (let i = 0; i < 400; i += 1) socket.send(chunk);
    });
    const page = await chromium.open();
    const got = await page.evaluate(async (url) => {
      const client = await sluice.connect(url, { transport: "socket", unreadLimit: { bytes: 1024 * 1024 } });
      const { code, initiator, error } = await client.closed;
      let count = 0;
      while ((await client.channel().receive()).ok) count += 1;
      return { code, initiator, kind: error?.kind, unread: error?.details["unread"], count };
    }, server.url);
    expect(got).toMatchObject({ code: 1008, initiator: "local", kind: "RATE_LIMITED" });
    expect(got.count).toBe(got.unread); // what arrived before is receivable
    expect(got.count).toBeLessThan(120);
  });
});

test.each(["DISABLED", "CONTEXT_TAKEOVER", "NO_CONTEXT"] as const)(
  "what a server of ours tells many is read intact, text and bytes, compressed with %s",
  async (compression) => {
    await using server = await listen({ compression: COMPRESSION[compression], origins: "*" });
    const { page } = chromium;
    const messages = ["short", "äöü€😀".repeat(300), "page ".repeat(30_000), Buffer.alloc(5000, 7), "short"];
    const reading = page.evaluate(async (url) => {
      const sockets = [new WebSocket(url), new WebSocket(url)];
      const read = sockets.map(async (socket) => {
        const got: (string | number[])[] = [];
        socket.binaryType = "arraybuffer";
        await new Promise<void>((resolve, reject) => {
          socket.addEventListener("error", () => reject(new Error(`lost after ${got.length}`)));
          socket.addEventListener("message", ({ data }) => {
            if (data === "end") resolve();
            else got.push(typeof data === "string" ? data : Array.from(new Uint8Array(data as ArrayBuffer)));
          });
        });
        socket.close();
        return { extensions: socket.extensions, got };
      });
      return Promise.all(read);
    }, server.url);
    using topic = new Topic();
    for (let i = 0; i < 2; i += 1) topic.add((await next(server)).client);
    for (const message of messages) void topic.publish(message);
    for (const message of messages) void topic.publish(prepare(message));
    expect(await topic.publish("end")).toEqual({ queued: 2, dropped: 0, disconnected: 0 });
    const expected = [...messages, ...messages].map((data) => (typeof data === "string" ? data : [...data]));
    for (const { extensions, got } of await reading) {
      expect(got).toEqual(expected);
      expect(extensions.includes("permessage-deflate")).toBe(compression !== "DISABLED");
    }
  },
);

test.each(["module", "shared"])("a %s worker connects", async (worker) => {
  await using server = await PlainServer.echo();
  const { page } = chromium;
  const answer = await page.evaluate(
    async ({ url, kind, script }) => {
      const body = `
        ${kind === "module" ? `import sluice from ${JSON.stringify(`${script}?module`)}` : `importScripts(${JSON.stringify(script)})`};
        const work = async (port) => {
          const client = await sluice.connect(${JSON.stringify(url)});
          await client.send("hello");
          port.postMessage((await client.channel().receive()).value.data);
          await client.close();
        };
        if (${kind === "shared"}) onconnect = ({ ports: [port] }) => work(port); else work(self);
      `;
      const from = URL.createObjectURL(new Blob([body], { type: "text/javascript" }));
      return new Promise((resolve) => {
        const { SharedWorker } = globalThis as unknown as { SharedWorker: new (from: string) => { port: MessagePort } };
        const port: Worker | MessagePort =
          kind === "shared" ? new SharedWorker(from).port : new Worker(from, { type: "module" });
        if (port instanceof MessagePort) port.start();
        port.addEventListener("message", (event) => resolve((event as MessageEvent).data));
      });
    },
    { url: server.url, kind: worker, script: chromium.url("/sluice.js") },
  );
  expect(answer).toBe("hello");
});
