// Backpressure is real, both ways: a flooding peer against a consumer of 1,000 messages each second (100 of those that
// take as long to inflate), in a process of its own, so that the memory is the client's alone. `SLUICE_LONG=1` floods for
// 10 s with every size, and says how much it was; else a moment is enough to tell: a client that does not push back took
// 2 GB in 5 s.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { constants, deflateRawSync } from "node:zlib";
import { time } from "@sluice/channels";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Child } from "./fixtures/child.ts";
import { binary, close, frame, OPCODE } from "./fixtures/frames.ts";
import { type RawPeer, RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

const long = process.env["SLUICE_LONG"] !== undefined;
const seconds = long ? 10 : 0.6;
const MEBIBYTE = 1024 * 1024;
const CAPACITY = 32;

let child: Child;
beforeAll(async () => {
  child = await Child.prepare();
});
afterAll(async () => {
  await child[Symbol.asyncDispose]();
});

/** Runs a program that connects to the server, and gives what it reports. */
async function run(server: RawServer, body: string): Promise<unknown> {
  const helpers = `
    const url = ${JSON.stringify(server.url)};
    const report = (value) => console.log(JSON.stringify(value));
  `;
  const { code, lines, stderr } = await child.run(helpers + body);
  if (code !== 0 || lines[0] === undefined) throw new Error(`the program ended with ${code}: ${stderr}`);
  return JSON.parse(lines[0]);
}

// The number of a message stands in its first 8 bytes.
const consumer = (compression: boolean, each10ms: number): string => `
  const client = await websocket.connect(url, { compression: ${compression ? 1 : 0}, channelCapacity: ${CAPACITY} });
  const channel = client.channel();
  const before = process.memoryUsage.rss();
  const sizes = [];
  const measuring = setInterval(() => sizes.push(process.memoryUsage.rss()), 50);
  let received = 0;
  let misplaced = 0;
  let longest = 0;
  let closed = false;
  let closedEarly = 0;
  client.closed.then(() => (closed = true));
  const take = ({ data }) => {
    const number = Number(new DataView(data.buffer, data.byteOffset).getBigUint64(0));
    if (number !== received) misplaced += 1;
    received += 1;
    longest = Math.max(longest, channel.length);
  };
  const end = performance.now() + ${seconds * 1000};
  while (performance.now() < end) {
    await time.sleep(10);
    while (!client.stats.paused && !closed) await time.sleep(1); // the peer is ahead, however slow it is
    for (let i = 0; i < ${each10ms}; i += 1) {
      const message = await channel.receive();
      if (message.ok) take(message.value);
    }
    if (closed) closedEarly += 1;
  }
  const slow = received;
  const paused = client.stats.paused;
  await client.send("enough");
  for (;;) {
    const { ok, value } = await channel.receive();
    if (!ok) break;
    take(value);
  }
  clearInterval(measuring);
  const info = await client.closed;
  const most = (list) => Math.max(0, ...list) - before;
  const middle = Math.floor(sizes.length / 2);
  report({ received, slow, misplaced, longest, closedEarly, paused, code: info.code, wasClean: info.wasClean,
    before, most: most(sizes), growth: most(sizes.slice(middle)) - most(sizes.slice(0, middle)) });
`;

interface Report {
  readonly received: number;
  readonly slow: number;
  readonly misplaced: number;
  readonly longest: number;
  readonly closedEarly: number;
  readonly paused: boolean;
  readonly code: number;
  readonly wasClean: boolean;
  /** Resident memory before the flood, what was added at most, and how much of that in the second half. */
  readonly before: number;
  readonly most: number;
  readonly growth: number;
}

/** Sends as fast as the client takes it, until the client says that it is enough; gives the number of messages. */
async function flood(peer: RawPeer, make: (number: number) => Buffer, batch: number): Promise<number> {
  let sent = 0;
  while (peer.frames.length === 0) {
    const frames: Buffer[] = [];
    for (let i = 0; i < batch; i += 1) frames.push(make(sent + i));
    sent += batch;
    if (!peer.socket.write(Buffer.concat(frames))) {
      await Promise.race([once(peer.socket, "drain"), peer.gone()]);
    } else {
      await time.sleep(0);
    }
    if (!peer.socket.writable) throw new Error("the client went away");
  }
  peer.write(close(1000, "all of it"));
  return sent;
}

function numbered(length: number): (number: number) => Buffer {
  const payload = Buffer.alloc(length, "x");
  return (number) => {
    payload.writeBigUInt64BE(BigInt(number));
    return binary(payload);
  };
}

// Compressed once and not for each message, so that the flood is fast: behind the number, in a block of its own, come
// blocks that are always the same and refer to nothing before them.
function compressedMebibyte(): (number: number) => Buffer {
  // Part of it does not compress, or the kernel alone would hold thousands.
  const payload = Buffer.concat([randomBytes(16 * 1024), Buffer.alloc(MEBIBYTE - 16 * 1024 - 8)]);
  const rest = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH });
  const head = Buffer.alloc(8);
  return (number) => {
    head.writeBigUInt64BE(BigInt(number));
    const first = deflateRawSync(head, { finishFlush: constants.Z_FULL_FLUSH });
    return frame(OPCODE.BINARY, Buffer.concat([first, rest.subarray(0, -4)]), { reserved: 4 });
  };
}

const floods = [
  { title: "64 bytes", size: 64, always: true, batch: 500, isCompressed: false },
  { title: "1 KiB", size: 1024, always: long, batch: 60, isCompressed: false },
  { title: "64 KiB", size: 64 * 1024, always: true, batch: 1, isCompressed: false },
  { title: "1 MiB, compressed", size: MEBIBYTE, always: true, batch: 10, isCompressed: true },
];

describe("a flood of messages of", () => {
  for (const { title, size, batch, isCompressed } of floods.filter(({ always }) => always)) {
    test(`${title} leaves the memory flat, loses and reorders nothing, and its close comes last`, async () => {
      await using server = await RawServer.listen();
      const running = run(server, consumer(isCompressed, isCompressed ? 1 : 10));
      const peer = await server.next();
      peer.write(peer.answer(...(isCompressed ? ["Sec-WebSocket-Extensions: permessage-deflate"] : [])));
      const sent = await flood(peer, isCompressed ? compressedMebibyte() : numbered(size), batch);
      peer.socket.end();
      const report = (await running) as Report;
      const { before, most, growth, slow } = report;
      if (long) {
        const [start, added, late] = [before, most, growth].map((bytes) => `${(bytes / 1e6).toFixed(0)} MB`);
        console.log(
          `${title}: ${slow} of ${sent} messages in ${seconds} s; RSS ${start} + ${added}, of it ${late} late`,
        );
      }
      expect(report).toMatchObject({ received: sent, misplaced: 0, closedEarly: 0, code: 1000, wasClean: true });
      expect(report.longest).toBeLessThanOrEqual(CAPACITY);
      expect(slow).toBeLessThan(sent);
      // 4 MiB of messages, and the 32 MB and more of dead buffers that V8 lets gather before it looks at them.
      expect(most).toBeLessThan(80e6);
    });
  }
});

describe("a loop that awaits `send`", () => {
  test.each([
    ["to a peer that reads", false],
    ["to a peer that reads slowly", true],
  ])("%s does not starve a timer of 10 ms", async (_, slowly) => {
    await using server = await RawServer.listen();
    const running = run(
      server,
      `
        const client = await websocket.connect(url);
        let ticks = 0;
        const ticking = setInterval(() => (ticks += 1), 10);
        let sends = 0;
        for (; ticks < 20 && sends < 2_000_000; sends += 1) await client.send("x".repeat(64));
        clearInterval(ticking);
        client.terminate();
        report({ ticks, sends });
      `,
    );
    const peer = await server.next();
    peer.write(peer.answer());
    const pausing = slowly
      ? setInterval(() => (peer.socket.isPaused() ? peer.socket.resume() : peer.socket.pause()), 5)
      : undefined;
    const { ticks, sends } = (await running) as { ticks: number; sends: number };
    clearInterval(pausing);
    peer.socket.resume();
    expect(sends).toBeGreaterThan(1000);
    // A loop that starves it sends all and sees none.
    expect(ticks).toBeGreaterThanOrEqual(20);
  });

  test("to a peer that reads nothing keeps a few hundred kilobytes, whatever the number of loops", async () => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet();
    peer.socket.pause();
    const chunk = Buffer.alloc(100_000);
    const loops = Array.from({ length: 100 }, async () => {
      for (;;) await client.send(chunk);
    });
    const settled = Promise.allSettled(loops);
    for (let before = -1; before !== client.stats.messagesSent;) {
      before = client.stats.messagesSent;
      await time.sleep(50);
    }
    expect(client.stats.bufferedAmount).toBeLessThan(400_000);
    expect(client.stats.sendsWaiting).toBe(100);
    client.terminate();
    expect((await settled).every(({ status }) => status === "rejected")).toBe(true);
  });
});
