// Undoes the ways in which a server writes what it was sent: JSON as PHP, Go and Python write it, HTML's entities,
// percent, base64 and hexadecimal digits. One kind at a time, and where each character stood before, so that it can be
// found there again.

/** A text in which escapes were undone. */
export interface Reading {
  readonly text: string;
  /** For each UTF-16 unit of `text`, where in what was read first that begins which it comes from. */
  readonly starts: readonly number[];
  /** And where it ends. */
  readonly ends: readonly number[];
}

/** What stands for `text`: so many characters. */
interface Piece {
  readonly text: string;
  readonly length: number;
}

/** A kind of escape: how to find one, and what it stands for. Undefined when it stands for itself. */
interface Kind {
  readonly pattern: RegExp;
  readonly undo: (found: RegExpExecArray) => readonly Piece[] | undefined;
}

const HEXADECIMAL = String.raw`[\da-fA-F]`;
const CONTROLS: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

// Each by itself: of JSON in HTML the HTML must be undone alone, or what the JSON means is changed.
const KINDS: readonly Kind[] = [
  {
    pattern: new RegExp(String.raw`(?:%${HEXADECIMAL}{2})+|%u${HEXADECIMAL}{4}`, "g"),
    undo: ([all]) => (all[1] === "u" ? whole(all, unitOf(all.slice(2))) : bytewise(all, 3)),
  },
  {
    pattern: new RegExp(
      String.raw`(?<bytes>(?:\\x${HEXADECIMAL}{2})+)|\\u(?<unit>${HEXADECIMAL}{4})|\\u\{(?<point>${HEXADECIMAL}{1,6})\}|\\(?<character>[^ux])`,
      "g",
    ),
    undo: ({ 0: all, groups = {} }) => {
      const { bytes, unit, point, character = "" } = groups;
      if (bytes !== undefined) return bytewise(bytes, 4);
      if (unit !== undefined) return whole(all, unitOf(unit));
      return point === undefined ? whole(all, CONTROLS[character] ?? character) : pointOf(all, point, 16);
    },
  },
  {
    pattern: new RegExp(
      String.raw`&#[xX](?<hexadecimal>${HEXADECIMAL}{1,6});?|&#(?<decimal>\d{1,7});?|&(?<name>[A-Za-z\d]{2,8});`,
      "g",
    ),
    undo: ({ 0: all, groups = {} }) => {
      const { hexadecimal, decimal, name = "" } = groups;
      if (hexadecimal !== undefined) return pointOf(all, hexadecimal, 16);
      return decimal === undefined ? whole(all, ENTITIES.get(name)) : pointOf(all, decimal, 10);
    },
  },
  { pattern: /[\w+/-]{8,}={0,2}/g, undo: ([all]) => whole(all, fromBase64(all)) },
  { pattern: new RegExp(`(?:${HEXADECIMAL}{2}){4,}`, "g"), undo: ([all]) => whole(all, utf8Of(digitsOf(all))) },
];

// What `htmlspecialchars`, `htmlentities` (Latin-1 and, by HTML 5, punctuation) and their like write.
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ...named(0x09, "Tab NewLine"),
  ...named(0x21, "excl quot num dollar percnt amp apos lpar rpar ast plus comma hyphen period sol"),
  ...named(0x3a, "colon semi lt equals gt quest commat"),
  ...named(0x5b, "lsqb bsol rsqb Hat lowbar grave"),
  ...named(0x7b, "lcub verbar rcub"),
  ...named(0xa0, "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr"),
  ...named(0xb0, "deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest"),
  ...named(
    0xc0,
    "Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml",
  ),
  ...named(0xd0, "ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig"),
  ...named(
    0xe0,
    "agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml",
  ),
  ...named(0xf0, "eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml"),
]);

function named(first: number, names: string): [string, string][] {
  return names.split(" ").map((name, i) => [name, String.fromCharCode(first + i)]);
}

/** A text as it stands. */
export function readingOf(text: string): Reading {
  const starts = Array.from({ length: text.length }, (_, i) => i);
  return { text, starts, ends: starts.map((start) => start + 1) };
}

/** The same with one layer of escapes undone, once for each kind of escape that is in it. */
export function unescaped(reading: Reading): Reading[] {
  return KINDS.map((kind) => undone(reading, kind)).filter((one) => one !== undefined);
}

function undone(reading: Reading, { pattern, undo }: Kind): Reading | undefined {
  const { text } = reading;
  const parts: string[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  // Characters `from` to `to` stand for `part`, unit for unit where they are as many.
  const add = (part: string, from: number, to: number, unitwise: boolean): void => {
    parts.push(part);
    for (let i = 0; i < part.length; i += 1) {
      starts.push(reading.starts[unitwise ? from + i : from] ?? 0);
      ends.push(reading.ends[unitwise ? from + i : to - 1] ?? 0);
    }
  };
  let read = 0;
  for (const found of text.matchAll(pattern)) {
    const pieces = undo(found);
    if (pieces === undefined) continue;
    add(text.slice(read, found.index), read, found.index, true);
    read = found.index;
    for (const piece of pieces) {
      add(piece.text, read, read + piece.length, false);
      read += piece.length;
    }
  }
  if (read === 0) return undefined;
  add(text.slice(read), read, text.length, true);
  return { text: parts.join(""), starts, ends };
}

function whole({ length }: string, text: string | undefined): readonly Piece[] | undefined {
  return text === undefined ? undefined : [{ text, length }];
}

function unitOf(digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 16));
}

function pointOf(all: string, digits: string, base: number): readonly Piece[] | undefined {
  const point = Number.parseInt(digits, base);
  return point <= 0x10ffff ? whole(all, String.fromCodePoint(point)) : undefined;
}

// UTF-8 where it is that, else Latin-1, as JavaScript's old `escape` writes it. Each byte has so many characters.
function bytewise(escapes: string, width: number): readonly Piece[] {
  const bytes = digitsOf(escapes.replaceAll(/%|\\x/g, ""));
  const text = utf8Of(bytes);
  if (text === undefined) return Array.from(bytes, (byte) => ({ text: String.fromCharCode(byte), length: width }));
  const encoder = new TextEncoder();
  return Array.from(text, (character) => ({ text: character, length: width * encoder.encode(character).length }));
}

function digitsOf(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}

function fromBase64(text: string): string | undefined {
  const standard = text.replaceAll("-", "+").replaceAll("_", "/").replaceAll("=", "");
  if (standard.length % 4 === 1) return undefined;
  return utf8Of(Uint8Array.from(atob(standard), (character) => character.charCodeAt(0)));
}

function utf8Of(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
