// Where values go into a broadcast: what `Broadcast` and the channel that it shows have in common, and that channel.

import {
  accepts,
  counting,
  type Crowded,
  crowded,
  disposeBy,
  enlistSender,
  failSend,
  type Kind,
  type Link,
  type List,
  Offer,
  parkIn,
  put,
  recorder,
  refusal,
  rejected,
  senders,
  sends,
  sent,
  settle,
  type Sink,
  type Waiting,
  whenClosed,
} from "../source.ts";
import { ClosedError } from "../errors.ts";
import type { SendCase, SendChannel, SignalOptions } from "../types.ts";
import type { Log } from "./log.ts";

/** The sending side of a broadcast. */
export abstract class Sender<in out T> implements Disposable {
  readonly #log: Log<T>;
  /** For people who read errors and reports. */
  readonly name: string | undefined;
  /** Closes it: `using` does that at the end of the block. */
  declare readonly [Symbol.dispose]: () => void;

  static {
    disposeBy(this.prototype, "close");
  }

  /** @internal */
  constructor(log: Log<T>, name: string | undefined) {
    this.#log = log;
    this.name = name;
  }

  /** True from `close()` on. */
  get closed(): boolean {
    return this.#log.end !== undefined;
  }

  /** What `close` was given; `undefined` for a plain close and while it is open. */
  get cause(): unknown {
    return this.#log.end?.cause;
  }

  /**
   * Sends a value to every subscriber, at one instant; resolves when each "block" subscriber has it or has room for it.
   *
   * While one of them has no room nobody gets it, and the sender waits in line. On abort it rejects with the signal's
   * reason; the value was not sent. Without subscribers it resolves, and the value is gone but for the replay.
   *
   * @throws ClosedError (as a rejection), with the value, when the broadcast is closed, before or while it waits.
   */
  send(value: T, options?: SignalOptions): Promise<void> {
    const refused = refusal(options);
    if (refused !== undefined) return refused;
    const { entrance } = this.#log;
    try {
      return this[put](value) ? sent() : parkIn(this.#log.senders, SEND, entrance, options, value);
    } catch (closed) {
      return rejected(closed);
    }
  }

  /**
   * Sends without waiting: false when some "block" subscriber has no room, and then nobody got it.
   *
   * @throws ClosedError, with the value, when the broadcast is closed.
   */
  trySend(value: T): boolean {
    recorder?.passed();
    return this[put](value);
  }

  /**
   * Closes the broadcast. What stands in the subscriptions still arrives, then they end with this cause; senders that
   * wait reject with their values, in order. Only the first call counts.
   *
   * @param cause why, for whoever reads `cause` or iterates; `undefined` means a plain close.
   */
  close(cause?: unknown): void {
    recorder?.passed();
    const { senders: queue, entrance, end } = this.#log;
    if (end !== undefined) return;
    this.#log.close({ cause });
    while (queue.head !== undefined) queue.head.wake(entrance, undefined, false);
  }

  /** @internal As the case `key` of a select. */
  [put](value: T, key?: number | string): boolean {
    const log = this.#log;
    if (log.end !== undefined) throw new ClosedError(value, log.entrance, key);
    if (log.full > 0) return false;
    log.send(value);
    return true;
  }
}

const SEND: Kind = {
  what: "send",
  fails: true,
  // oxlint-disable-next-line typescript/unbound-method
  entry: Sender.prototype.send,
  finish: (waiter, ok, _value, channel) => {
    if (ok) settle(waiter.resolve, undefined);
    else failSend(waiter, channel as SendChannel<never>);
  },
};

/** @internal The channel that senders see, and `select`. What was sent stands in the subscriptions, none of it here. */
export class Entrance<in out T> extends Sender<T> implements SendChannel<T>, Sink<T> {
  readonly #log: Log<T>;

  constructor(log: Log<T>, name: string | undefined) {
    super(log, name);
    this.#log = log;
    log.entrance = this;
    counting?.made(this, "Broadcast", undefined);
  }

  get length(): number {
    return 0;
  }

  get capacity(): number {
    return 0;
  }

  caseSend(value: T): SendCase<T> {
    return new Offer<T>(this, value) as unknown as SendCase<T>;
  }

  case_send(value: T): SendCase<T> {
    return this.caseSend(value);
  }

  /** @internal */
  get [sends](): true {
    return true;
  }

  /** @internal */
  get [senders](): List<Waiting> {
    return this.#log.senders;
  }

  /** @internal */
  get [crowded](): List<Crowded & Link> {
    return this.#log.followers;
  }

  /** @internal */
  [whenClosed](tell: () => void): () => void {
    const { lookouts } = this.#log;
    lookouts.add(tell);
    return () => lookouts.delete(tell);
  }

  /** @internal */
  [accepts](): boolean {
    return this.closed || this.#log.full === 0;
  }

  /** @internal */
  [enlistSender](place: Waiting): void {
    this.#log.senders.append(place);
  }
}
