// A select that stays registered. Channels say when they turn ready, so an event costs the same among 10,000 channels
// as among two: the ready ones stand in one list, each goes to its end once served, and timers stand in one heap.
// Registering takes nothing and holds no place; a parked `next` has its place, by its arrival, in every channel.

import { type Alarm, type Clock, clock } from "./clock.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";
import { disposeBy } from "./dispose.ts";
import { ALREADY_EXISTS, CLOSED, SluiceError } from "./errors.ts";
import { type Listening, listen, refusal } from "./signal.ts";
import { type Port, portOf, Source, type Watch } from "./source.ts";
import { settle, settled } from "./turn.ts";
import type { ReceiveChannel, SignalOptions } from "./types.ts";
import { arrive, leave, type Link, List, recorder, unlink, type Waiter } from "./waiter.ts";

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
    const given: unknown = channels;
    if (typeof given !== "object" || given === null) {
      throw new TypeError(`Expected \`channels\` to be a record of channels, got \`${String(given)}\``);
    }
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
    if (options !== undefined) {
      const refused = refusal(options);
      if (refused !== undefined) return refused;
    }
    const event = this.#round.take();
    if (event !== undefined || this.#round.ended) return settled(event as SelectorEvent<M> | undefined);
    return this.#park(options);
  }

  #park(options: SignalOptions | undefined): Promise<SelectorEvent<M> | undefined> {
    return new Promise((resolve, reject) => {
      const waiter = new Next(this.#round, resolve as (event: Event | undefined) => void);
      this.#round.park(waiter);
      if (options !== undefined) listen(waiter, options, reject);
    });
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

disposeBy(Selector.prototype as Selector, function dispose() {
  this.close();
});

/** The state of one Selector. As an alarm it rings for the earliest of its timers, while a `next` waits. */
class Round implements Alarm, Iterable<object> {
  readonly registrations = new Map<string, Registration>();
  readonly ready = new List<Registration>();
  readonly timers = new Deadlines<Registration>();
  readonly parked = new List<Next>();
  ended = false;
  due = Infinity;
  position = -1;
  order = 0;
  #clock: Clock = clock();
  #closed = false;

  add(name: string, channel: unknown): void {
    if (typeof name !== "string") throw new TypeError(`Expected \`name\` to be a string, got \`${String(name)}\``);
    if (!(channel instanceof Source)) {
      throw new TypeError(`Expected channel "${name}" to be a channel to receive from, got \`${String(channel)}\``);
    }
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
    const registration = new Registration(name, channel, this);
    this.registrations.set(name, registration);
    this.ended = false;
    channel.watch(registration);
    this.schedule(registration);
    channel.fire(); // a timer that is due already
    if (registration.port.ready()) registration.turnedReady();
    while (this.parked.head !== undefined) {
      const event = this.take();
      if (event === undefined) break;
      this.deliver(event);
    }
  }

  delete(name: string): boolean {
    const registration = this.registrations.get(name);
    if (registration === undefined) return false;
    this.#forget(registration);
    return true;
  }

  close(): void {
    this.#closed = true;
    for (const registration of this.registrations.values()) this.#forget(registration);
    this.#end();
  }

  /** Commits the next event, if a channel is ready. */
  take(): Event | undefined {
    this.#collectTimers();
    for (let first = this.ready.head; first !== undefined; first = this.ready.head) {
      const { name, source, port } = first;
      unlink(first);
      if (!port.ready()) {
        this.schedule(first); // somebody else was faster
      } else if (port.drained()) {
        return this.finish(first);
      } else {
        const value = port.take();
        // Behind all who wait, so that nobody waits two rounds. Taking may have said so already: room in a socket's channel
        // lets more in at once.
        if (port.ready()) first.turnedReady();
        return { name, channel: source, value, ok: true };
      }
    }
    return undefined;
  }

  /** The last event of a channel. */
  finish(registration: Registration): Event {
    this.#forget(registration);
    if (this.registrations.size === 0) this.ended = true;
    return { name: registration.name, channel: registration.source, value: undefined, ok: false };
  }

  park(waiter: Next): void {
    this.parked.append(waiter);
    this.#setAlarm();
    if (recorder !== undefined) recorder.parked(waiter, "Selector.next", this);
  }

  /** The channels, for the report of what is parked. */
  *[Symbol.iterator](): Generator<object> {
    for (const { source } of this.registrations.values()) yield source;
  }

  /** Hands an event to the `next` that has waited longest. */
  deliver(event: Event): void {
    (this.parked.head as Next).accept(event);
    if (this.ended) this.#end();
  }

  left(): void {
    if (this.parked.head === undefined) this.#setAlarm();
  }

  /** Keeps a timer's place in the heap; a channel that is no timer is never due. */
  schedule(registration: Registration): void {
    const due = registration.source.due();
    if (due < Infinity) this.#onClock();
    if (due < Infinity && registration.list === undefined) this.timers.set(registration, due);
    else this.timers.delete(registration);
    this.#setAlarm();
  }

  ring(): void {
    const now = this.#onClock().now();
    for (let first = this.timers.first; first !== undefined && first.due <= now; first = this.timers.first) {
      if (this.parked.head === undefined) break;
      first.source.fire();
    }
    this.#setAlarm();
  }

  #collectTimers(): void {
    let first = this.timers.first;
    if (first === undefined) return;
    const now = this.#onClock().now();
    first = this.timers.first;
    while (first !== undefined && first.due <= now) {
      this.timers.delete(first);
      first.turnedReady();
      first = this.timers.first;
    }
  }

  #setAlarm(): void {
    const first = this.timers.first;
    if (this.parked.head === undefined || first === undefined) this.#clock.clear(this);
    else if (this.position < 0 || this.due !== first.due) this.#clock.set(this, first.due);
  }

  // As its timers do (timer.ts): when the clock that decides has changed, they all have moved.
  #onClock(): Clock {
    const now = clock();
    if (now !== this.#clock) {
      this.#clock.clear(this);
      this.#clock = now;
      for (const registration of this.registrations.values()) this.schedule(registration);
    }
    return now;
  }

  #forget(registration: Registration): void {
    this.registrations.delete(registration.name);
    unlink(registration);
    registration.source.unwatch(registration);
    this.timers.delete(registration);
    this.#setAlarm();
  }

  #end(): void {
    this.ended = true;
    for (let next = this.parked.head; next !== undefined; next = this.parked.head) next.accept(undefined);
  }
}

/** A channel's place in one Selector; while linked it stands in the list of the ready ones. */
class Registration implements Link, Watch<unknown>, Deadline {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  list: List<Link> | undefined = undefined;
  before: Watch<unknown> | undefined = undefined;
  after: Watch<unknown> | undefined = undefined;
  readonly name: string;
  readonly source: Source<unknown>;
  readonly port: Port<unknown>;
  readonly #round: Round;
  due = Infinity;
  position = -1;
  order = 0;

  constructor(name: string, source: Source<unknown>, round: Round) {
    this.name = name;
    this.source = source;
    this.port = portOf(source);
    this.#round = round;
  }

  get arrival(): number {
    const next = this.#round.parked.head;
    return next === undefined ? Infinity : next.arrival;
  }

  accept(value: unknown): void {
    this.#round.deliver({ name: this.name, channel: this.source, value, ok: true });
  }

  end(): void {
    this.#round.deliver(this.#round.finish(this));
  }

  turnedReady(): void {
    if (this.list === undefined) this.#round.ready.append(this);
  }

  rescheduled(): void {
    this.#round.schedule(this);
  }
}

/** A parked `next`, of the Selector or of one of its iterators. */
class Next implements Waiter {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  list: List<Link> | undefined = undefined;
  listening: Listening | undefined = undefined;
  readonly arrival: number = arrive();
  readonly iterator: RoundIterator | undefined;
  readonly #round: Round;
  readonly #resolve: (event: Event | undefined) => void;

  constructor(round: Round, resolve: (event: Event | undefined) => void, iterator?: RoundIterator) {
    this.#round = round;
    this.#resolve = resolve;
    this.iterator = iterator;
  }

  leave(): void {
    leave(this);
    this.#round.left();
  }

  accept(event: Event | undefined): void {
    this.leave();
    if (this.iterator === undefined) settle(this.#resolve, event);
    else settle(this.#resolve as (step: IteratorResult<Event, undefined>) => void, stepOf(event));
  }
}

class RoundIterator implements AsyncIterator<Event, undefined> {
  readonly #round: Round;
  #returned = false;

  constructor(round: Round) {
    this.#round = round;
  }

  next(): Promise<IteratorResult<Event, undefined>> {
    const event = this.#returned ? undefined : this.#round.take();
    if (event !== undefined || this.#returned || this.#round.ended) return settled(stepOf(event));
    return new Promise((resolve) => {
      this.#round.park(new Next(this.#round, resolve as never, this));
    });
  }

  return(): Promise<IteratorResult<Event, undefined>> {
    this.#returned = true;
    let waiter = this.#round.parked.head;
    while (waiter !== undefined) {
      const next = waiter.next as Next | undefined;
      if (waiter.iterator === this) waiter.accept(undefined);
      waiter = next;
    }
    return settled(stepOf(undefined));
  }
}

function stepOf(event: Event | undefined): IteratorResult<Event, undefined> {
  return event === undefined ? { value: undefined, done: true } : { value: event, done: false };
}
