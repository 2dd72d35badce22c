// Every option of a topic and its limits.

import type { Duration } from "@sluice/channels";
import { checkClose } from "../connection/ending.ts";
import { CLOSE_CODES } from "../protocol/constants.ts";
import type { Data } from "../protocol/message.ts";
import {
  callback,
  choice,
  integer,
  optional,
  type Readers,
  readGroup,
  readOptions,
  text,
  timeout,
} from "../protocol/options.ts";

/** What becomes of a client that does not keep up. */
export type Slow = "disconnect" | "drop-oldest" | "block";

/** Options of a topic. Every option may be `undefined`, which means absent. */
export interface TopicOptions {
  /**
   * What becomes of a client that does not keep up: it is closed; it loses the oldest messages that wait for it; or
   * `publish` waits for it. Default "disconnect": a gap that nobody knows of is worse than to connect again.
   */
  readonly slow?: Slow | undefined;
  /**
   * Behind by more than this, a client is slow: messages of this topic that wait in this process and are not yet with
   * its socket. Default 256 messages, 1 MiB.
   */
  readonly limit?:
    | {
        /** Default 256. */
        readonly messages?: number | undefined;
        /** Default 1 MiB. */
        readonly bytes?: number | undefined;
      }
    | undefined;
  /**
   * Messages of the same key replace each other in the queue of a client that is behind: the newest is kept. What is
   * replaced counts as dropped. Called once for each message.
   */
  readonly key?: ((data: Data) => string) | undefined;
  /** Collects what is published in so long into one write for each client. Default: one turn of the event loop. */
  readonly gather?: Duration | undefined;
  /** The code of the close frame of a client that is disconnected; its reason is "slow". Default 1013. */
  readonly code?: number | undefined;
  /** For people who read errors and reports. */
  readonly name?: string | undefined;
}

/** How far a client may be behind. */
export interface Limit {
  readonly messages: number;
  readonly bytes: number;
}

/** `TopicOptions`, checked and complete. */
export interface TopicSettings {
  readonly slow: Slow;
  readonly limit: Limit;
  readonly key: ((data: Data) => unknown) | undefined;
  /** Milliseconds; `undefined` for one turn. */
  readonly gather: number | undefined;
  readonly code: number;
  readonly name: string | undefined;
}

const MEBIBYTE = 1024 * 1024;

const LIMIT: Readers<Limit> = {
  messages: optional(integer(1, Number.MAX_SAFE_INTEGER, "messages"), 256),
  bytes: optional(integer(1, Number.MAX_SAFE_INTEGER, "bytes"), MEBIBYTE),
};

const TOPIC: Readers<TopicSettings> = {
  slow: optional(
    choice<Slow>(["disconnect", "drop-oldest", "block"], `"disconnect", "drop-oldest" or "block"`),
    "disconnect",
  ),
  limit: (given = {}, option) => readGroup(LIMIT, given, option),
  key: callback(),
  gather: timeout(0),
  code: (given = CLOSE_CODES.TRY_AGAIN_LATER) => {
    checkClose(given, "");
    return given as number;
  },
  name: optional(text),
};

/** Checks the options of a topic. Throws INVALID and names the one that is wrong. */
export function checkTopic(given: unknown): TopicSettings {
  return readOptions(TOPIC, given);
}
