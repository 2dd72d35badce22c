// A URL can be written in many ways that lead to the same place. For permissions, for TLS and for the server it is one.

import type { LookupFunction } from "node:net";
import type { TlsOptions as ServerOptions } from "node:tls";
import { errors } from "@sluice/channels";
import { array, assert, asyncProperty, constantFrom } from "fast-check";
import { describe, expect, test } from "vitest";
import { connect, type PermissionRequest, type Policy, security } from "../src/index.ts";
import { authority, certificate } from "./fixtures/certificates.ts";
import { failureOf } from "./fixtures/failures.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

const actor = { id: "user:1" };
const all: Policy = { id: "all", actions: "*", resources: "*", effect: "allow" };

/** A resolver for which every name leads to this machine. */
const here: LookupFunction = (_name, _options, answer) => answer(null, [{ address: "127.0.0.1", family: 4 }]);

/** What permissions are asked about a URL; nothing is dialled. */
async function askedAbout(url: string): Promise<PermissionRequest> {
  const requests: PermissionRequest[] = [];
  const watch: Policy = { ...all, id: "watch", effect: "deny", when: (request) => requests.push(request) > 1 };
  await security.run({ actor, scope: security.scope([all, watch]) }, () => failureOf(connect(url)));
  return requests[1] as PermissionRequest;
}

/** Whether a policy with this pattern applies to a URL. */
async function matches(resources: string, url: string): Promise<boolean> {
  const scope = security.scope([
    all,
    { ...all, id: "no", actions: "websocket.connect.url", resources, effect: "deny" },
  ]);
  const failure = await security.run({ actor, scope }, () => failureOf(connect(url, { lookup: here })));
  return failure.kind === errors.PERMISSION_DENIED;
}

describe("permissions are asked about one spelling", () => {
  test.each([
    ["ws://feed.test./", "ws://feed.test/"],
    ["ws://feed.test../", "ws://feed.test/"],
    ["ws://FEED.test.:80/", "ws://feed.test/"],
    ["wss://feed.test.:8443/", "wss://feed.test:8443/"],
    ["https://feed%2Etest/", "wss://feed.test/"],
    ["ws://user:word@feed.test/", "ws://feed.test/"],
    ["ws://[::ffff:127.0.0.1]:99/", "ws://127.0.0.1:99/"],
    ["ws://[::ffff:7f00:1]/", "ws://127.0.0.1/"],
    ["ws://0x7f.1/", "ws://127.0.0.1/"],
    ["ws://127.0.0.1./", "ws://127.0.0.1/"],
    ["ws://[0:0::1]/", "ws://[::1]/"],
    ["ws://feed.test/%61dmin", "ws://feed.test/admin"],
    ["ws://feed.test/x/%2e%2e/admin", "ws://feed.test/admin"],
    ["ws://feed.test/a%7eb", "ws://feed.test/a~b"],
    ["ws://feed.test/a%3bb%40c%3Ad%2a", "ws://feed.test/a;b@c:d*"],
    ["ws://feed.test/caf%c3%a9", "ws://feed.test/caf%C3%A9"],
    ["ws://feed.test/café", "ws://feed.test/caf%C3%A9"],
    ["ws://feed.test/a b", "ws://feed.test/a%20b"],
    ["ws://feed.test/a%2fb", "ws://feed.test/a%2Fb"],
    ["ws://feed.test/a%3fb", "ws://feed.test/a%3Fb"],
    ["ws://feed.test/a%5cb", "ws://feed.test/a%5Cb"],
    ["ws://feed.test/%2561", "ws://feed.test/%2561"],
    ["ws://feed.test/100%", "ws://feed.test/100%"],
    ["ws://feed.test/?", "ws://feed.test/"],
    ["ws://feed.test/?%61=%62%2F&c%26=d%3D", "ws://feed.test/?a=b/&c%26=d%3D"],
  ])("%s is %s", async (url, resource) => {
    const asked = await askedAbout(url);
    expect(asked.resource).toBe(resource);
    const { host, hostname } = new URL(resource);
    expect(asked.meta).toMatchObject({ host, hostname });
  });

  test("whatever is percent-encoded in a path, a policy about it holds", async () => {
    const letters = array(constantFrom(...Array.from("admin/~;@")), { minLength: 1, maxLength: 8 });
    const encoded = array(constantFrom(false, true), { minLength: 8, maxLength: 8 });
    await assert(
      asyncProperty(letters, encoded, async (path, which) => {
        const written = path.map((letter, i) =>
          which[i] === true && letter !== "/" ? `%${letter.charCodeAt(0).toString(16)}` : letter,
        );
        expect(await matches(`ws://feed.test:1/x${path.join("")}`, `ws://feed.test:1/x${written.join("")}`)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe("a pattern may be written in any of the spellings", () => {
  test.each([
    ["*/%61dmin*", "ws://feed.test:1/admin", true],
    ["*/caf%c3%a9", "ws://feed.test:1/café", true],
    ["*/a%2Ab/*", "ws://feed.test:1/a*b/c", true],
    ["*/a%2Ab/*", "ws://feed.test:1/axb/c", false],
    ["*/a%2fb", "ws://feed.test:1/a%2Fb", true],
    ["*/a%2fb", "ws://feed.test:1/a/b", false],
    ["*?*path=a%2fb", "ws://feed.test:1/?x=1&path=a/b", true],
    ["*/a?b=%63*&d=%65", "ws://feed.test:1/a?b=c1&d=e", true],
    ["ws://[[]::1]/*", "ws://[::1]:1/", false],
  ])("%s and %s: %s", async (pattern, url, expected) => {
    expect(await matches(pattern, url)).toBe(expected);
  });
});

describe("a name with a dot at its end is the name", () => {
  test("for policies about a host", async () => {
    expect(await matches("ws://feed.test:1/*", "ws://feed.test.:1/")).toBe(true);
  });

  test("for the resolver it keeps its dot, which says that nothing is to be added", async () => {
    const names: string[] = [];
    const lookup: LookupFunction = (name, options, answer) => {
      names.push(name);
      here(name, options, answer);
    };
    await failureOf(connect("ws://feed.test.:1/", { lookup }));
    expect(names).toEqual(["feed.test."]);
  });

  test("in what the server is asked for", async () => {
    await using server = await RawServer.listen();
    const connecting = connect(`ws://feed.test.:${server.port}/`, { lookup: here });
    const peer = await server.next();
    expect(peer.head).toMatch(new RegExp(`^host: feed\\.test:${server.port}\\r$`, "im"));
    peer.write(peer.answer());
    (await connecting).terminate();
  });

  test.each([
    ["of the URL", "wss://localhost.", {}],
    ["of `tls.servername`", "wss://127.0.0.1", { servername: "localhost." }],
  ])("in the greeting of TLS and for the certificate, when it is that %s", async (_, url, more) => {
    const greeted: string[] = [];
    const asked: string[] = [];
    const tls: ServerOptions = {
      ...certificate("trusted"),
      SNICallback: (name, done) => {
        greeted.push(name);
        done(null);
      },
    };
    await using server = await RawServer.listen({ tls });
    const checkServerIdentity = (name: string): undefined => void asked.push(name);
    for (const identity of [{}, { checkServerIdentity }]) {
      const connecting = connect(`${url}:${server.port}/`, {
        lookup: here,
        tls: { ca: authority, ...more, ...identity },
      });
      const peer = await server.next();
      peer.write(peer.answer());
      (await connecting).terminate();
    }
    expect(greeted).toEqual(["localhost", "localhost"]);
    expect(asked).toEqual(["localhost"]);
  });

  test("and dots alone are none: INVALID", async () => {
    for (const url of ["ws://./", "ws://../x"]) {
      expect(await failureOf(connect(url))).toMatchObject({ kind: errors.INVALID, details: { option: "url" } });
    }
  });
});
