// What a connection can be told, whoever made it: the options that `connect` shares with the server's side.

import type { Duration } from "@sluice/channels";
import { COMPRESSION, type Compression } from "../protocol/constants.ts";
import { callback, choice, group, integer, optional, type Reader, type Readers, timeout } from "../protocol/options.ts";
import { invalid } from "../errors.ts";
import type { Overflow } from "./incoming.ts";
import type { Message } from "../protocol/message.ts";

/** Options of a connection. Timeouts are `Duration`s; 0 means none. Every option may be `undefined`, which means absent. */
export interface ConnectionOptions {
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
  readonly keepAlive?:
    | {
        /** Of silence, before the ping. */
        readonly interval: Duration;
        /** Of silence after the ping, before the connection ends. Default 10 s. */
        readonly timeout?: Duration | undefined;
      }
    | undefined;
}

/** `ConnectionOptions`, checked and complete: milliseconds, bytes, `undefined` for what is off. */
export interface ConnectionSettings {
  readonly readTimeout: number | undefined;
  readonly writeTimeout: number | undefined;
  readonly closeTimeout: number | undefined;
  readonly compression: Compression;
  /** Where it is absent the compression that was agreed decides. */
  readonly compressionThreshold: number | undefined;
  readonly readLimit: number;
  readonly channelCapacity: number;
  readonly overflow: Overflow;
  readonly onDrop: ((message: Message) => void) | undefined;
  readonly keepAlive: KeepAlive | undefined;
}

/** After how long a silence the peer is pinged, and how long its answer may take. */
export interface KeepAlive {
  readonly interval: number;
  readonly timeout: number | undefined;
}

const MEBIBYTE = 1024 * 1024;

const readLimit = integer(0, 128 * MEBIBYTE, "bytes");
const keepAlive = group({ interval: required(timeout(0)), timeout: timeout(10_000) });

/** How the options of a connection are read. */
export const CONNECTION: Readers<ConnectionSettings> = {
  readTimeout: timeout(0),
  writeTimeout: timeout(0),
  closeTimeout: timeout(5000),
  compression: optional(
    choice(Object.values(COMPRESSION), "one of COMPRESSION: 0, 1 or 2"),
    COMPRESSION.DISABLED as Compression,
  ),
  compressionThreshold: optional(integer(0, 100 * MEBIBYTE, "bytes")),
  // ws coerces its limit with `| 0` and takes 0 for none: what reaches it is always a positive number below 2^31.
  readLimit: (given = 0, option) => readLimit(given, option) || 16 * MEBIBYTE,
  channelCapacity: optional(integer(1, 10_000, "messages"), 32),
  overflow: optional(choice<Overflow>(["block", "drop-oldest", "drop-newest"]), "block"),
  onDrop: callback(),
  keepAlive: (given, option) => {
    const read = keepAlive(given, option);
    return read?.interval === undefined ? undefined : { interval: read.interval, timeout: read.timeout };
  },
};

function required<T>(reader: Reader<T>): Reader<T> {
  return (given, option) => {
    if (given === undefined) throw invalid(option, "a duration", given);
    return reader(given, option);
  };
}
