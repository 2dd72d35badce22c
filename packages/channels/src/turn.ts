// Lets the event loop turn (law 3): every promise of this library settles through here, on a budget.
// Credit for a stride of completions is given, then comes a look at the clock; the stride adapts to about one look each
// millisecond. Once the budget of a turn is spent, completions queue, in order, for the next macrotask, so that no loop
// of awaits starves timers and sockets. Host primitives are taken at load: fake timers cannot stop the turn.

import { Ring } from "./buffer.ts";

const TURN_MILLISECONDS = 4;
const TURN_COMPLETIONS = 1024;
const STRIDE_LIMIT = 64;
const NO_TURN = -1;

type Resolve<T> = (value: T) => void;

const realNow = performance.now.bind(performance);
const resolved: Promise<void> = Promise.resolve();

/** @internal Runs a task in a macrotask of its own: timers and sockets had their chance before. Gives the host's handle. */
export const macrotask: (task: () => void) => unknown = chooseMacrotask();

const held = new Ring<{ readonly resolve: Resolve<never>; readonly value: unknown }>();
let now = realNow;
let stride = STRIDE_LIMIT;
let credit = STRIDE_LIMIT; // completions that may still settle before the next look; while none is left, one is on its way
let granted = STRIDE_LIMIT; // every credit ever given, so that completions are counted for free
let turnGranted = NO_TURN; // what had been given when this turn began
let turnBegan = 0;
let looked = 0;

/** Settles a promise: at once, or in the order of the calls when the budget lets it. */
export function settle<T>(resolve: Resolve<T>, value: T): void {
  if (passes()) resolve(value);
  else held.push({ resolve, value });
}

/** A promise of an operation that completed at once. */
export function settled<T>(value: T): Promise<T> {
  return passes() ? Promise.resolve(value) : settledLater(value);
}

// Apart from the fast path, here and wherever something parks: a function that contains a closure pays for its
// captured variables on every call (bench row 3: 56 bytes, 20 ns).
function settledLater<T>(value: T): Promise<T> {
  return new Promise((resolve: Resolve<T>) => {
    held.push({ resolve, value });
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
  return passes() ? resolved : settledLater<void>(undefined);
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
 * @internal Starts a budget afresh, by the count alone or by the clock too: a run under virtual time depends neither on
 * real time nor on what happened before it.
 */
export function budgetByCount(alone: boolean): void {
  now = alone ? () => 0 : realNow;
  stride = STRIDE_LIMIT;
  looked = now();
  credit = 0;
  turnGranted = NO_TURN;
  look();
}

// The last completion of a stride still passes, and asks for a look before anything that follows from it: in a
// microtask behind the reactions of the promises that settled before it, so that what they cost has been paid by then.
// Not by Node's `queueMicrotask`, which costs five times as much, for the sake of async hooks.
function passes(): boolean {
  credit -= 1;
  if (credit === 0) void resolved.then(look);
  return credit >= 0;
}

function look(): void {
  if (credit > 0) return; // a budget was started afresh meanwhile
  const time = now();
  stride = Math.max(1, Math.floor(Math.min(STRIDE_LIMIT, stride * 2, stride / (time - looked))));
  looked = time;
  if (turnGranted === NO_TURN) {
    turnGranted = granted - STRIDE_LIMIT; // what led to this look may be of this turn, too
    turnBegan = time;
    renewNextTurn(false);
  }
  if (granted + stride - turnGranted > TURN_COMPLETIONS || time - turnBegan >= TURN_MILLISECONDS) {
    renewNextTurn(true);
    return;
  }
  granted += stride;
  for (credit = stride; credit > 0 && held.length > 0;) {
    const { resolve, value } = held.shift();
    if (passes()) resolve(value as never);
  }
}

// A loop that turns by itself, as in a program with little to do, starts the budget afresh. A spent one waits for a
// macrotask that was asked for then, behind all who asked before.
function renewNextTurn(spent: boolean): void {
  const mine = turnGranted;
  macrotask(() => {
    if (turnGranted !== mine || (credit <= 0 && !spent)) return;
    turnGranted = NO_TURN;
    look();
  });
}

function chooseMacrotask(): (task: () => void) => unknown {
  const { setImmediate } = globalThis as { setImmediate?: (task: () => void) => unknown };
  if (setImmediate !== undefined) return setImmediate;
  const tasks = new Ring<() => void>();
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => {
    tasks.shift()();
  });
  port1.start();
  return (task) => {
    tasks.push(task);
    port2.postMessage(0);
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
