// Who waits, and in which order: intrusive doubly linked lists, so that whoever gives up leaves by identity in O(1).
// Removing by position or lazily is how other libraries hang their neighbours or leak (docs/laws.md).
// A waiter is told why it woke (`accept`, `end`, `taken`, `fail`); it first leaves every list, then settles its promise.

import type { Listening } from "./signal.ts";

/** @internal A node of one list at a time. */
export class Link {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  list: List<Link> | undefined = undefined;

  /** Leaves the list; does nothing when it is in none. */
  unlink(): void {
    if (this.list !== undefined) this.list.remove(this);
  }
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
export abstract class Waiter extends Link implements Parked {
  listening: Listening | undefined = undefined;

  leave(): void {
    this.unlink();
    if (this.listening !== undefined) this.listening.stop();
    if (recorder !== undefined) recorder.left(this);
  }
}

/** @internal Whoever can be handed a value: a parked operation, or the place that a parked `Selector.next` has here. */
export interface Receiver<in T> {
  readonly arrival: number;
  /** Takes a value of `source`. */
  accept(value: T, source: object): void;
  /** Learns that `source` is closed and drained. */
  end(source: object): void;
}

/** @internal An operation that waits for a value. */
export abstract class ReceivingWaiter<in T> extends Waiter implements Receiver<T> {
  readonly arrival: number;

  constructor(arrival: number) {
    super();
    this.arrival = arrival;
  }

  abstract accept(value: T, source: object): void;
  abstract end(source: object): void;
}

/** @internal An operation that waits for its value to be taken. */
export abstract class SendingWaiter<out T> extends Waiter {
  readonly value: T;

  constructor(value: T) {
    super();
    this.value = value;
  }

  /** Learns that its value was taken. */
  abstract taken(channel: object): void;
  /** Learns that the channel was closed. */
  abstract fail(channel: object): void;
}

/** @internal Sees every operation that parks, while diagnostics or virtual time are on. */
export interface Recorder {
  parked(operation: object, what: string, channels: readonly object[]): void;
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
