// Who waits, and in which order: intrusive doubly linked lists, so that whoever gives up leaves by identity in O(1).
// Removing by position or lazily is how other libraries hang their neighbours or leak (docs/laws.md).
// A waiter is told why it woke (`accept`, `end`, `taken`, `fail`); it first leaves every list, then settles its promise.

import type { Listening } from "./signal.ts";

/**
 * @internal A node of one list at a time. An interface and not a base class, here and for waiters: constructors of
 * derived classes cost a quarter of a rendezvous (bench rows 1 and 2), so each kind of waiter is one flat class.
 */
export interface Link {
  previous: Link | undefined;
  next: Link | undefined;
  list: List<Link> | undefined;
}

/** @internal First in, first out, and out of the middle at no cost. */
export class List<out N extends Link> {
  head: N | undefined = undefined;
  tail: N | undefined = undefined;

  append(node: Link): void {
    const tail: Link | undefined = this.tail;
    node.previous = tail;
    node.list = this;
    if (tail === undefined) this.head = node as N;
    else tail.next = node;
    this.tail = node as N;
  }

  //   before   a ⇄ node ⇄ b      after   a ⇄ b      with the list's own ends where a or b is missing
  remove(node: Link): void {
    const { previous, next } = node;
    if (previous === undefined) this.head = next as N | undefined;
    else previous.next = next;
    if (next === undefined) this.tail = previous as N | undefined;
    else next.previous = previous;
    node.previous = node.next = node.list = undefined;
  }
}

/** @internal Takes a node out of its list; does nothing when it is in none. */
export function unlink(node: Link): void {
  if (node.list !== undefined) node.list.remove(node);
}

let arrivals = 0;

/** @internal The place of an operation among all that wait, across channels: the lower number came first. */
export function arrive(): number {
  arrivals += 1;
  return arrivals;
}

/** @internal Something parked that a signal can end. */
export interface Parked {
  listening: Listening | undefined;
  /** Leaves every list it is in. */
  leave(): void;
}

/** @internal An operation that stands in one queue of one channel. */
export interface Waiter extends Link, Parked {}

/** @internal How a waiter leaves its queue and its signal. */
export function leave(waiter: Waiter): void {
  unlink(waiter);
  if (waiter.listening !== undefined) waiter.listening.stop();
  if (recorder !== undefined) recorder.left(waiter);
}

/** @internal Whoever can be handed a value: a parked operation, or the place that a parked `Selector.next` has here. */
export interface Receiver<T> {
  readonly arrival: number;
  /** Takes a value of `source`. */
  accept(value: T, source: object): void;
  /** Learns that `source` is closed and drained. */
  end(source: object): void;
}

/** @internal An operation that waits for a value in a channel's queue; a select has one in each channel. */
export interface ReceivingWaiter<T> extends Link, Receiver<T> {}

/** @internal An operation that waits for its value to be taken. */
export interface SendingWaiter<out T> extends Link {
  readonly value: T;
  /** Learns that its value was taken. */
  taken(channel: object): void;
  /** Learns that the channel was closed. */
  fail(channel: object): void;
}

/** @internal Sees every operation that parks, while diagnostics or virtual time are on. */
export interface Recorder {
  /** `channels` is read when somebody asks. */
  parked(operation: object, what: string, channels: Iterable<object>): void;
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
