// Closing many connections: their close frames are spread over a time, so that ten thousand clients do not come back at
// once, and whoever does not answer is let go of.

import { type Duration, errors } from "@sluice/channels";
import { Alarm } from "../connection/alarm.ts";
import type { Client } from "../connection/client.ts";
import { checkClose } from "../connection/ending.ts";
import { CLOSE_CODES } from "../protocol/constants.ts";
import { optional, type Reader, readOptions, type Readers, timeout } from "../protocol/options.ts";

/** Options of a server's `close`. */
export interface CloseServerOptions {
  /**
   * The code of the close frames. Default 1012, "service restart", which tells clients to come back; 1001 is for a server
   * that goes for good.
   */
  readonly code?: number | undefined;
  /** At most 123 bytes of UTF-8. */
  readonly reason?: string | undefined;
  /** Spreads the close frames evenly over so long. Default: all at once. */
  readonly over?: Duration | undefined;
  /** Terminates what is open so long after the last close frame; 0 at once. Default 10 s. */
  readonly within?: Duration | undefined;
}

/** `CloseServerOptions`, checked and complete. */
export interface Drain {
  readonly code: number;
  readonly reason: string;
  readonly over: number;
  readonly within: number;
}

/** How the connections ended that were open. */
export interface Drained {
  /** Ended by themselves, with the peer's answer as a rule. */
  readonly closed: number;
  /** Let go of: no answer within `closeTimeout` or `within`. */
  readonly terminated: number;
}

const milliseconds =
  (otherwise: number): Reader<number> =>
  (given = otherwise, option) =>
    timeout(otherwise)(given, option) ?? 0;

const CLOSE: Readers<Drain> = {
  code: optional((given) => given as number, CLOSE_CODES.SERVICE_RESTART as number),
  reason: optional((given) => given as string, ""),
  over: milliseconds(0),
  within: milliseconds(10_000),
};

/** Checks the options of `close`. */
export function checkDrain(given: unknown): Drain {
  const how = readOptions(CLOSE, given);
  checkClose(how.code, how.reason);
  return how;
}

/** Closes the clients, and waits until each has ended. */
export async function drain(clients: readonly Client[], { code, reason, over, within }: Drain): Promise<Drained> {
  const open = new Set(clients);
  const cut = new Set<Client>();
  const ends = clients.map(async (client) => {
    const { wasClean, error } = await client.closed;
    open.delete(client);
    return wasClean || !(cut.has(client) || errors.is(error, errors.TIMEOUT));
  });
  const startedAt = performance.now();
  for (const [i, client] of clients.entries()) {
    const due = startedAt + (over * i) / clients.length;
    if (due > performance.now()) await until(due);
    void client.close(code, reason);
  }
  const patience = new Alarm(() => {
    for (const client of open) {
      cut.add(client);
      client.terminate();
    }
  });
  patience.in(within);
  const closed = (await Promise.all(ends)).filter(Boolean).length;
  patience.clear();
  return { closed, terminated: clients.length - closed };
}

/** Waits for a moment on the clock of `performance.now()`. The connections keep the process alive. */
function until(moment: number): Promise<void> {
  return new Promise((resolve) => new Alarm(resolve).at(moment));
}
