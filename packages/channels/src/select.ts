// Waits for the first of several receives and sends; exactly one happens. Two passes, both synchronous:
// look (commit to a ready case by a fair draw) and, where none is ready, enlist (a waiter in every channel).
// Whoever meets one of those waiters commits the whole select: it leaves every other queue before it settles, so a
// loser can take nothing. A select looks before it enlists, so it never meets itself.

import { Intake, Offer } from "./case.ts";
import { type Link, unlink } from "./list.ts";
import { checkOptions, mistaken, isRecord, option, shown, shownStranger, unfit } from "./mistake.ts";
import { isObject } from "./object.ts";
import * as protocol from "./protocol.ts";
import { genuine, refused, type Place, type Selectable, type SendOffer } from "./protocol.ts";
import { listen, type Parked, refusal, type SignalGroup } from "./signal.ts";
import { Source } from "./source.ts";
import { random } from "./random.ts";
import { fail, rejected, settle, settled } from "./turn.ts";
import type { ReceiveCase, ReceiveChannel, SendCase, SendChannel } from "./types.ts";
import { arrive, done, parks, recorder } from "./waiter.ts";

// Constants of this module: an import is looked up at each use, which costs a hot path 15 % (bench: receive-many).
const ready: typeof protocol.ready = protocol.ready;
const commit: typeof protocol.commit = protocol.commit;
const enlist: typeof protocol.enlist = protocol.enlist;
const subject: typeof protocol.subject = protocol.subject;
const offered: typeof protocol.offered = protocol.offered;

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
  /** Which case, by its place in the array. */
  readonly index: I;
  /** A case was ready. */
  readonly default?: never;
}
interface Named<out N> {
  /** Which case, by its name in the record. */
  readonly name: N;
  /** A case was ready. */
  readonly default?: never;
}
interface Got<out T> {
  /** The channel that it came from. */
  readonly channel: ReceiveChannel<T>;
  /** What was received. */
  readonly value: T;
  /** True: a value. */
  readonly ok: true;
}
interface Ended<out T> {
  /** The channel that has ended. */
  readonly channel: ReceiveChannel<T>;
  /** None. */
  readonly value: undefined;
  /** False: the channel is closed and drained. */
  readonly ok: false;
  /** What the channel was closed with. */
  readonly cause: unknown;
}
interface Sent<in T> {
  /** The channel that it was sent on. */
  readonly channel: SendChannel<T>;
  /** None: a value was sent. */
  readonly value: undefined;
  /** True: it was sent. */
  readonly ok: true;
}
interface NotReady {
  /** No case was ready. */
  readonly default: true;
  /** None. */
  readonly channel: undefined;
  /** None. */
  readonly value: undefined;
  /** True, so that `ok: false` means the end of a channel and nothing else. */
  readonly ok: true;
}
interface NoIndex {
  /** None. */
  readonly index: undefined;
}
interface NoName {
  /** None. */
  readonly name: undefined;
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
  ? ArrayResult<C> | (true extends D ? NotReady & NoIndex : never)
  : RecordResult<C> | (true extends D ? NotReady & NoName : never);

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
  return (options === undefined ? undefined : refusedBy(cases, options)) ?? choose(cases, options);
}

const NAMES = ["default", "signal", "priority"];

// The cases first: of `select(a, b)` that is what was meant.
function refusedBy(cases: unknown, options: SelectOptions): Promise<never> | undefined {
  return isSelectable(cases) ? rejected(notListed(cases)) : refusal(options, NAMES);
}

function choose(given: unknown, options: SelectOptions | undefined): Promise<unknown> {
  try {
    const cases = listOf(given);
    const instead = option(options, "default", "boolean");
    const outcome = look(cases, options);
    if (outcome) return settled(outcome);
    if (instead) return settled({ default: true, ...outcomeOf(cases.names, undefined, undefined, undefined, true) });
    if (cases.list.some(Boolean)) return parkSelect(cases, options);
    throw mistaken("Expected at least one case that is not switched off: this select would wait for ever");
  } catch (failure) {
    return rejected(failure);
  }
}

/**
 * Does what `select` does without waiting: a result, or `undefined` when no case is ready.
 *
 * @throws ClosedError when the chosen send case met a closed channel.
 */
export function trySelect<const C extends Cases<C>>(
  cases: C,
  options?: {
    /** Prefers the first case that is ready; without it each has the same chance. */
    readonly priority?: boolean | undefined;
  },
): SelectResult<C> | undefined;
export function trySelect(cases: Cases<object>, options?: { readonly priority?: boolean | undefined }): unknown {
  const list = listOf(cases);
  if (options !== undefined) checkOptions(options, ["priority"]);
  return look(list, options);
}

type Names = readonly string[] | undefined;

/** The cases in order, with their names where they came as a record. */
interface CaseList {
  readonly list: readonly unknown[];
  readonly names: Names;
}

function listOf(cases: unknown): CaseList {
  if (Array.isArray(cases)) return { list: cases, names: undefined };
  if (!isRecord(cases)) throw notListed(cases);
  return { list: Object.values(cases), names: Object.keys(cases) };
}

function notListed(cases: unknown): TypeError {
  const hint = isSelectable(cases) ? ": did you mean `select([a, b])`?" : "";
  return unfit("cases", "an array or a record of cases", shown(cases) + hint);
}

// Not by `instanceof`, which a Proxy passes, nor by a method it has: what is asked for its private fields must have them.
function isSelectable(entry: unknown): entry is Selectable {
  return isObject(entry) && (Source[genuine](entry) || Offer[genuine](entry) || Intake[genuine](entry));
}

// A reservoir of one over the ready cases gives each the same chance; "random start, then scan" does not.
function look({ list, names }: CaseList, options: SelectOptions | undefined): object | undefined {
  recorder?.passed();
  const priority = option(options, "priority", "boolean");
  let count = 0;
  let chosen = 0;
  for (let i = 0; i < list.length; i += 1) {
    const entry = list[i];
    if (isSelectable(entry)) {
      if (!entry[ready]()) continue;
      count += 1;
      if (count === 1 || (!priority && random() * count < 1)) chosen = i;
    } else {
      const isOff = entry === null || entry === undefined || entry === false;
      if (!isOff) {
        throw unfit(`cases.${names?.[i] ?? i}`, "a channel or a case", shownStranger(entry));
      }
    }
  }
  if (count === 0) return undefined;
  const entry = list[chosen] as Selectable;
  const { value, ok } = entry[commit](names?.[chosen] ?? chosen) as Got<unknown> | Ended<unknown>;
  return ok ? outcomeOf(names, chosen, entry[subject], value, ok) : endOf(names, chosen, entry[subject]);
}

function outcomeOf(names: Names, i: number | undefined, channel: unknown, value: unknown, ok: boolean): object {
  return names === undefined ? { index: i, channel, value, ok } : { name: names[i as number], channel, value, ok };
}

function endOf(names: Names, i: number, channel: object): object {
  const { cause } = channel as ReceiveChannel<unknown>;
  return { ...outcomeOf(names, i, channel, undefined, false), cause };
}

function parkSelect(cases: CaseList, options: SelectOptions | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const selection = spare ?? new Selection();
    spare = undefined;
    if (options !== undefined) listen(selection, options); // first: what throws here must leave nothing behind
    parks();
    recorder?.parked(selection, "select", cases.list.filter(Boolean));
    selection.enlist(cases, resolve, reject);
  });
}

// A select that is done lends itself to the next: a loop of selects over 64 channels would make 64 objects for each
// event and link them, young, into old channels, which V8's write barrier makes twice as dear (bench: select-64).
let spare: Selection | undefined;
const SPARE_PARTS = 1024; // 72 kB

/** A parked select, with a part in each channel. */
class Selection implements Parked {
  group: SignalGroup | undefined = undefined;
  arrival = 0;
  names: Names = undefined;
  resolve: ((outcome: object) => void) | undefined = undefined;
  reject: ((reason: unknown) => void) | undefined = undefined;
  readonly #parts: Part[] = []; // one for each case, those that are off included
  #cases = 0;

  enlist({ list, names }: CaseList, resolve: (outcome: object) => void, reject: (reason: unknown) => void): void {
    this.arrival = arrive();
    this.names = names;
    this.resolve = resolve;
    this.reject = reject;
    this.#cases = list.length;
    const parts = this.#parts;
    for (let i = 0; i < list.length; i += 1) {
      const part = (parts[i] ??= new Part(this, i));
      const entry = list[i] as Selectable | Falsy; // the look has told
      if (entry) entry[enlist](part);
    }
  }

  leave(): void {
    const parts = this.#parts;
    const cases = this.#cases;
    for (let i = 0; i < cases; i += 1) {
      const part = parts[i] as Part;
      unlink(part);
      part.offer = undefined;
    }
    done(this);
    this.group = this.resolve = this.reject = undefined;
    if (cases <= SPARE_PARTS) keep(this);
  }
}

function keep(selection: Selection): void {
  spare = selection;
}

/** The place of a parked select in one channel. */
class Part implements Place {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  offer: SendOffer | undefined = undefined;
  readonly #selection: Selection;
  readonly #i: number;

  constructor(selection: Selection, i: number) {
    this.#selection = selection;
    this.#i = i;
  }

  get head(): this {
    return this;
  }

  changed(): void {}

  get arrival(): number {
    return this.#selection.arrival;
  }

  get value(): unknown {
    return this.offer?.[offered];
  }

  wake(channel: object, value: unknown, ok: boolean): void {
    const { offer } = this;
    const i = this.#i;
    const { names, resolve, reject } = this.#selection;
    this.#selection.leave();
    if (ok) settle(resolve as (outcome: object) => void, outcomeOf(names, i, channel, value, ok));
    else if (offer) refuse(offer, names?.[i] ?? i, resolve as never, reject as never);
    else settle(resolve as (outcome: object) => void, endOf(names, i, channel));
  }
}

// Apart: a function that contains a closure pays for its captured variables on every call.
function refuse(
  offer: SendOffer,
  key: number | string,
  resolve: (outcome: never) => void,
  reject: (reason: unknown) => void,
): void {
  fail(resolve, reject, () => offer[refused](key));
}
