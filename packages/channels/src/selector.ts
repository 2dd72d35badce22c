// A select that stays registered. Channels say when they turn ready, so an event costs the same among 10,000 channels
// as among two: the ready ones stand in one list, each goes to its end once served, and timers stand in one heap.
// Registering takes nothing and holds no place; a parked `next` has its place, by its arrival, in every channel.

import { AlarmQueue } from "./time/alarm-queue.ts";
import { type Deadline, Deadlines } from "./time/deadlines.ts";
import { displayBy, facts, waiting } from "./display.ts";
import { disposeBy } from "./dispose.ts";
import { ALREADY_EXISTS, CLOSED, SluiceError } from "./errors.ts";
import { arrived, latest, type Step, StepIterator, type Steps } from "./iterator.ts";
import { type Link, List, unlink } from "./list.ts";
import { check, isRecord, shownStranger, unfit } from "./mistake.ts";
import { isObject } from "./object.ts";
import * as protocol from "./protocol.ts";
import { dismiss, dormant, end, fire, genuine, holds, rouse, step } from "./protocol.ts";
import { refusal } from "./signal.ts";
import { Source } from "./source.ts";
import { settle, settled } from "./turn.ts";
import type { ReceiveChannel, SignalOptions } from "./types.ts";
import { Watch } from "./watch.ts";
import { dismissAll, type Kind, parkIn, recorder } from "./waiter.ts";

// Constants of this module: an import is looked up at each use, which costs a hot path 15 % (bench: receive-many).
const ready: typeof protocol.ready = protocol.ready;
const commit: typeof protocol.commit = protocol.commit;
const due: typeof protocol.due = protocol.due;

/** What a `Selector` gives: a union that narrows by `name` and `ok`. `ok: false` is a channel's end, told once. */
export type SelectorEvent<M> = {
  [K in keyof M & string]:
    | {
        /** The name that the channel was added under. */
        readonly name: K;
        /** The channel. */
        readonly channel: ReceiveChannel<M[K]>;
        /** What was received. */
        readonly value: M[K];
        /** True: a value. */
        readonly ok: true;
      }
    | {
        /** The name that the channel had; it is free again. */
        readonly name: K;
        /** The channel. */
        readonly channel: ReceiveChannel<M[K]>;
        /** None. */
        readonly value: undefined;
        /** False: the channel has ended, and is watched no longer. */
        readonly ok: false;
        /** What the channel was closed with. */
        readonly cause: unknown;
      };
}[keyof M & string];

const NAMES_SHOWN = 8;

interface Event {
  readonly name: string;
  readonly channel: object;
  readonly value: unknown;
  readonly ok: boolean;
  readonly cause?: unknown;
}

/**
 * Watches any number of channels and gives their values one by one, as events that say which channel.
 *
 * Fair: no channel that stays ready waits more than one round. The cost of an event does not depend on how many
 * channels are watched.
 *
 * @example
 * const letters = new Channel<string>(1);
 * const numbers = new Channel<number>(1);
 * using events = new Selector({ letters, numbers });
 * await numbers.send(7);
 * const event = await events.next();
 * if (event?.name === "numbers" && event.ok) console.log(event.value * 6); // → 42
 */
export class Selector<in out M extends object = Record<string, unknown>>
  implements AsyncIterable<SelectorEvent<M>, undefined>, Disposable
{
  readonly #round = new Round();
  /** Closes it: `using` does that at the end of the block. The channels stay open. */
  declare readonly [Symbol.dispose]: () => void;

  static {
    disposeBy(this.prototype, "close");
    displayBy(this.prototype);
  }

  /** @internal */
  [facts](): readonly (string | false)[] {
    return this.#round.facts();
  }

  /** Watches the channels of a record under their names. */
  constructor(channels: { readonly [K in keyof M]?: ReceiveChannel<M[K]> | undefined } = {}) {
    check(isRecord(channels), "channels", "a record of channels", channels);
    try {
      for (const [name, channel] of Object.entries(channels)) {
        if (channel !== undefined) this.#round.add(name, channel);
      }
    } catch (mistake) {
      this.#round.close(); // nobody else could
      throw mistake;
    }
  }

  /**
   * Watches one more channel, from now on; a `next` that waits may get its value at once.
   *
   * @throws SluiceError of kind ALREADY_EXISTS when the name is taken, of kind CLOSED after `close()`.
   */
  add<K extends keyof M & string>(name: K, channel: ReceiveChannel<M[K]>): this {
    this.#round.add(name, channel);
    return this;
  }

  /** Stops watching a channel; false when there is none of that name. It does not recall an event already given. */
  delete(name: keyof M & string): boolean {
    return this.#round.delete(name);
  }

  /** "Selector", for `Object.prototype.toString`. */
  get [Symbol.toStringTag](): string {
    return "Selector";
  }

  /** Channels watched now. */
  get size(): number {
    return this.#round.registrations.size;
  }

  /**
   * Waits for the next event. Resolves with `undefined` once a close left no channel, and after `close()`.
   *
   * On abort it rejects with the signal's reason; nothing was taken.
   */
  next(options?: SignalOptions): Promise<SelectorEvent<M> | undefined> {
    return refusal(options) ?? this.#round.receive(NEXT, options);
  }

  /** Gives the next event without waiting; `undefined` when no channel is ready. */
  tryNext(): SelectorEvent<M> | undefined {
    return this.#round.take() as SelectorEvent<M> | undefined;
  }

  /** Stops watching every channel and ends the loops over this Selector. The channels stay as they are. */
  close(): void {
    this.#round.close();
  }

  /** Iterates over the events until a close left no channel. `break` leaves every channel registered. */
  [Symbol.asyncIterator](): AsyncIterableIterator<SelectorEvent<M>, undefined, undefined> {
    return new StepIterator<SelectorEvent<M>>(this.#round);
  }
}

const NEXT: Kind = {
  what: "Selector.next",
  fails: false,
  finish: (waiter, _ok, event) => settle(waiter.resolve, event),
};
const STEP: Kind = {
  what: "for await",
  fails: false,
  finish: (waiter, _ok, event) => {
    arrived(waiter);
    settle(waiter.resolve, stepOf(event));
  },
};

function stepOf(value: unknown): Step<never> {
  return { value, done: value === undefined } as Step<never>;
}

/** @internal The state of one Selector, and the queue of its parked `next`s: its alarm is for the earliest of its timers. */
export class Round extends AlarmQueue implements Steps<never> {
  readonly registrations = new Map<string, Registration>();
  /** The ready ones, and some that were. */
  readonly ready: List<Registration> = new List();
  readonly #timers = new Deadlines<Moment>();
  #idle = 0; // of the timers, those that the process does not live on for
  #ended = false; // a close left no channel
  #closed = false;
  #taking = false;
  #dormant: Set<Registration> | undefined = undefined; // what starts something when somebody waits

  /** When its first `next` parked. */
  get arrival(): number {
    return this.#taking ? Infinity : (this.head?.arrival ?? Infinity);
  }

  add(name: string, source: unknown): void {
    check(typeof name === "string", "name", "a string", name);
    if (!isObject(source) || !Source[genuine](source)) {
      throw unfit(`channels.${name}`, "a channel to receive from", shownStranger(source));
    }
    if (this.#closed) throw new SluiceError(CLOSED, `Cannot add "${name}": the Selector is closed`);
    if (this.registrations.has(name)) {
      throw new SluiceError(ALREADY_EXISTS, `Cannot add "${name}": the name is taken`, { details: { name } });
    }
    const registration = new Registration(name, source, this);
    this.registrations.set(name, registration);
    recorder?.passed();
    this.#ended = false;
    registration.source[fire](); // a timer that is due already
    this.place(registration);
    if (this.head !== undefined) this.rouse();
    while (this.head !== undefined) {
      this.#taking = true; // room in a socket's channel lets more in at once, which must not overtake what is taken
      const event = this.take();
      this.#taking = false;
      if (event === undefined) break;
      this.deliver(event);
    }
  }

  delete(name: string): boolean {
    recorder?.passed();
    const registration = this.registrations.get(name);
    if (registration !== undefined) this.#forget(registration);
    return registration !== undefined;
  }

  close(): void {
    recorder?.passed();
    this.#closed = true;
    for (const registration of this.registrations.values()) this.#forget(registration);
    this.#end();
  }

  receive<R>(kind: Kind, options?: SignalOptions, iterator?: StepIterator<never>): Promise<R> {
    const event = this.take();
    if (event === undefined && !this.#ended) {
      const parked = parkIn<R>(this, kind, this, options, iterator);
      if (iterator !== undefined) iterator[latest] = this.previous;
      return parked;
    }
    return settled((kind === STEP ? stepOf(event) : event) as R);
  }

  [step](iterator: StepIterator<never>): Promise<Step<never>> {
    return this.receive(STEP, undefined, iterator);
  }

  [dismiss](iterator: object): void {
    dismissAll(this, this, iterator);
  }

  [end](): Step<never> {
    return stepOf(undefined);
  }

  /** Commits the next event, if a channel is ready. */
  take(): Event | undefined {
    recorder?.passed();
    this.collectTimers();
    for (let first = this.ready.head; first !== undefined; first = this.ready.head) {
      unlink(first);
      const received = first.source[commit]();
      if (received?.ok === false) return this.finish(first);
      this.place(first); // behind all who wait, so that nobody waits two rounds
      if (received !== undefined) return first.event(received.value); // else somebody else was faster
    }
    return undefined;
  }

  /** The last event of a channel. */
  finish(registration: Registration): Event {
    this.#forget(registration);
    this.#ended = this.registrations.size === 0;
    return registration.last();
  }

  /** Hands an event to the `next` that has waited longest. */
  deliver(event: Event): void {
    this.head?.wake(this, event, true);
    if (this.#ended) this.#end();
  }

  override turned(): void {
    super.turned();
    if (this.head !== undefined) this.rouse();
  }

  /** Something would start, did somebody wait. */
  get sleeping(): boolean {
    return this.#dormant !== undefined && this.#dormant.size > 0;
  }

  /** Somebody waits now. */
  rouse(): void {
    const sleepers = this.#dormant;
    this.#dormant = undefined; // each may lie down again
    if (sleepers !== undefined) for (const { source } of sleepers) source[rouse]();
  }

  #end(): void {
    this.#ended = true;
    while (this.head !== undefined) this.head.wake(this, undefined, true);
  }

  /** Puts a channel where it belongs: behind the ready ones, or into the heap until its moment. */
  place(registration: Registration): void {
    const { source } = registration;
    const moment = source[due]();
    if (registration.next === undefined && source[ready]()) this.ready.append(registration);
    if (registration.next === undefined && moment < Infinity) this.#await(registration, moment);
    else if (registration.timer !== undefined) this.#unawait(registration.timer);
    if (source[dormant]()) (this.#dormant ??= new Set()).add(registration);
    this.wait();
  }

  moment(): number {
    return this.#timers.first?.due ?? Infinity;
  }

  /** For people who debug. */
  facts(): readonly (string | false)[] {
    const names = [...this.registrations.keys()];
    const more = names.splice(NAMES_SHOWN).length;
    const { size } = this.registrations;
    const shown = `${size} channel${size === 1 ? "" : "s"}${size > 0 ? `: ${names.join(", ")}` : ""}`;
    return [shown, more > 0 && `and ${more} more`, waiting(this.count(), "next"), this.#closed && "closed"];
  }

  override holding(): boolean {
    return this.#timers.size > this.#idle;
  }

  #await(registration: Registration, moment: number): void {
    const timer = (registration.timer ??= new Moment(registration));
    this.#timers.set(timer, moment);
    this.#count(timer, !registration.source[holds]);
  }

  #unawait(timer: Moment): void {
    this.#timers.delete(timer);
    this.#count(timer, false);
  }

  #count(timer: Moment, isIdle: boolean): void {
    if (timer.idle === isIdle) return;
    timer.idle = isIdle;
    this.#idle += isIdle ? 1 : -1;
  }

  // As its timers do: when the clock that decides has changed, they all have moved.
  moved(): void {
    for (const registration of this.registrations.values()) this.place(registration);
  }

  ring(): void {
    this.#timers.first?.registration.source[fire]();
    this.wait(); // for the next of its timers, and others may come before
  }

  collectTimers(): void {
    if (this.#timers.first === undefined) return;
    const now = this.clock().now(); // which may move them all
    while (this.moment() <= now) {
      const { first } = this.#timers;
      this.#unawait(first);
      this.ready.append(first.registration);
    }
  }

  #forget(registration: Registration): void {
    this.registrations.delete(registration.name);
    unlink(registration);
    registration.leave();
    if (registration.timer !== undefined) this.#unawait(registration.timer);
    this.#dormant?.delete(registration);
    this.wait();
  }
}

/** @internal A channel's place in one Selector. While linked it stands in the list of the ready ones, never in the heap too. */
export class Registration extends Watch<Source<unknown>> implements Link {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  timer: Moment | undefined = undefined; // apart: few channels have one, and each costs a line of the cache
  readonly name: string;
  readonly #round: Round;

  constructor(name: string, source: Source<unknown>, round: Round) {
    super(source);
    this.name = name;
    this.#round = round;
  }

  get arrival(): number {
    return this.#round.arrival;
  }

  told(): void {
    this.#round.place(this);
  }

  wake(_channel: object, value: unknown, ok: boolean): void {
    this.#round.deliver(ok ? this.event(value) : this.#round.finish(this));
  }

  event(value: unknown): Event {
    return { name: this.name, channel: this.source, value, ok: true };
  }

  last(): Event {
    return { name: this.name, channel: this.source, value: undefined, ok: false, cause: this.source.cause };
  }
}

/** The moment of a channel that turns ready by itself. */
class Moment implements Deadline {
  due = Infinity;
  position = -1;
  order = 0;
  /** It is waited for, and does not keep the process alive. */
  idle = false;
  readonly registration: Registration;

  constructor(registration: Registration) {
    this.registration = registration;
  }
}
