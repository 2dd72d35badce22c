// Events as a channel. An emitter does not wait, so what comes too fast is dropped, or the channel ends: the caller says
// which. The listener goes with the end of the channel, however it ends.

import { check, oneOf, option, Ring, runHook, shown, turnedReady, unfit, whole } from "../source.ts";
import { SluiceError, UNAVAILABLE } from "../errors.ts";
import { type Ending, Supply, supplyOptions } from "../supply.ts";
import type { ReceiveChannel, SignalOptions } from "../types.ts";

declare global {
  // Of the DOM's declarations, where a program has them: this adds nothing to them.
  interface WindowEventMap {}
}

/** Options of `fromEvent`. */
export interface EventOptions<T> extends SignalOptions {
  /** Events that may wait, 1 or more. */
  readonly capacity: number;
  /**
   * What becomes of one more event when the channel is full: the oldest is dropped, or the new one; or the channel ends
   * with an error of kind UNAVAILABLE as its cause, after what stands in it.
   */
  readonly overflow: "drop-oldest" | "drop-newest" | "close";
  /** Gets each event that was dropped, or did not fit, once the channel's state is final. */
  readonly onDrop?: ((event: T) => void) | undefined;
  /** For people who read errors and reports. */
  readonly name?: string | undefined;
}

/** What emitters have in common; `NodeEmitterLike` is the same for listeners of any arguments. */
export interface EmitterLike {
  /** Adds a listener. */
  on(name: string | symbol, listener: (...args: never[]) => void): unknown;
  /** Removes a listener. */
  off(name: string | symbol, listener: (...args: never[]) => void): unknown;
}

/** What Node's `EventEmitter` is: its listeners take `any`, which is nothing that `never` takes. */
export interface NodeEmitterLike {
  /** Adds a listener. */
  on(name: string | symbol, listener: (...args: unknown[]) => void): unknown;
  /** Removes a listener. */
  off(name: string | symbol, listener: (...args: unknown[]) => void): unknown;
}

type Listener = (...args: never[]) => void;

interface AnyTarget {
  readonly addEventListener?: (name: string | symbol, listener: Listener) => void;
  readonly removeEventListener?: (name: string | symbol, listener: Listener) => void;
  readonly on?: (name: string | symbol, listener: Listener) => unknown;
  readonly off?: (name: string | symbol, listener: Listener) => unknown;
}

const OVERFLOWS = ["drop-oldest", "drop-newest", "close"] as const;
const NAMES = ["capacity", "overflow", "onDrop"];

/**
 * Makes a channel of the events of an `EventTarget`, or of an emitter with `on` and `off`, from now on.
 *
 * Of an emitter a value is what the listener got: the argument, or an array where there were several. Dispose, the
 * signal, or an overflow with "close" takes the listener away; what stands in the channel stays receivable.
 *
 * @throws TypeError, RangeError for a bad argument.
 *
 * @example
 * import { fromEvent } from "@sluice/channels/interop";
 *
 * const page = new EventTarget();
 * using clicks = fromEvent(page, "click", { capacity: 16, overflow: "drop-oldest" });
 * page.dispatchEvent(new Event("click"));
 * const { value } = await clicks.receive();
 * console.log(value?.type); // → click
 */
export function fromEvent<K extends keyof WindowEventMap>(
  target: EventTarget,
  name: K,
  options: EventOptions<WindowEventMap[K]>,
): ReceiveChannel<WindowEventMap[K]> & Disposable;
export function fromEvent<T = Event>(
  target: EventTarget | EmitterLike | NodeEmitterLike,
  name: string | symbol,
  options: EventOptions<T>,
): ReceiveChannel<T> & Disposable;
export function fromEvent<T>(
  target: EventTarget | EmitterLike | NodeEmitterLike,
  name: string | symbol,
  options: EventOptions<T>,
): ReceiveChannel<T> & Disposable {
  const type = typeof name;
  check(type === "string" || type === "symbol", "name", "a string or a symbol", name);
  return new Listening(target as AnyTarget, name, supplyOptions(options, NAMES)).outlet;
}

class Listening<T> extends Supply<T> {
  readonly #events = new Ring<T>();
  readonly #capacity: number;
  readonly #overflow: EventOptions<T>["overflow"];
  readonly #onDrop: EventOptions<T>["onDrop"];
  readonly #remove: () => void;

  constructor(target: AnyTarget, name: string | symbol, options: EventOptions<T>) {
    super(options);
    const { capacity, overflow } = options as Partial<EventOptions<T>>;
    check(capacity !== undefined, "capacity", "a positive integer", capacity);
    this.#capacity = whole(capacity, "capacity", 1);
    check(overflow !== undefined, "overflow", `one of ${OVERFLOWS.join(", ")}`, overflow);
    this.#overflow = oneOf(overflow, "overflow", OVERFLOWS);
    this.#onDrop = option(options, "onDrop", "function");
    const listener: Listener = (...args) => this.#hear((args.length > 1 ? args : args[0]) as T);
    const { addEventListener, removeEventListener, on, off } = Object(target) as AnyTarget;
    const [add, remove] = typeof addEventListener === "function" ? [addEventListener, removeEventListener] : [on, off];
    const right = typeof add === "function" && typeof remove === "function";
    if (!right) throw unfit("target", "an EventTarget or an emitter with `on` and `off`", shown(target));
    this.#remove = () => remove.call(target, name, listener);
    if (options.signal?.aborted !== true) add.call(target, name, listener);
    this.begin();
  }

  #hear(event: T): void {
    const events = this.#events;
    if (this.give(event)) return;
    if (events.length < this.#capacity) {
      events.push(event);
      this.outlet[turnedReady]();
      return;
    }
    let dropped = event;
    if (this.#overflow === "drop-oldest") {
      dropped = events.shift();
      events.push(event);
    } else if (this.#overflow === "close") {
      const message = `${this.name === undefined ? "A channel of events" : `The channel of events "${this.name}"`} was full`;
      this.stop(new SluiceError(UNAVAILABLE, message, { retryable: true, details: { capacity: this.#capacity } }));
    }
    runHook(this.#onDrop, dropped);
  }

  ready(): boolean {
    return this.#events.length > 0;
  }

  take(): T {
    return this.#events.shift();
  }

  override get length(): number {
    return this.#events.length;
  }

  exhausted(): Ending | undefined {
    return undefined;
  }

  override busy(): boolean {
    return true;
  }

  rouse(): void {}

  override stop(cause: unknown): void {
    this.end(cause);
    this.#remove();
  }
}
