// The receiving side of a broadcast: a `Source` like any other, over a place in the log.
// The log holds it only while it has nothing, when somebody may wait there. So of one that is full it can be told whether
// anybody still holds it, or whether it was abandoned.

import { counting, disposeBy, drained, endReceivers, ready, recorder, Source, take } from "../source.ts";
import type { ReceiveChannel } from "../types.ts";
import type { Cursor } from "./cursor.ts";

/** One subscriber's side: a receive channel like any other. Dispose unsubscribes: what stands in it is dropped. */
export interface Subscription<out T> extends ReceiveChannel<T>, Disposable {
  /** Values that this subscriber did not get since it subscribed: exact. */
  readonly missed: number;
  /**
   * Gets no more values, and drops those that stand in it, which count neither as missed nor as dropped. Who waits to
   * receive gets `ok: false`. Senders that waited for room here go on.
   */
  unsubscribe(): void;
}

/** @internal */
export class Outlet<T> extends Source<T> implements Subscription<T> {
  readonly #cursor: Cursor<T>;
  declare readonly [Symbol.dispose]: () => void;

  static {
    disposeBy(this.prototype, "unsubscribe");
  }

  constructor(cursor: Cursor<T>) {
    super();
    this.#cursor = cursor;
    cursor.holder = new WeakRef(this);
    if (cursor.length === 0) cursor.channel = this;
    counting?.made(this, "Subscription", undefined);
  }

  override get closed(): boolean {
    return this.#cursor.end !== undefined;
  }

  override get cause(): unknown {
    return this.#cursor.end?.cause;
  }

  override get length(): number {
    return this.#cursor.length;
  }

  override get capacity(): number {
    return this.#cursor.terms.capacity;
  }

  override get name(): string | undefined {
    return this.#cursor.name;
  }

  get missed(): number {
    return this.#cursor.missed;
  }

  unsubscribe(): void {
    recorder?.passed();
    this.#cursor.leave();
    this[endReceivers]();
  }

  /** @internal */
  override [ready](): boolean {
    return this.#cursor.length > 0 || this.#cursor.end !== undefined;
  }

  /** @internal */
  override [drained](): boolean {
    return this.#cursor.length === 0 && this.#cursor.end !== undefined;
  }

  /** @internal */
  override [take](): T {
    return this.#cursor.take(this);
  }
}
