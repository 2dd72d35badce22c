// What time it is, and being woken at a moment: the host's clock, or a virtual one (testing.ts) while it is installed.
// One armed host timer serves every deadline that somebody waits for; none is armed while nobody waits.
// Host functions are looked up when they are used, so that fake timers drive this clock with no configuration.

import { type Deadline, Deadlines } from "./deadlines.ts";
import { isFake, isNative, macrotask, outside, ref, unref } from "../host.ts";

const LONGEST_DELAY = 2 ** 31 - 1; // milliseconds; a host timer with a longer one fires at once

/** @internal Something to do at a moment. */
export interface Alarm extends Deadline {
  /** The process stays alive for it. To be changed while it is not set. */
  readonly holds: boolean;
  ring(): void;
}

/** What fakes of Sinon's kind, Vitest's and Jest's among them, hang on each function they stand for: their own clock. */
interface Faked {
  readonly clock?: { readonly now: number; readonly performance?: { now(): number } };
}

/** @internal Both clocks: milliseconds throughout. */
export interface Clock {
  /** The monotonic time. */
  now(): number;
  /** The time of day, as `Date.now()` gives it. */
  wall(): number;
  /** Rings an alarm at a moment of `now()`, and keeps the process alive until then if the alarm holds it. */
  set(alarm: Alarm, due: number): void;
  clear(alarm: Alarm): void;
  /** Alarms that are set, and the moment of the first. */
  readonly armed: number;
  readonly next: number | undefined;
}

// One for each `setTimeout` there has been: fake timers bring another, and what waits on the host's own stays there.
/** @internal */
export class HostClock implements Clock {
  readonly setTimeout: typeof setTimeout = setTimeout;
  readonly #clearTimeout: typeof clearTimeout = clearTimeout;
  readonly #isFake: boolean = isFake(setTimeout);
  readonly #ownNow: () => number = performance.now.bind(performance);
  readonly #fakeNow: (() => number | undefined) | undefined = nowOfFakes();
  readonly #alarms = new Deadlines<Alarm>();
  #holding = 0; // alarms that the process stays alive for
  #timer: ReturnType<typeof setTimeout> | undefined = undefined;
  #armedFor = Infinity;
  #floor = -Infinity;
  #rangAt = -Infinity;
  #fakeWas = -Infinity;
  #trusted = true;
  #ringing = false;
  #sweeping = false;

  // A host timer may fire before its moment by this clock (Node: up to 0.9 ms early; a fake that leaves the clock
  // alone: by all of it). Having fired, its moment is past: time never reads earlier than that, unless a fake is set
  // back.
  now(): number {
    const now = this.read();
    if (now >= this.#floor) return now;
    if (now >= this.#rangAt) return this.#floor;
    this.#floor = -Infinity;
    return now;
  }

  // Fakes that leave `Date` alone have their own time of day, too.
  wall(): number {
    const fakes = (this.setTimeout as Faked).clock;
    return fakes !== undefined && isNative(Date.now) ? fakes.now : Date.now();
  }

  set(alarm: Alarm, due: number): void {
    if (alarm.position < 0 && alarm.holds) this.#hold();
    this.#alarms.set(alarm, due);
    if (!this.#ringing) this.#arm();
  }

  clear(alarm: Alarm): void {
    if (alarm.position < 0) return;
    this.#alarms.delete(alarm);
    if (alarm.holds) this.#unhold();
    if (this.#alarms.first === undefined && !this.#ringing) this.#release();
  }

  get armed(): number {
    return this.#alarms.size;
  }

  get next(): number | undefined {
    return this.#alarms.first?.due;
  }

  #hold(): void {
    this.#holding += 1;
    if (this.#holding === 1) ref(this.#timer);
  }

  #unhold(): void {
    this.#holding -= 1;
    if (this.#holding === 0) unref(this.#timer);
  }

  // Fakes that leave `performance` alone still say what time it is for them: real time must not count there, or a slow
  // machine would move timers.
  read(): number {
    const now = this.#fakeNow?.();
    if (now === undefined) return setTimeout === this.setTimeout ? performance.now() : this.#ownNow();
    if (now < this.#fakeWas) this.#forget();
    this.#fakeWas = now;
    return now;
  }

  // Fakes that began anew lost what was armed; node:test's would be confused by who clears it.
  #forget(): void {
    this.#timer = undefined;
    this.#armedFor = Infinity;
  }

  // Outside of every async context: the timer may be armed for others still, when the request that armed it is over.
  #arm(): void {
    const first = this.#alarms.first as Alarm;
    if (this.#timer !== undefined) {
      if (this.#armedFor <= first.due && this.#trusted) return;
      this.#disarm();
    }
    // Less a microsecond: 600,000.0000000001 ms, as sums of fractions give, are not 600,001.
    const delay = Math.min(Math.max(Math.ceil(first.due - this.now() - 0.001), 0), LONGEST_DELAY);
    this.#armedFor = delay === LONGEST_DELAY ? this.now() + delay : first.due;
    this.#timer = outside(() => this.setTimeout.call(undefined, () => this.#ring(), delay));
    if (this.#holding === 0) unref(this.#timer);
    if (this.#isFake) this.#doubtSoon();
  }

  // Fakes can lose a timer without a word (`vi.clearAllTimers`), so it is armed anew once the loop has turned.
  #doubtSoon(): void {
    this.#trusted = true;
    unref(macrotask(() => (this.#trusted = false)));
  }

  // Nobody waits any more. A select loop with a timeout comes back at once and would pay for a host timer each time,
  // so the timer only stops holding the process and is cleared when the loop turns (bench: select-timeout).
  #release(): void {
    if (this.#isFake) {
      this.#disarm();
      return;
    }
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
    this.#rangAt = this.read();
    this.#armedFor = Infinity;
    this.#ringing = true;
    ringDue(this, this.#alarms, this.now());
    this.#ringing = false;
    if (this.#alarms.first !== undefined) this.#arm();
  }
}

/** @internal Rings what is due on a clock, earliest first. */
export function ringDue(on: Clock, alarms: Deadlines<Alarm>, now: number): void {
  for (let first = alarms.first; first !== undefined && first.due <= now; first = alarms.first) {
    on.clear(first);
    first.ring();
  }
}

// Fakes of Sinon's kind have their time in their clock, also where they leave `performance` alone.
function nowOfFakes(): (() => number | undefined) | undefined {
  if (!isFake(setTimeout)) return undefined;
  const time = (setTimeout as Faked).clock?.performance;
  return time === undefined ? nowByDate(setTimeout, clearTimeout) : () => time.now();
}

// Others have it in `Date`, which node:test's make anew each time they are enabled, with the same `setTimeout`. Where that
// one is faked alone, its timers say when they run.
function nowByDate(set: typeof setTimeout, clear: typeof clearTimeout): () => number | undefined {
  let last: number | undefined;
  return () => {
    if (setTimeout !== set) return last; // they are gone, and `Date` is not theirs any more
    last = isNative(Date) ? momentOf(set, clear) : Date.now();
    return last;
  };
}

function momentOf(set: typeof setTimeout, clear: typeof clearTimeout): number | undefined {
  if (!set.name.startsWith("bound ")) return undefined; // a spy would count the call
  const timer = set(() => {}, 0);
  clear(timer);
  return (timer as unknown as { readonly runAt?: number }).runAt;
}

let host = new HostClock();
const hosts = new WeakMap<typeof setTimeout, HostClock>([[setTimeout, host]]);
let virtual: Clock | undefined;

/** @internal The clock that decides now. It changes when fake timers or virtual time come or go. */
export function clock(): Clock {
  return virtual ?? hostClock();
}

/** @internal The host's clock, or that of fake timers, for what is not virtual under virtual time. */
export function hostClock(): HostClock {
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
