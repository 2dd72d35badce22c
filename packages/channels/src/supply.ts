// Channels that work only while somebody waits for them: the stages of a flow, what is read from iterables and streams.
// `Outlet` is the channel, the same class for all of them; what it gives out is the business of a `Supply`, which is
// also the queue of who waits. Surprising: nobody needs to say when to begin, the queue sees it.

import { counting } from "./count.ts";
import { disposeBy } from "./dispose.ts";
import { bound } from "./host.ts";
import {
  dormant,
  due,
  endReceivers,
  fire,
  front,
  genuine,
  handOff,
  holds,
  ready,
  rouse,
  take,
  turnedReady,
  watched,
} from "./protocol.ts";
import { option, shownStranger, unfit } from "./mistake.ts";
import { isObject } from "./object.ts";
import { checkSignalOptions, onAbort } from "./signal.ts";
import { Source } from "./source.ts";
import { AlarmQueue } from "./time/alarm-queue.ts";
import type { ReceiveChannel, SignalOptions } from "./types.ts";

const cancel: unique symbol = Symbol("cancel");

/** @internal How a channel has ended. */
export interface Ending {
  readonly cause: unknown;
}

/** @internal Options that every channel on demand has. */
export interface SupplyOptions extends SignalOptions {
  readonly name?: string | undefined;
}

/** @internal The options, once they are known to be right. */
export function supplyOptions<O extends SupplyOptions>(options: O | undefined, names: readonly string[]): O {
  const given = options === undefined ? ({} as O) : options;
  checkSignalOptions(given, ["signal", "name", ...names]);
  option(given, "name", "string");
  return given;
}

/** @internal The channel, once it is known to be one. */
export function sourceOf<T>(channel: ReceiveChannel<T>, what = "source"): Source<T> {
  if (isObject(channel) && Source[genuine](channel)) return channel as Source<T>;
  throw unfit(what, "a channel to receive from", shownStranger(channel));
}

/**
 * @internal Gives what runs a task in a microtask, in the async context of now, wherever it is called from: what a
 * channel calls of the program's (a function, an iterator) is neither the sender's business nor the receiver's.
 */
export function inThisContext(task: () => void): () => void {
  const run = bound(task);
  return () => void atOnce.then(run);
}

const atOnce: Promise<void> = Promise.resolve();

/** @internal Where the values of an `Outlet` come from. Dispose and the signal end it. */
export abstract class Supply<T> extends AlarmQueue {
  readonly outlet: Outlet<T>;
  readonly name: string | undefined;
  readonly #signal: AbortSignal | undefined;
  #ending: Ending | undefined = undefined;
  #attended = false;
  #forget: (() => void) | undefined = undefined; // the signal

  constructor({ name, signal }: SupplyOptions) {
    super();
    this.name = name;
    this.#signal = signal;
    this.outlet = new Outlet(this);
  }

  /** A value is there. Who waits already is served when it comes: then there is none for others. */
  abstract ready(): boolean;
  abstract take(): T;
  /** How it ends, if by now it would without being told: its source has. */
  abstract exhausted(): Ending | undefined;
  /** Somebody waits, and may have waited before. */
  abstract rouse(): void;

  /** Values there now; one at least while an ended supply has some left. */
  get length(): number {
    return 0;
  }

  /** It would start something, did somebody wait. */
  dormant(): boolean {
    return false;
  }

  /** Somebody waits, or may come to wait without a further word: a Selector, a stage. */
  attend(): void {}
  /** Nobody any more. */
  forsake(): void {}

  /** It does something that an abort must end, though nobody waits. */
  busy(): boolean {
    return false;
  }

  /** Ends it before its time. */
  stop(cause: unknown): void {
    this.end(cause);
  }

  moment(): number {
    return Infinity;
  }
  moved(_ahead: number): void {}
  ring(): void {}

  // Where nobody waits and nothing is under way no listener stands at the signal: its abort is noticed by who looks.
  get ending(): Ending | undefined {
    if (this.#ending !== undefined) return this.#ending;
    const signal = this.#signal;
    const aborted = signal?.aborted === true && !this.busy();
    const ending = aborted ? { cause: signal.reason } : this.exhausted();
    if (!this.#attended) this.#ending = ending; // else whoever waits must be told first
    return ending;
  }

  /** It has been ended. */
  get ended(): boolean {
    return this.#ending !== undefined;
  }

  /**
   * Hands a value to who has waited longest; false when nobody waits. A Selector in front learns that the next would
   * have to be asked for.
   */
  give(value: T): boolean {
    const given = this.outlet[handOff](value);
    if (given) this.outlet[turnedReady]();
    return given;
  }

  /** For a kind that is busy from its making. */
  begin(): void {
    if (this.#signal?.aborted === true) this.cancel();
    else this.heed();
  }

  /** Ends it, and tells those who wait. */
  end(cause: unknown): void {
    this.#ending ??= { cause };
    this.attendance();
    this.heed();
    this.outlet[endReceivers]();
  }

  override turned(): void {
    super.turned();
    this.attendance();
    if (this.head !== undefined) this.rouse();
  }

  /** To be called when who waits, or might, has changed. Whoever stands in front rouses it, once it is ready to be asked. */
  attendance(): void {
    const attended = this.#ending === undefined && (this.head !== undefined || this.outlet[front] !== this);
    if (attended !== this.#attended) {
      this.#attended = attended;
      if (attended) this.attend();
      else this.forsake();
      this.heed();
    }
  }

  /** Listens to the signal while there is something that an abort must end. */
  heed(): void {
    const signal = this.#signal;
    if (this.#attended || (this.#ending === undefined && this.busy())) {
      if (signal !== undefined) this.#forget ??= onAbort(signal, () => this.cancel());
    } else {
      this.#forget?.();
      this.#forget = undefined;
    }
  }

  /** Dispose, or its signal. */
  cancel(): void {
    if (this.#ending !== undefined) return;
    const end = this.exhausted();
    if (end !== undefined) this.end(end.cause);
    else this.stop(this.#signal?.aborted === true ? this.#signal.reason : undefined);
  }
}

/** @internal */
export class Outlet<out T> extends Source<T> implements Disposable {
  readonly #supply: Supply<T>;
  declare readonly [Symbol.dispose]: () => void;

  static {
    disposeBy(this.prototype, cancel);
  }

  constructor(supply: Supply<T>) {
    super(supply);
    this.#supply = supply;
    counting?.made(this, "Flow", undefined);
  }

  override get closed(): boolean {
    return this.#supply.ending !== undefined;
  }

  override get cause(): unknown {
    return this.#supply.ending?.cause;
  }

  override get length(): number {
    return this.#supply.length;
  }

  override get name(): string | undefined {
    return this.#supply.name;
  }

  /** @internal */
  override [ready](): boolean {
    return this.#supply.ready() || this.#supply.ending !== undefined;
  }

  /** @internal */
  override [take](): T {
    return this.#supply.take();
  }

  /** @internal */
  override [watched](): void {
    this.#supply.attendance();
  }

  /** @internal */
  override [due](): number {
    this.#supply.clock();
    return this.#supply.moment();
  }

  /** @internal */
  override get [holds](): boolean {
    return this.#supply.holding();
  }

  /** @internal */
  override [fire](): void {
    this.#supply.ring();
  }

  /** @internal */
  override [dormant](): boolean {
    return this.#supply.dormant();
  }

  /** @internal */
  override [rouse](): void {
    this.#supply.rouse();
  }

  /** @internal */
  [cancel](): void {
    this.#supply.cancel();
  }
}
