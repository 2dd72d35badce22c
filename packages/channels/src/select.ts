// Waits for the first of several receives and sends; exactly one happens. Two passes, both synchronous:
// look (commit to a ready case by a fair draw) and, where none is ready, enlist (a waiter in every channel).
// Whoever meets one of those waiters commits the whole select: it leaves every other queue before it settles, so a
// loser can take nothing. A select looks before it enlists, so it never meets itself.

import { ReceiveDescription, SendDescription } from "./case.ts";
import type { Channel } from "./channel.ts";
import { ClosedError } from "./errors.ts";
import { type Listening, listen, refusal } from "./signal.ts";
import { portOf, Source } from "./source.ts";
import { rejected, settle, settled } from "./turn.ts";
import type { ReceiveCase, ReceiveChannel, SendCase, SendChannel } from "./types.ts";
import {
  arrive,
  type Link,
  type List,
  type Parked,
  type ReceivingWaiter,
  recorder,
  type SendingWaiter,
  unlink,
} from "./waiter.ts";

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
  if (options !== undefined) {
    const refused = refusal(options);
    if (refused !== undefined) return refused;
  }
  let list: CaseList;
  let outcome: object | undefined;
  try {
    list = listOf(cases);
    const instead = flag("default", options?.default);
    outcome = look(list, flag("priority", options?.priority));
    if (outcome === undefined && instead) outcome = notReady(list);
    if (outcome === undefined) checkLive(list);
  } catch (failure) {
    return rejected(failure);
  }
  return outcome === undefined ? park(list, options) : settled(outcome);
}

function park(list: CaseList, options: SelectOptions | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const selection = new Selection(resolve, reject);
    selection.enlist(list);
    if (options !== undefined) listen(selection, options, reject);
    if (recorder !== undefined) recorder.parked(selection, "select", list.cases.filter(Boolean) as object[]);
  });
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

function flag(name: string, value: unknown): boolean {
  if (value === undefined || typeof value === "boolean") return value === true;
  throw new TypeError(`Expected \`${name}\` to be a boolean, got ${described(value)}`);
}

/** The cases in order, with their names where they came as a record. */
interface CaseList {
  readonly cases: readonly unknown[];
  readonly names: readonly string[] | undefined;
}

function listOf(cases: unknown): CaseList {
  if (Array.isArray(cases)) return { cases, names: undefined };
  if (typeof cases !== "object" || cases === null || isCase(cases)) {
    throw new TypeError(`Expected \`cases\` to be an array or a record of cases, got ${described(cases)}`);
  }
  return { cases: Object.values(cases), names: Object.keys(cases) };
}

function isCase(value: unknown): value is Source<unknown> | ReceiveDescription<unknown> | SendDescription<unknown> {
  return value instanceof Source || value instanceof ReceiveDescription || value instanceof SendDescription;
}

function isOff(entry: unknown): entry is Falsy {
  return entry === null || entry === undefined || entry === false;
}

// A reservoir of one over the ready cases gives each the same chance; "random start, then scan" does not.
function look(list: CaseList, priority: boolean): object | undefined {
  const { cases } = list;
  let ready = 0;
  let chosen = 0;
  for (let i = 0; i < cases.length; i += 1) {
    if (!isReady(cases[i], i, list)) continue;
    ready += 1;
    if (ready === 1 || (!priority && draw() * ready < 1)) chosen = i;
  }
  return ready === 0 ? undefined : commit(cases[chosen], keyOf(list, chosen));
}

function isReady(entry: unknown, i: number, list: CaseList): boolean {
  if (entry instanceof Source) return portOf(entry).ready();
  if (entry instanceof ReceiveDescription) return portOf(entry.channel).ready();
  if (entry instanceof SendDescription) return entry.channel.accepts();
  if (isOff(entry)) return false;
  throw new TypeError(`Expected case \`${keyOf(list, i)}\` to be a channel or a case, got ${described(entry)}`);
}

function commit(entry: unknown, key: number | string): object {
  if (entry instanceof SendDescription) {
    entry.channel.put(entry.value, key);
    return outcomeOf(key, entry.channel, undefined, true);
  }
  const source = entry instanceof Source ? entry : (entry as ReceiveDescription<unknown>).channel;
  const port = portOf(source);
  if (port.drained()) return outcomeOf(key, source, undefined, false);
  return outcomeOf(key, source, port.take(), true);
}

function keyOf(list: CaseList, i: number): number | string {
  return list.names === undefined ? i : (list.names[i] as string);
}

function outcomeOf(key: number | string, channel: object, value: unknown, ok: boolean): object {
  return typeof key === "number" ? { index: key, channel, value, ok } : { name: key, channel, value, ok };
}

function notReady(list: CaseList): object {
  const outcome = { default: true, ok: true, channel: undefined, value: undefined };
  return list.names === undefined ? { ...outcome, index: undefined } : { ...outcome, name: undefined };
}

function checkLive(list: CaseList): void {
  if (list.cases.every(isOff)) {
    throw new TypeError("Expected at least one case that is not switched off: this select would wait for ever");
  }
}

/** A parked select: its waiters, one in each channel, form a chain. */
class Selection implements Parked {
  listening: Listening | undefined = undefined;
  readonly resolve: (outcome: object) => void;
  readonly reject: (failure: ClosedError) => void;
  #last: SelectWaiter | undefined = undefined;

  constructor(resolve: (outcome: object) => void, reject: (failure: ClosedError) => void) {
    this.resolve = resolve;
    this.reject = reject;
  }

  enlist(list: CaseList): void {
    const arrival = arrive();
    for (let i = 0; i < list.cases.length; i += 1) {
      const entry = list.cases[i];
      if (isOff(entry)) continue;
      const key = keyOf(list, i);
      if (entry instanceof SendDescription) {
        const waiter = new SelectSend(this, key, this.#last, entry.value);
        this.#last = waiter;
        entry.channel.enlistSender(waiter);
      } else {
        const waiter = new SelectReceive(this, key, this.#last, arrival);
        this.#last = waiter;
        (entry instanceof Source ? entry : (entry as ReceiveDescription<unknown>).channel).enlist(waiter);
      }
    }
  }

  leave(): void {
    for (let waiter = this.#last; waiter !== undefined; waiter = waiter.sibling) unlink(waiter);
    if (this.listening !== undefined) this.listening.stop();
    if (recorder !== undefined) recorder.left(this);
  }
}

interface SelectWaiter extends Link {
  readonly sibling: SelectWaiter | undefined;
}

class SelectReceive implements ReceivingWaiter<unknown>, SelectWaiter {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  list: List<Link> | undefined = undefined;
  readonly arrival: number;
  readonly #selection: Selection;
  readonly #key: number | string;
  readonly sibling: SelectWaiter | undefined;

  constructor(selection: Selection, key: number | string, sibling: SelectWaiter | undefined, arrival: number) {
    this.arrival = arrival;
    this.#selection = selection;
    this.#key = key;
    this.sibling = sibling;
  }

  accept(value: unknown, source: object): void {
    this.#selection.leave();
    settle(this.#selection.resolve, outcomeOf(this.#key, source, value, true));
  }

  end(source: object): void {
    this.#selection.leave();
    settle(this.#selection.resolve, outcomeOf(this.#key, source, undefined, false));
  }
}

class SelectSend implements SendingWaiter<unknown>, SelectWaiter {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  list: List<Link> | undefined = undefined;
  readonly value: unknown;
  readonly #selection: Selection;
  readonly #key: number | string;
  readonly sibling: SelectWaiter | undefined;

  constructor(selection: Selection, key: number | string, sibling: SelectWaiter | undefined, value: unknown) {
    this.value = value;
    this.#selection = selection;
    this.#key = key;
    this.sibling = sibling;
  }

  taken(channel: object): void {
    this.#selection.leave();
    settle(this.#selection.resolve, outcomeOf(this.#key, channel, undefined, true));
  }

  fail(channel: Channel<unknown>): void {
    this.#selection.leave();
    settle(this.#selection.reject, new ClosedError(this.value, channel, this.#key));
  }
}

let draw: () => number = Math.random;

/** @internal Replaces the source of the fair draw: virtual time makes runs repeat. */
export function setDraw(next: () => number): void {
  draw = next;
}

function described(value: unknown): string {
  return typeof value === "object" && value !== null
    ? `an object (${Object.prototype.toString.call(value)})`
    : `\`${String(value)}\``;
}
