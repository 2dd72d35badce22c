// A value that changes, and channels that tell: a broadcast that keeps one value, for subscribers that have room for one.

import { type Asked, asked, check, checkOptions, disposeBy, option, refusal, rejected, settled } from "../source.ts";
import { select } from "../select.ts";
import { CLOSED, SluiceError, TIMEOUT } from "../errors.ts";
import { inWords } from "../time/duration.ts";
import { after } from "../time/time.ts";
import type { Duration, SignalOptions } from "../types.ts";
import { Broadcast } from "./broadcast.ts";
import type { Subscription } from "./subscription.ts";

/** Options of a `Latest`. */
export interface LatestOptions {
  /** For people who read errors and reports. */
  readonly name?: string | undefined;
}

/** Options of a channel of changes. */
export interface ChangesOptions {
  /** Whether the value of now comes first. Default true. */
  readonly current?: boolean | undefined;
  /** For people who read errors and reports. */
  readonly name?: string | undefined;
}

/** Options of `until`. */
export interface UntilOptions extends SignalOptions {
  /** The longest wait; zero or less: only a look. Default: no limit. */
  readonly timeout?: Duration | undefined;
}

/** A `Latest` for those who may look and not set it. */
export interface ReadonlyLatest<out T> {
  /** The value of now. */
  readonly value: T;
  /** Ready with the value of now (unless `current: false`), then with the newest each time it changed since; never a backlog. */
  changes(options?: ChangesOptions): Subscription<T>;
  /** Resolves with the first value, the one of now included, that the test accepts. */
  until<U extends T>(test: (value: T) => value is U, options?: UntilOptions): Promise<U>;
  /** Resolves with the first value, the one of now included, that the test accepts. */
  until(test: (value: T) => boolean, options?: UntilOptions): Promise<T>;
  /** True from `close()` on. */
  readonly closed: boolean;
  /** What `close` was given; `undefined` for a plain close and while it is open. */
  readonly cause: unknown;
}

/**
 * A value that changes, and channels that tell.
 *
 * Setting it never waits, and always counts as a change: values are not compared. Who receives the changes gets the
 * newest, however often it was set meanwhile.
 *
 * @example
 * import { Latest } from "@sluice/channels/broadcast";
 *
 * const level = new Latest("low");
 * using changes = level.changes();
 * console.log((await changes.receive()).value); // → low
 * level.value = "middle";
 * level.value = "high";
 * console.log((await changes.receive()).value, changes.missed); // → high 1
 */
export class Latest<in out T> implements ReadonlyLatest<T>, Disposable {
  readonly #news: Broadcast<T>;
  #value: T;
  /** Closes it: `using` does that at the end of the block. */
  declare readonly [Symbol.dispose]: () => void;

  static {
    disposeBy(this.prototype, "close");
  }

  /** Makes it with the value of now. */
  constructor(value: T, options: LatestOptions = {}) {
    checkOptions(options, ["name"]);
    this.#news = new Broadcast({ replay: 1, name: options.name });
    this.#news.trySend((this.#value = value));
  }

  get value(): T {
    return this.#value;
  }

  /**
   * Sets the value and tells everybody; runs none of their code.
   *
   * @throws ClosedError, with the value, once it is closed.
   */
  set value(value: T) {
    this.#news.trySend(value);
    this.#value = value;
  }

  get closed(): boolean {
    return this.#news.closed;
  }

  get cause(): unknown {
    return this.#news.cause;
  }

  /**
   * Gives a channel that is ready with the value of now, unless `current` is false, then with the newest each time it
   * was set since: never a backlog, never the same change twice, and the last value always. Unsubscribe, or dispose,
   * when nobody receives any more.
   *
   * With a receiver that waits, a value is handed over as it is set: set twice in one turn of a task, it gives two.
   */
  changes(options: ChangesOptions = {}): Subscription<T> {
    checkOptions(options, ["current", "name"]);
    const replay = option(options, "current", "boolean") === false ? 0 : 1;
    return this.#news.subscribe({ name: options.name, capacity: 1, slow: "drop-oldest", replay });
  }

  /**
   * Waits for a value that the test accepts; looks at the value of now first, and only at the newest afterwards. The
   * test runs in the async context of the caller, never within the code that sets the value; what it throws is what
   * this rejects with.
   *
   * On abort it rejects with the signal's reason, after `close` with its cause. Either leaves nothing behind.
   *
   * @throws SluiceError (as a rejection) of kind TIMEOUT after `timeout`, of kind CLOSED after a `close` without cause.
   *
   * @example
   * import { Latest } from "@sluice/channels/broadcast";
   *
   * const depth = new Latest(0);
   * const deep = depth.until((metres) => metres >= 10, { timeout: "1m" });
   * depth.value = 5;
   * depth.value = 12;
   * console.log(await deep); // → 12
   */
  until<U extends T>(test: (value: T) => value is U, options?: UntilOptions): Promise<U>;
  until(test: (value: T) => boolean, options?: UntilOptions): Promise<T>;
  until(test: (value: T) => boolean, options: UntilOptions = {}): Promise<T> {
    return refusal(options, ["signal", "timeout"]) ?? this.#until(test, options);
  }

  /**
   * Closes it: `value` stays what it is, subscriptions end after a change they have not seen, and nobody can set it any
   * more. Only the first call counts.
   *
   * @param cause why, for whoever reads `cause`, iterates, or waits in `until`; `undefined` means a plain close.
   */
  close(cause?: unknown): void {
    this.#news.close(cause);
  }

  // It waits anew for each change, so that each look is on the budget of a turn and in the caller's async context.
  async #until(test: (value: T) => boolean, { signal, timeout }: UntilOptions): Promise<T> {
    const changes = this.changes({ current: false, name: this.#news.name });
    Object.assign(changes, { [asked]: UNTIL });
    try {
      check(typeof test === "function", "test", "a function", test);
      const timer = timeout === undefined ? undefined : after(timeout);
      for (;;) {
        const value = this.#value;
        if (test(value)) return await settled(value);
        if (this.closed) return await rejected(this.cause === undefined ? unmet() : this.cause);
        const { index } = await select([changes, timer], { signal, priority: true });
        if (index === 1) throw late(timeout as Duration);
        changes.tryReceive();
      }
    } catch (failure) {
      return await rejected(failure);
    } finally {
      changes.unsubscribe();
    }
  }
}

function unmet(): SluiceError {
  return new SluiceError(CLOSED, "Closed before a value came that the test accepts");
}

function late(timeout: Duration): SluiceError {
  return new SluiceError(TIMEOUT, `No value came within ${inWords(timeout)} that the test accepts`);
}

// oxlint-disable-next-line typescript/unbound-method
const UNTIL: Asked = { what: "until", entry: Latest.prototype.until };
