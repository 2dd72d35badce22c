// Every option of `connect` and its limits, judged before anything is dialled.

import type { Agent } from "node:http";
import type { LookupFunction } from "node:net";
import type { SecureContext } from "node:tls";
import type { Duration } from "@sluice/channels";
import { type AddressGuard, addressGuard, type AddressRules } from "./addresses.ts";
import { type AgentGiven, checkAgent } from "./agent.ts";
import { checkHeaders, checkProtocols, type Header, type HeadersGiven } from "./headers.ts";
import { checkTls, secureContextOf, type TlsOptions } from "./tls.ts";
import type { Pace } from "../connection/outgoing.ts";
import { CONNECTION, type ConnectionOptions, type ConnectionSettings } from "../connection/options.ts";
import {
  abortSignal,
  callback,
  duration,
  group,
  integer,
  optional,
  readOptions,
  type Readers,
  timeout,
} from "../protocol/options.ts";

/** Options of `connect`. Timeouts are `Duration`s; 0 means none. Every option may be `undefined`, which means absent. */
export interface ConnectOptions extends ConnectionOptions {
  /** HTTP headers of the handshake. The handshake's own headers (`Host`, `Connection`, `Sec-WebSocket-*` …) are refused. */
  readonly headers?: HeadersGiven | undefined;
  /** Subprotocols, in order of preference: tokens without duplicates. */
  readonly protocols?: readonly string[] | undefined;
  /** A deadline over DNS, TCP, TLS, HTTP and redirects together. Default 30 s. */
  readonly dialTimeout?: Duration | undefined;
  /** At most so many messages leave in any stretch of `per`; further sends wait. Control frames are not held up. */
  readonly pace?:
    | {
        /** How many, at least 1. */
        readonly messages: number;
        /** In which stretch of time. */
        readonly per: Duration;
      }
    | undefined;
  /**
   * How many redirects to follow, 0 (the default) to 5. Never from `wss:` to `ws:`; another origin gets none of the
   * caller's `headers`, no user and password, and no client certificate.
   */
  readonly redirects?: number | undefined;
  /** Addresses that must not be reached, whatever name leads there. Default: every address is allowed. */
  readonly addresses?: AddressRules | undefined;
  /**
   * Connects in our place, as for `node:http`: mostly through a proxy. Of `addresses`, what can be judged then is an
   * address that the proxy is asked for; a name that it will look up is refused while there are rules.
   */
  readonly agent?: AgentGiven | undefined;
  /** Looks names up in place of `dns.lookup`, and is called like it. What it answers is judged by `addresses`. */
  readonly lookup?: LookupFunction | undefined;
  /**
   * Ends the dialling: `connect` rejects with the signal's reason. Once connected, an abort ends the connection as
   * `close(1001)` does, and the channel's cause is the reason; a limit on dialling alone is `dialTimeout`.
   */
  readonly signal?: AbortSignal | undefined;
  /** What `node:tls` takes: `ca`, `cert`, `key`, `rejectUnauthorized` … */
  readonly tls?: TlsOptions | undefined;
}

/** What `connect` asks of the wire beside the connection's own settings. */
interface Dialled {
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, Header>;
  readonly protocols: readonly string[];
  readonly dialTimeout: number | undefined;
  readonly pace: Pace | undefined;
  readonly redirects: number;
  readonly agent: Agent | undefined;
  readonly lookup: LookupFunction | undefined;
  readonly signal: AbortSignal | undefined;
}

/** `ConnectOptions`, checked and complete: milliseconds, bytes, `undefined` for what is off. */
export interface Settings extends ConnectionSettings, Dialled {
  readonly guard: AddressGuard | undefined;
  readonly tls: TlsOptions;
  /** Made once, so that a bad certificate is found before anything is dialled. */
  readonly secureContext: SecureContext | undefined;
}

const LONGEST_PACE = 2 ** 31 - 1; // p-queue's timer is a host timer
const CONNECT: Readers<
  ConnectionSettings & Dialled & { readonly addresses: AddressGuard | undefined; readonly tls: TlsOptions | undefined }
> = {
  ...CONNECTION,
  headers: checkHeaders,
  protocols: checkProtocols,
  dialTimeout: timeout(30_000),
  pace: group({ messages: integer(1, Number.MAX_SAFE_INTEGER, "messages"), per: duration(LONGEST_PACE) }),
  redirects: optional(integer(0, 5, "redirects"), 0),
  addresses: optional(addressGuard),
  agent: checkAgent,
  lookup: callback(),
  signal: abortSignal,
  tls: optional(checkTls),
};

// What the options are called in ws, undici, socket.io and the like.
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...["timeout", "connectTimeout", "handshakeTimeout", "headersTimeout"].map((name) => [name, "dialTimeout"] as const),
  ...["ca", "cert", "key", "pfx", "passphrase", "servername", "rejectUnauthorized", "checkServerIdentity"].map(
    (name) => [name, `tls: { ${name} }`] as const,
  ),
  ...["followRedirects", "maxRedirects", "maxRedirections"].map((name) => [name, "redirects"] as const),
  ...["heartbeat", "pingInterval", "keepalive"].map((name) => [name, "keepAlive: { interval }"] as const),
  ...["capacity", "bufferSize", "highWaterMark"].map((name) => [name, "channelCapacity"] as const),
  ...["dispatcher", "proxy", "httpAgent", "httpsAgent"].map((name) => [name, "agent"] as const),
  ["auth", "headers: { Authorization }"],
  ["idleTimeout", "readTimeout"],
  ["maxPayload", "readLimit"],
  ["origin", "headers: { Origin }"],
  ["perMessageDeflate", "compression"],
  ["rateLimit", "pace"],
  ["subprotocols", "protocols"],
]);

/** Checks every option. Throws INVALID and names the one that is wrong. */
export function checkOptions(given: unknown): Settings {
  const { addresses: guard, tls, ...settings } = readOptions(CONNECT, given, { elsewhere: ELSEWHERE });
  const secureContext = tls === undefined ? undefined : secureContextOf(tls);
  return { ...settings, guard, tls: tls ?? {}, secureContext };
}
