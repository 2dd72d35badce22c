// From a name to a connection: what a lookup may answer, and how several addresses are tried.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect as connectTcp, type LookupFunction } from "node:net";
import { errors, time } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { addressesOf, Judge } from "../src/dial/lookup.ts";
import { connect } from "../src/index.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { failureOf } from "./fixtures/failures.ts";
import { text } from "./fixtures/frames.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { PlainServer } from "./fixtures/ws-server.ts";

leavesNothingBehind();

/** A resolver for which every name leads to these addresses. */
function leadingTo(...addresses: readonly string[]): LookupFunction {
  return (_name, { all }, answer) => {
    const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    setImmediate(() => (all === true ? answer(null, found) : answer(null, found[0]?.address ?? "", found[0]?.family)));
  };
}

/** A server whose process sleeps with a full queue: it answers the SYN that is sent again a second later, if it wakes. */
class Sleeper implements AsyncDisposable {
  readonly port: number;
  readonly #process: ReturnType<typeof spawn>;
  readonly #queue: readonly ReturnType<typeof connectTcp>[];

  private constructor(process: ReturnType<typeof spawn>, port: number) {
    this.#process = process;
    this.port = port;
    // Two fit, one more than the backlog says.
    this.#queue = Array.from({ length: 4 }, () => connectTcp(port, "127.0.0.1").on("error", () => undefined));
  }

  static async begin(): Promise<Sleeper> {
    const program = `
      const { WebSocketServer } = require("ws");
      const http = require("http").createServer();
      new WebSocketServer({ server: http });
      http.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(http.address().port));`;
    const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    const [port] = (await once(child.stdout, "data")) as [Buffer];
    child.kill("SIGSTOP");
    const sleeper = new Sleeper(child, Number(String(port)));
    await Promise.all(sleeper.#queue.slice(0, 2).map((socket) => once(socket, "connect")));
    return sleeper;
  }

  wake(): void {
    for (const socket of this.#queue) socket.destroy();
    this.#process.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.wake();
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }
}

// Windows cannot stop a process, and other kernels fill a queue in other ways.
describe.runIf(process.platform === "linux")("an address that is slow to answer", () => {
  test("is waited for while others are tried and fail, as long as `dialTimeout` lets it", async () => {
    await using sleeper = await Sleeper.begin();
    // The first is dialled where the answer is given; the others refuse.
    const lookup: LookupFunction = (_name, _options, answer) => {
      answer(
        null,
        ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map((address) => ({ address, family: 4 })),
      );
      setImmediate(() => sleeper.wake());
    };
    const client = await connect(`ws://feed.example.test:${sleeper.port}/`, { lookup, dialTimeout: "20s" });
    expect(await client.ping()).toBeGreaterThan(0);
    expect(await client.close()).toMatchObject({ wasClean: true });
  });

  test("is left for one that answers", async () => {
    await using sleeper = await Sleeper.begin();
    const lookup = leadingTo("127.0.0.1", "127.0.0.2");
    await using server = await PlainServer.listen({ host: "127.0.0.2", port: sleeper.port });
    const client = await connect(`ws://feed.example.test:${sleeper.port}/`, { lookup });
    expect(server.connections).toBe(1);
    client.terminate();
  });

  test("alone is waited for until `dialTimeout`, which ends every attempt", async () => {
    await using sleeper = await Sleeper.begin();
    const lookup = leadingTo("127.0.0.1", "127.0.0.1");
    const failing = failureOf(connect(`ws://feed.example.test:${sleeper.port}/`, { lookup, dialTimeout: 400 }));
    expect(await failing).toMatchObject({ kind: errors.TIMEOUT, details: { phase: "tcp" } });
  });
});

// macOS has only 127.0.0.1 of the net that is its own.
describe.skipIf(process.platform === "darwin")("of several addresses", () => {
  test("the next is tried at once when one refuses, whatever their number", async () => {
    await using server = await PlainServer.echo();
    const refusing = Array.from({ length: 20 }, (_, i) => `127.0.1.${i + 1}`);
    const lookup = leadingTo(...refusing, "127.0.0.1");
    // 20 times the delay between two attempts is more than this.
    const client = await connect(`ws://feed.example.test:${server.port}/`, { lookup, dialTimeout: "4s" });
    expect(await client.ping()).toBeGreaterThan(0);
    client.terminate();
  });

  // The broadcast address of the loopback network: no packet of a dial to it leaves even this process.
  test("that all refuse, the failure is the server's, not what this machine has no route for", async () => {
    const lookup = leadingTo("127.255.255.255", "127.0.0.1", "127.0.0.2");
    expect(await failureOf(connect("ws://feed.example.test:1/", { lookup }))).toMatchObject({
      kind: errors.INTERNAL,
      retryable: true,
      details: { errno: "ECONNREFUSED", phase: "tcp" },
    });
  });

  test("one is connected, and the others hear nothing of it", async () => {
    await using first = await RawServer.listen();
    const lookup = leadingTo("127.0.0.1", "127.0.0.1", "127.0.0.1");
    const connecting = connect(`ws://feed.example.test:${first.port}/`, { lookup });
    const peer = await first.next();
    await time.sleep(300); // longer than until the next would begin
    peer.write(peer.answer(), text("hello"));
    const client = await connecting;
    expect((await client.channel().receive()).value?.data).toBe("hello");
    expect(first.connections).toBe(1);
    client.terminate();
  });

  test("both families are tried in turn, beginning with the first (RFC 8305)", async () => {
    const lookup = leadingTo("::1", "::2", "::3", "127.0.0.1", "127.0.0.2");
    const found = await new Promise<readonly string[]>((resolve) => {
      addressesOf("a.test", lookup, new Judge([]), (_error, list) => resolve(list.map(({ address }) => address)));
    });
    expect(found).toEqual(["::1", "127.0.0.1", "::2", "127.0.0.2", "::3"]);
  });

  test("TLS is spoken with the one that is connected", async () => {
    await using server = await RawServer.listen({ tls: certificate("trusted") });
    const lookup = leadingTo("127.0.0.2", "127.0.0.1");
    const connecting = connect(`wss://localhost:${server.port}/`, { lookup, tls: { ca: authority } });
    const peer = await server.next();
    peer.write(peer.answer(), text("hello"));
    const client = await connecting;
    expect((await client.channel().receive()).value?.data).toBe("hello");
    client.terminate();
  });
});

describe("the option `lookup`", () => {
  test("looks names up in place of the system's resolver, and is asked as `net.connect` asks", async () => {
    await using server = await PlainServer.echo();
    const asked: unknown[] = [];
    const lookup: LookupFunction = (name, options, answer) => {
      asked.push([name, options.all]);
      leadingTo("127.0.0.1")(name, options, answer);
    };
    const client = await connect(`ws://feed.example.test:${server.port}/`, { lookup });
    expect(asked).toEqual([["feed.example.test", true]]);
    client.terminate();
  });

  test("is not asked about an IP address", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet({
      lookup: () => {
        throw new Error("must not be called");
      },
    });
    expect(await client.ping()).toBeGreaterThan(0);
  });

  test("may answer with one address, as old resolvers do, at once or later, and once", async () => {
    await using server = await PlainServer.echo();
    const answers: LookupFunction[] = [
      (_name, _options, answer) => answer(null, "127.0.0.1", 4),
      (_name, _options, answer) => setImmediate(() => answer(null, "127.0.0.1")),
      (_name, _options, answer) => {
        answer(null, ["127.0.0.1"] as unknown as string);
        answer(new Error("again"), "");
        answer(null, "127.0.0.2", 4);
      },
    ];
    for (const lookup of answers) {
      const client = await connect(`ws://feed.example.test:${server.port}/`, { lookup });
      expect(await client.ping()).toBeGreaterThan(0);
      client.terminate();
    }
  });

  test.each<[string, LookupFunction, RegExp]>([
    ["answers an empty list", (_name, _options, answer) => answer(null, []), /the lookup found no address/],
    ["answers nothing", (_name, _options, answer) => answer(null, undefined as unknown as string), /found no address/],
    ["answers null", (_name, _options, answer) => answer(null, null as unknown as string), /found no address/],
    ["answers a list of nothing", (_name, _options, answer) => answer(null, [{}] as never), /found no address/],
    ["answers what is no address", (_name, _options, answer) => answer(null, "feed.example.test", 4), /no IP address/],
    ["answers an empty text", (_name, _options, answer) => answer(null, "", 4), /no IP address/],
    ["answers a number", (_name, _options, answer) => answer(null, [{ address: 7 }] as never), /no IP address/],
    [
      "fails",
      (_name, _options, answer) => answer(Object.assign(new Error("no"), { code: "ENOTFOUND" }), ""),
      /does not exist \(ENOTFOUND\)/,
    ],
    ["fails without a code", (_name, _options, answer) => answer(new Error("no resolver"), ""), /no resolver/],
    [
      "throws",
      () => {
        throw new Error("not today");
      },
      /not today/,
    ],
  ])("that %s is an error of the network, in phase dns", async (_, lookup, words) => {
    const failure = await failureOf(connect("ws://feed.example.test/", { lookup, dialTimeout: "5s" }));
    expect(failure).toMatchObject({ kind: errors.INTERNAL, retryable: true, details: { phase: "dns" } });
    expect(failure.message).toMatch(words);
  });

  test("that never answers is ended by `dialTimeout`", async () => {
    const failing = failureOf(connect("ws://feed.example.test/", { lookup: () => undefined, dialTimeout: 20 }));
    expect(await failing).toMatchObject({ kind: errors.TIMEOUT, details: { phase: "dns" } });
  });

  test("that is no function is INVALID", async () => {
    const failing = failureOf(connect("ws://feed.example.test/", { lookup: "8.8.8.8" as unknown as LookupFunction }));
    expect(await failing).toMatchObject({ kind: errors.INVALID, details: { option: "lookup" } });
  });
});
