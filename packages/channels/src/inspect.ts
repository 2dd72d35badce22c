// Which operations are parked now, on which channels, since when, and from which line: what a goroutine dump is to Go.
// Off by default, and then it costs one comparison where something parks; on, each parked operation keeps a stack.

import { Intake, Offer } from "./case.ts";
import { Channel } from "./channel.ts";
import { clock } from "./time/clock.ts";
import { StepIterator } from "./iterator.ts";
import type { Link, List } from "./list.ts";
import { isObject } from "./object.ts";
import { type Asked, asked, type Crowded, crowded, front } from "./protocol.ts";
import { select } from "./select.ts";
import { Round, Selector } from "./selector.ts";
import { Source } from "./source.ts";
import { sleep } from "./time/time.ts";
import { HeldTimer, remaining, TimerChannel } from "./time/timer.ts";
import { type Recorder, setRecorder } from "./waiter.ts";

/** An operation that waits. */
export interface ParkedOperation {
  /** What waits: "receive", "send", "select", "receiveMany", "for await", "sleep", "Selector.next" or "until". */
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

/** A channel that stands for a whole operation; it comes first among those that are waited for. */
interface Whole {
  readonly [asked]: Asked;
}

interface Told {
  readonly name: string | undefined;
  readonly [crowded]?: List<Crowded & Link>;
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
  readonly #wholes = new WeakMap<Whole, Place>();
  #selectors = 0;
  /** Operations seen so far, parked or not. */
  operations = 0;

  parked(operation: object, what: string, on: object, entry: unknown = ENTRIES[what]): void {
    this.operations += 1;
    const whole = wholeOf(on);
    const place = ordinary === undefined && this.#isCertain(what, on) ? NOWHERE : this.#placeOf(whole, entry);
    if (on instanceof Round) this.#selectors += 1;
    const wait = { operation: whole?.[asked].what ?? what, on, since: timeOfDay(), place };
    this.#entries.set(operation, wait);
    if (ordinary !== undefined) ordinary.#entries.set(operation, wait);
  }

  // What is a part of another operation may park again and again: only the first time does the program call it.
  #placeOf(whole: Whole | undefined, entry: unknown): Place {
    if (whole === undefined) return placeOf(entry);
    const place = this.#wholes.get(whole) ?? placeOf(whole[asked].entry);
    this.#wholes.set(whole, place);
    return place;
  }

  left(operation: object): void {
    if (this.#entries.get(operation)?.on instanceof Round) this.#selectors -= 1;
    this.#entries.delete(operation);
    if (ordinary !== undefined) ordinary.#entries.delete(operation);
  }

  passed(): void {
    this.operations += 1;
  }

  list(): ParkedOperation[] {
    return Array.from(this.#entries.values(), ({ operation, on, since, place }) => ({
      operation,
      waitsFor: partsOf(on).flatMap((part) => waitedFor(part, operation)),
      since,
      calledAt: lineOf(place),
    }));
  }

  // Who sleeps, and the first in the queue of a moment that nobody can stop, is certain to be woken: it has no part in
  // any deadlock, and its line, half of what a simulated day costs, is not captured. Not while a `Selector.next` of this
  // run waits: it came earlier, and `add` would let it take that moment; nor for one itself: `delete` may take its timer.
  #isCertain(what: string, on: object): boolean {
    if (what === "sleep") return true;
    if (this.#selectors > 0) return false;
    return (Array.isArray(on) ? on : [on]).some(
      (part) =>
        part instanceof TimerChannel &&
        !(part instanceof HeldTimer) &&
        part[remaining]() < Infinity &&
        part[front].head === undefined,
    );
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

/** @internal Virtual time has a record of its own, beside the ordinary one. */
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
      return `  ${operation} waits for ${shown === "" ? "no channel" : shown}${more}, parked ${Math.max(0, Math.round(now - since))} ms ago${at}`;
    })
    .join("\n");
}

function wholeOf(on: object): Whole | undefined {
  const first: unknown = Array.isArray(on) ? on[0] : undefined;
  return isObject(first) && asked in first ? (first as Whole) : undefined;
}

function partsOf(on: object): readonly object[] {
  if (on instanceof Round) return Array.from(on.registrations.values(), ({ source }) => source);
  return Array.isArray(on) ? on : [on];
}

function waitedFor(entry: object, operation: string): string | string[] {
  const channel = entry instanceof Offer || entry instanceof Intake ? entry.channel : entry;
  if (entry instanceof Offer || operation === "send") return roomOn(channel);
  if (!(channel instanceof TimerChannel)) return `a value on ${nameOf(channel)}`;
  const wait = channel[remaining]();
  return wait < Infinity
    ? `a timer due in ${Math.max(0, Math.round(wait))} ms`
    : "a timer that was stopped or has fired";
}

function roomOn(channel: object): string | string[] {
  const { name, [crowded]: all } = channel as Told;
  if (all === undefined) return `a receiver on ${nameOf(channel)}`;
  const whole = name === undefined ? "an unnamed broadcast" : `broadcast "${name}"`;
  const rooms: string[] = [];
  for (let node: Link = all.next; node !== all; node = node.next as Link) {
    const { name: own, full, abandoned } = node as Crowded & Link;
    const which = own === undefined ? "an unnamed subscription" : `subscription "${own}"`;
    if (full) rooms.push(`room in ${which} of ${whole}${abandoned ? ", which was abandoned" : ""}`);
  }
  return rooms;
}

function timeOfDay(): number {
  return clock().wall();
}

function nameOf(channel: object): string {
  const { name } = channel as { readonly name?: string | undefined };
  return name === undefined ? `an unnamed ${channel.constructor.name}` : `channel "${name}"`;
}

/** A captured stack, of one frame; it is written out only when somebody reads it. */
interface Place {
  readonly stack?: unknown;
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
function placeOf(entry: unknown): Place {
  const host = Error as unknown as Capturing;
  const place: Place = {};
  const limit = host.stackTraceLimit;
  host.stackTraceLimit = 1;
  host.captureStackTrace?.(place, entry);
  host.stackTraceLimit = limit;
  return place;
}

// A program may have its own `Error.prepareStackTrace`, which need not give a text.
function lineOf({ stack = "" }: Place): string {
  const line =
    String(stack)
      .split("\n")
      .find((frame) => /:\d+:\d+/.test(frame)) ?? "";
  return line.trim().replace(/^at /, "");
}
