// The headers of the handshake and its subprotocols, which are a header, too. No error shows a value: it is what secrets
// travel in.

import { invalid, invalidSecret, invalidText } from "../errors.ts";

/** Headers of the handshake, as a record or as pairs (`Headers`, `Map`). */
export type HeadersGiven =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | Iterable<readonly [string, string]>;

/** A header of the handshake: its name as it was written, and its values. */
export interface Header {
  readonly name: string;
  readonly values: readonly string[];
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// What Node lets through in a value: no CR, LF, NUL or other control character, and nothing above Latin-1.
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const RESERVED_PREFIXES: readonly string[] = ["proxy-", "sec-websocket-"];

/** Reads subprotocols: tokens without duplicates. */
export function checkProtocols(given: unknown, option: string): readonly string[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) throw invalidSecret(option, "a list of subprotocols", given);
  const protocols: string[] = [];
  for (const protocol of given as unknown[]) {
    checkToken(option, "tokens (RFC 9110)", protocol);
    if (protocols.includes(protocol)) throw invalid(option, "without duplicates", protocol);
    protocols.push(protocol);
  }
  return protocols;
}

// What is no token may be a whole header, or a token of the other kind: only what is wrong with it is shown.
function checkToken(option: string, expected: string, given: unknown): asserts given is string {
  if (typeof given !== "string") throw invalid(option, expected, given);
  if (TOKEN.test(given)) return;
  const wrong = Array.from(given).find((character) => !TOKEN.test(character));
  throw invalidText(option, expected, wrong === undefined ? "an empty one" : `one with \`${JSON.stringify(wrong)}\``);
}

function sortOf(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Reads headers, by name in lower case. */
export function checkHeaders(given: unknown): ReadonlyMap<string, Header> {
  const headers = new Map<string, Header>();
  if (given === undefined) return headers;
  if (typeof given !== "object" || given === null) throw invalidSecret("headers", "a record or pairs", given);
  const pairs = Symbol.iterator in given ? [...(given as Iterable<unknown>)] : Object.entries(given);
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) throw invalidSecret("headers", "a record or pairs", pair);
    const [name, value] = pair as [unknown, unknown];
    if (value === undefined) continue;
    checkToken("headers", "named by tokens (RFC 9110)", name);
    const key = name.toLowerCase();
    if (RESERVED_HEADERS.has(key) || RESERVED_PREFIXES.some((prefix) => key.startsWith(prefix))) {
      throw invalid("headers", "without the handshake's own", name);
    }
    const values: unknown[] = Array.isArray(value) ? value : [value];
    for (const one of values) {
      if (typeof one !== "string") throw invalidText("headers", `strings (\`${name}\`)`, sortOf(one));
      if (!HEADER_VALUE.test(one)) {
        throw invalidText(
          "headers",
          `without control characters (\`${name}\`)`,
          "a value that has one, or is not Latin-1",
        );
      }
    }
    const known = headers.get(key);
    headers.set(key, { name: known?.name ?? name, values: [...(known?.values ?? []), ...(values as string[])] });
  }
  return headers;
}
