// Which operations are parked now, on which channels, since when, and from which line: what a goroutine dump is to Go.
// Off by default, and then it costs one comparison where something parks; on, each parked operation keeps a stack.

import { Offer } from "./case.ts";
import { Channel } from "./channel.ts";
import { clock } from "./clock.ts";
import { StepIterator } from "./iterator.ts";
import { select } from "./select.ts";
import { Round, Selector } from "./selector.ts";
import { Source } from "./source.ts";
import { sleep } from "./time.ts";
import { HeldTimer, TimerChannel } from "./timer.ts";
import { type Recorder, setRecorder } from "./waiter.ts";

/** An operation that waits. */
export interface ParkedOperation {
  /** What waits: "receive", "send", "select", "receiveMany", "for await", "sleep" or "Selector.next". */
  readonly operation: string;
  /** What it waits for, one entry for each channel, in words. */
  readonly waitsFor: readonly string[];
  /** Since when, as `Date.now()` gives it. */
  readonly since: number;
  /**
   * The line that called it, as the host writes stack frames. Empty where the host gives no stack, and under virtual
   * time without `recordParked(true)` for what a timer is certain to wake, which has no part in a deadlock.
   */
  readonly calledAt: string;
}

interface Entry {
  readonly operation: string;
  readonly on: object;
  readonly since: number;
  readonly place: Place;
}

const NAMES_SHOWN = 8;

/** @internal */
export class ParkedOperations implements Recorder {
  readonly #entries = new Map<object, Entry>();
  readonly #outer: Recorder | undefined;
  /** Operations seen so far, parked or not. */
  operations = 0;

  constructor(outer?: Recorder) {
    this.#outer = outer;
  }

  parked(operation: object, what: string, on: object): void {
    this.operations += 1;
    const place = ordinary === undefined && isCertain(on) ? NOWHERE : placeOf(what);
    this.#entries.set(operation, { operation: what, on, since: timeOfDay(), place });
  }

  left(operation: object): void {
    this.#entries.delete(operation);
    this.#outer?.left(operation);
  }

  passed(): void {
    this.operations += 1;
  }

  list(): ParkedOperation[] {
    return Array.from(this.#entries.values(), ({ operation, on, since, place }) => ({
      operation,
      waitsFor: partsOf(on).map((part) => waitedFor(part, operation)),
      since,
      calledAt: lineOf(place),
    }));
  }
}

let ordinary: ParkedOperations | undefined;
let virtual: ParkedOperations | undefined;

/**
 * Switches the recording of parked operations on or off. Operations that parked before are not known.
 *
 * While on, each parked operation costs a captured stack (about three microseconds) and is held in memory until it is
 * done.
 */
export function recordParked(on: boolean): void {
  ordinary = on ? (ordinary ?? new ParkedOperations()) : undefined;
  setRecorder(virtual ?? ordinary);
}

/** @internal Virtual time has a record of its own; without one, the ordinary one goes on. */
export function recordVirtual(operations?: ParkedOperations): void {
  virtual = operations;
  setRecorder(virtual ?? ordinary);
}

/** Lists the operations that are parked now: under virtual time, or since `recordParked(true)`; else none. */
export function parked(): ParkedOperation[] {
  return (virtual ?? ordinary)?.list() ?? [];
}

/** Writes parked operations for people, one paragraph each. */
export function formatParked(list: readonly ParkedOperation[] = parked()): string {
  const now = timeOfDay();
  return list
    .map(({ operation, waitsFor, since, calledAt }) => {
      const shown = waitsFor.slice(0, NAMES_SHOWN).join(", ");
      const more = waitsFor.length > NAMES_SHOWN ? ` and ${waitsFor.length - NAMES_SHOWN} more` : "";
      const at = calledAt === "" ? "" : `\n    at ${calledAt}`;
      return `  ${operation} waits for ${shown === "" ? "no channel" : shown}${more}, parked ${Math.round(now - since)} ms ago${at}`;
    })
    .join("\n");
}

function partsOf(on: object): readonly object[] {
  if (on instanceof Round) return Array.from(on.registrations.values(), ({ source }) => source);
  return Array.isArray(on) ? on : [on];
}

// The first in the queue of a moment that nobody can stop is certain to be woken: it has no part in any deadlock, and
// its line, half of what a simulated day costs, is not captured. A Selector can lose its timer, so it is never certain.
function isCertain(on: object): boolean {
  if (Array.isArray(on)) return on.some(isCertain);
  if (!(on instanceof TimerChannel) || on instanceof HeldTimer) return false;
  return on.due() < Infinity && on.front.head === undefined;
}

function waitedFor(entry: object, operation: string): string {
  const channel = entry instanceof Offer ? entry.channel : entry;
  if (entry instanceof Offer || operation === "send") return `a receiver on ${nameOf(channel)}`;
  if (!(channel instanceof TimerChannel)) return `a value on ${nameOf(channel)}`;
  const wait = channel.due() - clock().now();
  return wait < Infinity
    ? `a timer due in ${Math.max(0, Math.round(wait))} ms`
    : "a timer that was stopped or has fired";
}

function timeOfDay(): number {
  const current = clock();
  return current.wall(current.now());
}

function nameOf(channel: object): string {
  const { name } = channel as { readonly name?: string | undefined };
  return name === undefined ? `an unnamed ${channel.constructor.name}` : `channel "${name}"`;
}

/** A captured stack, of one frame; it is written out only when somebody reads it. */
interface Place {
  readonly stack?: string;
}

const NOWHERE: Place = {};

interface Capturing {
  stackTraceLimit: number;
  captureStackTrace?: (place: Place, below: unknown) => void;
}

// What a program calls, of which only the identity counts: the frame below it is the line to report.
// oxlint-disable typescript/unbound-method
const ENTRIES: Readonly<Record<string, unknown>> = {
  receive: Source.prototype.receive,
  receiveMany: Source.prototype.receiveMany,
  "for await": StepIterator.prototype.next,
  send: Channel.prototype.send,
  select,
  sleep,
  "Selector.next": Selector.prototype.next,
};
// oxlint-enable typescript/unbound-method

// One frame costs a third of the ten of an Error.
function placeOf(what: string): Place {
  const host = Error as unknown as Capturing;
  const place: Place = {};
  const limit = host.stackTraceLimit;
  host.stackTraceLimit = 1;
  host.captureStackTrace?.(place, ENTRIES[what]);
  host.stackTraceLimit = limit;
  return place;
}

function lineOf({ stack = "" }: Place): string {
  const line = stack.split("\n").find((frame) => /:\d+:\d+/.test(frame)) ?? "";
  return line.trim().replace(/^at /, "");
}
