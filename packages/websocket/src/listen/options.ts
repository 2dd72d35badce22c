// Every option of `listen` and `attach` and its limits, judged before anything listens.

import type { Duration } from "@sluice/channels";
import { CONNECTION, type ConnectionOptions, type ConnectionSettings } from "../connection/options.ts";
import { checkProtocols } from "../dial/headers.ts";
import type { TlsOptions } from "../dial/tls.ts";
import { invalid } from "../errors.ts";
import {
  callback,
  group,
  integer,
  optional,
  type Reader,
  type Readers,
  readOptions,
  text,
  timeout,
} from "../protocol/options.ts";
import { type HostRule, hostRule, type OriginRule, originRule } from "./host.ts";
import { type PathRule, pathRule } from "./path.ts";
import type { Refusal } from "./refusal.ts";
import { checkServerTls } from "./tls.ts";
import type { Upgrade } from "./upgrade.ts";

/**
 * Options of `attach`. Those of a connection hold for each that is accepted, with defaults of a server: `keepAlive` after
 * 30 s, `writeTimeout` 30 s, `readLimit` 1 MiB.
 */
export interface AttachOptions<D = undefined> extends ConnectionOptions {
  /**
   * Path patterns, as `URLPattern` has them (`"/chat"`, `"/rooms/:id"`, `"/*"`), or a test. Other paths get 404 from
   * `listen`, and are left to other listeners by `attach`. Default: every path.
   */
  readonly path?: string | readonly string[] | ((url: URL) => boolean) | undefined;
  /**
   * Origins of pages that may connect beside the host's own, such as `"https://example.com"` or
   * `"https://*.example.com"` (labels in front of it, not itself); `"*"` for all. Others get 403. A handshake without
   * `Origin` comes from no page, and passes.
   */
  readonly origins?: readonly string[] | "*" | undefined;
  /**
   * Values of `Host` that are ours, with a port or for any port; others get 403. Default: any, but on a loopback address
   * only its names, since a name that its owner points there would make any page one of ours (DNS rebinding).
   */
  readonly hosts?: readonly string[] | undefined;
  /**
   * Asked before a handshake is answered. What it gives is the `data` of the connection; what `refuse` made is the
   * answer. What it throws is answered by 500 and reported as an uncaught exception. The signal aborts when the peer has
   * left, or the answer would come too late.
   */
  readonly authorize?: ((upgrade: Upgrade, signal: AbortSignal) => D | Refusal | PromiseLike<D | Refusal>) | undefined;
  /** A deadline from the connection to the 101. What waits longer for a place gets 503. Default 10 s; 0 means none. */
  readonly handshakeTimeout?: Duration | undefined;
  /**
   * Subprotocols that the server speaks, in its order of preference, or what chooses one of those offered. With none in
   * common the connection is made without one. Default: none.
   */
  readonly protocols?:
    | readonly string[]
    | ((offered: readonly string[], upgrade: Upgrade) => string | undefined)
    | undefined;
  /** Connections at once, handshakes included: more get 503 with `Retry-After`. Default 10,000. */
  readonly maxConnections?: number | undefined;
  /** The same for each key, such as `remoteAddress`: more get 429. Default none. */
  readonly maxConnectionsPerKey?:
    | {
        /** Connections at once with the same key. */
        readonly limit: number;
        /** Gives the key of a handshake: an address, a user. */
        readonly key: (upgrade: Upgrade) => string;
      }
    | undefined;
  /** Connections that nobody has received yet, 0 to 100,000. Further handshakes wait. Default 64. */
  readonly backlog?: number | undefined;
}

/** Options of `listen`. Every option may be `undefined`, which means absent. */
export interface ListenOptions<D = undefined> extends AttachOptions<D> {
  /** 0, the default, takes one that is free. */
  readonly port?: number | undefined;
  /** The address to listen on. Default `"127.0.0.1"`: a server for other machines says so, by `"::"` say. */
  readonly host?: string | undefined;
  /** Makes it a server of `wss:`. What `node:tls` takes: `cert`, `key`, `SNICallback` … */
  readonly tls?: TlsOptions | undefined;
}

type Protocols = readonly string[] | ((offered: readonly string[], upgrade: Upgrade) => string | undefined);

/** `AttachOptions`, checked and complete. */
export interface AttachSettings extends ConnectionSettings {
  readonly path: PathRule;
  readonly origins: OriginRule;
  readonly hosts: HostRule;
  readonly authorize: ((upgrade: Upgrade, signal: AbortSignal) => unknown) | undefined;
  readonly handshakeTimeout: number | undefined;
  readonly protocols: Protocols;
  readonly maxConnections: number;
  readonly maxConnectionsPerKey: { readonly limit: number; readonly key: (upgrade: Upgrade) => string } | undefined;
  readonly backlog: number;
}

/** `ListenOptions`, checked and complete. */
export interface ListenSettings extends AttachSettings {
  readonly port: number;
  readonly host: string;
  readonly tls: TlsOptions | undefined;
}

const MEBIBYTE = 1024 * 1024;
const KEEP_ALIVE = { interval: 30_000, timeout: 10_000 };

const protocols: Reader<Protocols> = (given, option) =>
  typeof given === "function" ? (given as Protocols) : checkProtocols(given, option);

const ATTACH: Readers<AttachSettings> = {
  ...CONNECTION,
  keepAlive: (given = KEEP_ALIVE, option) => CONNECTION.keepAlive(given, option),
  writeTimeout: timeout(30_000),
  readLimit: (given = MEBIBYTE, option) => CONNECTION.readLimit(given, option),
  path: pathRule,
  origins: originRule,
  hosts: hostRule,
  authorize: callback(),
  handshakeTimeout: timeout(10_000),
  protocols,
  maxConnections: optional(integer(1, Number.MAX_SAFE_INTEGER, "connections"), 10_000),
  maxConnectionsPerKey: group({
    limit: integer(1, Number.MAX_SAFE_INTEGER, "connections"),
    key: (given, option) => {
      if (typeof given === "function") return given as (upgrade: Upgrade) => string;
      throw invalid(option, "a function", given);
    },
  }),
  backlog: optional(integer(0, 100_000, "connections"), 64),
};

const LISTEN: Readers<ListenSettings> = {
  ...ATTACH,
  port: optional(integer(0, 65_535, "a port"), 0),
  host: optional(text, "127.0.0.1"),
  tls: optional(checkServerTls),
};

// What the options are called in ws, Bun, uWebSockets and the like.
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...["verifyClient", "auth", "allowRequest", "onUpgrade", "upgrade"].map((name) => [name, "authorize"] as const),
  ...["maxPayload", "maxPayloadLength", "maxHttpBufferSize"].map((name) => [name, "readLimit"] as const),
  ...["allowedOrigins", "checkOrigin", "cors", "origin"].map((name) => [name, "origins"] as const),
  ...["heartbeat", "pingInterval", "sendPingsAutomatically"].map((name) => [name, "keepAlive: { interval }"] as const),
  ...["ca", "cert", "key", "pfx"].map((name) => [name, `tls: { ${name} }`] as const),
  ["handleProtocols", "protocols"],
  ["hostname", "host"],
  ["idleTimeout", "readTimeout"],
  ["maxClients", "maxConnections"],
  ["perMessageDeflate", "compression"],
]);

/** Checks the options of `attach`. Throws INVALID and names the one that is wrong. */
export function checkAttach(given: unknown): AttachSettings {
  return readOptions(ATTACH, given, { elsewhere: ELSEWHERE });
}

/** Checks the options of `listen`, the same way. */
export function checkListen(given: unknown): ListenSettings {
  return readOptions(LISTEN, given, { elsewhere: ELSEWHERE });
}
