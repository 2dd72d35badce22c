// The address guard: on literals, on every DNS answer, on the address of the connected socket.

import dns from "node:dns";
import type { LookupFunction } from "node:net";
import { errors } from "@sluice/channels";
import { afterEach, describe, expect, test, vi } from "vitest";
import { addressGuard } from "../src/dial/addresses.ts";
import { type AddressRules, connect, security } from "../src/index.ts";
import { failureOf } from "./fixtures/failures.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { PlainServer } from "./fixtures/ws-server.ts";

leavesNothingBehind();
afterEach(() => {
  vi.restoreAllMocks();
});

const inside: AddressRules = { deny: ["private", "loopback", "link-local"] };

/** Lets every name point to these addresses, one list after the other. */
function resolving(...answers: readonly string[][]): { readonly names: string[] } {
  const names: string[] = [];
  const lookup = (name: string, options: dns.LookupOptions, callback: (...args: unknown[]) => void): void => {
    const list = answers[Math.min(names.length, answers.length - 1)] ?? [];
    names.push(name);
    const found = list.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    if (options.all === true) callback(null, found);
    else callback(null, found[0]?.address, found[0]?.family);
  };
  vi.spyOn(dns, "lookup").mockImplementation(lookup as unknown as typeof dns.lookup);
  return { names };
}

describe("a literal is judged as what it means, and nothing is dialled:", () => {
  test.each([
    ["ws://127.0.0.1/", "127.0.0.1"],
    ["ws://127.255.255.255/", "127.255.255.255"],
    ["ws://0x7f.1/", "127.0.0.1"],
    ["ws://2130706433/", "127.0.0.1"],
    ["ws://017700000001/", "127.0.0.1"],
    ["ws://0/", "0.0.0.0"],
    ["ws://[::1]/", "::1"],
    ["ws://[::]/", "::"],
    ["ws://[::ffff:127.0.0.1]/", "::ffff:7f00:1"],
    ["ws://[::127.0.0.1]/", "::7f00:1"],
    ["ws://[64:ff9b::10.0.0.1]/", "64:ff9b::a00:1"],
    ["ws://[2002:c0a8:101::1]/", "2002:c0a8:101::1"],
    ["ws://10.1.2.3/", "10.1.2.3"],
    ["ws://172.16.0.1/", "172.16.0.1"],
    ["ws://172.31.255.255/", "172.31.255.255"],
    ["ws://192.168.1.1/", "192.168.1.1"],
    ["ws://100.64.0.1/", "100.64.0.1"],
    ["ws://[::ffff:192.168.1.1]/", "::ffff:c0a8:101"],
    ["ws://[fd00::1]/", "fd00::1"],
    ["ws://[fe80::1]/", "fe80::1"],
    ["ws://169.254.169.254/latest/meta-data", "169.254.169.254"],
    ["ws://[::ffff:169.254.169.254]/", "::ffff:a9fe:a9fe"],
    ["ws://[fec0::1]/", "fec0::1"],
    // The network's own NAT64 (RFC 8215), with a prefix of 96, 64, 56 and 48 bits (RFC 6052 2.2).
    ["ws://[64:ff9b:1::10.0.0.1]/", "64:ff9b:1::a00:1"],
    ["ws://[64:ff9b:1:7:a:0:100:0]/", "64:ff9b:1:7:a:0:100:0"],
    ["ws://[64:ff9b:1:70a:0:1::]/", "64:ff9b:1:70a:0:1::"],
    ["ws://[64:ff9b:1:a00:0:100::]/", "64:ff9b:1:a00:0:100::"],
    ["ws://[64:ff9b:1::]/", "64:ff9b:1::"],
    // IPv4-translated (RFC 2765).
    ["ws://[::ffff:0:10.0.0.1]/", "::ffff:0:a00:1"],
    // Teredo (RFC 4380): a server in 10.0.0.0/8, and a client behind 192.168.1.1.
    ["ws://[2001:0:a00:1:0:0:f7f7:f7f7]/", "2001:0:a00:1::f7f7:f7f7"],
    ["ws://[2001:0:808:808:0:0:3f57:fefe]/", "2001:0:808:808::3f57:fefe"],
    // ISATAP (RFC 5214), under a global prefix.
    ["ws://[2600::5efe:10.0.0.1]/", "2600::5efe:a00:1"],
    ["ws://[2600::200:5efe:10.0.0.1]/", "2600::200:5efe:a00:1"],
  ])("%s", async (url, address) => {
    const failure = await failureOf(connect(url, { addresses: inside }));
    expect(failure).toMatchObject({
      kind: errors.PERMISSION_DENIED,
      retryable: false,
      details: { url: new URL(url).href, address, phase: "tcp" },
    });
    expect(failure.message).toContain(address);
  });

  test("a server on 127.0.0.1 sees no connection", async () => {
    await using server = await RawServer.listen();
    for (const host of ["127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]"]) {
      await failureOf(connect(`ws://${host}:${server.port}/`, { addresses: inside }));
    }
    expect(server.connections).toBe(0);
  });
});

describe("an address of many hosts, or of none, is refused by its own name:", () => {
  test.each([
    ["multicast", "224.0.0.1", "239.255.255.255", "255.255.255.255", "[ff02::1]", "[64:ff9b::224.0.0.1]"],
    ["reserved", "192.0.2.1", "198.18.0.1", "240.0.0.1", "[2001:db8::1]", "[100::1]", "[::ffff:203.0.113.7]"],
  ])("%s", async (range, ...hosts) => {
    for (const host of hosts) {
      const failing = failureOf(connect(`ws://${host}/`, { addresses: { deny: [range] } }));
      expect(await failing).toMatchObject({ kind: errors.PERMISSION_DENIED });
    }
  });
});

describe("what lies outside is not refused:", () => {
  // The guard itself is asked: nothing here may be dialled in fact.
  const guard = addressGuard({ deny: ["private", "loopback", "link-local", "multicast", "reserved"] }, "addresses");

  test.each(["172.15.255.255", "172.32.0.1", "8.8.8.8", "126.255.255.255", "128.0.0.0", "169.253.0.1", "100.128.0.1"])(
    "%s",
    (address) => {
      expect(guard.refuses(address)).toBe(false);
    },
  );

  test.each([
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "::8.8.8.8",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::8.8.8.8",
    "64:ff9b:1:7:8:808:800:0",
    "64:ff9b:1:708:8:808::",
    "64:ff9b:1:808:8:800::",
    "::ffff:0:8.8.8.8",
    "2002:808:808::1",
    "2001:0:808:808:0:0:f7f7:f7f7",
    "2600::5efe:8.8.8.8",
    "2600::100:5efe:10.0.0.1",
  ])("%s, which is public, or leads to 8.8.8.8", (address) => {
    expect(guard.refuses(address)).toBe(false);
  });

  test("an exception, also one inside a refused range", async () => {
    await using server = await PlainServer.echo();
    for (const allow of [["127.0.0.1"], ["127.0.0.0/8"], ["loopback"]]) {
      const { client } = await server.meet({ addresses: { ...inside, allow } });
      expect(await client.close()).toMatchObject({ code: 1000 });
    }
    const addresses = { ...inside, allow: ["127.0.0.2"] };
    expect(await failureOf(connect(server.url, { addresses }))).toMatchObject({ kind: errors.PERMISSION_DENIED });
  });

  test("everything but the ranges and addresses that are given", async () => {
    await using server = await PlainServer.echo();
    const { client } = await server.meet({
      addresses: { deny: ["127.0.0.2", "127.1.0.0/16", "::1", "2001:db8::/32"] },
    });
    client.terminate();
    for (const host of ["127.0.0.2", "127.1.2.3", "[::1]", "[2001:db8::5]"]) {
      const addresses = { deny: ["127.0.0.2", "127.1.0.0/16", "::1", "2001:db8::/32"] };
      expect(await failureOf(connect(`ws://${host}:1/`, { addresses }))).toMatchObject({
        kind: errors.PERMISSION_DENIED,
      });
    }
  });
});

describe("an IPv4 subnet that is given is judged in every IPv6 spelling, too:", () => {
  test.each([
    "203.0.113.7",
    "[::ffff:203.0.113.7]",
    "[64:ff9b::203.0.113.7]",
    "[::203.0.113.7]",
    "[2002:cb00:7107::1]",
    "[64:ff9b:1::203.0.113.7]",
    "[::ffff:0:203.0.113.7]",
    "[2001:0:cb00:7107::]",
    "[2001:0:0808:0808:0:0:34ff:8ef8]",
  ])("%s", async (host) => {
    for (const denied of ["203.0.113.0/24", "203.0.113.7"]) {
      const failing = failureOf(connect(`ws://${host}/`, { addresses: { deny: [denied] } }));
      expect(await failing).toMatchObject({ kind: errors.PERMISSION_DENIED });
    }
  });
});

describe("a subnet in an IPv6 spelling is the IPv4 subnet, too:", () => {
  test.each(["203.0.113.7", "[::ffff:203.0.113.7]", "[64:ff9b::203.0.113.7]"])("%s", async (host) => {
    for (const denied of ["::ffff:203.0.113.0/120", "::ffff:203.0.113.7"]) {
      const failing = failureOf(connect(`ws://${host}/`, { addresses: { deny: [denied] } }));
      expect(await failing).toMatchObject({ kind: errors.PERMISSION_DENIED });
    }
  });
});

describe("an exception", () => {
  test("for a host lets through what leads there, unless that way itself is refused", () => {
    const allow = ["10.1.0.0/16"];
    const addresses = ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3"];
    const refusedBy = (...deny: string[]) => {
      const guard = addressGuard({ deny, allow }, "addresses");
      return addresses.filter((address) => guard.refuses(address));
    };
    expect(refusedBy("private")).toEqual([]);
    expect(refusedBy("private", "64:ff9b::/96")).toEqual(["64:ff9b::10.1.2.3"]);
  });

  test("for a way lets through whatever host it leads to", () => {
    const guard = addressGuard({ deny: ["private"], allow: ["64:ff9b::/96"] }, "addresses");
    expect(guard.refuses("64:ff9b::10.1.2.3")).toBe(false);
    expect(guard.refuses("64:ff9b:1::10.1.2.3")).toBe(true);
  });
});

test("a zone, and the system's spelling of ::a00:1, are understood", () => {
  const guard = addressGuard({ deny: ["link-local", "::a00:1"] }, "addresses");
  expect(guard.refuses("fe80::1%eth0")).toBe(true);
  expect(guard.refuses("::10.0.0.1")).toBe(true);
  expect(guard.refuses("10.0.0.1")).toBe(false);
  expect(guard.refuses("no address")).toBe(true);
});

describe("a name", () => {
  test("is judged by the address it points to, before that is dialled", async () => {
    await using server = await RawServer.listen();
    const { names } = resolving(["127.0.0.1"]);
    const failure = await failureOf(connect(`ws://inside.example.com:${server.port}/`, { addresses: inside }));
    expect(failure).toMatchObject({
      kind: errors.PERMISSION_DENIED,
      details: { url: `ws://inside.example.com:${server.port}/`, phase: "dns", address: "127.0.0.1" },
    });
    expect(names).toEqual(["inside.example.com"]);
    expect(server.connections).toBe(0);
  });

  test.each([[["8.8.8.8", "127.0.0.1"]], [["127.0.0.1", "8.8.8.8"]], [["2001:db8::1", "::ffff:10.0.0.1"]]])(
    "is judged by every answer: %j",
    async (answers) => {
      resolving(answers);
      const failing = failureOf(connect("ws://mixed.example.com/", { addresses: inside }));
      expect(await failing).toMatchObject({ kind: errors.PERMISSION_DENIED });
    },
  );

  test("that points elsewhere the second time is dialled where it was judged: there is no second time", async () => {
    await using server = await PlainServer.echo();
    const { names } = resolving(["127.0.0.1"], ["10.0.0.1"]);
    const client = await connect(`ws://rebinding.example.com:${server.port}/`, { addresses: { deny: ["private"] } });
    expect(names).toHaveLength(1);
    client.terminate();
  });

  test("`localhost` is loopback", async () => {
    const failing = failureOf(connect("ws://localhost:1/", { addresses: { deny: ["loopback"] } }));
    expect(await failing).toMatchObject({ kind: errors.PERMISSION_DENIED });
  });

  test("of a redirect's target is judged like the first", async () => {
    await using target = await RawServer.listen();
    await using server = await RawServer.listen();
    resolving(["127.0.0.1"]);
    const addresses = { deny: ["loopback"], allow: [] };
    const failing = failureOf(
      connect(server.url, { redirects: 1, addresses: { deny: ["127.0.0.3"], allow: addresses.allow } }),
    );
    const peer = await server.next();
    peer.write(`HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.3:${target.port}/\r\nContent-Length: 0\r\n\r\n`);
    expect(await failing).toMatchObject({ kind: errors.PERMISSION_DENIED, details: { address: "127.0.0.3" } });
    expect(target.connections).toBe(0);
  });
});

// The kernel dials 0.0.0.0 as 127.0.0.1, except on Windows: it stands for every way past the first look.
test.runIf(process.platform !== "win32")(
  "an address that got past everything else is judged on the connected socket, before a byte leaves",
  async () => {
    await using server = await RawServer.listen();
    const failure = await failureOf(connect(`ws://0.0.0.0:${server.port}/`, { addresses: { deny: ["127.0.0.0/8"] } }));
    expect(failure).toMatchObject({ kind: errors.PERMISSION_DENIED, details: { address: "127.0.0.1" } });
    expect(server.connections).toBe(1);
    // The first that asks for something is another, which came later.
    const connecting = connect(`${server.url}later`);
    const peer = await server.next();
    expect(peer.head).toMatch(/^GET \/later HTTP/);
    peer.write(peer.answer());
    (await connecting).terminate();
  },
);

test("an answer of the lookup is read once: what is judged is what is dialled", async () => {
  await using server = await PlainServer.echo();
  let looks = 0;
  const answer = {
    family: 4,
    get address(): string {
      looks += 1;
      return looks === 1 ? "127.0.0.1" : "10.0.0.1";
    },
  };
  const lookup: LookupFunction = (_name, _options, callback) => callback(null, [answer]);
  const client = await connect(`ws://late.example.test:${server.port}/`, { lookup, addresses: { deny: ["private"] } });
  expect(looks).toBe(1);
  client.terminate();
});

test("a scope has address rules of its own, and both guards count", async () => {
  await using server = await PlainServer.echo();
  const allow = { id: "all", actions: "*", resources: "*", effect: "allow" } as const;
  const guarded = security.scope([allow], { addresses: { deny: ["loopback"] } });
  const open = security.scope([allow], { addresses: { deny: ["private"] } });
  const actor = { id: "a" };
  expect(await security.run({ actor, scope: guarded }, () => failureOf(connect(server.url)))).toMatchObject({
    kind: errors.PERMISSION_DENIED,
  });
  const client = await security.run({ actor, scope: open }, () => connect(server.url));
  client.terminate();
  expect(
    await security.run({ actor, scope: open }, () =>
      failureOf(connect(server.url, { addresses: { deny: ["loopback"] } })),
    ),
  ).toMatchObject({ kind: errors.PERMISSION_DENIED });
});
