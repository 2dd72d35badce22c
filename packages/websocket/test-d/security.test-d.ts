import { expectAssignable, expectError, expectNotAssignable, expectType } from "tsd";
import {
  type Actor,
  type Client,
  connect,
  type PermissionRequest,
  type Policy,
  type Scope,
  security,
} from "../src/index.ts";

declare const scope: Scope;

// A scope is made of policies; a condition sees who asks, and for what.
expectType<Scope>(
  security.scope([
    { id: "sockets", actions: "websocket.connect", resources: "*", effect: "allow" },
    {
      id: "feeds",
      actions: ["websocket.connect.url"],
      resources: ["wss://*.example.com/*"],
      effect: "deny",
      when: ({ actor, action, resource, meta }) => {
        expectType<Actor>(actor);
        expectType<"websocket.connect" | "websocket.connect.url">(action);
        expectType<string>(resource);
        expectType<unknown>(meta["hostname"]);
        return actor.id !== "admin";
      },
    },
  ]),
);
expectType<Scope>(security.scope([], { addresses: { deny: ["private", "loopback", "link-local", "192.0.2.1"] } }));
expectType<Scope>(security.scope([], { addresses: undefined }));

// Policies may be frozen.
const policies = [{ id: "a", actions: "*", resources: "*", effect: "allow" }] as const;
expectType<Scope>(security.scope(policies));

// A policy says everything, and nothing else.
expectNotAssignable<Policy>({ id: "a", actions: "*", resources: "*" });
expectNotAssignable<Policy>({ actions: "*", resources: "*", effect: "allow" });
expectNotAssignable<Policy>({ id: "a", actions: "*", resources: "*", effect: "permit" });
expectError(security.scope([{ id: "a", actions: "*", resources: "*", effect: "allow", unless: () => true }]));
expectAssignable<Policy>({ id: "a", actions: "*", resources: "*", effect: "allow", when: undefined });

// A condition answers at once: a promise would always be true.
expectNotAssignable<Policy>({ id: "a", actions: "*", resources: "*", effect: "allow", when: async () => false });
expectAssignable<(request: PermissionRequest) => boolean>(({ meta }) => meta["secure"] === true);

// Running gives what the body returns, a promise or not.
const context = { actor: { id: "user:1", meta: { role: "visitor" } }, scope };
expectType<Promise<Client>>(security.run(context, () => connect("ws://localhost")));
expectType<number>(security.run(context, () => 42));
expectType<number>(security.run({ actor: { id: "user:1" }, scope }, () => 42));

// An actor has an id, and a scope is one that `scope` made.
expectError(security.run({ actor: {}, scope }, () => 42));
expectError(security.run({ actor: { id: 1 }, scope }, () => 42));
expectError(security.run({ scope }, () => 42));
expectError(security.run({ actor: { id: "user:1" } }, () => 42));

expectType<void>(security.strict(true));
expectError(security.strict());
expectError(security.strict("on"));
