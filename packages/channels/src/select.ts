// Waits for the first of several receives and sends; exactly one happens. Two passes, both synchronous:
// look (commit to a ready case by a fair draw) and, where none is ready, enlist (a waiter in every channel).
// Whoever meets one of those waiters commits the whole select: it leaves every other queue before it settles, so a
// loser can take nothing. A select looks before it enlists, so it never meets itself.

import { Description } from "./case.ts";
import type { Channel } from "./channel.ts";
import { ClosedError } from "./errors.ts";
import { type Link, unlink } from "./list.ts";
import { check, isObject } from "./mistake.ts";
import { listen, refusal, type SignalGroup } from "./signal.ts";
import { portOf, Source } from "./source.ts";
import { rejected, settle, settled } from "./turn.ts";
import type { ReceiveCase, ReceiveChannel, SendCase, SendChannel } from "./types.ts";
import { arrive, done, type Parked, recorder, type Waiting } from "./waiter.ts";

/** A case that is switched off: never ready. */
export type Falsy = null | undefined | false;
/** What `select` chooses from; a receive channel stands for its receive case. */
export type Case = ReceiveCase<unknown> | SendCase<never> | ReceiveChannel<unknown>;
/** The cases of one `select`: an array, or a record whose names come back in the result. */
export type Cases<C> = readonly (Case | Falsy)[] | (object & { readonly [K in keyof C]: Case | Falsy });

/** Options of `select`. */
export interface SelectOptions<D extends boolean | undefined = boolean | undefined> {
  /** Do not wait: when no case is ready, give the default result. */
  readonly default?: D;
  /** Ends the wait: rejects with the signal's reason, and nothing was taken or sent. */
  readonly signal?: AbortSignal | undefined;
  /** Of several ready cases take the first in the order written, not a fair draw. */
  readonly priority?: boolean | undefined;
}

interface Indexed<out I> {
  readonly index: I;
  readonly default?: never;
}
interface Named<out N> {
  readonly name: N;
  readonly default?: never;
}
interface Got<out T> {
  readonly channel: ReceiveChannel<T>;
  readonly value: T;
  readonly ok: true;
}
interface Ended<out T> {
  readonly channel: ReceiveChannel<T>;
  readonly value: undefined;
  readonly ok: false;
}
interface Sent<in T> {
  readonly channel: SendChannel<T>;
  readonly value: undefined;
  readonly ok: true;
}
interface NotReady {
  readonly default: true;
  readonly channel: undefined;
  readonly value: undefined;
  readonly ok: true;
}
type Outcome<C, Key> = C extends ReceiveCase<infer T> | ReceiveChannel<infer T>
  ? (Key & Got<T>) | (Key & Ended<T>)
  : C extends SendCase<infer T>
    ? Key & Sent<T>
    : never;
type Index<S> = S extends `${infer N extends number}` ? N : never;
type ArrayResult<C extends readonly unknown[]> = number extends C["length"]
  ? Outcome<C[number], Indexed<number>>
  : { [K in keyof C]-?: Outcome<C[K], Indexed<Index<K>>> }[number];
type RecordResult<C> = {
  [K in keyof C]-?: Outcome<C[K], Named<K extends string | number ? `${K}` : never>>;
}[keyof C];

/**
 * What a `select` over the cases `C` gives: a union that narrows by `index` (of an array), `name` (of a record) and
 * `ok`. With `default: true` it has one more branch, the only one with a `default` property.
 */
export type SelectResult<C, D extends boolean | undefined = false> = C extends readonly unknown[]
  ? ArrayResult<C> | (true extends D ? NotReady & { readonly index: undefined } : never)
  : RecordResult<C> | (true extends D ? NotReady & { readonly name: undefined } : never);

/**
 * Waits until one of the cases can happen and does exactly that one; the others keep their place and their values.
 *
 * Several ready cases have the same chance, unless `priority` is set. A case that is `null`, `undefined` or `false` is
 * never ready. A receive case of a closed and drained channel is ready, with `ok: false`.
 *
 * @throws ClosedError (as a rejection) when the chosen send case, or one that waited, met a closed channel.
 * @throws TypeError (as a rejection) for something that is no case, and when no case is live and there is no default.
 *
 * @example
 * const prices = new Channel<number>(1);
 * await prices.send(101.5);
 * const r = await select({ price: prices, timeout: time.after("30s") });
 * if (r.name === "price" && r.ok) console.log(r.value); // → 101.5
 */
export function select<const C extends Cases<C>, D extends boolean | undefined = false>(
  cases: C,
  options?: SelectOptions<D>,
): Promise<SelectResult<C, D>>;
export function select(cases: Cases<object>, options?: SelectOptions): Promise<unknown> {
  return (options !== undefined && refusal(options)) || choose(cases, options);
}

function choose(given: unknown, options: SelectOptions | undefined): Promise<unknown> {
  let cases: CaseList;
  let outcome: object | undefined;
  try {
    cases = listOf(given);
    const instead = flag("default", options?.default);
    outcome = look(cases, flag("priority", options?.priority));
    if (instead) outcome ??= { default: true, ...outcomeOf(cases.names, undefined, undefined, undefined, true) };
    if (outcome === undefined && cases.list.every(isOff)) {
      throw new TypeError("Expected at least one case that is not switched off: this select would wait for ever");
    }
  } catch (failure) {
    return rejected(failure);
  }
  return outcome === undefined ? parkSelect(cases, options) : settled(outcome);
}

/**
 * Does what `select` does without waiting: a result, or `undefined` when no case is ready.
 *
 * @throws ClosedError when the chosen send case met a closed channel.
 */
export function trySelect<const C extends Cases<C>>(
  cases: C,
  options?: { readonly priority?: boolean | undefined },
): SelectResult<C> | undefined;
export function trySelect(cases: Cases<object>, options?: { readonly priority?: boolean | undefined }): unknown {
  if (recorder !== undefined) recorder.passed();
  return look(listOf(cases), flag("priority", options?.priority));
}

function flag(name: string, value: boolean | undefined): boolean {
  check(value === undefined || typeof value === "boolean", name, "a boolean", value);
  return value === true;
}

/** The cases in order, with their names where they came as a record. */
interface CaseList {
  readonly list: readonly unknown[];
  readonly names: readonly string[] | undefined;
}

function listOf(cases: unknown): CaseList {
  if (Array.isArray(cases)) return { list: cases, names: undefined };
  const isRecord = isObject(cases) && !(cases instanceof Source || cases instanceof Description);
  check(isRecord, "cases", "an array or a record of cases", cases);
  return { list: Object.values(cases), names: Object.keys(cases) };
}

function isOff(entry: unknown): entry is Falsy {
  return entry === null || entry === undefined || entry === false;
}

// A reservoir of one over the ready cases gives each the same chance; "random start, then scan" does not.
function look({ list, names }: CaseList, priority: boolean): object | undefined {
  let ready = 0;
  let chosen = 0;
  for (let i = 0; i < list.length; i += 1) {
    if (!isReady(list[i], i, names)) continue;
    ready += 1;
    if (ready === 1 || (!priority && draw() * ready < 1)) chosen = i;
  }
  return ready === 0 ? undefined : commit(list[chosen] as Live, chosen, names);
}

type Live = Source<unknown> | Description;
type Names = CaseList["names"];

function isReady(entry: unknown, i: number, names: Names): boolean {
  if (entry instanceof Source) return portOf(entry).ready();
  if (entry instanceof Description) return entry.target?.accepts() ?? portOf(entry.channel).ready();
  check(isOff(entry), `cases.${names?.[i] ?? i}`, "a channel or a case", entry);
  return false;
}

function commit(entry: Live, i: number, names: Names): object {
  const source = entry instanceof Source ? entry : entry.channel;
  if (entry instanceof Description && entry.target !== undefined) {
    entry.target.put(entry.value, names?.[i] ?? i);
    return outcomeOf(names, i, source, undefined, true);
  }
  const port = portOf(source);
  const ok = !port.drained();
  return outcomeOf(names, i, source, ok ? port.take() : undefined, ok);
}

function outcomeOf(names: Names, i: number | undefined, channel: unknown, value: unknown, ok: boolean): object {
  return names === undefined ? { index: i, channel, value, ok } : { name: names[i as number], channel, value, ok };
}

function parkSelect(cases: CaseList, options: SelectOptions | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const selection = spare ?? new Selection();
    spare = undefined;
    selection.enlist(cases, resolve, reject);
    if (options !== undefined) listen(selection, options);
    if (recorder !== undefined) recorder.parked(selection, "select", cases.list.filter(Boolean));
  });
}

// A select that is done lends itself to the next: a loop of selects over 64 channels would make 64 objects for each
// event and link them, young, into old channels, which V8's write barrier makes twice as dear (bench: select-64).
let spare: Selection | undefined;
const SPARE_PARTS = 1024; // 80 kB

function keep(selection: Selection): void {
  spare = selection;
}

/** A parked select: its parts, one in each channel, form a chain. */
class Selection implements Parked {
  group: SignalGroup | undefined = undefined;
  arrival = 0;
  names: Names = undefined;
  resolve: ((outcome: object) => void) | undefined = undefined;
  reject: ((reason: unknown) => void) | undefined = undefined;
  #first: Part | undefined = undefined;
  #parts = 0;

  enlist({ list, names }: CaseList, resolve: (outcome: object) => void, reject: (reason: unknown) => void): void {
    this.arrival = arrive();
    this.names = names;
    this.resolve = resolve;
    this.reject = reject;
    let last: Part | undefined;
    for (let i = 0; i < list.length; i += 1) {
      const entry = list[i];
      if (entry instanceof Source) {
        last = this.#part(last, i);
        entry.enlist(last);
      } else if (entry instanceof Description) {
        last = this.#part(last, i);
        if (entry.target === undefined) {
          entry.channel.enlist(last);
        } else {
          last.sends = true;
          last.value = entry.value;
          entry.target.enlistSender(last);
        }
      }
    }
  }

  #part(last: Part | undefined, i: number): Part {
    const part = last === undefined ? (this.#first ??= new Part(this)) : (last.sibling ??= new Part(this));
    part.i = i;
    this.#parts += 1;
    return part;
  }

  leave(): void {
    let part = this.#first;
    for (let left = this.#parts; left > 0 && part !== undefined; left -= 1) {
      unlink(part);
      part.value = undefined;
      part.sends = false;
      part = part.sibling;
    }
    done(this);
    this.group = this.resolve = this.reject = undefined;
    if (this.#parts <= SPARE_PARTS) keep(this);
    this.#parts = 0;
  }
}

/** The place of a parked select in one channel. */
class Part implements Waiting {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  value: unknown = undefined;
  sends = false;
  i = 0;
  sibling: Part | undefined = undefined;
  readonly #selection: Selection;

  constructor(selection: Selection) {
    this.#selection = selection;
  }

  get arrival(): number {
    return this.#selection.arrival;
  }

  wake(channel: object, value: unknown, ok: boolean): void {
    const { i, value: unsent, sends } = this;
    const { names, resolve, reject } = this.#selection;
    this.#selection.leave();
    if (ok || !sends) settle(resolve as (outcome: object) => void, outcomeOf(names, i, channel, value, ok));
    else
      settle(
        reject as (reason: unknown) => void,
        new ClosedError(unsent, channel as Channel<unknown>, names?.[i] ?? i),
      );
  }
}

let draw: () => number = Math.random;

/** @internal Replaces the source of the fair draw: virtual time makes runs repeat. */
export function setDraw(next: () => number): void {
  draw = next;
}
