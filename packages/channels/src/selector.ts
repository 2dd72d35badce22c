// A select that stays registered. Channels say when they turn ready, so an event costs the same among 10,000 channels
// as among two: the ready ones stand in one list, each goes to its end once served, and timers stand in one heap.
// Registering takes nothing and holds no place; a parked `next` has its place, by its arrival, in every channel.

import { AlarmQueue } from "./alarm-queue.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";
import { disposeBy } from "./dispose.ts";
import { ALREADY_EXISTS, CLOSED, SluiceError } from "./errors.ts";
import { type Link, List, unlink } from "./list.ts";
import { check, isObject } from "./mistake.ts";
import { refusal } from "./signal.ts";
import { type Port, portOf, Source, type Watch } from "./source.ts";
import { settle, settled } from "./turn.ts";
import type { ReceiveChannel, SignalOptions } from "./types.ts";
import { dismiss, type Kind, park, recorder } from "./waiter.ts";

/** What a `Selector` gives: a union that narrows by `name` and `ok`. `ok: false` is a channel's end, told once. */
export type SelectorEvent<M> = {
  [K in keyof M & string]:
    | { readonly name: K; readonly channel: ReceiveChannel<M[K]>; readonly value: M[K]; readonly ok: true }
    | { readonly name: K; readonly channel: ReceiveChannel<M[K]>; readonly value: undefined; readonly ok: false };
}[keyof M & string];

interface Event {
  readonly name: string;
  readonly channel: object;
  readonly value: unknown;
  readonly ok: boolean;
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
  declare readonly [Symbol.dispose]: () => void;

  constructor(channels: { readonly [K in keyof M]?: ReceiveChannel<M[K]> | undefined } = {}) {
    check(isObject(channels), "channels", "a record of channels", channels);
    for (const [name, channel] of Object.entries(channels)) {
      if (channel !== undefined) this.#round.add(name, channel);
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
    return (options !== undefined && refusal(options)) || this.#round.receive(NEXT, options);
  }

  /** Gives the next event without waiting; `undefined` when no channel is ready. */
  tryNext(): SelectorEvent<M> | undefined {
    if (recorder !== undefined) recorder.passed();
    return this.#round.take() as SelectorEvent<M> | undefined;
  }

  /** Stops watching every channel and ends the loops over this Selector. The channels stay as they are. */
  close(): void {
    this.#round.close();
  }

  /** Iterates over the events until a close left no channel. `break` leaves every channel registered. */
  [Symbol.asyncIterator](): AsyncIterator<SelectorEvent<M>, undefined> {
    return new RoundIterator(this.#round) as unknown as AsyncIterator<SelectorEvent<M>, undefined>;
  }
}

disposeBy(Selector.prototype, "close");

const NEXT: Kind = {
  what: "Selector.next",
  fails: false,
  finish: (waiter, event) => settle(waiter.resolve, event),
};

const STEP: Kind = {
  what: "for await",
  fails: false,
  finish: (waiter, event) => settle(waiter.resolve, stepOf(event)),
};

/** The state of one Selector, and the queue of its parked `next`s: its alarm is for the earliest of its timers. */
class Round extends AlarmQueue implements Iterable<object> {
  readonly registrations = new Map<string, Registration>();
  readonly ready = new List<Registration>();
  readonly timers = new Deadlines<Registration>();
  ended = false;
  #closed = false;

  add(name: string, channel: unknown): void {
    check(typeof name === "string", "name", "a string", name);
    check(channel instanceof Source, `channels.${name}`, "a channel to receive from", channel);
    if (this.#closed) throw new SluiceError(CLOSED, `Cannot add "${name}": the Selector is closed`);
    if (this.registrations.has(name)) {
      throw new SluiceError(
        ALREADY_EXISTS,
        `Cannot add "${name}": the Selector watches a channel of that name already`,
        {
          details: { name },
        },
      );
    }
    const registration = new Registration(name, channel as Source<unknown>, this);
    this.registrations.set(name, registration);
    this.ended = false;
    registration.port.watch(registration);
    this.schedule(registration);
    registration.port.fire(); // a timer that is due already
    if (registration.port.ready()) registration.turnedReady();
    while (this.head !== undefined) {
      const event = this.take();
      if (event === undefined) break;
      this.deliver(event);
    }
  }

  delete(name: string): boolean {
    const registration = this.registrations.get(name);
    if (registration !== undefined) this.#forget(registration);
    return registration !== undefined;
  }

  close(): void {
    this.#closed = true;
    for (const registration of this.registrations.values()) this.#forget(registration);
    this.#end();
  }

  receive<R>(kind: Kind, options?: SignalOptions, iterator?: object): Promise<R> {
    const event = this.take();
    if (event === undefined && !this.ended) return park(kind, this, this, options, iterator);
    return settled((kind === STEP ? stepOf(event) : event) as R);
  }

  /** Commits the next event, if a channel is ready. */
  take(): Event | undefined {
    this.#collectTimers();
    for (let first = this.ready.head; first !== undefined; first = this.ready.head) {
      const { port } = first;
      unlink(first);
      if (port.ready()) {
        if (port.drained()) return this.finish(first);
        const event = first.event(port.take());
        // Behind all who wait, so that nobody waits two rounds. Taking may have said so already: room in a socket's channel
        // lets more in at once.
        if (port.ready()) first.turnedReady();
        return event;
      }
      this.schedule(first); // somebody else was faster
    }
    return undefined;
  }

  /** The last event of a channel. */
  finish(registration: Registration): Event {
    this.#forget(registration);
    if (this.registrations.size === 0) this.ended = true;
    return registration.event(undefined, false);
  }

  /** The channels, for the report of what is parked. */
  *[Symbol.iterator](): Generator<object> {
    for (const { source } of this.registrations.values()) yield source;
  }

  /** Hands an event to the `next` that has waited longest. */
  deliver(event: Event): void {
    this.head?.wake(this, event, true);
    if (this.ended) this.#end();
  }

  #end(): void {
    this.ended = true;
    while (this.head !== undefined) this.head.wake(this, undefined, true);
  }

  /** Keeps a timer's place in the heap; a channel that is no timer is never due. */
  schedule(registration: Registration): void {
    const due = registration.port.due();
    if (due < Infinity) this.clock();
    if (due < Infinity && registration.next === undefined) this.timers.set(registration, due);
    else this.timers.delete(registration);
    this.wait();
  }

  moment(): number {
    return this.timers.first?.due ?? Infinity;
  }

  // As its timers do: when the clock that decides has changed, they all have moved.
  moved(): void {
    for (const registration of this.registrations.values()) this.schedule(registration);
  }

  ring(): void {
    const now = this.clock().now();
    while (this.head !== undefined && this.moment() <= now) this.timers.first?.port.fire();
    this.wait();
  }

  #collectTimers(): void {
    if (this.timers.first === undefined) return;
    const now = this.clock().now(); // which may move them all
    while (this.moment() <= now) {
      const { first } = this.timers;
      this.timers.delete(first);
      first.turnedReady();
    }
  }

  #forget(registration: Registration): void {
    this.registrations.delete(registration.name);
    unlink(registration);
    registration.port.unwatch(registration);
    this.timers.delete(registration);
    this.wait();
  }
}

/** A channel's place in one Selector; while linked it stands in the list of the ready ones. */
class Registration implements Link, Watch, Deadline {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  before: Watch | undefined = undefined;
  after: Watch | undefined = undefined;
  due = Infinity;
  position = -1;
  order = 0;
  readonly name: string;
  readonly source: Source<unknown>;
  readonly port: Port<unknown>;
  readonly #round: Round;

  constructor(name: string, source: Source<unknown>, round: Round) {
    this.name = name;
    this.source = source;
    this.port = portOf(source);
    this.#round = round;
  }

  get arrival(): number {
    const next = this.#round.head;
    return next === undefined ? Infinity : next.arrival;
  }

  wake(_channel: object, value: unknown, ok: boolean): void {
    this.#round.deliver(ok ? this.event(value) : this.#round.finish(this));
  }

  event(value: unknown, ok = true): Event {
    return { name: this.name, channel: this.source, value, ok };
  }

  turnedReady(): void {
    if (this.next === undefined) this.#round.ready.append(this);
  }

  rescheduled(): void {
    this.#round.schedule(this);
  }
}

/** @internal */
export class RoundIterator implements AsyncIterator<Event, undefined> {
  readonly #round: Round;
  #returned = false;

  constructor(round: Round) {
    this.#round = round;
  }

  next(): Promise<IteratorResult<Event, undefined>> {
    return this.#returned ? settled(stepOf(undefined)) : this.#round.receive(STEP, undefined, this);
  }

  return(): Promise<IteratorResult<Event, undefined>> {
    this.#returned = true;
    dismiss(this.#round, this);
    return settled(stepOf(undefined));
  }
}

function stepOf(event: unknown): IteratorResult<Event, undefined> {
  return event === undefined ? { value: undefined, done: true } : { value: event as Event, done: false };
}
