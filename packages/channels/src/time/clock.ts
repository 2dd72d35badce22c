// What time it is, and being woken at a moment: the host's clock, or a virtual one (testing.ts) while it is installed.
// One armed host timer serves every deadline that somebody waits for; none is armed while nobody waits.
// Host functions are looked up when they are used, so that fake timers drive this clock with no configuration.

import { type Deadline, Deadlines } from "./deadlines.ts";
import { macrotask, ref, unref } from "../turn.ts";

const LONGEST_DELAY = 2 ** 31 - 1; // milliseconds; a host timer with a longer one fires at once
const realWall = Date.now;

/** @internal Something to do at a moment. */
export interface Alarm extends Deadline {
  ring(): void;
}

/** What fakes of Sinon's kind, Vitest's and Jest's among them, hang on each function they stand for: their own clock. */
interface Faked {
  readonly clock?: { readonly performance?: { now(): number } };
}

/** @internal Both clocks: milliseconds throughout. */
export interface Clock {
  /** The monotonic time. */
  now(): number;
  /** The time of day at `now`, which has just been read, as `Date.now()` gives it. */
  wall(now: number): number;
  /** Rings an alarm at a moment of `now()`, and keeps the process alive until then. */
  set(alarm: Alarm, due: number): void;
  clear(alarm: Alarm): void;
}

// One for each `setTimeout` there has been: fake timers bring another, and what waits on the host's own stays there.
class HostClock implements Clock {
  readonly setTimeout: typeof setTimeout = setTimeout;
  readonly #clearTimeout: typeof clearTimeout = clearTimeout;
  readonly #ownNow: () => number = performance.now.bind(performance);
  readonly #fake: { now(): number } | undefined = (setTimeout as Faked).clock?.performance;
  readonly #alarms = new Deadlines<Alarm>();
  #timer: ReturnType<typeof setTimeout> | undefined = undefined;
  #armedFor = Infinity;
  #floor = -Infinity;
  #rangAt = -Infinity;
  #wallReadAt = -Infinity;
  #wallRead = 0;
  #trusted = true;
  #ringing = false;
  #sweeping = false;

  // A host timer may fire before its moment by this clock (Node: up to 0.9 ms early; a fake that leaves the clock
  // alone: by all of it). Having fired, its moment is past: time never reads earlier than that, unless a fake is set
  // back.
  now(): number {
    const now = this.#read();
    if (now >= this.#floor) return now;
    if (now >= this.#rangAt) return this.#floor;
    this.#floor = -Infinity;
    return now;
  }

  // Reading both clocks for each new timer would cost a fifth of a select with a timeout (bench: select-timeout), so the host's
  // own time of day is carried along with the monotonic time for a millisecond.
  wall(now: number): number {
    if (Date.now !== realWall || this !== real) return Date.now();
    const since = now - this.#wallReadAt;
    if (since >= 0 && since < 1) return this.#wallRead + since;
    this.#wallReadAt = now;
    this.#wallRead = Date.now();
    return this.#wallRead;
  }

  set(alarm: Alarm, due: number): void {
    if (this.#alarms.first === undefined) ref(this.#timer);
    this.#alarms.set(alarm, due);
    if (!this.#ringing) this.#arm();
  }

  clear(alarm: Alarm): void {
    if (alarm.position < 0) return;
    this.#alarms.delete(alarm);
    if (this.#alarms.first === undefined && !this.#ringing) this.#release();
  }

  // Fakes that leave `performance` alone still say what time it is for them: real time must not count there, or a slow
  // machine would move timers.
  #read(): number {
    if (this.#fake !== undefined) return this.#fake.now();
    return setTimeout === this.setTimeout ? performance.now() : this.#ownNow();
  }

  #arm(): void {
    const first = this.#alarms.first as Alarm;
    if (this.#timer !== undefined) {
      if (this.#armedFor <= first.due && this.#trusted) return;
      this.#disarm();
    }
    // Less a microsecond: 600,000.0000000001 ms, as sums of fractions give, are not 600,001.
    const delay = Math.min(Math.max(Math.ceil(first.due - this.now() - 0.001), 0), LONGEST_DELAY);
    this.#armedFor = delay === LONGEST_DELAY ? this.now() + delay : first.due;
    this.#timer = this.setTimeout.call(undefined, () => this.#ring(), delay);
    if (this !== real) this.#doubtSoon();
  }

  // Fakes can lose a timer without a word (`vi.clearAllTimers`), so it is armed anew once the loop has turned.
  #doubtSoon(): void {
    this.#trusted = true;
    unref(macrotask(() => (this.#trusted = false)));
  }

  // Nobody waits any more. A select loop with a timeout comes back at once and would pay for a host timer each time,
  // so the timer only stops holding the process and is cleared when the loop turns (bench: select-timeout).
  #release(): void {
    if (this !== real) {
      this.#disarm();
      return;
    }
    unref(this.#timer);
    if (this.#sweeping) return;
    this.#sweeping = true;
    unref(
      macrotask(() => {
        this.#sweeping = false;
        if (this.#alarms.first === undefined) this.#disarm();
      }),
    );
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#clearTimeout.call(undefined, this.#timer);
    this.#timer = undefined;
    this.#armedFor = Infinity;
  }

  #ring(): void {
    this.#timer = undefined;
    const now = this.now();
    // A whole millisecond early: only `setTimeout` is fake. Timers made one after the other then differ by real
    // microseconds that the fake does not count; half a millisecond on, all of one fake moment ring together.
    this.#floor = now < this.#armedFor - 1 ? this.#armedFor + 0.5 : Math.max(now, this.#armedFor);
    this.#rangAt = this.#read();
    this.#armedFor = Infinity;
    this.#ringing = true;
    ringDue(this.#alarms, this.now());
    this.#ringing = false;
    if (this.#alarms.first !== undefined) this.#arm();
  }
}

/** @internal Rings what is due, earliest first. */
export function ringDue(alarms: Deadlines<Alarm>, now: number): void {
  for (let first = alarms.first; first !== undefined && first.due <= now; first = alarms.first) {
    alarms.delete(first);
    first.ring();
  }
}

const real = new HostClock();
const hosts = new WeakMap<typeof setTimeout, HostClock>([[setTimeout, real]]);
let host = real;
let virtual: Clock | undefined;

/** @internal The clock that decides now. It changes when fake timers or virtual time come or go. */
export function clock(): Clock {
  if (virtual !== undefined) return virtual;
  if (setTimeout !== host.setTimeout) {
    host = hosts.get(setTimeout) ?? new HostClock();
    hosts.set(setTimeout, host);
  }
  return host;
}

/** @internal Installs a virtual clock; without one, the host's decides again. */
export function installClock(next?: Clock): void {
  virtual = next;
}
