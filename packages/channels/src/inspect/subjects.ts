// What an operation waits for, in words. An operation that the collector may take is known by what was noted of its
// channels when it parked: the channels themselves would hold it.

import { Intake, Offer } from "../case.ts";
import type { Link, List } from "../list.ts";
import { type Crowded, crowded } from "../protocol.ts";
import { Round } from "../selector.ts";
import { remaining, TimerChannel } from "../time/timer.ts";

interface Told {
  readonly name: string | undefined;
  readonly [crowded]?: List<Crowded & Link>;
}

const NAMES_NOTED = 8;
const OVER = "a timer that was stopped or has fired";

/** @internal A channel, known weakly. */
export class Noted {
  readonly name: string | undefined;
  readonly #words: string;
  readonly #changes: boolean;
  readonly #ref: WeakRef<object>;
  /** Grows when something happens to it that its report shows. */
  touched = 0;
  static readonly #of = new WeakMap<object, Noted>();

  static of(channel: object): Noted {
    let noted = Noted.#of.get(channel);
    if (noted === undefined) Noted.#of.set(channel, (noted = new Noted(channel)));
    return noted;
  }

  static known(channel: object): Noted | undefined {
    return Noted.#of.get(channel);
  }

  constructor(channel: object) {
    const isTimer = channel instanceof TimerChannel;
    this.name = (channel as Told).name;
    this.#words = isTimer ? OVER : nameOf(channel);
    this.#changes = isTimer || crowded in channel;
    this.#ref = new WeakRef(channel);
  }

  /** To be asked for sparingly: who asks keeps it from the collector until the job ends. */
  get channel(): object | undefined {
    return this.#ref.deref();
  }

  /** What an operation waits for there. */
  words(sends: boolean): string | string[] {
    const channel = this.#changes ? this.#ref.deref() : undefined;
    if (channel !== undefined) return sends ? roomOn(channel) : valueOn(channel);
    if (this.#words === OVER) return OVER;
    return sends ? `a receiver on ${this.#words}` : `a value on ${this.#words}`;
  }
}

/** @internal One of the things that an operation waits for. */
export interface Part {
  /** A channel, or what is noted of it. */
  readonly on: object;
  readonly sends: boolean;
}

/** @internal What an operation waits for, held weakly; of a single channel its `Noted` alone is. */
export function faded(on: object, operation: string): object {
  if (on instanceof Noted || on instanceof Faded) return on;
  return Array.isArray(on) || on instanceof Round ? new Faded(on, operation) : Noted.of(on);
}

class Faded {
  readonly #parts: readonly Part[];
  readonly #round: WeakRef<Round> | undefined;
  readonly isRound: boolean;

  constructor(on: object, operation: string) {
    this.isRound = on instanceof Round;
    const parts = strongParts(on, operation, this.isRound ? NAMES_NOTED : Infinity);
    this.#parts = parts.map((part) => ({ on: Noted.of(part.on), sends: part.sends }));
    this.#round = on instanceof Round ? new WeakRef(on) : undefined;
  }

  parts(operation: string): readonly Part[] {
    const round = this.#round?.deref(); // it may watch others by now
    return round === undefined ? this.#parts : strongParts(round, operation);
  }

  touch(): void {
    for (const { on } of this.#parts) (on as Noted).touched += 1;
  }
}

/** @internal What an operation waits for now. */
export function partsOf(on: object, operation: string): readonly Part[] {
  return on instanceof Faded ? on.parts(operation) : strongParts(on, operation);
}

let shuffles = 0;

/** @internal Grows when somebody parked or left of whom it is not noted where. */
export function shuffled(): number {
  return shuffles;
}

/** @internal Somebody parked there, or left. */
export function shuffle(on: object): void {
  if (on instanceof Noted) on.touched += 1;
  else if (on instanceof Faded && !on.isRound) on.touch();
  else shuffles += 1;
}

function strongParts(on: object, operation: string, limit = Infinity): readonly Part[] {
  if (on instanceof Round) {
    const parts: Part[] = [];
    for (const { source } of on.registrations.values()) {
      if (parts.length === limit) break;
      parts.push({ on: source, sends: false });
    }
    return parts;
  }
  return Array.isArray(on) ? on.map((entry: object) => partOf(entry, operation)) : [partOf(on, operation)];
}

function partOf(entry: object, operation: string): Part {
  const isSend = entry instanceof Offer;
  const channel = isSend || entry instanceof Intake ? entry.channel : entry;
  return { on: channel, sends: isSend || operation === "send" };
}

/** @internal Says what is waited for. Thousands may wait for the same: each text is made once. */
export class Words {
  readonly #known = new Map<object, readonly string[]>();
  readonly #sent = new Map<object, readonly string[]>();
  readonly #first: (channel: Noted) => void;

  /** Tells of each channel that is noted and that somebody waits for, the first time at least. */
  constructor(first: (channel: Noted) => void = () => {}) {
    this.#first = first;
  }

  of(on: object, operation: string): readonly string[] {
    const known = operation === "send" ? this.#sent : this.#known;
    let words = known.get(on);
    if (words === undefined) known.set(on, (words = this.#make(partsOf(on, operation))));
    return words;
  }

  #make(parts: readonly Part[]): readonly string[] {
    for (const { on } of parts) {
      const noted = on instanceof Noted ? on : Noted.known(on);
      if (noted !== undefined) this.#first(noted);
    }
    return parts.flatMap(wordsOf);
  }
}

function wordsOf({ on, sends }: Part): string | string[] {
  if (on instanceof Noted) return on.words(sends);
  return sends ? roomOn(on) : valueOn(on);
}

function valueOn(channel: object): string {
  if (!(channel instanceof TimerChannel)) return `a value on ${nameOf(channel)}`;
  const wait = channel[remaining]();
  return wait < Infinity ? `a timer due in ${Math.max(0, Math.round(wait))} ms` : OVER;
}

function roomOn(channel: object): string[] {
  const { name, [crowded]: all } = channel as Told;
  if (all === undefined) return [`a receiver on ${nameOf(channel)}`];
  const whole = name === undefined ? "an unnamed broadcast" : `broadcast "${name}"`;
  const rooms: string[] = [];
  for (let node: Link = all.next; node !== all; node = node.next as Link) {
    const { name: own, full, abandoned } = node as Crowded & Link;
    const which = own === undefined ? "an unnamed subscription" : `subscription "${own}"`;
    if (full) rooms.push(`room in ${which} of ${whole}${abandoned ? ", which was abandoned" : ""}`);
  }
  return rooms;
}

function nameOf(channel: object): string {
  const { name } = channel as Told;
  return name === undefined ? `an unnamed ${channel.constructor.name}` : `channel "${name}"`;
}
