// Operations that wait. A waiter learns in one call why it woke (`wake`); it first leaves every list, then settles its
// promise. One class serves all of them, told apart by their `Kind`: then whatever touches a queue meets one shape.

import { ClosedError } from "./errors.ts";
import { type Link, type List, type Owner, type Queue, unlink } from "./list.ts";
import * as protocol from "./protocol.ts";
import type { Parking, Waiting } from "./protocol.ts";
import { listen, type Parked, type SignalGroup, unlisten } from "./signal.ts";
import { fail } from "./turn.ts";
import type { SendChannel, SignalOptions } from "./types.ts";

// A constant of this module: an import is looked up at each use, which costs a hot path 15 % (bench: receive-many).
const enlist: typeof protocol.enlist = protocol.enlist;

let arrivals = 0;
let waiting = 0;

/** @internal The place of an operation among all that wait, across channels: the lower number came first. */
export function arrive(): number {
  arrivals += 1;
  return arrivals;
}

/** @internal Counts an operation that parks, recorded or not. */
export function parks(): void {
  waiting += 1;
}

/** @internal Counts one that nobody will ever wake: the collector took it. */
export function vanishes(): void {
  waiting -= 1;
}

/** @internal Operations that are parked, recorded or not, those that the collector took unseen included. */
export function parkedNow(): number {
  return waiting;
}

/** @internal What tells one operation from another. */
export interface Kind {
  /** Its name in reports. */
  readonly what: string;
  /** It may reject without a signal. */
  readonly fails: boolean;
  /** What the program called, where that is not told by `what`: a report shows the line that did. */
  readonly entry?: unknown;
  /** Settles its promise, once it has waited. */
  finish(waiter: Waiter, ok: boolean, value: unknown, channel: object): void;
}

/** @internal An operation that stands in one queue. */
export class Waiter implements Waiting, Parked {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  group: SignalGroup | undefined = undefined;
  readonly arrival: number = arrive();
  readonly value: unknown;
  readonly resolve: (result: unknown) => void;
  reject: ((reason: unknown) => void) | undefined;
  readonly #kind: Kind;

  // A `reject` that nobody can call is not kept: it would be a quarter of what a parked receive weighs.
  constructor(
    kind: Kind,
    value: unknown,
    resolve: (result: never) => void,
    reject: ((reason: unknown) => void) | undefined,
  ) {
    this.#kind = kind;
    this.value = value;
    this.resolve = resolve as (result: unknown) => void;
    this.reject = reject;
  }

  get head(): this {
    return this;
  }

  changed(): void {}

  leave(): void {
    unlink(this);
    done(this);
  }

  wake(channel: object, value: unknown, ok: boolean): void {
    this.leave();
    this.#kind.finish(this, ok, value, channel);
  }
}

/** @internal Rejects a send that waits: the channel was closed. */
export function failSend({ resolve, reject, value }: Waiter, channel: SendChannel<never>): void {
  fail(resolve, reject as (reason: unknown) => void, () => new ClosedError(value, channel));
}

/** @internal Parks an operation at the end of a queue; `on` is the channel, or several, for reports. */
export function parkIn<R>(
  queue: List<Waiting>,
  kind: Kind,
  on: object,
  options?: SignalOptions,
  value?: unknown,
): Promise<R> {
  return new Promise((resolve, reject) => {
    queue.append(waiterOf(kind, on, options, value, resolve, reject));
  });
}

/** @internal Parks an operation behind those that wait to receive. */
export function parkOn<R>(on: Parking, kind: Kind, options: SignalOptions | undefined, value: unknown): Promise<R> {
  return new Promise((resolve, reject) => {
    on[enlist](waiterOf(kind, on, options, value, resolve, reject));
  });
}

/** @internal An operation about to park. */
export function waiterOf(
  kind: Kind,
  on: object,
  options: SignalOptions | undefined,
  value: unknown,
  resolve: (result: never) => void,
  reject: (reason: unknown) => void,
): Waiter {
  const waiter = new Waiter(kind, value, resolve, kind.fails || options !== undefined ? reject : undefined);
  if (options !== undefined) listen(waiter, options); // first: what throws here must leave nothing behind
  waiting += 1;
  recorder?.parked(waiter, kind.what, on, kind.entry);
  return waiter;
}

/** @internal Ends the parked steps of one iterator, as a plain close does. */
export function dismissAll(queue: Queue<Waiting>, owner: Owner, iterator: object): void {
  if (queue.next === owner && queue !== owner) {
    dismissOne(queue as Waiting, iterator);
    return;
  }
  for (let node = queue.next as Link; node !== queue;) {
    const waiter = node as Waiting;
    node = node.next as Link;
    dismissOne(waiter, iterator);
  }
}

function dismissOne(waiter: Waiting, iterator: object): void {
  if (waiter.value === iterator) waiter.wake(iterator, undefined, false);
}

/** @internal What every operation does that left its queues. */
export function done(operation: Parked): void {
  if (operation.group !== undefined) unlisten(operation, operation.group);
  waiting -= 1;
  recorder?.left(operation);
}

/** @internal Sees every operation that parks, while diagnostics or virtual time are on. */
export interface Recorder {
  /** Called before it stands in a queue. `on` is a channel, the cases of a select, or the state of a Selector. */
  parked(operation: object, what: string, on: object, entry?: unknown): void;
  left(operation: object): void;
  /** An operation that did not wait. */
  passed(): void;
}

/** @internal Undefined in ordinary operation: then recording costs one comparison where something parks. */
export let recorder: Recorder | undefined;

/** @internal */
export function setRecorder(next: Recorder | undefined): void {
  recorder = next;
}
