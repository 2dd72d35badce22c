// A deadline for what comes from outside, such as bytes on a socket. The surprising fact: before it goes off it lets the
// event loop turn once more, so that what arrived while our own process was busy is read first and is not taken for
// silence. It is on the host's clock under virtual time, too: what it waits for is not virtual.

import { macrotask } from "../host.ts";
import { type HostClock, hostClock } from "./clock.ts";

/**
 * Calls back once its moment has passed, never early, and not before what had arrived by then was read.
 *
 * It never keeps the process alive. All of them share one host timer with the timers of this package. Moving the moment
 * to a later one costs nothing: the timer that was armed before finds out.
 */
export class PatientAlarm {
  /** @internal */
  due = Infinity;
  /** @internal */
  position = -1;
  /** @internal */
  order = 0;
  /** @internal */
  readonly holds = false;
  readonly #call: () => void;
  #clock: HostClock = hostClock();
  #moment = Infinity;
  #turning = false;

  /** Makes an alarm without a moment; `call` is what it does when its moment has come. */
  constructor(call: () => void) {
    this.#call = call;
  }

  /** True while a moment is set. */
  get set(): boolean {
    return this.#moment !== Infinity;
  }

  /** The time on the clock of this alarm, in milliseconds: `performance.now()`, or what fake timers have for it. */
  now(): number {
    const now = hostClock();
    const before = this.#clock;
    if (now === before) return now.read();
    // Fake timers came or went: what was left to wait is left on the clock that decides now.
    before.clear(this);
    this.#clock = now;
    const time = now.read();
    if (this.set) this.at(this.#moment + time - before.read());
    return time;
  }

  /** Sets the moment, so many milliseconds from now. */
  in(milliseconds: number): void {
    this.at(this.now() + milliseconds);
  }

  /** Sets the moment, on the clock of `now()`; `Infinity` is none. */
  at(moment: number): void {
    this.#moment = moment;
    const armed = this.position < 0 ? Infinity : this.due;
    if (!this.#turning && moment < armed) this.#clock.set(this, moment);
  }

  /** Forgets the moment. */
  clear(): void {
    this.#moment = Infinity;
    this.#clock.clear(this);
  }

  // Two tasks have a whole turn between them, whichever phase of the loop the first was asked for in. Neither may be left
  // out of what keeps the process: the loop would sleep until something else wakes it, and the deadline with it.
  /** @internal */
  ring(): void {
    this.#turning = true;
    macrotask(() => macrotask(() => this.#turned()));
  }

  #turned(): void {
    this.#turning = false;
    if (this.#moment > this.now()) {
      if (this.set && this.position < 0) this.#clock.set(this, this.#moment); // it was moved, or the timer was early
      return;
    }
    this.#moment = Infinity;
    this.#call();
  }
}
