// Finds secrets in a text that came from somewhere else. A server repeats what it was sent as it likes: in JSON, in
// HTML, percent-encoded, in base64, one within the other. So the text is read layer by layer, and in each layer every
// secret is looked for, in each of its own layers: a secret may itself look like an escape (`50%off%40home`).

import { type Reading, readingOf, unescaped } from "./escapes.ts";
import { HIDDEN } from "./shown-url.ts";

// Shorter values (`1`, `ws`) would make a text unreadable and protect nothing.
const SHORTEST_SECRET = 4;
const LAYERS = 3; // percent in JSON in HTML
const MOST_READINGS = 30;
// In the middle of other bytes. A whole secret in base64 is found however short it is.
const SHORTEST_BASE64 = 6;

type Span = readonly [start: number, end: number];

/** Knows a set of secrets in all their spellings. */
export class SecretSearch {
  readonly #plain = new Set<string>();
  readonly #hexadecimal = new Set<string>();
  readonly #base64 = new Set<string>();

  constructor(secrets: Iterable<string>) {
    for (const secret of secrets) {
      for (const { text } of readingsOf(secret)) this.#add(text);
    }
  }

  /** The text with every secret replaced; `cut` when it may break off within one. */
  hide(text: string, cut: boolean): string {
    const spans: Span[] = [];
    for (const reading of readingsOf(text)) {
      for (const [start, end] of this.#spansIn(reading.text, cut)) {
        spans.push([reading.starts[start] ?? 0, reading.ends[end - 1] ?? text.length]);
      }
    }
    return without(text, spans);
  }

  #add(secret: string): void {
    if (secret.length < SHORTEST_SECRET) return;
    this.#plain.add(secret);
    // A form writes a space as a plus.
    if (secret.includes(" ")) this.#plain.add(secret.replaceAll(" ", "+"));
    const bytes = new TextEncoder().encode(secret);
    this.#hexadecimal.add(Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));
    for (const piece of base64Of(bytes)) this.#base64.add(piece);
  }

  *#spansIn(text: string, cut: boolean): Generator<Span> {
    for (const secret of this.#plain) yield* occurrences(text, secret);
    const lower = text.toLowerCase();
    if (lower.length === text.length) for (const digits of this.#hexadecimal) yield* occurrences(lower, digits);
    const standard = text.replaceAll("-", "+").replaceAll("_", "/"); // base64url has these two of its own
    for (const piece of this.#base64) {
      for (const span of occurrences(standard, piece)) yield runAround(standard, span);
    }
    if (!cut) return;
    for (const secret of this.#plain) {
      const length = beginningAtEnd(text, secret);
      if (length >= SHORTEST_SECRET) yield [text.length - length, text.length];
    }
  }
}

/** A text as it stands, and in every order in which its escapes can be undone. */
function readingsOf(text: string): Iterable<Reading> {
  const readings = new Map<string, Reading>([[text, readingOf(text)]]);
  let outer = [...readings.values()];
  for (let layer = 0; layer < LAYERS; layer += 1) {
    const known = readings.size;
    for (const reading of outer.flatMap(unescaped)) {
      if (readings.size < MOST_READINGS && !readings.has(reading.text)) readings.set(reading.text, reading);
    }
    outer = [...readings.values()].slice(known);
  }
  return readings.values();
}

function* occurrences(text: string, part: string): Generator<Span> {
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) yield [at, at + part.length];
}

// Three bytes are four characters: what surrounds a secret decides where it begins in a group, and mixes into its first
// and last character. What lies between is always the same.
function* base64Of(bytes: Uint8Array): Generator<string> {
  for (const before of [0, 1, 2]) {
    const padded = new Uint8Array(before + bytes.length);
    padded.set(bytes, before);
    const whole = btoa(String.fromCharCode(...padded));
    const piece = whole.slice(Math.ceil((before * 8) / 6), Math.floor((padded.length * 8) / 6));
    if (piece.length >= SHORTEST_BASE64) yield piece;
    else if (before === 0) yield whole.replaceAll("=", "");
  }
}

// All of the base64 that a piece of one stands in: what is beside it may decode to its ends.
function runAround(text: string, [start, end]: Span): Span {
  let [from, to] = [start, end];
  while (from > 0 && /[\w+/]/.test(text[from - 1] ?? "")) from -= 1;
  while (to < text.length && /[\w+/=]/.test(text[to] ?? "")) to += 1;
  return [from, to];
}

/** How much of the beginning of a secret the text ends with. */
function beginningAtEnd(text: string, secret: string): number {
  const beginning = secret.slice(0, SHORTEST_SECRET);
  let at = text.indexOf(beginning, text.length - secret.length + 1);
  while (at !== -1 && !secret.startsWith(text.slice(at))) at = text.indexOf(beginning, at + 1);
  return at === -1 ? 0 : text.length - at;
}

function without(text: string, spans: readonly Span[]): string {
  let [clean, shown] = ["", 0];
  for (const [start, end] of spans.toSorted((a, b) => a[0] - b[0] || b[1] - a[1])) {
    if (start >= shown) clean += text.slice(shown, start) + HIDDEN;
    shown = Math.max(shown, end);
  }
  return clean + text.slice(shown);
}
