// Every limit and check, before anything is dialled. What comes out is complete, in milliseconds and bytes.

import { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions, createSecureContext, type SecureContext } from "node:tls";
import { type Duration, SluiceError, time } from "@sluice/channels";
import { type AddressGuard, addressGuard, type AddressRules } from "./addresses.ts";
import { COMPRESSION, type Compression } from "../protocol/constants.ts";
import { invalid, invalidSecret, invalidText } from "../errors.ts";
import type { Message, Overflow } from "../connection/incoming.ts";
import { redactText } from "../protocol/redaction.ts";

/** What `node:tls` takes, except where to connect to, which is the URL's business. */
export type TlsOptions = Omit<ConnectionOptions, "host" | "port" | "path" | "socket" | "lookup" | "timeout">;

/** Headers of the handshake, as a record or as pairs (`Headers`, `Map`). */
export type HeadersGiven =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | Iterable<readonly [string, string]>;

/** Options of `connect`. Timeouts are `Duration`s; 0 means none. Every option may be `undefined`, which means absent. */
export interface ConnectOptions {
  /** HTTP headers of the handshake. The handshake's own headers (`Host`, `Connection`, `Sec-WebSocket-*` …) are refused. */
  readonly headers?: HeadersGiven | undefined;
  /** Subprotocols, in order of preference: tokens without duplicates. */
  readonly protocols?: readonly string[] | undefined;
  /** A deadline over DNS, TCP, TLS, HTTP and redirects together. Default 30 s. */
  readonly dialTimeout?: Duration | undefined;
  /** The longest time without any byte from the peer, while reading is not paused. Default none. */
  readonly readTimeout?: Duration | undefined;
  /** The longest a byte that `send` accepted may wait to leave. Default none. */
  readonly writeTimeout?: Duration | undefined;
  /**
   * The longest wait for the peer's part of the closing handshake. Where we began, it starts anew while bytes leave.
   * Default 5 s; 0 means none.
   */
  readonly closeTimeout?: Duration | undefined;
  /** What to offer; see `COMPRESSION`. Costs about 287 KiB of memory for each connection. Default `DISABLED`. */
  readonly compression?: Compression | undefined;
  /** The smallest message to compress, bytes, 0 to 100 MiB. Default 128 with context takeover, 512 without. */
  readonly compressionThreshold?: number | undefined;
  /** The largest message to receive, bytes after decompression, 0 to 128 MiB; 0, the default, means 16 MiB. */
  readonly readLimit?: number | undefined;
  /** The buffer of the receive channel, messages, 1 to 10,000. Default 32. */
  readonly channelCapacity?: number | undefined;
  /** What a full channel does with one more message. `"block"`, the default, stops reading from the socket. */
  readonly overflow?: Overflow | undefined;
  /** Gets each message that a drop policy dropped, synchronously. */
  readonly onDrop?: ((message: Message) => void) | undefined;
  /** Pings the peer after `interval` without a byte from it; ends the connection after `timeout` (10 s) more. Default off. */
  readonly keepAlive?: { readonly interval: Duration; readonly timeout?: Duration | undefined } | undefined;
  /** At most so many messages leave in any stretch of `per`; further sends wait. Control frames are not held up. */
  readonly pace?: { readonly messages: number; readonly per: Duration } | undefined;
  /**
   * How many redirects to follow, 0 (the default) to 5. Never from `wss:` to `ws:`; another origin gets none of the
   * caller's `headers`, no user and password, and no client certificate.
   */
  readonly redirects?: number | undefined;
  /** Addresses that must not be reached, whatever name leads there. Default: every address is allowed. */
  readonly addresses?: AddressRules | undefined;
  /** Ends the dialling: `connect` rejects with the signal's reason. No effect once connected. */
  readonly signal?: AbortSignal | undefined;
  /** What `node:tls` takes: `ca`, `cert`, `key`, `rejectUnauthorized` … */
  readonly tls?: TlsOptions | undefined;
}

/** A header of the handshake: its name as it was written, and its values. */
export interface Header {
  readonly name: string;
  readonly values: readonly string[];
}

/** `ConnectOptions`, checked and complete: milliseconds, bytes, `undefined` for what is off. */
export interface Settings {
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, Header>;
  readonly protocols: readonly string[];
  readonly dialTimeout: number | undefined;
  readonly readTimeout: number | undefined;
  readonly writeTimeout: number | undefined;
  readonly closeTimeout: number | undefined;
  readonly compression: Compression;
  readonly compressionThreshold: number;
  readonly readLimit: number;
  readonly channelCapacity: number;
  readonly overflow: Overflow;
  readonly onDrop: ((message: Message) => void) | undefined;
  readonly keepAlive: { readonly interval: number; readonly timeout: number | undefined } | undefined;
  readonly pace: { readonly messages: number; readonly per: number } | undefined;
  readonly redirects: number;
  readonly guard: AddressGuard | undefined;
  readonly signal: AbortSignal | undefined;
  readonly tls: TlsOptions;
  /** Made once, so that a bad certificate is found before anything is dialled. */
  readonly secureContext: SecureContext | undefined;
}

const MEBIBYTE = 1024 * 1024;
const LONGEST_PACE = 2 ** 31 - 1; // p-queue's timer is a host timer
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// What Node lets through in a value: no CR, LF, NUL or other control character, and nothing above Latin-1.
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const RESERVED_PREFIXES: readonly string[] = ["proxy-", "sec-websocket-"];

/** Reads the URL to connect to. Throws INVALID; never shows a password. */
export function checkUrl(url: unknown): URL {
  if (!(url instanceof URL) && typeof url !== "string") throw invalid("url", "a string or a URL", url);
  let target: URL;
  try {
    target = new URL(url);
  } catch {
    throw invalidText("url", "a ws: or wss: URL", `\`${redactText(String(url))}\``);
  }
  const fault = faultOf(target);
  if (fault !== undefined) throw invalidText("url", "a ws: or wss: URL", fault);
  return target;
}

/** Says what keeps a URL from being dialled, or undefined. Maps `http:` to `ws:` and `https:` to `wss:` in place. */
export function faultOf(target: URL): string | undefined {
  if (target.protocol === "http:") target.protocol = "ws:";
  if (target.protocol === "https:") target.protocol = "wss:";
  if (target.protocol !== "ws:" && target.protocol !== "wss:") {
    // Of `user:password@host` the user is the scheme.
    return target.href.startsWith(`${target.protocol}//`) ? `the scheme \`${target.protocol}\`` : "another scheme";
  }
  if (target.hostname === "") return "no host";
  if (target.href.includes("#")) return "a fragment";
  return undefined;
}

/** Checks every option. Throws INVALID and names the one that is wrong. */
export function checkOptions(given: unknown): Settings {
  const options = checkObject(given) as ConnectOptions;
  const compression = checkCompression(options.compression);
  const tls = checkTls(options.tls);
  return {
    headers: checkHeaders(options.headers),
    protocols: checkProtocols(options.protocols),
    dialTimeout: checkTimeout("dialTimeout", options.dialTimeout, 30_000),
    readTimeout: checkTimeout("readTimeout", options.readTimeout, 0),
    writeTimeout: checkTimeout("writeTimeout", options.writeTimeout, 0),
    closeTimeout: checkTimeout("closeTimeout", options.closeTimeout, 5000),
    compression,
    compressionThreshold: checkInteger(
      "compressionThreshold",
      options.compressionThreshold,
      0,
      100 * MEBIBYTE,
      "bytes",
      compression === COMPRESSION.NO_CONTEXT ? 512 : 128,
    ),
    // ws coerces its limit with `| 0` and takes 0 for none: what reaches it is always a positive number below 2^31.
    readLimit: checkInteger("readLimit", options.readLimit, 0, 128 * MEBIBYTE, "bytes", 0) || 16 * MEBIBYTE,
    channelCapacity: checkInteger("channelCapacity", options.channelCapacity, 1, 10_000, "messages", 32),
    overflow: checkOverflow(options.overflow),
    onDrop: checkFunction("onDrop", options.onDrop),
    keepAlive: checkKeepAlive(options.keepAlive),
    pace: checkPace(options.pace),
    redirects: checkInteger("redirects", options.redirects, 0, 5, "redirects", 0),
    guard: options.addresses === undefined ? undefined : addressGuard(options.addresses, "addresses"),
    signal: checkSignal(options.signal),
    tls,
    secureContext: options.tls === undefined ? undefined : secureContextOf(tls),
  };
}

/** Checks that options are an object, whatever it holds. */
export function checkObject(given: unknown): object {
  if (typeof given !== "object" || given === null) throw invalid("options", "an object", given);
  return given;
}

/** Reads a timeout: milliseconds, or undefined for none (0). */
export function checkTimeout(option: string, given: Duration | undefined, otherwise: number): number | undefined {
  if (given === undefined) return otherwise === 0 ? undefined : otherwise;
  const milliseconds = checkDuration(option, given);
  if (milliseconds < 0) throw invalid(option, "a duration of 0 (none) or more", given);
  return milliseconds === 0 ? undefined : milliseconds;
}

/** Checks an `AbortSignal`, of this realm or another. */
export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  if (typeof signal === "object" && signal !== null && "aborted" in signal && "addEventListener" in signal) {
    return signal as AbortSignal;
  }
  throw invalid("signal", "an AbortSignal", signal);
}

function checkDuration(option: string, given: unknown): number {
  try {
    return time.parseDuration(given as Duration);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    throw invalid(option, `a duration in milliseconds or in Go's format, such as "30s"`, given);
  }
}

function checkInteger(
  option: string,
  given: unknown,
  least: number,
  most: number,
  unit: string,
  otherwise?: number,
): number {
  // Not `??`: null is no number, and no absence either.
  if (given === undefined && otherwise !== undefined) return otherwise;
  if (typeof given === "number" && Number.isInteger(given) && given >= least && given <= most) return given;
  throw invalid(option, `an integer from ${least} to ${most} (${unit})`, given);
}

function checkFunction<F>(option: string, given: F | undefined): F | undefined {
  if (given === undefined || typeof given === "function") return given;
  throw invalid(option, "a function", given);
}

function checkCompression(given: unknown): Compression {
  if (given === undefined) return COMPRESSION.DISABLED;
  const known = Object.values(COMPRESSION).find((mode) => mode === given);
  if (known !== undefined) return known;
  throw invalid("compression", "one of COMPRESSION: 0, 1 or 2", given);
}

function checkOverflow(given: unknown): Overflow {
  if (given === undefined) return "block";
  if (given === "block" || given === "drop-oldest" || given === "drop-newest") return given;
  throw invalid("overflow", `"block", "drop-oldest" or "drop-newest"`, given);
}

function checkProtocols(given: unknown): readonly string[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) throw invalidSecret("protocols", "a list of subprotocols", given);
  const protocols: string[] = [];
  for (const protocol of given as unknown[]) {
    checkToken("protocols", "tokens (RFC 9110)", protocol);
    if (protocols.includes(protocol)) throw invalid("protocols", "without duplicates", protocol);
    protocols.push(protocol);
  }
  return protocols;
}

// What is no token may be a whole header, or a token of the other kind: only what is wrong with it is shown.
function checkToken(option: string, expected: string, given: unknown): asserts given is string {
  if (typeof given !== "string") throw invalid(option, expected, given);
  if (TOKEN.test(given)) return;
  const wrong = Array.from(given).find((character) => !TOKEN.test(character));
  throw invalidText(option, expected, wrong === undefined ? "an empty one" : `one with \`${JSON.stringify(wrong)}\``);
}

function sortOf(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

// The message never shows a value: it is what secrets travel in.
function checkHeaders(given: unknown): ReadonlyMap<string, Header> {
  const headers = new Map<string, Header>();
  if (given === undefined) return headers;
  if (typeof given !== "object" || given === null) throw invalidSecret("headers", "a record or pairs", given);
  const pairs = Symbol.iterator in given ? [...(given as Iterable<unknown>)] : Object.entries(given);
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) throw invalidSecret("headers", "a record or pairs", pair);
    const [name, value] = pair as [unknown, unknown];
    if (value === undefined) continue;
    checkToken("headers", "named by tokens (RFC 9110)", name);
    const key = name.toLowerCase();
    if (RESERVED_HEADERS.has(key) || RESERVED_PREFIXES.some((prefix) => key.startsWith(prefix))) {
      throw invalid("headers", "without the handshake's own", name);
    }
    const values: unknown[] = Array.isArray(value) ? value : [value];
    for (const one of values) {
      if (typeof one !== "string") throw invalidText("headers", `strings (\`${name}\`)`, sortOf(one));
      if (!HEADER_VALUE.test(one)) {
        throw invalidText(
          "headers",
          `without control characters (\`${name}\`)`,
          "a value that has one, or is not Latin-1",
        );
      }
    }
    const known = headers.get(key);
    headers.set(key, { name: known?.name ?? name, values: [...(known?.values ?? []), ...(values as string[])] });
  }
  return headers;
}

function checkKeepAlive(given: unknown): Settings["keepAlive"] {
  if (given === undefined) return undefined;
  if (typeof given !== "object" || given === null) throw invalid("keepAlive", "an object with `interval`", given);
  const { interval, timeout } = given as { interval?: Duration; timeout?: Duration };
  if (interval === undefined) throw invalid("keepAlive.interval", "a duration", interval);
  const every = checkTimeout("keepAlive.interval", interval, 0);
  const answer = checkTimeout("keepAlive.timeout", timeout, 10_000);
  return every === undefined ? undefined : { interval: every, timeout: answer };
}

function checkPace(given: unknown): Settings["pace"] {
  if (given === undefined) return undefined;
  if (typeof given !== "object" || given === null) throw invalid("pace", "an object with `messages` and `per`", given);
  const { messages, per } = given as { messages?: unknown; per?: Duration };
  const count = checkInteger("pace.messages", messages, 1, Number.MAX_SAFE_INTEGER, "messages");
  const milliseconds = checkDuration("pace.per", per);
  if (milliseconds <= 0 || milliseconds > LONGEST_PACE) {
    throw invalid("pace.per", `a duration of more than 0 and at most ${LONGEST_PACE} ms`, per);
  }
  return { messages: count, per: milliseconds };
}

function checkTls(given: unknown): TlsOptions {
  if (given === undefined) return {};
  if (typeof given !== "object" || given === null) throw invalidSecret("tls", "an object that node:tls accepts", given);
  checkFunction("tls.checkServerIdentity", (given as TlsOptions).checkServerIdentity);
  return given;
}

// Some of them Node checks when it connects, or later still: here it connects to a stream that leads nowhere.
function secureContextOf(tls: TlsOptions): SecureContext {
  try {
    const secureContext = tls.secureContext ?? createSecureContext(tls);
    const nowhere = new Duplex({ read: () => undefined, write: (_chunk, _encoding, written) => written() });
    connectTls({ ...tls, secureContext, socket: nowhere })
      .on("error", () => undefined)
      .destroy();
    return secureContext;
  } catch (error) {
    const [why = ""] = (error instanceof Error ? error.message : String(error)).split(/\n| Received /);
    throw invalidText("tls", "options that node:tls accepts", `an error: ${why}`); // what it received may be a key
  }
}
