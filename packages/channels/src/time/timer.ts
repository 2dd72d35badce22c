// A timer is a channel that turns ready at its moment, by Go 1.23's rules. Nothing runs for it: readiness is a look at
// the clock, and an alarm is set only while somebody waits, so a forgotten timer is plain garbage.

import { AlarmQueue } from "./alarm-queue.ts";
import { facts } from "../display.ts";
import { refuseClones } from "../host.ts";
import * as protocol from "../protocol.ts";
import { fire, handOff, holds, ready, take } from "../protocol.ts";
import { Source } from "../source.ts";
import { recorder } from "../waiter.ts";

// Constants of this module: an import is looked up at each use, which costs a hot path 15 % (bench: receive-many).
const turnedReady: typeof protocol.turnedReady = protocol.turnedReady;
const awaited: typeof protocol.awaited = protocol.awaited;
const due: typeof protocol.due = protocol.due;

/** @internal Calls it off; true when it was still pending; due and not yet received counts as pending. */
export const stop: unique symbol = Symbol("stop");
/** @internal Starts again, with the boolean of `stop`. */
export const restart: unique symbol = Symbol("restart");
/** @internal Says whether the process lives on for who waits. */
export const hold: unique symbol = Symbol("hold");
/** @internal Its moments, in words. */
export const moments: unique symbol = Symbol("moments");
/** @internal Milliseconds until its moment, for reports: a look that moves nothing to another clock. */
export const remaining: unique symbol = Symbol("remaining");
/** The clock runs ahead of the former one by so much. */
const moved: unique symbol = Symbol("moved");

/** @internal A period of 0 means one value and no more. */
export class TimerChannel extends Source<Date> {
  readonly #queue: TimerQueue;
  #due = Infinity;
  #period: number;

  constructor(delay: number, period = 0) {
    const queue = new TimerQueue();
    super(queue);
    queue.timer = this;
    this.#queue = queue;
    this.#period = period;
    this.#start(delay);
  }

  /** @internal */
  [stop](): boolean {
    recorder?.passed();
    const pending = this.#due < Infinity;
    this.#moveTo(Infinity);
    return pending;
  }

  /** @internal */
  [restart](delay: number): boolean {
    const pending = this.#due < Infinity;
    if (this.#period > 0) this.#period = delay;
    this.#start(delay);
    this[fire]();
    return pending;
  }

  /** @internal */
  [moved](ahead: number): void {
    this.#moveTo(this.#due + ahead);
  }

  // Who waited before is served when the alarm rings, and nobody overtakes. Not here: a look must change nothing, or a
  // select could commit to a case of which the partner has just left for this timer.
  /** @internal */
  override [ready](): boolean {
    return this.#isDue() && !this[awaited]();
  }

  // The time of day is asked for now: the host may have slept since this timer was made, or its clock been set. It comes
  // in whole milliseconds, rounded down; what half a millisecond more gives is nearest to the truth, and never ahead.
  // Later ticks that are due too are dropped; the next is the first of the phase after now.
  /** @internal */
  override [take](): Date {
    const clock = this.#queue.clock();
    const late = clock.now() - this.#due;
    const wait = this.#period > 0 ? (Math.floor(late / this.#period) + 1) * this.#period : Infinity;
    this.#moveTo(this.#due + wait);
    return new Date(clock.wall() - late + 0.5);
  }

  /** @internal */
  override [due](): number {
    this.#queue.clock();
    return this.#due;
  }

  /** @internal */
  override [facts](): readonly (string | false)[] {
    return [...this[moments](), ...super[facts]()];
  }

  /** @internal */
  [moments](): readonly string[] {
    const wait = this[remaining]();
    if (wait === Infinity) return ["never due again"];
    const when = wait > 0 ? `due in ${Math.ceil(wait)} ms` : "due";
    return this.#period > 0 ? [`every ${this.#period} ms`, when] : [when];
  }

  /** @internal */
  [remaining](): number {
    return this.#queue.until(this.#due);
  }

  /** @internal */
  override [fire](): void {
    while (this.#isDue() && this[awaited]()) this[handOff](this[take]());
    this.#queue.wait();
  }

  #isDue(): boolean {
    return this.#due < Infinity && this.#queue.clock().now() >= this.#due;
  }

  #start(delay: number): void {
    recorder?.passed();
    this.#moveTo(this.#queue.clock().now() + Math.max(delay, 0));
  }

  #moveTo(moment: number): void {
    this.#due = moment;
    this.#queue.wait();
    this[turnedReady]();
  }
}

/** @internal A timer that somebody holds, who can stop it. */
export class HeldTimer extends TimerChannel {
  #isHolding = true;

  constructor(delay: number, period: number) {
    super(delay, period);
    refuseClones?.(this);
  }

  /** @internal */
  override get [holds](): boolean {
    return this.#isHolding;
  }

  /** @internal */
  [hold](on: boolean): void {
    this.#isHolding = on;
    this[moved](0); // whoever waits sets the alarm anew
  }
}

class TimerQueue extends AlarmQueue {
  declare timer: TimerChannel;

  moment(): number {
    return this.timer[due]();
  }

  moved(ahead: number): void {
    this.timer[moved](ahead);
  }

  override holding(): boolean {
    return this.timer[holds];
  }

  ring(): void {
    this.timer[fire]();
  }
}
