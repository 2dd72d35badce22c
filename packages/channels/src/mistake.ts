// How a programmer's mistake is told: which argument, what was expected, what came, and what was probably meant.

import { INVALID, SluiceError } from "./errors.ts";
import { brand, marked } from "./error-name.ts";
import { nearest } from "./nearest.ts";
import { isObject } from "./object.ts";
import { accepts, ready, receives, sends, subject } from "./protocol.ts";

const SHOWN_LETTERS = 100;

// Not enumerable: whoever compares or prints such an error sees a TypeError or a RangeError and nothing else.
const MARKS: PropertyDescriptorMap = {
  [brand]: { value: true },
  [marked]: { value: true },
  kind: { value: INVALID },
  retryable: { value: false },
  details: { value: {}, writable: true },
  // oxlint-disable-next-line typescript/unbound-method
  toJSON: { value: SluiceError.prototype.toJSON },
};

/** @internal A TypeError or a RangeError that is a `SluiceError` of kind INVALID, too: one may ask for either. */
export function mistaken(message: string, Mistake = TypeError): TypeError {
  return Object.defineProperties(new Mistake(message), MARKS);
}

/** @internal Throws unless the argument is right. */
export function check(right: boolean, what: string, wanted: string, got: unknown, Mistake = TypeError): asserts right {
  if (!right) throw unfit(what, wanted, shown(got), Mistake);
}

/** @internal What is said of an argument; `got` is written out, as `shown` does it. */
export function unfit(what: string, wanted: string, got: string, Mistake = TypeError): TypeError {
  return mistaken(`Expected \`${what}\` to be ${wanted}, got ${got}`, Mistake);
}

/** @internal A value in a message: a primitive as it is written, anything else by its sort. */
export function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (isObject(value)) return looked(() => sortOf(value)) ?? "an object";
  if (typeof value === "bigint") return `\`${value}n\``;
  if (typeof value !== "string") return `\`${String(value)}\``;
  return `\`${JSON.stringify(value.length > SHOWN_LETTERS ? `${value.slice(0, SHOWN_LETTERS)}…` : value)}\``;
}

/** @internal What came where a channel was wanted. */
export function shownStranger(value: unknown): string {
  return (isObject(value) ? looked(() => strangerOf(value)) : undefined) ?? shown(value);
}

function strangerOf(value: object): string | undefined {
  if (isMarked(value)) return isOurs(value) ? "a Proxy of a channel: pass the channel itself" : anotherCopy(value);
  const { channel, then } = value as { readonly channel?: unknown; readonly then?: unknown };
  if (typeof then === "function") return `${shown(value)}: await it first`;
  if (typeof channel === "function") {
    const name = nameOf(value);
    return `${shown(value)}: its channel is \`${name === "" ? "" : name[0]?.toLowerCase() + name.slice(1)}.channel()\``;
  }
  if (!isObject(channel) || !isMarked(channel)) return undefined;
  if (!isOurs(channel)) return `a case of ${anotherCopy(channel)}`;
  return `${shown(value)}: its channel is \`.channel\``;
}

function isMarked(value: object): boolean {
  return receives in value || sends in value;
}

function isOurs(channel: object): boolean {
  return ready in channel || accepts in channel;
}

function anotherCopy({ name }: { readonly name?: unknown }): string {
  const which = typeof name === "string" ? `, ${JSON.stringify(name)},` : "";
  return `a channel${which} of another copy of @sluice/channels (\`npm ls @sluice/channels\` shows both)`;
}

function sortOf(value: object): string {
  const name = nameOf(value) || "object";
  return `${/^[aeiou]/i.test(name) ? "an" : "a"} ${name}`;
}

// Of a class: what it calls itself, which bundlers do not rename, or its own name.
function nameOf(value: object): string {
  const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
  if (tag !== "Object") return tag;
  const { name } = (value as { readonly constructor?: { readonly name?: unknown } | undefined }).constructor ?? {};
  return typeof name === "string" && name !== "Object" ? name : "";
}

// A Proxy that was revoked, a getter that throws: what cannot be looked at must not hide the mistake.
function looked<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** @internal What a method says that was called on a Proxy of its channel: the private fields are not reachable there. */
export function viaProxy(): TypeError {
  return mistaken("This is a Proxy of a channel, not the channel itself: what wraps objects must leave it alone");
}

/** @internal Gives an option that may be absent, of a type as `typeof` says it. */
export function option<O extends object, K extends keyof O & string>(
  options: O | undefined,
  key: K,
  type: string,
): O[K] | undefined {
  const value = options?.[key];
  check(value === undefined || typeof value === type, key, `a ${type}`, value);
  return value;
}

/** @internal What else people write for an option, and what to write instead. */
export type Instead = Readonly<Record<string, string>>;

/** @internal Throws unless these are options, and of these names only: it says what was probably meant. */
export function checkOptions(given: unknown, names: readonly string[], instead?: Instead): asserts given is object {
  if (!isOptions(given)) {
    const meant =
      isObject(given) && "aborted" in given && names.includes("signal") ? ": did you mean `{ signal }`?" : "";
    throw unfit("options", "an object", shown(given) + meant);
  }
  for (const name in given) {
    if (!names.includes(name) && Object.hasOwn(given, name)) throw mistaken(noOption(name, names, instead));
  }
}

function isOptions(given: unknown): given is object {
  return isRecord(given) && !Array.isArray(given) && !("aborted" in given);
}

function noOption(name: string, names: readonly string[], instead: Instead = {}): string {
  const begin = `There is no option \`${name}\``;
  if (Object.hasOwn(instead, name)) return `${begin}: ${instead[name]}`;
  const meant = nearest(name, names);
  if (meant !== undefined) return `${begin}: did you mean \`${meant}\`?`;
  return `${begin}, only ${names.map((known) => `\`${known}\``).join(", ")}`;
}

/**
 * @internal True for what has its entries as properties: not for a channel, a timer, a promise, a map or a set, whose
 * properties say nothing of what is in them. An array is one, too.
 */
export function isRecord(value: unknown): value is object {
  if (!isObject(value)) return false;
  if (Array.isArray(value)) return true;
  const { channel, then } = value as { readonly channel?: unknown; readonly then?: unknown };
  if (typeof channel === "function" || typeof then === "function") return false;
  return !(Symbol.iterator in value || Symbol.asyncIterator in value || subject in value);
}

/** @internal Gives a whole number that may be absent: a count, or room for values. */
export function whole<N extends number | undefined>(value: N, what: string, least: 0 | 1, hint = ""): N {
  if (value === undefined) return value;
  const wanted = `${least === 0 ? "a non-negative" : "a positive"} integer${hint}`;
  const Mistake = typeof value === "number" ? RangeError : TypeError;
  check(Number.isInteger(value) && value >= least, what, wanted, value, Mistake);
  return value;
}

/** @internal Gives one of several words, or nothing. */
export function oneOf<W extends string | undefined>(value: W, what: string, words: readonly string[]): W {
  check(value === undefined || words.includes(value), what, `one of ${words.join(", ")}`, value);
  return value;
}
