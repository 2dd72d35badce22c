// Keeps secrets out of errors: of the URL (user, password, query values) and of the headers the caller gave.
// A server's answer may repeat what it was sent, so texts that come back are searched for those secrets as well.

const HIDDEN = "[redacted]";

// Shorter values (`1`, `ws`) would make a text unreadable and protect nothing.
const SHORTEST_SECRET = 4;

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
  readonly #secrets: readonly string[];

  /**
   * @param headers names in lower case, and their values.
   * @param earlier what the hops before this one must hide.
   */
  constructor(target: URL, headers: Iterable<readonly [string, readonly string[]]>, earlier?: Redaction) {
    // A redirect may repeat in its path what the first request was sent with.
    this.url = earlier === undefined ? redactUrl(target) : earlier.text(redactUrl(target));
    const secrets = [...secretsOf(target, headers), ...(earlier === undefined ? [] : earlier.#secrets)];
    this.#secrets = secrets.toSorted((a, b) => b.length - a.length); // a secret that contains another goes first
  }

  /** The text with every secret replaced. */
  text(text: string): string {
    let clean = text;
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, HIDDEN);
    return clean;
  }
}

/** A URL without user, password, fragment and the values of its query. */
export function redactUrl(target: URL): string {
  const clean = new URL(target);
  clean.username = "";
  clean.password = "";
  clean.hash = "";
  const parameters = parametersOf(target);
  if (parameters.length === 0) return clean.href;
  clean.search = "";
  const shown = parameters.map(({ name }) => (name === undefined ? HIDDEN : `${name}=${HIDDEN}`));
  return `${clean.href}?${[...new Set(shown)].join("&")}`;
}

/** A parameter as it travels; what stands in a query without a `=` is a value. */
interface Parameter {
  readonly name: string | undefined;
  readonly value: string;
}

function parametersOf({ search }: URL): Parameter[] {
  const texts = search.slice(1).split("&").filter(Boolean);
  return texts.map((text) => {
    const end = text.indexOf("=");
    return { name: end === -1 ? undefined : text.slice(0, end), value: text.slice(end + 1) };
  });
}

/** What may be shown of a text that was meant to be a URL and is none. */
export function redactText(text: string): string {
  if (!/[@?#]/.test(text)) return text;
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? "";
  return `${scheme}${HIDDEN}`;
}

function secretsOf(target: URL, headers: Iterable<readonly [string, readonly string[]]>): string[] {
  const secrets = new Set<string>();
  const user = decoded(target.username);
  const password = decoded(target.password);
  for (const secret of [target.password, password, target.username, user]) secrets.add(secret);
  if (user !== "" || password !== "") secrets.add(Buffer.from(`${user}:${password}`).toString("base64"));
  for (const { value } of parametersOf(target)) {
    for (const secret of [value, decoded(value), decoded(value.replaceAll("+", " "))]) secrets.add(secret);
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
  return [...secrets]
    .flatMap((secret) => [secret, encodeURIComponent(secret)])
    .filter((secret) => secret.length >= SHORTEST_SECRET);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
