// A timer is a channel that turns ready at its moment, by Go 1.23's rules. Nothing runs for it: readiness is a look at
// the clock, and an alarm is set only while somebody waits, so a forgotten timer is plain garbage.

import { type Alarm, type Clock, clock } from "./clock.ts";
import { Source } from "./source.ts";
import { type Link, List, type ReceivingWaiter } from "./waiter.ts";

/** @internal A period of 0 means one value and no more. */
export class TimerChannel extends Source<Date> {
  readonly #queue: TimerQueue;
  #clock: Clock = clock();
  #due = Infinity;
  #wall = 0; // the time of day at `#due`
  #period = 0;

  constructor(delay: number, period = 0) {
    const queue = new TimerQueue();
    super(queue);
    this.#queue = queue;
    queue.timer = this;
    this.#start(delay, period);
  }

  get closed(): boolean {
    return false;
  }

  get cause(): unknown {
    return undefined;
  }

  get length(): number {
    return 0;
  }

  get capacity(): number {
    return 0;
  }

  get name(): string | undefined {
    return undefined;
  }

  /** @internal True when it was still pending; due and not yet received counts as pending. */
  stop(): boolean {
    const pending = this.#due < Infinity;
    this.#due = Infinity;
    this.#moved();
    return pending;
  }

  /** @internal Starts again, with the boolean of `stop`. */
  restart(delay: number, period = 0): boolean {
    const pending = this.#due < Infinity;
    this.#start(delay, period);
    this.fire();
    return pending;
  }

  // Who waited before is served when the alarm rings, and nobody overtakes. Not here: a look must change nothing, or a
  // select could commit to a case of which the partner has just left for this timer.
  protected override ready(): boolean {
    return this.#isDue() && !this.awaited();
  }

  protected override drained(): boolean {
    return false;
  }

  // Later ticks that are due too are dropped; the next is the first of the phase after now.
  protected override take(): Date {
    const value = new Date(this.#wall);
    if (this.#period === 0) {
      this.#due = Infinity;
    } else {
      const ticks = Math.max(0, Math.floor((this.#clock.now() - this.#due) / this.#period)) + 1;
      this.#due += ticks * this.#period;
      this.#wall += ticks * this.#period;
    }
    this.#moved();
    return value;
  }

  /** @internal */
  override due(): number {
    this.#onClock();
    return this.#due;
  }

  /** @internal */
  override fire(): void {
    while (this.#isDue() && this.awaited()) this.handOff(this.take());
    this.wait();
  }

  /** @internal Sets the alarm if somebody waits and there is something to wait for. */
  wait(): void {
    const { head } = this.#queue;
    if (head !== undefined && this.#due < Infinity) this.#onClock().set(this.#queue, this.#due);
    else this.#clock.clear(this.#queue);
  }

  #isDue(): boolean {
    return this.#due < Infinity && this.#onClock().now() >= this.#due;
  }

  // Where fake timers or virtual time came or went since the last use, what was left to wait is left on the clock that
  // decides now.
  #onClock(): Clock {
    const before = this.#clock;
    const now = clock();
    if (now !== before) {
      before.clear(this.#queue);
      this.#clock = now;
      this.#due += now.now() - before.now();
      this.#moved();
    }
    return now;
  }

  #start(delay: number, period: number): void {
    const wait = Math.max(delay, 0);
    const current = this.#onClock();
    const now = current.now();
    this.#due = now + wait;
    this.#wall = current.wall(now) + wait;
    this.#period = period;
    this.#moved();
  }

  #moved(): void {
    this.wait();
    this.rescheduled();
  }
}

/** The receivers of a timer, which are its alarm as well: set with the first, cleared with the last. */
class TimerQueue extends List<ReceivingWaiter<Date>> implements Alarm {
  declare timer: TimerChannel;
  due = Infinity;
  position = -1;
  order = 0;

  override append(node: Link): void {
    super.append(node);
    if (this.head === node) this.timer.wait();
  }

  override remove(node: Link): void {
    super.remove(node);
    if (this.head === undefined) this.timer.wait();
  }

  ring(): void {
    this.timer.fire();
  }
}
