// Keeps secrets out of errors: of the URL (user, password, query values) and of the headers the caller gave.
// A server's answer may repeat what it was sent, so texts that come back are searched for those secrets as well.

import { SecretSearch } from "./secret-search.ts";
import { parametersOf, redactUrl } from "./shown-url.ts";

const LONGEST_REASON = 123; // bytes

// Their values are no secrets, and a server's answer is full of them.
const PLAIN_HEADERS: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "origin",
  "pragma",
  "user-agent",
]);
const SCHEMES: ReadonlySet<string> = new Set(["basic", "bearer", "digest", "negotiate", "token"]);

/** Knows one handshake's secrets, and how to show its URL without them. */
export class Redaction {
  /** The URL without user and password, and with the values of its query hidden. */
  readonly url: string;
  readonly #target: string;
  readonly #headers: readonly (readonly [string, readonly string[]])[];
  readonly #earlier: Redaction | undefined;
  #search: SecretSearch | undefined = undefined;

  /**
   * @param headers names in lower case, and their values.
   * @param earlier what the hops before this one must hide.
   */
  constructor(target: URL, headers: Iterable<readonly [string, readonly string[]]>, earlier?: Redaction) {
    this.#target = target.href;
    this.#headers = [...headers];
    this.#earlier = earlier;
    // A redirect may repeat in its path what the first request was sent with.
    this.url = earlier === undefined ? redactUrl(target) : earlier.text(redactUrl(target));
  }

  /**
   * The text with every secret replaced, in whatever escaping it stands there.
   *
   * @param cut true for a text that may break off within a secret.
   */
  text(text: string, cut = false): string {
    // Made when something fails: most handshakes go well.
    this.#search ??= new SecretSearch(secretsOf(new URL(this.#target), this.#headers));
    const clean = this.#search.hide(text, cut);
    return this.#earlier === undefined ? clean : this.#earlier.text(clean, cut);
  }

  /** The reason of a close frame, the same way: it has 123 bytes, and breaks off where a server has more to say. */
  reason(text: string): string {
    return this.text(text, text.length > LONGEST_REASON / 2);
  }
}

function secretsOf(target: URL, headers: Iterable<readonly [string, readonly string[]]>): Set<string> {
  const secrets = new Set<string>();
  const { username, password } = target;
  for (const secret of [username, password, `${username}:${password}`]) secrets.add(secret);
  for (const { value } of parametersOf(target)) {
    secrets.add(value);
    secrets.add(value.replaceAll("+", " "));
  }
  for (const [name, values] of headers) {
    if (PLAIN_HEADERS.has(name)) continue;
    for (const value of values) {
      secrets.add(value);
      // "Bearer abc==", "a=b; c=d": the parts are what is secret, and what a server would repeat.
      for (const part of value.split(/[\s;,]+/)) {
        if (SCHEMES.has(part.toLowerCase())) continue;
        for (const secret of [part, part.slice(part.indexOf("=") + 1)]) secrets.add(secret);
      }
    }
  }
  return secrets;
}
