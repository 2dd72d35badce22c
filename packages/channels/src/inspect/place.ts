// The line that called. A stack is captured when something parks, and read later or never: captured it costs three
// microseconds, written out twenty times as much. What is read of it first is where in which script it stands; the text
// is made once for each such site. Surprising: a captured stack holds the functions in it, and with them their channels.

import { builtin } from "../host.ts";

/** A line of the program that something was called from. */
export interface Site {
  /** As the host writes a frame of a stack; empty where it gives none. */
  readonly line: string;
}

/** Stacks that may be read in one go. */
export const NEW_STACKS = 500;

const NOWHERE: Site = { line: "" };
/** A site of which the text was not made yet. */
const NOT_YET: Site = { line: "not yet known" };

const FRAMES = 8; // what a channel that the library makes for the program may have above the line of the program
const SITES_KEPT = 10_000; // a program that compiles code as it runs has no end of them

interface Captured {
  readonly stack?: unknown;
}

interface Frame {
  toString(): string;
  getScriptNameOrSourceURL?(): unknown;
  getPosition?(): number;
  getFunctionName?(): string | null;
  getLineNumber?(): number | null;
  getColumnNumber?(): number | null;
}

type Prepare = ((error: unknown, frames: unknown[]) => unknown) | undefined;

/** What hosts add to `Error`, V8 all of it. */
interface Host {
  stackTraceLimit: number;
  prepareStackTrace?: Prepare;
  captureStackTrace?: (target: object, below: unknown) => void;
}

const host = Error as unknown as Host;

/** @internal Where an operation or a channel comes from. */
export class Place {
  #captured: Captured | undefined;
  #site: Site | undefined;

  /** Captures the line that called `entry`; without one, of the last frames the first that is not of this library. */
  static of(entry: unknown): Place {
    const captured: Captured = {};
    const limit = host.stackTraceLimit;
    host.stackTraceLimit = entry === undefined ? FRAMES : 1;
    // oxlint-disable-next-line typescript/unbound-method
    host.captureStackTrace?.(captured, entry ?? Place.of);
    host.stackTraceLimit = limit;
    return new Place(captured, undefined);
  }

  /** One that nobody will ask for. */
  static readonly none: Place = new Place(undefined, NOWHERE);

  private constructor(captured: Captured | undefined, site: Site | undefined) {
    this.#captured = captured;
    this.#site = site;
  }

  /** It was read. */
  get known(): boolean {
    return this.#site !== undefined;
  }

  /** The site, as far as it was read. */
  get site(): Site {
    return this.#site ?? NOT_YET;
  }

  /** Reads the stack and lets go of it. */
  read(): Site {
    if (this.#site !== undefined) return this.#site;
    const { stack } = this.#captured as Captured;
    this.#captured = undefined;
    const [frame, others] = framesRead;
    framesRead = NO_FRAMES;
    return (this.#site = frame === undefined ? siteOfText(textOf(stack)) : siteOf(frame, others));
  }
}

const NO_FRAMES: readonly [undefined, readonly Frame[]] = [undefined, []];
let framesRead: readonly [Frame | undefined, readonly Frame[]] = NO_FRAMES;
let original: Prepare;

// Called by the host when a stack is read while `reading`.
function takeFrames(_error: unknown, frames: unknown[]): string {
  const list = frames as readonly Frame[];
  framesRead = [list.find((frame) => !isOurs(frame)) ?? list[0], list];
  return "";
}

/** Runs what reads stacks: whatever the program made of `Error.prepareStackTrace` does not see them one by one. */
export function reading<R>(read: () => R): R {
  const own = Object.getOwnPropertyDescriptor(host, "prepareStackTrace");
  original = host.prepareStackTrace;
  const isSet = Reflect.set(host, "prepareStackTrace", takeFrames);
  try {
    return read();
  } finally {
    if (own !== undefined) Object.defineProperty(host, "prepareStackTrace", own);
    else if (isSet) Reflect.deleteProperty(host, "prepareStackTrace");
  }
}

const sites = new Map<unknown, Map<unknown, Site>>();
let sitesKept = 0;

function siteOf(frame: Frame, frames: readonly Frame[]): Site {
  const script = frame.getScriptNameOrSourceURL?.();
  // Of code without a name the position says nothing.
  if (typeof script !== "string" || script === "") return siteOfText(written(frame, frames));
  const position = frame.getPosition?.();
  return sites.get(script)?.get(position) ?? keep(script, position, written(frame, frames));
}

function siteOfText(text: string): Site {
  return sites.get("")?.get(text) ?? keep("", text, text);
}

function keep(script: unknown, position: unknown, line: string): Site {
  if (sitesKept === SITES_KEPT) {
    sites.clear();
    sitesKept = 0;
  }
  sitesKept += 1;
  const site = { line };
  const inScript = sites.get(script);
  if (inScript === undefined) sites.set(script, new Map([[position, site]]));
  else inScript.set(position, site);
  return site;
}

// What the program's own hook makes of it comes first (it may know source maps), then what the host knows of them.
function written(frame: Frame, frames: readonly Frame[]): string {
  const mapped = original === undefined ? bySourceMap(frame) : undefined;
  if (mapped !== undefined) return mapped;
  try {
    if (original !== undefined) return textOf(original({}, frames.slice(frames.indexOf(frame)))) || frame.toString();
  } catch {
    // It was not written for what is no Error.
  }
  return frame.toString();
}

interface SourceMaps {
  findSourceMap?(script: string): { findEntry(line: number, column: number): Entry } | undefined;
}
interface Entry {
  readonly originalSource?: string;
  readonly originalLine?: number;
  readonly originalColumn?: number;
}

function bySourceMap(frame: Frame): string | undefined {
  const script = frame.getScriptNameOrSourceURL?.();
  const line = frame.getLineNumber?.();
  const column = frame.getColumnNumber?.();
  if (typeof script !== "string" || typeof line !== "number" || typeof column !== "number") return undefined;
  const entry = (builtin("module") as SourceMaps).findSourceMap?.(script)?.findEntry(line - 1, column - 1);
  if (entry?.originalSource === undefined || entry.originalLine === undefined) return undefined;
  const at = `${entry.originalSource}:${entry.originalLine + 1}:${(entry.originalColumn ?? 0) + 1}`;
  const name = frame.getFunctionName?.() ?? "";
  return name === "" ? at : `${name} (${at})`;
}

// A program may have its own `Error.prepareStackTrace`, which need not give a text.
function textOf(stack: unknown): string {
  const line =
    (typeof stack === "string" ? stack : stack instanceof Object ? String(stack as Frame) : "")
      .split("\n")
      .find((frame) => /:\d+:\d+/.test(frame)) ?? "";
  return line.trim().replace(/^at /, "");
}

// The folder of this package's modules, where they were not put into one file with others. Hosts call a file by its path
// or by its URL.
const ours = /^(?:file:\/\/\/?)?(.*)inspect\/place\.[jt]s(?:\?.*)?$/.exec(import.meta.url)?.[1];

function isOurs(frame: Frame): boolean {
  const script = frame.getScriptNameOrSourceURL?.();
  return ours !== undefined && typeof script === "string" && script.includes(ours);
}
