// Permissions: who may connect, and where to.

import { errors, time } from "@sluice/channels";
import { afterEach, describe, expect, test } from "vitest";
import { connect, type PermissionRequest, type Policy, security } from "../src/index.ts";
import { failureOf } from "./fixtures/failures.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { PlainServer } from "./fixtures/ws-server.ts";

leavesNothingBehind();
afterEach(() => security.strict(false));

const actor = { id: "user:1", meta: { role: "reader" } };
const all: Policy = { id: "all", actions: "*", resources: "*", effect: "allow" };

/** What becomes of a dialling under these policies: "allowed" stands for a connection that was attempted. */
async function attempt(policies: readonly Policy[], url = "ws://127.0.0.1:1/"): Promise<string> {
  const scope = security.scope(policies);
  const failure = await security.run({ actor, scope }, () => failureOf(connect(url)));
  return failure.kind === errors.PERMISSION_DENIED ? failure.message.replace(/^.*?: /, "") : "allowed";
}

describe("a scope", () => {
  test("allows what a policy allows", async () => {
    expect(await attempt([all])).toBe("allowed");
  });

  test("denies what no policy allows: both actions are needed", async () => {
    expect(await attempt([])).toMatch(/no policy allows websocket\.connect$/);
    expect(await attempt([{ ...all, actions: "websocket.connect" }])).toMatch(
      /no policy allows websocket\.connect\.url$/,
    );
    expect(await attempt([{ ...all, actions: "websocket.connect.url" }])).toMatch(
      /no policy allows websocket\.connect$/,
    );
    expect(await attempt([{ ...all, actions: ["websocket.connect", "websocket.connect.url"] }])).toBe("allowed");
  });

  test("lets any deny win, whatever the order, and names it", async () => {
    const deny: Policy = { id: "no feeds", actions: "websocket.connect.url", resources: "ws://127.*", effect: "deny" };
    for (const policies of [
      [all, deny],
      [deny, all],
      [all, deny, all],
    ]) {
      expect(await attempt(policies)).toMatch(/policy "no feeds" denies websocket\.connect\.url/);
    }
  });

  test("says who was denied what, by which policy, and where to, without the password", async () => {
    const scope = security.scope([all, { ...all, id: "none", effect: "deny" }]);
    const url = "ws://me:secret@127.0.0.1:1/x?token=hidden";
    const failure = await security.run({ actor, scope }, () => failureOf(connect(url)));
    expect(failure).toMatchObject({
      kind: errors.PERMISSION_DENIED,
      retryable: false,
      details: {
        url: "ws://127.0.0.1:1/x?token=[redacted]",
        phase: expect.any(String),
        ms: expect.any(Number),
        action: "websocket.connect",
        actor: "user:1",
        policy: "none",
      },
    });
  });

  test("is asked before anything is dialled", async () => {
    await using server = await RawServer.listen();
    const scope = security.scope([]);
    await security.run({ actor, scope }, () => failureOf(connect(server.url)));
    expect(server.connections).toBe(0);
  });

  test("follows the calls, through awaits and timers, and ends with `run`", async () => {
    await using server = await PlainServer.echo();
    const scope = security.scope([]);
    const later = security.run({ actor, scope }, async () => {
      await time.sleep(1);
      return failureOf(connect(server.url));
    });
    const outside = await connect(server.url);
    outside.terminate();
    expect(await later).toMatchObject({ kind: errors.PERMISSION_DENIED });
  });

  test("is replaced by an inner one", async () => {
    const inner = security.scope([all]);
    const outer = security.scope([]);
    const failure = await security.run({ actor, scope: outer }, () =>
      security.run({ actor, scope: inner }, () => failureOf(connect("ws://127.0.0.1:1/"))),
    );
    expect(failure.kind).toBe(errors.INTERNAL);
  });

  test("gives back what the body returns or throws", () => {
    const scope = security.scope([]);
    expect(security.run({ actor, scope }, () => 42)).toBe(42);
    expect(() =>
      security.run({ actor, scope }, () => {
        throw new Error("mine");
      }),
    ).toThrow("mine");
  });
});

describe("a pattern", () => {
  test.each([
    ["wss://*.example.com/*", "wss://feeds.example.com/prices", true],
    ["wss://*.example.com/*", "wss://example.com/prices", false],
    ["wss://*.example.com/*", "ws://feeds.example.com/prices", false],
    ["wss://feeds.example.com/", "wss://feeds.example.com", true],
    ["wss://feeds.example.com", "wss://feeds.example.com", false],
    ["wss://feeds.example.com/*", "wss://FEEDS.example.com:443/a/b?c=d", true],
    ["wss://feeds.example.com/a?c=*", "wss://feeds.example.com/a?c=d", true],
    ["wss://feeds.example.com/a.c", "wss://feeds.example.com/abc", false],
    ["wss://feeds.example.com/[ab]", "wss://feeds.example.com/a", false],
    ["ws*://*", "ws://127.0.0.1/", true],
    ["*", "wss://anywhere.test/", true],
    ["**", "wss://anywhere.test/", true],
    ["", "wss://anywhere.test/", false],
    ["wss://a.test/*b*c", "wss://a.test/xbxc", true],
    ["wss://a.test/*b*c", "wss://a.test/xcxb", false],
    ["wss://a.test/aba*aba", "wss://a.test/aba", false],
    ["ws://127.0.0.1/*", "ws://0x7f.1/", true],
    ["wss://evil.test/*", "wss://me:x@evil.test/", true],
    ["wss://good.test/*", "wss://good.test@evil.test/", false],
  ])("%j and %s: %s", async (pattern, url, matches) => {
    const policies: Policy[] = [
      { ...all, actions: "websocket.connect" },
      { ...all, id: "no", actions: "websocket.connect.url", resources: pattern, effect: "deny" },
    ];
    expect((await attempt(policies, url)).includes('"no"')).toBe(matches);
  });

  test("with many stars is matched in good time", async () => {
    const url = `wss://a.test/${"a".repeat(5000)}b`;
    // One that tries every way to share the letters among the stars never ends.
    const policies: Policy[] = [
      { ...all, actions: "websocket.connect" },
      { ...all, actions: "websocket.connect.url", resources: `${"*a".repeat(40)}*c*b` },
    ];
    expect(await attempt(policies, url)).toMatch(/no policy allows websocket\.connect\.url$/);
  });
});

const reader = (request: PermissionRequest): boolean => request.actor.meta?.["role"] === "reader";
const broken = (): boolean => {
  throw new Error("secret of the condition");
};

describe("a condition", () => {
  test("sees actor, action, resource and meta", async () => {
    const seen: PermissionRequest[] = [];
    const scope = security.scope([{ ...all, when: (request) => seen.push(request) > 0 }]);
    await security.run({ actor, scope }, () => failureOf(connect("wss://me:secret@[::1]:1/x?y=z")));
    const meta = { role: "reader", host: "[::1]:1", hostname: "[::1]", port: 1, secure: true, hop: 0 };
    expect(seen).toEqual([
      { actor, action: "websocket.connect", resource: "", meta },
      { actor, action: "websocket.connect.url", resource: "wss://[::1]:1/x?y=z", meta },
    ]);
  });

  test("decides whether its policy applies", async () => {
    expect(await attempt([{ ...all, when: reader }])).toBe("allowed");
    expect(await attempt([{ ...all, when: (request) => !reader(request) }])).toMatch(/no policy allows/);
    expect(await attempt([all, { ...all, id: "d", effect: "deny", when: reader }])).toMatch(/"d" denies/);
    expect(await attempt([all, { ...all, effect: "deny", when: (request) => !reader(request) }])).toBe("allowed");
  });

  test("counts against the connection when in doubt", async () => {
    const unsure = [async () => true, () => 1, () => undefined, () => "yes"] as unknown as Policy["when"][];
    for (const when of unsure) {
      expect(await attempt([{ ...all, when }])).toMatch(/no policy allows/);
      expect(await attempt([all, { ...all, id: "d", effect: "deny", when }])).toMatch(/"d" denies/);
    }
    for (const effect of ["allow", "deny"] as const) {
      const reason = await attempt([all, { ...all, id: "b", effect, when: broken }]);
      expect(reason).toMatch(/the condition of policy "b" failed/);
      expect(reason).not.toContain("secret");
    }
  });
});

describe("strict", () => {
  test("makes connecting outside of `run` an error: INTERNAL, no context, and nothing is dialled", async () => {
    await using server = await RawServer.listen();
    security.strict(true);
    const failure = await failureOf(connect(server.url));
    expect(failure).toMatchObject({ kind: errors.INTERNAL, retryable: false });
    expect(failure.message).toContain("no context");
    expect(server.connections).toBe(0);
  });

  test("leaves what runs in a scope to the scope", async () => {
    security.strict(true);
    expect(await attempt([all])).toBe("allowed");
  });

  test("is off to begin with, and can be switched off", async () => {
    security.strict(true);
    security.strict(false);
    await using server = await PlainServer.echo();
    const { client } = await server.meet();
    expect(await client.close()).toMatchObject({ code: 1000 });
  });
});

describe("mistakes are INVALID, and name the field:", () => {
  const mistakes: readonly (readonly [string, unknown])[] = [
    ["policies", {}],
    ["policies[0]", [1]],
    ["policies[0].id", [{ ...all, id: 1 }]],
    ["policies[1].effect", [all, { ...all, effect: "maybe" }]],
    ["policies[0].actions", [{ ...all, actions: [1] }]],
    ["policies[0].resources", [{ ...all, resources: undefined }]],
    ["policies[0].when", [{ ...all, when: true }]],
  ];
  test.each(mistakes)("%s", (field, policies) => {
    expect(() => security.scope(policies as Policy[])).toThrow(
      expect.objectContaining({ kind: errors.INVALID, details: { option: field } }) as Error,
    );
  });

  test.each([
    ["policies[0].action", [{ ...all, action: "*" }], {}, "did you mean `policies[0].actions`?"],
    ["policies[0].conditions", [{ ...all, conditions: [] }], {}, "only `id`, `actions`, "],
    ["address", [all], { address: { deny: [] } }, "did you mean `addresses`?"],
    ["addresses.Deny", [all], { addresses: { Deny: [] } }, "did you mean `addresses.deny`?"],
  ])("%s, which does not exist", (field, policies, options, told) => {
    const making = () => security.scope(policies as Policy[], options as never);
    expect(making).toThrow(expect.objectContaining({ kind: errors.INVALID, details: { option: field } }) as Error);
    expect(making).toThrow(told);
  });

  const scope = security.scope([]);
  test("an option of `run` that does not exist", () => {
    expect(() => security.run({ actor, scope, strict: true } as never, () => 1)).toThrow(
      expect.objectContaining({ kind: errors.INVALID, details: { option: "strict" } }) as Error,
    );
  });

  test("an actor may be more than an actor", () => {
    expect(security.run({ actor: { ...actor, name: "Ann" } as typeof actor, scope }, () => 1)).toBe(1);
  });

  test("no body", () => {
    expect(() => security.run({ actor, scope }, undefined as never)).toThrow("Expected `body` to be a function");
  });

  test.each([
    ["context", undefined],
    ["actor", { scope }],
    ["actor.id", { actor: {}, scope }],
    ["actor.meta", { actor: { id: "a", meta: 1 }, scope }],
    ["scope", { actor }],
    ["scope", { actor, scope: { rules: [] } }],
  ])("%s", (field, context) => {
    expect(() => security.run(context as unknown as Parameters<typeof security.run>[0], () => 1)).toThrow(
      expect.objectContaining({ kind: errors.INVALID, details: { option: field } }) as Error,
    );
  });

  test("on", () => {
    expect(() => security.strict("yes" as unknown as boolean)).toThrow(
      expect.objectContaining({ kind: errors.INVALID }) as Error,
    );
  });
});
