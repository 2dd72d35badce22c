// A peer from another world: Python's websockets library, as Debian ships it (python3-websockets).

import { errors } from "@sluice/channels";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, COMPRESSION, connect } from "../src/index.ts";
import { python, PythonServer, type Way } from "./fixtures/python-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

let server: PythonServer;
beforeAll(async () => {
  if (!python.isMissing) server = await PythonServer.start();
});
afterAll(async () => {
  if (!python.isMissing) await server[Symbol.asyncDispose]();
});

async function receive(client: Client): Promise<string | Uint8Array | undefined> {
  return (await client.channel().receive()).value?.data;
}

const { DISABLED, CONTEXT_TAKEOVER, NO_CONTEXT } = COMPRESSION;

describe.skipIf(python.isMissing)(`with Python's websockets${python.note}`, () => {
  describe.each([
    ["DISABLED", DISABLED, "deflate", DISABLED],
    ["CONTEXT_TAKEOVER, which is agreed", CONTEXT_TAKEOVER, "deflate", CONTEXT_TAKEOVER],
    ["NO_CONTEXT, which is agreed", NO_CONTEXT, "deflate", NO_CONTEXT],
    ["CONTEXT_TAKEOVER, to a server that wants no context", CONTEXT_TAKEOVER, "noContext", NO_CONTEXT],
    ["CONTEXT_TAKEOVER, to a server that does not compress", CONTEXT_TAKEOVER, "none", DISABLED],
  ] as const)("offered %s", (_, compression, way: Way, agreed) => {
    test("text and bytes of every size come back as they were sent, as the type they were", async () => {
      await using client = await connect(server.url("echo", way), { compression });
      expect(client.compression).toBe(agreed);
      const texts = ["", "a", "äöü€😀", "x".repeat(125), "y".repeat(126), "z".repeat(65_536), "é".repeat(500_000)];
      for (const each of texts) {
        await client.send(each);
        expect(await receive(client)).toBe(each);
      }
      for (const length of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
        const bytes = Uint8Array.from({ length }, (_unused, i) => (i * 7) % 251);
        await client.send(bytes);
        expect(Buffer.compare((await receive(client)) as Uint8Array, bytes)).toBe(0);
      }
      await client.send(Buffer.from("as text"), 1);
      expect(await receive(client)).toBe("as text");
    });

    test("2,000 messages that are all under way at once come back in order", async () => {
      await using client = await connect(server.url("echo", way), { compression, compressionThreshold: 0 });
      const count = 2000;
      const sending = (async () => {
        for (let i = 0; i < count; i += 1) await client.send(`message ${i}`);
      })();
      let misplaced = 0;
      for (let i = 0; i < count; i += 1) if ((await receive(client)) !== `message ${i}`) misplaced += 1;
      await sending;
      expect(misplaced).toBe(0);
    });

    test("a message in fragments is one message", async () => {
      await using client = await connect(server.url("fragments", way), { compression });
      const message = "fragments of ten ".repeat(200);
      await client.send(message);
      expect(await receive(client)).toBe(message);
      await client.send(Buffer.from(message));
      expect(Buffer.from((await receive(client)) as Uint8Array).toString()).toBe(message);
    });
  });

  test("everything in front of its close frame is delivered to a channel of capacity 1", async () => {
    const client = await connect(server.url("numbers"), { channelCapacity: 1 });
    await client.send("5000");
    let [received, misplaced] = [0, 0];
    for await (const { data } of client) {
      if (data !== received.toString()) misplaced += 1;
      received += 1;
    }
    expect({ received, misplaced }).toEqual({ received: 5000, misplaced: 0 });
    expect(await client.closed).toMatchObject({ code: 1000, wasClean: true, initiator: "remote", error: undefined });
  });

  test.each([
    [1000, "done", true],
    [1001, "", true],
    [1003, "", false],
    [1008, "the policy", false],
    [1011, "oops", false],
    [3000, "registered", false],
    [4999, "ü", false],
  ])("its close with %i is reported with the reason", async (code, reason, quiet) => {
    const client = await connect(server.url("close"));
    await client.send(JSON.stringify([code, reason]));
    expect(await client.closed).toMatchObject({ code, reason, wasClean: true, initiator: "remote" });
    expect(client.channel().cause === undefined).toBe(quiet);
  });

  test("a handler that fails is code 1011", async () => {
    const client = await connect(server.url("crash"));
    const { code, error } = await client.closed;
    expect(code).toBe(1011);
    expect(error).toMatchObject({ kind: errors.INTERNAL, retryable: true, details: { code: 1011 } });
  });

  test("a message over its limit is code 1009, which it says to us", async () => {
    const client = await connect(server.url("echo"));
    await client.send("x".repeat(2 ** 20 + 1));
    expect(await client.closed).toMatchObject({ code: 1009, wasClean: true, initiator: "remote" });
  });

  test("our close arrives with code and reason, and is answered", async () => {
    const client = await connect(server.url("goodbye"));
    expect(await client.close(4321, "bye, ü")).toMatchObject({ code: 4321, wasClean: true, initiator: "local" });
    expect(JSON.parse((await server.lines.receive()).value ?? "")).toEqual([4321, "bye, ü"]);
  });

  test("its pings are answered, a thousand of them at once too", async () => {
    await using client = await connect(server.url("pings"));
    expect(await receive(client)).toBe("all answered");
  });

  test("our pings are answered", async () => {
    await using client = await connect(server.url("echo"));
    for (const roundTrip of await Promise.all([client.ping(), client.ping(), client.ping()])) {
      expect(roundTrip).toBeGreaterThan(0);
    }
  });

  test("the subprotocol is the one that it prefers", async () => {
    await using client = await connect(server.url("echo"), { protocols: ["first", "second"] });
    expect(["first", "second"]).toContain(client.protocol);
  });
});
