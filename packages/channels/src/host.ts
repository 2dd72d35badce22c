// The host's own primitives for law 3, which no fake timer may stop, also when this file is loaded under fakes.
// No function says whether it is a fake. The known ones give themselves away and are never used here; what is neither
// known as a fake nor proven to be the host's own runs a race against something that nobody fakes.

import { Ring } from "./buffer.ts";

type Primitive = (...given: never[]) => unknown;

/** Runs a task in a macrotask of its own: timers and sockets had their chance before. Gives the host's handle, if any. */
type Macrotask = (task: () => void) => unknown;

interface Host {
  readonly setImmediate?: Macrotask;
  readonly process?: { getBuiltinModule?(name: string): object | undefined };
}

/** @internal Runs a task in a macrotask of its own, whatever fakes are installed. Gives the host's handle, if any. */
export const macrotask: Macrotask = chooseMacrotask();

/** @internal The monotonic clock in milliseconds, whatever fakes are installed. */
export const realNow: () => number = chooseNow();

/** @internal Runs a task soon after the loop has turned by itself, without keeping the process alive. */
export const afterTurn: (task: () => void) => void = chooseAfterTurn();

/**
 * @internal Runs a task outside of every async context: what serves everybody must neither keep alive the context of
 * who happened to call (Node's `AsyncLocalStorage`), nor show it to others' callbacks.
 */
export const outside: <R>(task: () => R) => R = chooseOutside();

/**
 * @internal Lets `structuredClone` and `postMessage` refuse an object, which else make an empty one of it: Node from
 * 22.10 on. Eight bytes for each, so not for the timers that a select makes.
 */
export const refuseClones: ((value: object) => void) | undefined = (
  builtin("worker_threads") as { markAsUncloneable?: (value: object) => void }
).markAsUncloneable;

/** @internal True for a fake by one of the known signs: Sinon's kind has its clock, mocks have calls, node:test's are bound. */
export function isFake(primitive: Primitive): boolean {
  return "clock" in primitive || "mock" in primitive || primitive.name.startsWith("bound ");
}

/** @internal True for what is not written in JavaScript, or is bound. */
export function isNative(primitive: Primitive): boolean {
  return /\{\s*\[native code\]\s*\}\s*$/.test(sourceOf(primitive));
}

/** @internal Lets the process end although a host timer or immediate is pending; hosts without processes ignore it. */
export function unref(handle: unknown): void {
  (handle as { unref?: () => void } | undefined)?.unref?.();
}

/** @internal Undoes `unref`. */
export function ref(handle: unknown): void {
  (handle as { ref?: () => void } | undefined)?.ref?.();
}

/** @internal A module of Node's, which Deno, Bun and workerd have, too; an empty object elsewhere. */
export function builtin(name: string): object {
  return (globalThis as Host).process?.getBuiltinModule?.(`node:${name}`) ?? {};
}

// By `toString` of the language: a fake may have one of its own.
function sourceOf(primitive: Primitive): string {
  return Function.prototype.toString.call(primitive);
}

function chooseMacrotask(): Macrotask {
  const { setImmediate } = globalThis as Host;
  if (setImmediate === undefined || isFake(setImmediate)) return withoutImmediate();
  // Node writes its own in JavaScript, too.
  const isProven = isNative(setImmediate) || sourceOf(setImmediate).includes("new Immediate(");
  return isProven ? setImmediate : race(setImmediate, withoutImmediate());
}

function race(one: Macrotask, other: Macrotask): Macrotask {
  return (task) => {
    let isDone = false;
    const once = (): void => {
      if (isDone) return;
      isDone = true;
      task();
    };
    void other(once);
    return one(once);
  };
}

// Messages are no turn in Node, which delivers a thousand in a row before timers have their chance; but nobody fakes
// the immediates that its `scheduler.yield` keeps to itself. In browsers each message is a task like any other.
function withoutImmediate(): Macrotask {
  const { scheduler } = builtin("timers/promises") as { scheduler?: { yield(): Promise<void> } };
  if (scheduler !== undefined) return (task) => scheduler.yield().then(task);
  return typeof MessageChannel === "undefined" ? byTimer(setTimeout) : byMessage();
}

function byTimer(setTimer: (task: () => void, delay: number) => unknown): Macrotask {
  return (task) => setTimer(task, 0);
}

function byMessage(): Macrotask {
  const tasks = new Ring<() => void>();
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => {
    const task = tasks.shift();
    if (tasks.length === 0) unref(port1);
    task();
  });
  port1.start();
  unref(port1);
  return (task) => {
    ref(port1); // a port that listens would keep the process alive for ever
    tasks.push(task);
    port2.postMessage(0);
  };
}

// What only the real object answers, or else the time at which the host says that an event was made.
function chooseNow(): () => number {
  try {
    const { Performance } = globalThis as unknown as { Performance: { prototype: { now(): number } } };
    const real = Performance.prototype.now.bind(performance);
    real();
    return real;
  } catch {
    return typeof Event === "undefined" ? performance.now.bind(performance) : () => new Event("").timeStamp;
  }
}

// By a timer, which fires at most once each millisecond.
function chooseAfterTurn(): (task: () => void) => void {
  const run = isFake(setTimeout) ? macrotask : byTimer(setTimeout);
  return (task) => unref(run(task));
}

interface AsyncResource {
  runInAsyncScope<R>(task: () => R): R;
}

/**
 * @internal Binds a task to the async context of now: what the library calls of the program's runs in the context of
 * whoever handed it over. A host without such contexts has nothing to bind.
 */
export function bound(task: () => void): () => void {
  const { AsyncResource } = asyncHooks();
  if (AsyncResource === undefined) return task;
  const here = new AsyncResource("sluice");
  return () => here.runInAsyncScope(task);
}

function asyncHooks(): { readonly AsyncResource?: new (type: string) => AsyncResource } {
  return builtin("async_hooks");
}

// A resource keeps the context in which it was made, under symbols: a library that a request loads lazily would keep
// that request's. Without it there is none.
function chooseOutside(): <R>(task: () => R) => R {
  const { AsyncResource } = asyncHooks();
  if (AsyncResource === undefined) return (task) => task();
  const nowhere = new AsyncResource("sluice");
  for (const key of Object.getOwnPropertySymbols(nowhere)) {
    if (key.description?.includes("async_id") === false) Object.assign(nowhere, { [key]: undefined });
  }
  return (task) => nowhere.runInAsyncScope(task);
}
