// Lets the event loop turn (law 3): every promise of this library settles through here, on a budget.
// Once the budget of a turn is spent, completions queue, in order, for the next macrotask, so that no loop of
// awaits starves timers and sockets. The clock is read once for each `stride` completions, and the stride adapts
// to about one reading each millisecond. Host primitives are taken at load: fake timers cannot stop the turn.

import { Ring } from "./buffer.ts";

const TURN_MILLISECONDS = 4;
const TURN_COMPLETIONS = 1024;
const STRIDE_LIMIT = 64;

type Resolve<T> = (value: T) => void;

const realNow = performance.now.bind(performance);
const realSetTimeout: (task: () => void, delay: number) => unknown = setTimeout;
const done: Promise<void> = Promise.resolve();

/** @internal Runs a task in a macrotask of its own: timers and sockets had their chance before. Gives the host's handle. */
export const macrotask: (task: () => void) => unknown = chooseMacrotask();

interface Held {
  readonly resolve: Resolve<never>;
  readonly value: unknown;
}
const held = new Ring<Held>();

let stride = STRIDE_LIMIT;
let credit = STRIDE_LIMIT; // completions that may still settle before the next look at the clock
let granted = STRIDE_LIMIT; // every credit ever given, so that completions can be counted for free
let used = STRIDE_LIMIT; // credit given in this turn
let started = 0; // when this turn's first look at the clock was
let looked = 0; // when the latest was
let counting = false; // this turn has had its first look
let looking = false; // a look is on its way
let turning = false; // a turn is on its way
let spent = false; // this turn's budget
let markerArmed = false;
let byCountAlone = false;

/** Settles a promise: at once, or in the order of the calls when the budget lets it. */
export function settle<T>(resolve: Resolve<T>, value: T): void {
  credit -= 1;
  if (credit > 0 || isLastOfStride()) resolve(value);
  else hold(resolve, value);
}

/** A promise of an operation that completed at once. */
export function settled<T>(value: T): Promise<T> {
  credit -= 1;
  return credit > 0 || isLastOfStride() ? Promise.resolve(value) : settledLater(value);
}

// Apart from the fast path, here and wherever something parks: a function that contains a closure pays for its
// captured variables on every call (bench row 3: 56 bytes, 20 ns).
function settledLater<T>(value: T): Promise<T> {
  return new Promise((resolve: Resolve<T>) => {
    hold(resolve, value);
  });
}

/** A promise of an operation that failed at once. */
export function rejected(reason: unknown): Promise<never> {
  return new Promise((_resolve, reject) => {
    settle(reject, reason);
  });
}

/** The promise of a send that completed at once: the same one for all of them. */
export function sent(): Promise<void> {
  credit -= 1;
  return credit > 0 || isLastOfStride() ? done : settledLater<void>(undefined);
}

/** @internal A number that has changed when any promise of this library settled in between. */
export function completions(): number {
  return granted - Math.max(credit, 0);
}

/** @internal True while a completion waits for its turn. */
export function holding(): boolean {
  return held.length > 0;
}

/**
 * @internal Budgets by count alone while on, and starts a budget afresh: a run under virtual time depends neither on real
 * time nor on what happened before it.
 */
export function budgetByCount(on: boolean): void {
  byCountAlone = on;
  stride = STRIDE_LIMIT;
  if (turning) return; // a turn starts afresh as well
  used = 0;
  spent = counting = looking = false;
  grant(stride);
  release();
}

// The last completion of a stride still passes, and asks for a look at the clock before anything that follows from it.
function isLastOfStride(): boolean {
  if (credit < 0) return false;
  if (counting) lookSoon();
  else begin();
  return true;
}

function hold<T>(resolve: Resolve<T>, value: T): void {
  held.push({ resolve, value });
  if (!spent || turning) return; // else a look or a turn is on its way
  turning = true;
  macrotask(turn);
}

// The first look of a turn. The marker tells that the loop has turned by itself, as it does in a program with little
// to do: it never keeps the process alive, and when it is late the only cost is one macrotask.
function begin(): void {
  counting = true;
  started = looked = realNow();
  grant(stride);
  if (markerArmed || byCountAlone) return;
  markerArmed = true;
  unref(realSetTimeout(turnedByItself, 0));
}

function turnedByItself(): void {
  markerArmed = false;
  if (turning || looking || byCountAlone) return;
  spent = counting = false;
  used = 0;
  grant(stride);
}

// A microtask, behind the reactions of the promises that settled before it: what they cost has been paid by now.
// Not by Node's `queueMicrotask`, which costs five times as much, for the sake of async hooks.
function lookSoon(): void {
  looking = true;
  void done.then(look);
}

function look(): void {
  if (!looking) return; // asked for before virtual time came or went
  looking = false;
  const now = realNow();
  const elapsed = now - looked;
  looked = now;
  if (byCountAlone) stride = STRIDE_LIMIT;
  else if (elapsed > 1) stride = Math.max(1, Math.floor(stride / elapsed));
  else if (elapsed < 0.5) stride = Math.min(STRIDE_LIMIT, stride * 2);
  spent = used >= TURN_COMPLETIONS || (!byCountAlone && now - started >= TURN_MILLISECONDS);
  if (!spent) {
    grant(Math.min(stride, TURN_COMPLETIONS - used));
    release();
  } else if (held.length > 0) {
    turning = true;
    macrotask(turn);
  }
}

function turn(): void {
  spent = turning = false;
  used = 0;
  begin();
  release();
}

function release(): void {
  while (credit > 0 && held.length > 0) {
    const { resolve, value } = held.shift();
    credit -= 1;
    resolve(value as never);
  }
  if (credit === 0) lookSoon();
}

function grant(count: number): void {
  granted += count - Math.max(credit, 0);
  used += count;
  credit = count;
}

function chooseMacrotask(): (task: () => void) => unknown {
  const { setImmediate } = globalThis as { setImmediate?: (task: () => void) => unknown };
  if (setImmediate !== undefined) return setImmediate;
  if (typeof MessageChannel === "undefined") return (task) => realSetTimeout(task, 0);
  const tasks = new Ring<() => void>();
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => {
    tasks.shift()();
  });
  port1.start();
  return (task) => {
    tasks.push(task);
    port2.postMessage(undefined);
    return undefined;
  };
}

/** @internal Lets the process end although a host timer or immediate is pending; hosts without processes ignore it. */
export function unref(handle: unknown): void {
  (handle as { unref?: () => void } | undefined)?.unref?.();
}

/** @internal Undoes `unref`. */
export function ref(handle: unknown): void {
  (handle as { ref?: () => void } | undefined)?.ref?.();
}
