// What a snapshot of `@sluice/channels/inspect` shows of connections and servers.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { time } from "@sluice/channels";
import { type ChannelReport, record, snapshot } from "@sluice/channels/inspect";
import { afterEach, expect, test } from "vitest";
import { connect, refuse } from "../src/index.ts";
import { next, serve, until } from "./fixtures/served.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

afterEach(() => record(false));

function reports(kind: string): readonly ChannelReport[] {
  return snapshot().channels.filter((report) => report.kind === kind);
}

function dialled(): readonly ChannelReport[] {
  return reports("Client").filter(({ capacity }) => capacity === 8);
}

test("a client is a channel with its details, by its URL without secrets", async () => {
  record({ channels: true });
  const server = await serve();
  const url = `ws://ada:lovelace@127.0.0.1:${server.port}/chat?token=hush`;
  await using client = await connect(url, { channelCapacity: 8, headers: { cookie: "sid=crumb" } });
  const { client: peer } = await next(server);
  const fresh = { paused: false, bufferedAmount: 0, sendsWaiting: 0, messagesReceived: 0, messagesSent: 0 };
  const name = `ws://127.0.0.1:${server.port}/chat?token=[redacted]`;
  expect(reports("Client")).toMatchObject([
    { name, details: fresh },
    { name, capacity: 8, details: fresh },
  ]);
  expect(reports("Client")[1]?.details).not.toHaveProperty("roundTrip");
  await client.send("a value");
  await peer.channel().receive();
  const roundTrip = await client.ping();
  expect(reports("Client")).toMatchObject([
    { received: 1, details: { messagesReceived: 1 }, verdict: "flowing" },
    { received: 0, details: { messagesSent: 1, roundTrip } },
  ]);
  expect(JSON.stringify(snapshot())).not.toMatch(/lovelace|hush|crumb|a value/);
});

test("a client that has stopped reading has a slow receiver", async () => {
  record({ channels: true });
  const server = await serve();
  await using client = await connect(server.url, { channelCapacity: 2 });
  const { client: peer } = await next(server);
  for (let i = 0; i < 3; i += 1) await peer.send("more");
  await until(() => client.stats.paused);
  expect(reports("Client")[1]).toMatchObject({
    length: 2,
    capacity: 2,
    details: { paused: true },
    verdict: "slow receiver",
  });
  await client.channel().receiveMany(2);
  expect(reports("Client")[1]).toMatchObject({ details: { paused: false }, verdict: "flowing" });
});

test("what a client drops is counted", async () => {
  record({ channels: true });
  const server = await serve();
  await using client = await connect(server.url, { channelCapacity: 1, overflow: "drop-oldest" });
  const { client: peer } = await next(server);
  for (let i = 0; i < 3; i += 1) await peer.send("more");
  await until(() => client.stats.messagesReceived === 3);
  expect(reports("Client")[1]).toMatchObject({ dropped: 2, length: 1, details: { messagesReceived: 3 } });
});

test("a server is a channel of connections, made where `listen` was called", async () => {
  record({ channels: true });
  const server = await serve({ authorize: ({ url }) => url.pathname === "/" || refuse(403) });
  const [report] = reports("Server");
  expect(report).toMatchObject({ name: "connections", details: { open: 0, handshakes: 0, refused: 0 } });
  expect(report?.createdAt).toMatch(/served\.ts:\d+/);
  await using client = await connect(server.url);
  await expect(connect(`${server.url}other`)).rejects.toThrow("403");
  expect(reports("Server")).toMatchObject([{ length: 1, details: { open: 1, refused: 1 } }]);
  await client.close();
  await server.close();
  expect(reports("Server")).toMatchObject([{ closed: true, details: { open: 0 } }]);
});

test("what was there before is in no snapshot, and recording keeps nothing alive", async () => {
  const server = await serve();
  await using unseen = await connect(server.url);
  record({ channels: true });
  expect(snapshot().channels).toEqual([]);
  await (async () => {
    await using client = await connect(server.url, { channelCapacity: 8 });
    expect(dialled()).toMatchObject([{ closed: client.channel().closed }]);
  })();
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let i = 0; i < 100 && dialled().length > 0; i += 1) {
    await time.sleep(0);
    collect();
  }
  expect(dialled()).toEqual([]);
  expect(unseen.stats.paused).toBe(false);
});
