// Lets the event loop turn (law 3): every promise of this library settles through here, on a budget.
// A budget is handed out in strides, with a look at the clock after each; the stride adapts to about one look each
// millisecond. Once the budget is spent, completions queue, in order, for the next macrotask, so that no loop of awaits
// starves timers and sockets. Host primitives are taken at load: fake timers cannot stop the turn.

import { Ring } from "./buffer.ts";

const TURN_MILLISECONDS = 4;
const TURN_COMPLETIONS = 1024;
const STRIDE_LIMIT = 64;

type Resolve<T> = (value: T) => void;

const realNow = performance.now.bind(performance);
const realSetTimeout: (task: () => void, delay: number) => unknown = setTimeout;
const resolved: Promise<void> = Promise.resolve();

/** @internal Runs a task in a macrotask of its own: timers and sockets had their chance before. Gives the host's handle. */
export const macrotask: (task: () => void) => unknown = chooseMacrotask();

const held = new Ring<{ readonly resolve: Resolve<never>; readonly value: unknown }>();
let now = realNow;
let stride = STRIDE_LIMIT;
let credit = STRIDE_LIMIT; // completions that may still settle before the next look; while none is left, one is on its way
let granted = STRIDE_LIMIT; // every credit ever given, so that completions are counted for free
let turnGranted = 0; // what had been given when this turn began
let turnBegan = 0;
let looked = 0;
let fresh = true; // the loop has turned by itself since the last look
let marked = false;

/** Settles a promise: at once, or in the order of the calls when the budget lets it. */
export function settle<T>(resolve: Resolve<T>, value: T): void {
  credit -= 1;
  if (credit > 0 || isLastOfStride()) resolve(value);
  else held.push({ resolve, value });
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
  credit -= 1;
  return credit > 0 || isLastOfStride() ? resolved : settledLater<void>(undefined);
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
  begin();
}

// The last completion of a stride still passes, and asks for a look before anything that follows from it.
function isLastOfStride(): boolean {
  if (credit === 0) lookSoon();
  return credit === 0;
}

// A microtask, behind the reactions of the promises that settled before it: what they cost has been paid by now.
// Not by Node's `queueMicrotask`, which costs five times as much, for the sake of async hooks.
function lookSoon(): void {
  void resolved.then(look);
}

function look(): void {
  if (credit > 0) return; // a budget was started afresh meanwhile
  if (fresh) {
    begin();
    return;
  }
  const time = now();
  stride = Math.max(1, Math.floor(Math.min(STRIDE_LIMIT, stride * 2, stride / (time - looked))));
  looked = time;
  if (granted - turnGranted < TURN_COMPLETIONS && time - turnBegan < TURN_MILLISECONDS) grant();
  else macrotask(turn);
}

function turn(): void {
  if (credit <= 0) begin();
}

// The marker tells when the loop has turned by itself, as it does in a program with little to do. It never keeps the
// process alive, and when it is late the only cost is one macrotask.
function begin(): void {
  fresh = false;
  if (!marked) unref(realSetTimeout(mark, 0));
  marked = true;
  turnGranted = granted;
  turnBegan = looked = now();
  grant();
}

function mark(): void {
  marked = false;
  fresh = now === realNow; // under virtual time, turns are counted alone
}

function grant(): void {
  credit = stride;
  granted += stride;
  for (; credit > 0 && held.length > 0; credit -= 1) {
    const { resolve, value } = held.shift();
    resolve(value as never);
  }
  if (credit === 0) lookSoon();
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
