// What `connect` can be told in a page, and what it cannot: refused with the way out, never ignored.

import { type Duration, errors, SluiceError } from "@sluice/channels";
import type { Overflow } from "../connection/incoming.ts";
import { invalid, invalidSecret } from "../errors.ts";
import type { Data, Message } from "../protocol/message.ts";
import {
  abortSignal,
  callback,
  choice,
  duration,
  group,
  integer,
  optional,
  readOptions,
  type Reader,
  type Readers,
  timeout,
} from "../protocol/options.ts";
import type { Pace } from "./outbox.ts";
import { page } from "./page.ts";

/** Options of `connect` in a page. Timeouts are `Duration`s; 0 means none. Every option may be `undefined`: absent. */
export interface ConnectOptions {
  /** Subprotocols, in order of preference: tokens without duplicates. */
  readonly protocols?: readonly string[] | undefined;
  /** A deadline over the whole handshake. Default 30 s. */
  readonly dialTimeout?: Duration | undefined;
  /** The longest time without a message from the peer, while reading is not paused. Default none. */
  readonly readTimeout?: Duration | undefined;
  /** The longest wait for the closing handshake. Default 5 s; 0 means none. */
  readonly closeTimeout?: Duration | undefined;
  /** The buffer of the receive channel, messages, 1 to 10,000. Default 32. */
  readonly channelCapacity?: number | undefined;
  /** What a full channel does with one more message. `"block"`, the default, slows the peer down where `backpressure`. */
  readonly overflow?: Overflow | undefined;
  /** Gets each message that a drop policy dropped, synchronously. */
  readonly onDrop?: ((message: Message) => void) | undefined;
  /** At most so many messages leave in any stretch of `per`; further sends wait. */
  readonly pace?:
    | {
        /** How many, at least 1. */
        readonly messages: number;
        /** In which stretch of time. */
        readonly per: Duration;
      }
    | undefined;
  /** Ends the dialling; once connected, an abort ends the connection, and the channel's cause is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Which API of the page. Default: `WebSocketStream` where there is one. */
  readonly transport?: "stream" | "socket" | undefined;
  /** Only `WebSocket`: what may stand unread beyond the channel; more ends the connection. Default 16 MiB, 10,000 messages. */
  readonly unreadLimit?:
    | {
        /** Default 16 MiB. */
        readonly bytes?: number | undefined;
        /** Default 10,000. */
        readonly messages?: number | undefined;
      }
    | undefined;
  /** A page cannot ping: a message of the application's own after `interval`, and any message is an answer. */
  readonly keepAlive?:
    | {
        /** Of silence, before the message. */
        readonly interval: Duration;
        /** Of silence after it, before the connection ends. Default 10 s. */
        readonly timeout?: Duration | undefined;
        /** Gives what to send; any message from the other end is an answer. */
        readonly message: () => Data;
      }
    | undefined;
  /** What a page does with its connection when it goes into the back/forward cache. Default "close" (1001). */
  readonly onHide?: "close" | "keep" | undefined;
}

/** @internal `ConnectOptions`, checked and complete: milliseconds, bytes, `undefined` for what is off. */
export interface Settings {
  readonly protocols: readonly string[];
  readonly dialTimeout: number | undefined;
  readonly readTimeout: number | undefined;
  readonly closeTimeout: number | undefined;
  readonly channelCapacity: number;
  readonly overflow: Overflow;
  readonly onDrop: ((message: Message) => void) | undefined;
  readonly pace: Pace | undefined;
  readonly signal: AbortSignal | undefined;
  readonly transport: "stream" | "socket";
  readonly unreadLimit: { readonly bytes: number; readonly messages: number };
  readonly keepAlive:
    | { readonly interval: number; readonly timeout: number | undefined; readonly message: () => Data }
    | undefined;
  readonly onHide: "close" | "keep";
}

const MEBIBYTE = 1024 * 1024;
const UNREAD = { bytes: 16 * MEBIBYTE, messages: 10_000 };
const LONGEST = 2 ** 31 - 1; // of a host timer
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const protocols: Reader<readonly string[]> = (given = [], option) => {
  if (!Array.isArray(given)) throw invalidSecret(option, "a list of subprotocols", given);
  const names: string[] = [];
  for (const name of given as unknown[]) {
    if (typeof name !== "string" || !TOKEN.test(name)) throw invalidSecret(option, "tokens (RFC 9110)", name);
    if (names.includes(name)) throw invalidSecret(option, "without duplicates", name);
    names.push(name);
  }
  return names;
};

const transport: Reader<"stream" | "socket"> = (given, option) => {
  const here = page.WebSocketStream === undefined ? "socket" : "stream";
  const wanted = optional(choice<"stream" | "socket">(["stream", "socket"]), here)(given, option);
  if (wanted === "stream" && here === "socket")
    throw invalid(option, `"socket": there is no WebSocketStream here`, given);
  return wanted;
};

const keepAlive = group({
  interval: duration(LONGEST),
  timeout: timeout(10_000),
  message: callback<() => Data>(),
});

const READERS: Readers<Settings> = {
  protocols,
  dialTimeout: timeout(30_000),
  readTimeout: timeout(0),
  closeTimeout: timeout(5000),
  channelCapacity: optional(integer(1, 10_000, "messages"), 32),
  overflow: optional(choice<Overflow>(["block", "drop-oldest", "drop-newest"]), "block"),
  onDrop: callback(),
  pace: group({ messages: integer(1, Number.MAX_SAFE_INTEGER, "messages"), per: duration(LONGEST) }),
  signal: abortSignal,
  transport,
  unreadLimit: (given, option) =>
    group({
      bytes: optional(integer(0, Number.MAX_SAFE_INTEGER, "bytes"), UNREAD.bytes),
      messages: optional(integer(0, Number.MAX_SAFE_INTEGER, "messages"), UNREAD.messages),
    })(given, option) ?? UNREAD,
  keepAlive: (given, option) => {
    const read = keepAlive(given, option);
    if (read === undefined) return undefined;
    const { interval, message } = read;
    if (message === undefined)
      throw impossible(
        option,
        `In a page \`${option}\` cannot be without \`message\``,
        "a page cannot ping: give a message of your application's own",
      );
    return { interval, timeout: read.timeout, message };
  },
  onHide: optional(choice<"close" | "keep">(["close", "keep"]), "close"),
};

// What a page leaves to the browser, and where to go instead if there is a way.
const BROWSERS: readonly string[] = [
  "tls",
  "addresses",
  "agent",
  "lookup",
  "redirects",
  "compression",
  "compressionThreshold",
];
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["headers", "put a token into `protocols`, a cookie or the URL"],
  ["readLimit", "the browser has its own; `unreadLimit` bounds what stands unread"],
  ["writeTimeout", "use `keepAlive` with `message`"],
]);

/** @internal Throws INVALID for what is wrong, and for what a page cannot do. */
export function checkOptions(given: unknown): Settings {
  return readOptions(READERS, given, { refuses });
}

// `undefined` means absent, also for what must not be there.
function refuses(option: string, given: unknown): boolean {
  const instead = BROWSERS.includes(option) ? "that is for the browser to decide" : ELSEWHERE.get(option);
  if (instead !== undefined && given !== undefined)
    throw impossible(option, `A page cannot set \`${option}\``, instead);
  return instead !== undefined;
}

function impossible(option: string, what: string, instead: string): SluiceError {
  return new SluiceError(errors.INVALID, `${what}: ${instead}`, { details: { option } });
}
