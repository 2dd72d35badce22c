import { Agent } from "node:http";
import { Agent as SecureAgent } from "node:https";
import dns from "node:dns";
import type { LookupFunction } from "node:net";
import { expectAssignable, expectError, expectNotAssignable } from "tsd";
import { COMPRESSION, connect, type ConnectOptions, type Message } from "../src/index.ts";

declare const url: string;

// All options together.
expectAssignable<ConnectOptions>({
  headers: { Authorization: "Bearer token", Cookie: ["a=1", "b=2"], "X-Later": undefined },
  protocols: ["graphql-ws"],
  dialTimeout: "10s",
  readTimeout: 60_000,
  writeTimeout: "10s",
  closeTimeout: 0,
  compression: COMPRESSION.CONTEXT_TAKEOVER,
  compressionThreshold: 1024,
  readLimit: 16 * 1024 * 1024,
  channelCapacity: 64,
  overflow: "drop-oldest",
  onDrop: (message: Message) => void message.data,
  keepAlive: { interval: "20s", timeout: "10s" },
  pace: { messages: 10, per: "1s" },
  redirects: 3,
  addresses: { deny: ["private", "192.0.2.0/24"], allow: ["10.1.0.0/16"] },
  agent: new Agent({ keepAlive: false }),
  lookup: dns.lookup,
  signal: new AbortController().signal,
  tls: { ca: "certificate", rejectUnauthorized: true },
});

// Every option may be undefined, which means absent.
expectAssignable<{ readonly [K in keyof ConnectOptions]-?: ConnectOptions[K] }>({
  headers: undefined,
  protocols: undefined,
  dialTimeout: undefined,
  readTimeout: undefined,
  writeTimeout: undefined,
  closeTimeout: undefined,
  compression: undefined,
  compressionThreshold: undefined,
  readLimit: undefined,
  channelCapacity: undefined,
  overflow: undefined,
  onDrop: undefined,
  keepAlive: undefined,
  pace: undefined,
  redirects: undefined,
  addresses: undefined,
  agent: undefined,
  lookup: undefined,
  signal: undefined,
  tls: undefined,
});
expectAssignable<ConnectOptions>({ keepAlive: { interval: "20s", timeout: undefined } });
expectAssignable<ConnectOptions>({ addresses: { deny: [], allow: undefined } });

// Another may connect, and look names up, as for `node:http` and `net.connect`.
expectAssignable<ConnectOptions>({ agent: new SecureAgent() });
expectAssignable<ConnectOptions>({ agent: false });
expectNotAssignable<ConnectOptions>({ agent: true });
expectNotAssignable<ConnectOptions>({ agent: "http://proxy.example.com:3128" });
declare const lookup: LookupFunction;
expectAssignable<ConnectOptions>({ lookup });
expectNotAssignable<ConnectOptions>({ lookup: "8.8.8.8" });

// Null is none of them.
expectNotAssignable<ConnectOptions>({ signal: null });
expectNotAssignable<ConnectOptions>({ dialTimeout: null });

// A slip of the pen is refused, also one level down.
expectError(connect(url, { dialTimout: "10s" }));
expectError(connect(url, { dial_timeout: "10s" }));
expectError(connect(url, { reconnect: true }));
expectError(connect(url, { keepAlive: { intervall: "20s" } }));
expectError(connect(url, { pace: { messages: 1, per: "1s", burst: 2 } }));

// What belongs together comes together.
expectNotAssignable<ConnectOptions>({ keepAlive: {} });
expectNotAssignable<ConnectOptions>({ keepAlive: "20s" });
expectNotAssignable<ConnectOptions>({ pace: { messages: 10 } });
expectNotAssignable<ConnectOptions>({ addresses: {} });

// Headers come as a record, as pairs, or as what holds pairs.
expectAssignable<ConnectOptions>({ headers: new Headers({ Authorization: "Bearer token" }) });
expectAssignable<ConnectOptions>({ headers: new Map([["Authorization", "Bearer token"]]) });
expectAssignable<ConnectOptions>({ headers: [["Authorization", "Bearer token"]] });
expectNotAssignable<ConnectOptions>({ headers: { Count: 1 } });
expectNotAssignable<ConnectOptions>({ headers: [["Authorization"]] });

// Frozen options are fine.
expectAssignable<ConnectOptions>({ protocols: ["a", "b"] } as const);

// Words and numbers with a meaning are literal.
expectAssignable<ConnectOptions>({ compression: 2 });
expectNotAssignable<ConnectOptions>({ compression: 3 });
expectNotAssignable<ConnectOptions>({ compression: "NO_CONTEXT" });
expectNotAssignable<ConnectOptions>({ overflow: "drop" });
expectNotAssignable<ConnectOptions>({ protocols: "graphql-ws" });
expectNotAssignable<ConnectOptions>({ dialTimeout: new Date() });

// Where to connect to is the URL's business.
expectError(connect(url, { tls: { host: "example.com" } }));
expectError(connect(url, { tls: { port: 443 } }));
expectError(connect(url, { tls: { lookup: () => undefined } }));
