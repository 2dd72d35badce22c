// One frame for many connections: deflated once, and read intact by whoever agreed to it, whatever window he asked for.

import { execFile } from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import zlib from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { type Client, COMPRESSION, connect, prepare, Topic } from "../src/index.ts";
import { python } from "./fixtures/python-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { next, serve } from "./fixtures/served.ts";
import { meet, texts } from "./fixtures/stalled.ts";
import { heard } from "./fixtures/ws-server.ts";

leavesNothingBehind();
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

const PAGE = "a page of text that repeats itself, ".repeat(100);
const FORGETS = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

function offering(extensions: string): { readonly headers: Readonly<Record<string, string>> } {
  return { headers: { "Sec-WebSocket-Extensions": extensions } };
}

describe("a prepared message", () => {
  test("is deflated once for all who agreed on no context, and for each window of its own", async () => {
    const deflated = vi.spyOn(zlib, "deflateRawSync");
    syncBuiltinESMExports();
    const server = await serve({ compression: COMPRESSION.NO_CONTEXT });
    using topic = new Topic();
    const offers = ["permessage-deflate", FORGETS, "permessage-deflate; server_max_window_bits=10", "", FORGETS];
    const peers = [];
    for (const offer of offers) peers.push(await meet(server, offer === "" ? {} : offering(offer)));
    for (const { client } of peers) topic.add(client);
    const page = prepare(PAGE);
    void topic.publish(page);
    void topic.publish(PAGE.toUpperCase());
    void topic.publish("short");
    for (const { client } of peers) void client.send(page);
    for (const { peer } of peers) {
      const frames = [await peer.frames.receive(), await peer.frames.receive(), await peer.frames.receive()];
      expect(frames.map(({ value }) => value?.reserved)).toEqual(
        peer.head.includes("permessage-deflate") ? [4, 4, 0] : [0, 0, 0],
      );
      expect((frames[0]?.value?.payload.length ?? 0) < 200).toBe(peer.head.includes("permessage-deflate"));
      expect(await texts(peer, 1)).toEqual([PAGE]);
    }
    expect(deflated.mock.calls.map(([, options]) => options?.windowBits ?? 0).toSorted((a, b) => a - b)).toEqual([
      10, 10, 15, 15,
    ]);
  });

  test("is sent as it is where it would not become shorter", async () => {
    const server = await serve({ compression: COMPRESSION.NO_CONTEXT, compressionThreshold: 0 });
    const { client, peer } = await meet(server, offering(FORGETS));
    for (const message of ["", "é", "unlike!"]) await client.send(prepare(message));
    expect(await texts(peer, 3)).toEqual(["", "é", "unlike!"]);
  });

  test("keeps its place among those that are being compressed", async () => {
    const server = await serve({ compression: COMPRESSION.NO_CONTEXT });
    using topic = new Topic();
    const { client, peer } = await meet(server, offering(FORGETS));
    topic.add(client);
    for (let i = 0; i < 4; i += 1) {
      void client.send(`${3 * i} ${PAGE}`);
      void client.send(prepare(`${3 * i + 1}`));
      void topic.publish(`${3 * i + 2} ${PAGE}`);
    }
    const order = (await texts(peer, 12)).map((message) => Number(message.split(" ")[0]));
    expect(order).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });
});

/** The messages that everybody is to read the same. */
const MESSAGES: readonly (string | Uint8Array)[] = [
  "short",
  PAGE,
  "äöü€😀".repeat(200),
  new Uint8Array(),
  Uint8Array.from({ length: 2000 }, (_, i) => i % 7),
  "z".repeat(70_000),
  PAGE.repeat(10),
];

const plain = (message: unknown): unknown => (typeof message === "string" ? message : [...(message as Uint8Array)]);

describe("what a topic tells is read intact, compressed or not, with or without takeover,", () => {
  const { DISABLED, CONTEXT_TAKEOVER, NO_CONTEXT } = COMPRESSION;

  test.each([
    ["DISABLED", DISABLED],
    ["CONTEXT_TAKEOVER", CONTEXT_TAKEOVER],
    ["NO_CONTEXT", NO_CONTEXT],
  ] as const)("by clients of ours and of ws, from a server with %s", async (_, compression) => {
    const server = await serve({ compression });
    using topic = new Topic();
    const ours: Client[] = [];
    for (const offered of [DISABLED, CONTEXT_TAKEOVER, NO_CONTEXT] as const) {
      ours.push(await connect(server.url, { compression: offered }));
      topic.add((await next(server)).client);
    }
    const theirs = [];
    for (const options of [false, true, { serverMaxWindowBits: 9 }, { serverNoContextTakeover: true }]) {
      const socket = new WebSocket(server.url, { perMessageDeflate: options });
      const messages = heard(socket);
      topic.add((await next(server)).client);
      theirs.push({ socket, messages });
    }
    for (const round of [0, 1, 2]) {
      const published = MESSAGES.map((message) => topic.publish(round === 0 ? message : prepare(message)));
      for (const outcome of published) expect(await outcome).toEqual({ queued: 7, dropped: 0, disconnected: 0 });
      for (const client of ours) {
        for (const message of MESSAGES) expect((await client.channel().receive()).value?.data).toEqual(message);
      }
      for (const { messages } of theirs) {
        for (const message of MESSAGES) {
          expect((await messages.receive()).value).toBe(Buffer.from(message as string).toString());
        }
      }
    }
    for (const client of ours) client.terminate();
    for (const { socket } of theirs) socket.terminate();
  });

  test.skipIf(python.isMissing)(`by Python's websockets${python.note}`, async () => {
    const server = await serve({ compression: NO_CONTEXT });
    const script = fileURLToPath(new URL("fixtures/python-client.py", import.meta.url));
    const running = promisify(execFile)(python.path, [script, server.url], { maxBuffer: 100 * 1024 * 1024 });
    using topic = new Topic();
    const clients: Client[] = [];
    while (clients.length < 4) clients.push((await next(server)).client);
    for (const client of clients) topic.add(client);
    for (const message of MESSAGES) void topic.publish(message);
    for (const message of MESSAGES) await topic.publish(prepare(message));
    await topic.publish("end");
    for (const client of clients) {
      expect((await client.channel().receive()).value).toEqual({ type: "text", data: "read to the end" });
      expect(await client.closed).toMatchObject({ code: 1000, wasClean: true, initiator: "remote" });
    }
    const ways = JSON.parse((await running).stdout) as { extensions: string[]; read: unknown[] }[];
    const deflate = ["permessage-deflate"];
    expect(ways.map(({ extensions }) => extensions)).toEqual([[], deflate, deflate, deflate]);
    for (const { read } of ways) expect(read).toEqual([...MESSAGES, ...MESSAGES].map(plain));
  });
});
