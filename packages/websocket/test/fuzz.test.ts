// What no list of cases has: answers and frames that fast-check makes up. The client never throws outside its promises,
// never hangs, never leaks a connection, and does with a stream of frames, however it is cut, what a model of the RFCs says.
// A failure prints the seed and the smallest counterexample.

import { SluiceError } from "@sluice/channels";
import {
  array,
  assert,
  asyncProperty,
  boolean,
  constant,
  constantFrom,
  double,
  integer,
  oneof,
  option,
  record,
  string,
  tuple,
} from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Accepted,
  type Client,
  type CloseInfo,
  COMPRESSION,
  type Compression,
  connect,
  type ConnectOptions,
  listen,
} from "../src/index.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { closeOf, type Frame, OPCODE } from "./fixtures/frames.ts";
import { heldClock } from "./fixtures/held-clock.ts";
import { type End, type Inflating, type Reading, readStream } from "./fixtures/model.ts";
import { type Answer, answerOn, dial, requestOf } from "./fixtures/raw-client.ts";
import { type RawPeer, RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { cut, places, streams } from "./fixtures/streams.ts";

leavesNothingBehind();

// `SLUICE_LONG=1` looks a hundred times as hard.
const LONGER = process.env["SLUICE_LONG"] ? 100 : 1;
const numRuns = 80 * LONGER;
const DEADLINE = 60_000;

const outside: unknown[] = [];
const note = (reason: unknown): void => void outside.push(reason);
beforeAll(() => {
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
});
afterAll(() => {
  process.off("unhandledRejection", note);
  process.off("uncaughtException", note);
});

/** Rejects when it hangs. */
async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen in time`)), DEADLINE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What arrives until the end: the type of each message, and its bytes as Latin-1. */
async function drained(client: Client): Promise<string[]> {
  const received: string[] = [];
  for (;;) {
    const { ok, value } = await client.channel().receive();
    if (!ok) return received;
    received.push(value.type + Buffer.from(value.data as string).toString("latin1"));
  }
}

const OFFERS: Readonly<Record<Inflating, readonly string[]>> = {
  never: [],
  "with takeover": ["Sec-WebSocket-Extensions: permessage-deflate"],
  "each alone": [
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover",
  ],
};
const WANTED: Readonly<Record<Inflating, string | undefined>> = {
  never: undefined,
  "with takeover": "permessage-deflate",
  "each alone": "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
};
const AGREED: Readonly<Record<Inflating, Compression>> = { never: 0, "with takeover": 1, "each alone": 2 };
const LIMIT = 1_000_000;

async function meet(
  server: RawServer,
  options: ConnectOptions,
  headers: readonly string[] = [],
): Promise<{ client: Client; peer: RawPeer }> {
  const connecting = connect(server.url, options);
  const peer = await server.next();
  peer.write(peer.answer(...headers));
  return { client: await connecting, peer };
}

/** Every frame that the client sent, once the connection has ended. */
async function sentTo(peer: RawPeer): Promise<Frame[]> {
  const sent: Frame[] = [];
  for await (const one of peer.frames) sent.push(one);
  return sent;
}

/** True when all of `some` stand in `all`, in the same order. */
function standsIn(some: readonly string[], all: readonly string[]): boolean {
  let at = -1;
  return some.every((one) => (at = all.indexOf(one, at + 1)) !== -1);
}

/** Compares what became of a stream with what the RFCs say of it. */
async function agrees(expected: Reading, client: Client, received: readonly string[], peer: RawPeer): Promise<void> {
  expect(received).toEqual(expected.messages);
  const info = await inTime(client.closed, "the end");
  const sent = await inTime(sentTo(peer), "the end of the connection");
  const pongs = sent.filter(({ opcode }) => opcode === OPCODE.PONG).map(({ payload }) => payload.toString("latin1"));
  // One pong may answer several pings (RFC 6455 5.5.3), the newest of them.
  expect(standsIn(pongs, expected.pings)).toBe(true);
  const newest = expected.end.kind === "cut off" ? pongs.at(-1) : expected.pings.at(-1);
  expect(pongs.at(-1)).toBe(newest);
  const closes = sent.flatMap((one) => (one.opcode === OPCODE.CLOSE ? [closeOf(one).code ?? 1005] : []));
  const { info: meant, closes: travelled } = meaningOf(expected.end, info.code);
  expect(info).toMatchObject(meant);
  expect(closes).toEqual(travelled);
  expect(sent.findIndex(({ opcode }) => opcode === OPCODE.CLOSE)).toBe(travelled.length === 0 ? -1 : sent.length - 1);
  expect(client.channel().cause).toBe(info.error);
}

/** What the client says of such an end, and the codes of the close frames that it sends. `code` is what it said. */
function meaningOf(end: End, code: number): { info: Partial<CloseInfo>; closes: number[] } {
  if (end.kind === "closed") {
    const { code: said, reason } = end;
    return { info: { code: said, reason, wasClean: true, initiator: "remote" }, closes: [said] };
  }
  if (end.kind === "cut off") {
    return { info: { code: 1006, reason: "", wasClean: false, initiator: "network" }, closes: [] };
  }
  const [either = 0] = end.codes.includes(code) ? [code] : end.codes;
  return { info: { code: either, reason: "", wasClean: false, initiator: "local" }, closes: [either] };
}

describe("a stream of frames, lawful or not, cut anywhere, is delivered, answered and closed as the RFCs say", () => {
  test.each([
    ["TCP", undefined, 2 * numRuns],
    ["TLS", certificate("trusted"), numRuns / 2],
  ])("over %s", { timeout: 120_000 * LONGER }, async (_, tls, runs) => {
    await using server = await RawServer.listen(tls === undefined ? {} : { tls });
    const property = asyncProperty(
      streams(false),
      places,
      constantFrom(1, 2, 32),
      boolean(),
      async ({ bytes, inflating }, cuts, channelCapacity, slow) => {
        const { client, peer } = await meet(
          server,
          {
            channelCapacity,
            readLimit: LIMIT,
            compression: inflating === "never" ? COMPRESSION.DISABLED : COMPRESSION.CONTEXT_TAKEOVER,
            ...(tls === undefined ? undefined : { tls: { ca: authority } }),
          },
          OFFERS[inflating],
        );
        const written = peer.drip(cut(bytes, cuts)).then(() => peer.socket.end());
        if (slow) await written;
        const received = await inTime(drained(client), "the end of the channel");
        await agrees(readStream(bytes, { limit: LIMIT, masked: false, inflating }), client, received, peer);
      },
    );
    await assert(property, { numRuns: runs });
  });
});

describe("the same of a client's stream, whose frames are masked", () => {
  test.each([
    ["TCP", undefined, 2 * numRuns],
    ["TLS", certificate("trusted"), numRuns / 2],
  ])("over %s", { timeout: 120_000 * LONGER }, async (_, tls, runs) => {
    const property = asyncProperty(
      streams(true),
      places,
      constantFrom(1, 2, 32),
      boolean(),
      async ({ bytes, inflating }, cuts, channelCapacity, slow) => {
        await using server = await listen({ channelCapacity, readLimit: LIMIT, compression: AGREED[inflating], tls });
        const socket = await dial(server.port, tls === undefined ? undefined : { ca: authority });
        // What is early, in the same segment as the request, belongs to the stream.
        const [first = Buffer.alloc(0), ...others] = cut(bytes, cuts);
        const headers = { "Sec-WebSocket-Extensions": WANTED[inflating] };
        socket.write(Buffer.concat([Buffer.from(requestOf(server.port, { headers })), first]));
        const peer = ((await answerOn(socket)) as Answer).peer();
        const expected = readStream(bytes, { limit: LIMIT, masked: true, inflating });
        // Node's TLS may forget what has come, and was not shown yet, when the other side is ended.
        const waits = tls !== undefined && expected.end.kind !== "cut off";
        if (waits) socket.once("end", () => socket.end());
        const written = peer.drip(others).then(() => (waits ? undefined : socket.end()));
        if (slow) await written;
        const { client } = (await server.connections().receive()).value as Accepted<undefined>;
        const received = await inTime(drained(client), "the end of the channel");
        await agrees(expected, client, received, peer);
      },
    );
    await assert(property, { numRuns: runs });
  });
});

describe("a connection that is reset", () => {
  test("gives some of the messages, and then its end", { timeout: 120_000 * LONGER }, async () => {
    await using server = await RawServer.listen();
    const property = asyncProperty(streams(false), places, async ({ bytes, inflating }, cuts) => {
      const { client, peer } = await meet(
        server,
        { channelCapacity: 2, readLimit: LIMIT, compression: inflating === "never" ? 0 : 1 },
        OFFERS[inflating],
      );
      void peer.drip(cut(bytes, cuts)).then(() => peer.socket.resetAndDestroy());
      const received = await inTime(drained(client), "the end of the channel");
      const { messages } = readStream(bytes, { limit: LIMIT, masked: false, inflating });
      expect(messages.slice(0, received.length)).toEqual(received);
      const { wasClean, code, error } = await inTime(client.closed, "the end");
      expect(error === undefined || error instanceof SluiceError).toBe(true);
      expect(client.channel().cause).toBe(error);
      expect(wasClean && code === 1006).toBe(false);
      await inTime(peer.gone(), "the end of the connection");
    });
    await assert(property, { numRuns });
  });
});

describe("a peer that sends anything", () => {
  test("does not keep `close` or `terminate` from ending", { timeout: 120_000 * LONGER }, async () => {
    await using server = await RawServer.listen();
    const property = asyncProperty(
      streams(false),
      constantFrom("close", "terminate"),
      integer({ min: 0, max: 3 }),
      async ({ bytes, inflating }, how, turns) => {
        const { client, peer } = await meet(
          server,
          { channelCapacity: 1, closeTimeout: "20ms", compression: inflating === "never" ? 0 : 1 },
          OFFERS[inflating],
        );
        peer.write(bytes);
        for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve));
        const ending = how === "close" ? client.close() : client.terminate();
        const { length } = client.channel();
        await inTime(Promise.resolve(ending), "the end of `close`");
        await inTime(client.closed, "the end");
        expect((await inTime(drained(client), "the end of the channel")).length).toBeLessThanOrEqual(length);
        await inTime(peer.gone(), "the end of the connection");
      },
    );
    await assert(property, { numRuns });
  });
});

const ends = constantFrom("FIN", "RST", "silence");

function finish(peer: RawPeer, end: string): void {
  if (end === "FIN") peer.socket.end();
  if (end === "RST") peer.socket.resetAndDestroy();
}

describe("answers that are damaged, made up, or cut short", () => {
  const line = oneof(
    constantFrom("Upgrade: websocket", "Connection: Upgrade", "Transfer-Encoding: chunked", "Content-Length: 5"),
    constantFrom("Content-Length: -1", "Location: http://[", "Retry-After: 1e9", "Sec-WebSocket-Accept: x", "\0: \0"),
    constantFrom("Sec-WebSocket-Extensions: permessage-deflate; a=b; a", "Sec-WebSocket-Protocol: ,"),
    string({ unit: "binary-ascii", maxLength: 40 }),
  );
  const invented = record({
    version: constantFrom("HTTP/1.1", "HTTP/1.0", "HTTP/2", "HTTP/0.9", "ICY"),
    status: oneof(constantFrom(101, 100, 102, 200, 204, 304, 302, 407, 426), integer({ min: 0, max: 1500 })),
    lines: array(line, { maxLength: 6 }),
    body: string({ maxLength: 50 }),
  }).map(({ version, status, lines, body }) => [`${version} ${status} X`, ...lines, "", body].join("\r\n"));

  test("reject with a SluiceError or connect, within `dialTimeout`, and nothing stays open", async () => {
    const pass = heldClock();
    await using server = await RawServer.listen();
    const property = asyncProperty(
      oneof(
        invented.map((answer) => () => answer),
        constant((peer: RawPeer) => peer.answer()),
      ),
      array(tuple(double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), integer({ min: 1, max: 255 })), {
        maxLength: 3,
      }),
      option(double({ min: 0, max: 1, noNaN: true })),
      places,
      ends,
      async (answer, flips, truncated, cuts, end) => {
        const connecting = connect(server.url, { dialTimeout: "20ms", redirects: 1, protocols: ["a", "b"] });
        const outcome = connecting.then(
          (client) => client.terminate(),
          (error: unknown) => error,
        );
        const peer = await server.next();
        let stream = Buffer.from(answer(peer), "latin1");
        for (const [place, mask] of flips) {
          const at = Math.floor(place * stream.length);
          stream[at] = (stream[at] ?? 0) ^ mask;
        }
        if (truncated !== null) stream = stream.subarray(0, Math.floor(truncated * stream.length));
        await peer.drip(cut(stream, cuts));
        finish(peer, end);
        pass(20);
        const failure = await inTime(outcome, "the end of `connect`");
        expect(failure === undefined || failure instanceof SluiceError).toBe(true);
        await inTime(peer.gone(), "the end of the connection");
      },
    );
    await assert(property, { numRuns });
  });
});

test("nothing of it was thrown outside of a promise that somebody holds", () => {
  expect(outside).toEqual([]);
});
