// What no list of cases has: answers and frames that fast-check makes up. The client never throws outside its promises,
// never hangs, never leaks a connection, and what is legal arrives as it was sent however it is cut.
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
  uint8Array,
} from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, COMPRESSION, connect, type ConnectOptions } from "../src/index.ts";
import { close, compressed, frame, OPCODE } from "./fixtures/frames.ts";
import { heldClock } from "./fixtures/held-clock.ts";
import { type RawPeer, RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

// `SLUICE_LONG=1` looks twenty times as hard.
const numRuns = process.env["SLUICE_LONG"] ? 2000 : 100;
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

/** Cuts bytes at places given as fractions. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => Math.floor(place * bytes.length)))].toSorted((a, b) => a - b);
  return [0, ...at].map((start, i) => bytes.subarray(start, at[i] ?? bytes.length)).filter(({ length }) => length > 0);
}

const places = array(double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), { maxLength: 8 });

/** What arrives until the end: the type of each message, and its bytes as Latin-1. */
async function drained(client: Client): Promise<string[]> {
  const received: string[] = [];
  for (;;) {
    const { ok, value } = await client.channel().receive();
    if (!ok) return received;
    received.push(value.type + Buffer.from(value.data as string).toString("latin1"));
  }
}

const text = string({ unit: "binary", maxLength: 200 }).map((data) => ({
  opcode: OPCODE.TEXT,
  data: Buffer.from(data),
}));
const bytes = oneof(
  { weight: 9, arbitrary: uint8Array({ maxLength: 300 }) },
  { weight: 1, arbitrary: integer({ min: 65_530, max: 200_000 }).map((length) => Buffer.alloc(length, "ab")) },
).map((data) => ({ opcode: OPCODE.BINARY, data: Buffer.from(data) }));
const control = uint8Array({ maxLength: 125 }).chain((payload) =>
  constantFrom(OPCODE.PING, OPCODE.PONG).map((opcode) => frame(opcode, payload)),
);
/** A legal message: what it says, and the frames it is sent in, control frames in between. */
const message = record({
  content: oneof(text, bytes),
  cuts: places,
  between: array(control, { maxLength: 2 }),
  deflated: boolean(),
  whole: boolean(),
}).map(({ content: { opcode, data }, cuts, between, deflated, whole }) => {
  if (deflated) return { opcode, data, frames: [compressed(opcode, data)] };
  const pieces = whole || data.length === 0 ? [data] : cut(data, cuts);
  const frames = pieces.flatMap((piece, i) => [
    frame(i === 0 ? opcode : OPCODE.CONTINUATION, piece, { fin: i === pieces.length - 1 }),
    ...(i < pieces.length - 1 ? between : []),
  ]);
  return { opcode, data, frames };
});

const agree = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover";

async function meet(
  server: RawServer,
  options: ConnectOptions,
  ...headers: string[]
): Promise<{ client: Client; peer: RawPeer }> {
  const connecting = connect(server.url, options);
  const peer = await server.next();
  peer.write(peer.answer(...headers));
  return { client: await connecting, peer };
}

describe("legal frames", () => {
  test("arrive as they were sent, however they are cut, and however slow the consumer is", async () => {
    await using server = await RawServer.listen();
    const property = asyncProperty(
      array(message, { maxLength: 20 }),
      places,
      constantFrom(1, 2, 32),
      boolean(),
      async (messages, cuts, channelCapacity, slow) => {
        const { client, peer } = await meet(server, { channelCapacity, compression: COMPRESSION.NO_CONTEXT }, agree);
        const stream = Buffer.concat([...messages.flatMap(({ frames }) => frames), close(1000)]);
        void peer.drip(cut(stream, cuts));
        if (slow) await new Promise((resolve) => setTimeout(resolve, 1));
        const received = await inTime(drained(client), "the end of the channel");
        peer.socket.end();
        expect(received).toEqual(
          messages.map(({ opcode, data }) => (opcode === OPCODE.TEXT ? "text" : "binary") + data.toString("latin1")),
        );
        expect(await inTime(client.closed, "the end")).toMatchObject({
          code: 1000,
          wasClean: true,
          initiator: "remote",
        });
      },
    );
    await assert(property, { numRuns });
  });
});

/** Damage to a stream of legal frames. */
const damage = record({
  flips: array(
    record({
      place: double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      mask: integer({ min: 1, max: 255 }),
    }),
    { maxLength: 4 },
  ),
  truncated: option(double({ min: 0, max: 1, noNaN: true })),
  garbage: option(uint8Array({ maxLength: 100 })),
});

const ends = constantFrom("FIN", "RST", "silence");

function finish(peer: RawPeer, end: string): void {
  if (end === "FIN") peer.socket.end();
  if (end === "RST") peer.socket.resetAndDestroy();
}

describe("damaged frames", () => {
  test("end the connection or change what arrives, and do nothing else", async () => {
    await using server = await RawServer.listen();
    const property = asyncProperty(
      array(message, { minLength: 1, maxLength: 8 }),
      damage,
      places,
      ends,
      boolean(),
      async (messages, { flips, truncated, garbage }, cuts, end, agrees) => {
        const { client, peer } = await meet(
          server,
          {
            channelCapacity: 2,
            readLimit: 1_000_000,
            closeTimeout: "20ms",
            readTimeout: "30ms",
            compression: agrees ? COMPRESSION.CONTEXT_TAKEOVER : COMPRESSION.DISABLED,
          },
          ...(agrees ? ["Sec-WebSocket-Extensions: permessage-deflate"] : []),
        );
        let stream = Buffer.concat(messages.flatMap(({ frames }) => frames));
        for (const { place, mask } of flips) {
          const at = Math.floor(place * stream.length);
          stream[at] = (stream[at] ?? 0) ^ mask;
        }
        if (truncated !== null) stream = stream.subarray(0, Math.floor(truncated * stream.length));
        if (garbage !== null) stream = Buffer.concat([stream, garbage]);
        await peer.drip(cut(stream, cuts));
        finish(peer, end);
        await inTime(drained(client), "the end of the channel");
        const { code, wasClean, initiator, error } = await inTime(client.closed, "the end");
        expect(code).toBeGreaterThanOrEqual(1000);
        expect(error === undefined || error instanceof SluiceError).toBe(true);
        expect(["local", "remote", "network"]).toContain(initiator);
        expect(client.channel().cause).toBe(error);
        expect(wasClean && code === 1006).toBe(false);
        await inTime(peer.gone(), "the end of the connection");
      },
    );
    await assert(property, { numRuns });
  });

  test("do not keep `close` or `terminate` from ending", async () => {
    await using server = await RawServer.listen();
    const property = asyncProperty(
      array(message, { maxLength: 4 }),
      uint8Array({ maxLength: 60 }),
      constantFrom("close", "terminate"),
      integer({ min: 0, max: 3 }),
      async (messages, garbage, how, turns) => {
        const { client, peer } = await meet(server, { channelCapacity: 1, closeTimeout: "20ms" });
        peer.write(...messages.flatMap(({ frames }) => frames), garbage);
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
        const outcome = (async () => {
          try {
            (await connecting).terminate();
          } catch (error) {
            if (!(error instanceof SluiceError)) throw error;
          }
        })();
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
        await inTime(outcome, "the end of `connect`");
        await inTime(peer.gone(), "the end of the connection");
      },
    );
    await assert(property, { numRuns });
  });
});

test("nothing of it was thrown outside of a promise that somebody holds", () => {
  expect(outside).toEqual([]);
});
