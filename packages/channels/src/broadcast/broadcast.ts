// Tells many: every subscriber gets every value, in one order, and no faster than the slowest of them allows.

import { checkOptions, oneOf, option, whole } from "../source.ts";
import type { SendChannel } from "../types.ts";
import { Cursor, type SlowPolicy } from "./cursor.ts";
import { Entrance, Sender } from "./entrance.ts";
import { Log } from "./log.ts";
import { Outlet, type Subscription } from "./subscription.ts";

/** Options of a broadcast. */
export interface BroadcastOptions {
  /** What becomes of a value for a subscriber that has no room, unless it says so itself. Default "block". */
  readonly slow?: SlowPolicy | undefined;
  /** Values kept for late subscribers. Default 0. */
  readonly replay?: number | undefined;
  /** For people who read errors and reports. */
  readonly name?: string | undefined;
}

/** Options of one subscriber. */
export interface SubscribeOptions<T> {
  /** Values this subscriber may be behind, 1 or more. Default 16. */
  readonly capacity?: number | undefined;
  /**
   * What becomes of a value when there is no room: the sender waits ("block"), the oldest value goes, the new one does,
   * or the subscription ends after what it holds ("close"). Default: what the broadcast says.
   */
  readonly slow?: SlowPolicy | undefined;
  /** How many of the broadcast's last values come first, at most `capacity`. Default: all that it keeps. */
  readonly replay?: number | undefined;
  /** Gets each value that there was no room for, synchronously, once every subscriber has the value that was sent. */
  readonly onDrop?: ((value: T) => void) | undefined;
  /** For people who read errors and reports. */
  readonly name?: string | undefined;
}

const POLICIES = ["block", "drop-oldest", "drop-newest", "close"] as const;
const OPTIONS = ["slow", "replay", "name"];
const SUBSCRIBE_OPTIONS = [...OPTIONS, "capacity", "onDrop"];
const CAPACITY = 16;

/**
 * Tells many: what is sent reaches every subscriber, all in the same order, at one instant for all.
 *
 * A subscriber that is `capacity` values behind makes senders wait, unless its policy for slowness is another. A
 * subscription that nobody receives from must be disposed: it stalls everyone.
 *
 * @throws TypeError for an option of the wrong type, RangeError for a number out of its limits.
 *
 * @example
 * import { Broadcast } from "@sluice/channels/broadcast";
 *
 * const prices = new Broadcast<number>();
 * using ann = prices.subscribe();
 * using bob = prices.subscribe({ capacity: 1, slow: "drop-oldest" });
 * for (const price of [101, 102, 103]) await prices.send(price);
 * console.log(await ann.receiveMany(10)); // → 101,102,103
 * console.log(await bob.receiveMany(10), bob.missed); // → 103 2
 */
export class Broadcast<in out T> extends Sender<T> {
  readonly #log: Log<T>;
  readonly #entrance: Entrance<T>;
  readonly #slow: SlowPolicy;
  readonly #kept: Cursor<T> | undefined;

  /** Makes a broadcast without subscribers. */
  constructor(options: BroadcastOptions = {}) {
    checkOptions(options, OPTIONS);
    const log = new Log<T>();
    const name = option(options, "name", "string");
    super(log, name);
    this.#log = log;
    this.#entrance = new Entrance(log, name);
    this.#slow = oneOf(options.slow, "slow", POLICIES) ?? "block";
    const replay = whole(options.replay, "replay", 0) ?? 0;
    if (replay === 0) return;
    this.#kept = new Cursor(log, { capacity: replay, slow: "drop-oldest" });
  }

  /** Subscriptions that get what is sent. */
  get subscribers(): number {
    return Math.max(0, this.#log.size - (this.#kept === undefined ? 0 : 1));
  }

  /**
   * Gives a channel with what the broadcast keeps for late subscribers, and all that is sent from now on.
   *
   * On a closed broadcast it gives what is kept, then the end. Unsubscribe, or dispose, when nobody receives any more.
   *
   * @throws TypeError for an option of the wrong type, RangeError for a number out of its limits.
   */
  subscribe(options: SubscribeOptions<T> = {}): Subscription<T> {
    checkOptions(options, SUBSCRIBE_OPTIONS);
    const capacity = whole(options.capacity, "capacity", 1) ?? CAPACITY;
    const replay = Math.min(whole(options.replay, "replay", 0) ?? Infinity, capacity, this.#kept?.length ?? 0);
    const slow = oneOf(options.slow, "slow", POLICIES) ?? this.#slow;
    const onDrop = option(options, "onDrop", "function");
    const name = option(options, "name", "string");
    return new Outlet(new Cursor(this.#log, { capacity, slow, onDrop, name }, replay));
  }

  /**
   * Gives the broadcast as a channel to send on, for `pipe` and for `select`: the same object every time. Its `caseSend`
   * is ready when no "block" subscriber is full; closing it closes the broadcast.
   */
  channel(): SendChannel<T> {
    return this.#entrance;
  }
}
