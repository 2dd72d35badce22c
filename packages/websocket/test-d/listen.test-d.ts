import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { ReceiveChannel } from "@sluice/channels";
import { expectAssignable, expectError, expectNotAssignable, expectType } from "tsd";
import {
  type Accepted,
  attach,
  type Client,
  listen,
  type ListenOptions,
  type Refusal,
  refuse,
  type Server,
  type Upgrade,
} from "../src/index.ts";

declare const user: { readonly name: string };
declare const allowed: boolean;

// Without `authorize` a connection has no data.
expectType<Promise<Server<undefined>>>(listen());
expectType<Promise<Server<undefined>>>(listen({}));
expectType<Promise<Server<undefined>>>(listen({ port: 8080, host: "::", path: ["/a", "/b/:id"], origins: "*" }));

// What `authorize` gives is the data, refusals taken out.
expectType<Promise<Server<{ readonly name: string }>>>(listen({ authorize: () => user }));
expectType<Promise<Server<{ readonly name: string }>>>(listen({ authorize: async () => user }));
expectType<Promise<Server<{ readonly name: string }>>>(
  listen({ authorize: async ({ headers }) => (headers.authorization === "x" ? user : refuse(401)) }),
);
expectType<Promise<Server<{ readonly name: string }>>>(
  listen({ authorize: (upgrade) => (upgrade.origin === "x" ? refuse(403) : user) }),
);

// Its arguments are known.
await listen({
  authorize: (upgrade, signal) => {
    expectType<Upgrade>(upgrade);
    expectType<AbortSignal>(signal);
    expectType<URL>(upgrade.url);
    expectType<readonly string[]>(upgrade.protocols);
    return user;
  },
});

// `false` is no refusal: `refuse` makes one.
expectError(listen({ authorize: () => false }));
expectError(listen({ authorize: async () => allowed }));
expectError(listen({ authorize: () => (allowed ? user : false) }));
expectError(attach(createServer(), { authorize: () => allowed }));

// A server is a channel of connections.
declare const server: Server<{ readonly name: string }>;
expectType<ReceiveChannel<Accepted<{ readonly name: string }>>>(server.connections());
for await (const { client, data, upgrade } of server) {
  expectType<Client>(client);
  expectType<{ readonly name: string }>(data);
  expectType<Upgrade>(upgrade);
}
expectAssignable<Server<unknown>>(server);
expectNotAssignable<Server<undefined>>(server);
expectType<Promise<{ readonly closed: number; readonly terminated: number }>>(
  Promise.resolve(await server.close({ code: 1012, reason: "deploy", over: "10s", within: 0 })),
);
expectError(server.close(1012));

// A server that exists keeps what is its own.
expectType<Server<undefined>>(attach(createServer()));
expectType<Server<{ readonly name: string }>>(attach(createTlsServer(), { path: "/chat", authorize: () => user }));
expectError(attach(createServer(), { port: 8080 }));
expectError(attach(createServer(), { tls: {} }));
expectError(attach());

// A refusal has a status that is written down.
expectType<Refusal>(refuse(401));
expectType<Refusal>(refuse(429, { headers: { "Retry-After": "60" }, body: "Later" }));
expectError(refuse());
expectError(refuse("401"));
expectError(refuse(401, { status: 402 }));

// Every option may be undefined, and none is made up.
expectAssignable<ListenOptions>({ port: undefined, tls: undefined, authorize: undefined, backlog: undefined });
expectError(listen({ prot: 8080 }));
