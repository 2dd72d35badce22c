// Those who wait for a moment that is not theirs: the receivers of a timer, the parked `next`s of a Selector.
// Their alarm is set while somebody waits and there is a moment to wait for.

import { type Alarm, type Clock, clock } from "./clock.ts";
import { List } from "../list.ts";
import type { Waiting } from "../protocol.ts";

/** @internal */
export abstract class AlarmQueue extends List<Waiting> implements Alarm {
  due = Infinity;
  position = -1;
  order = 0;
  holds = true;
  #clock: Clock = clock();

  /** The moment to wait for; Infinity when there is none. */
  abstract moment(): number;
  /** The clock that decides has changed, and runs ahead of the former by so much. */
  abstract moved(ahead: number): void;
  abstract ring(): void;

  /** The process lives on for who waits. */
  holding(): boolean {
    return true;
  }

  override turned(): void {
    this.wait();
  }

  /** To be called when the moment has changed. */
  wait(): void {
    let moment = Infinity;
    if (this.head !== undefined) {
      this.clock(); // first: by another clock the moment is another
      moment = this.moment();
    }
    if (moment === Infinity) {
      this.#clock.clear(this);
      return;
    }
    const isHolding = this.holding();
    if (isHolding !== this.holds) {
      this.#clock.clear(this);
      this.holds = isHolding;
    }
    if (this.position < 0 || this.due !== moment) this.#clock.set(this, moment);
  }

  /** Milliseconds until a moment, by the clock it is on. */
  until(moment: number): number {
    return moment - this.#clock.now();
  }

  // Where fake timers or virtual time came or went since the last use, what was left to wait is left on the clock that
  // decides now.
  clock(): Clock {
    const now = clock();
    const before = this.#clock;
    if (now !== before) {
      before.clear(this);
      this.#clock = now;
      this.moved(now.now() - before.now());
    }
    return now;
  }
}
