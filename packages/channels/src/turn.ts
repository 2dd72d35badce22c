// Lets the event loop turn (law 3): every promise of this library settles through here, on a budget.
// Credit for a stride of completions is given, then comes a look at the clock; the stride adapts to about one look each
// millisecond. Once the budget of a turn is spent, completions queue, in order, for the next macrotask, so that no loop
// of awaits starves timers and sockets. Fake timers cannot stop the turn (host.ts).

import { Ring } from "./buffer.ts";
import { afterTurn, macrotask, outside, realNow } from "./host.ts";

const TURN_COMPLETIONS = 1024;
const STRIDE_LIMIT = 64;
const NO_TURN = -Infinity;

type Resolve<T> = (value: T) => void;

const resolved: Promise<void> = outside(() => Promise.resolve());

const held = new Ring<{ readonly resolve: Resolve<never>; readonly value: unknown }>();
let now = realNow;
let turnMilliseconds = 4;
let stride = 1;
let credit = 1; // completions until the next look is asked for
let grace = STRIDE_LIMIT - 1; // completions that may pass until that look has come
let granted = 1; // every credit ever given, so that completions are counted for free
let turnBegan = NO_TURN; // by the clock; before the first look of a turn there is none
let turnGranted = 0; // what had been given by then
let looked = 0;
let renewing = false;
let turning = false;
let failing = false;
let budgeted = 0; // how often it was spent
let longest = 0; // turn, in milliseconds, as far as looks saw it
let budget = 0; // its number: a turn that was asked for under another one begins nothing

/** Settles a promise: at once, or in the order of the calls when the budget lets it. */
export function settle<T>(resolve: Resolve<T>, value: T): void {
  if (passes()) resolve(value);
  else held.push({ resolve, value });
}

/**
 * Rejects a promise with an error that is made for it, of which the stack leads to the code that awaits the promise.
 *
 * For V8 to see that code, the error must be made in a job of a promise that the one to reject follows, so a microtask
 * later; what settles meanwhile queues behind it. Nothing is paid where nothing fails: to keep a stack for each
 * operation that waits would cost more than the whole operation.
 */
export function fail(resolve: Resolve<never>, reject: (reason: unknown) => void, make: () => unknown): void {
  settle(begin, { resolve, reject, make });
}

/** A promise of an operation that completed at once. */
export function settled<T>(value: T): Promise<T> {
  return passes() ? Promise.resolve(value) : settledLater(value);
}

// Apart from the fast path, here and wherever something parks: a function that contains a closure pays for its
// captured variables on every call (bench: buffered, 56 bytes, 20 ns).
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
  return granted - Math.max(credit, -grace);
}

/** @internal What the turns of the loop were like, since this module was loaded. */
export function turns(): { readonly completions: number; readonly budgeted: number; readonly longest: number } {
  return { completions: completions(), budgeted, longest };
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
  // What waits for a turn would spend the new budget, and the turn it waits for would come at any time.
  while (held.length > 0 && !failing) {
    const { resolve, value } = held.shift();
    resolve(value as never);
  }
  budget += 1;
  turning = false;
  now = alone ? () => 0 : realNow;
  looked = now();
  stride = STRIDE_LIMIT;
  granted = completions();
  credit = grace = 0;
  turnBegan = NO_TURN;
  look();
}

/**
 * @internal Sets how long a turn may be, in milliseconds: with 0.05 a fast machine shows what a slow one would. For tests;
 * no entry of the package leads here.
 */
export function limitTurns(milliseconds: number): void {
  turnMilliseconds = milliseconds;
}

// The completion that asks for a look still passes. The look comes in a microtask behind the reactions of the promises
// that settled before it, so that what they cost has been paid by then, and before anything that follows from it.
// Not by Node's `queueMicrotask`, which costs five times as much, for the sake of async hooks.
function passes(): boolean {
  credit -= 1;
  return credit > 0 || mayPass();
}

function mayPass(): boolean {
  if (credit === 0) void resolved.then(look);
  return credit >= -grace;
}

function look(): void {
  if (credit > 0 || failing) return; // a budget was started afresh meanwhile, or an error comes first and looks then
  const time = now();
  stride = Math.max(1, Math.floor(Math.min(STRIDE_LIMIT, stride * 2, stride / (time - looked))));
  looked = time;
  granted = completions();
  credit = grace = 0;
  if (turnBegan === NO_TURN) {
    turnBegan = time;
    turnGranted = granted - STRIDE_LIMIT; // what led to this look may be of this turn, too
    if (!renewing) afterTurn(renew);
    renewing = true;
  }
  if (time - turnBegan > longest) longest = time - turnBegan;
  if (granted + stride - turnGranted > TURN_COMPLETIONS || time - turnBegan >= turnMilliseconds) {
    if (!turning) {
      budgeted += 1;
      askForTurn(budget);
    }
    turning = true;
    return;
  }
  granted += stride;
  for (credit = stride; credit > 0 && held.length > 0;) {
    const { resolve, value } = held.shift();
    passes(); // it does, there is credit
    resolve(value as never);
  }
}

interface Failure {
  readonly resolve: Resolve<never>;
  readonly reject: (reason: unknown) => void;
  readonly make: () => unknown;
}

function begin({ resolve, reject, make }: Failure): void {
  failing = true;
  granted = completions();
  credit = grace = 0;
  const made = resolved.then(() => {
    try {
      reject(make());
    } catch (mistake) {
      reject(mistake);
    }
    failing = false;
    return look();
  });
  void made.then(resolve as Resolve<unknown>); // too late to resolve anything: for V8 to follow
}

function askForTurn(of: number): void {
  macrotask(() => {
    if (of !== budget) return;
    turning = false;
    turnBegan = NO_TURN;
    look();
  });
}

// A loop that turns by itself, as in a program with little to do, starts the budget afresh, and what comes next may be
// slow: the first completion asks for a look, while a burst in the same turn may still pass. By a timer, which fires at
// most once each millisecond and never keeps the process alive.
function renew(): void {
  renewing = false;
  if (credit <= 0 || now !== realNow) return; // spent, and a macrotask is on its way; or by the count alone
  granted += 1 - credit;
  credit = stride = 1;
  grace = STRIDE_LIMIT - 1;
  turnBegan = NO_TURN;
}
