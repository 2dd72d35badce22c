// One spelling for each URL that leads to the same place: what permissions are asked about, and what a server is called.
// `new URL` does most of it. Left to us are a dot at the end of a name, an IPv4 address within an IPv6 one, what is
// percent-encoded without need, and the case of what is encoded with it.

/** The hostname without a dot at its end: `example.com.` is `example.com`. */
export function plainHostname({ hostname }: URL): string {
  return hostname.replace(/\.+$/, "");
}

/** What a server is called in `Host`: the hostname, and the port unless it is the scheme's own. */
export function plainHost(target: URL): string {
  return withPort(plainHostname(target), target);
}

/** What permissions call a target: hostname and port in one spelling. */
export function judgedHost(target: URL): { readonly host: string; readonly hostname: string } {
  const hostname = withoutMapping(plainHostname(target));
  return { host: withPort(hostname, target), hostname };
}

/** What permissions call a URL: its one spelling, without user and password. */
export function resourceOf(target: URL): string {
  const { protocol, pathname, search } = target;
  return `${protocol}//${judgedHost(target).host}${plainPercents(pathname + search)}`;
}

/** What stands between the stars of a pattern, with one spelling for each character. */
export function literalParts(pattern: string): readonly string[] {
  const query = pattern.indexOf("?");
  let end = -1;
  return pattern.split("*").map((part) => {
    const start = end + 1;
    end = start + part.length;
    if (query === -1 || end <= query) return decode(part, IN_PATH);
    return start > query ? decode(part, IN_QUERY) : plainPercents(part);
  });
}

function plainPercents(text: string): string {
  const end = text.indexOf("?");
  const [path, query] = end === -1 ? [text, ""] : [text.slice(0, end), text.slice(end)];
  return decode(path, IN_PATH) + decode(query, IN_QUERY);
}

function withPort(hostname: string, { port }: URL): string {
  return port === "" ? hostname : `${hostname}:${port}`;
}

// The kernel dials ::ffff:127.0.0.1 as 127.0.0.1.
function withoutMapping(hostname: string): string {
  const [, high, low] = /^\[::ffff:([\da-f]{1,4}):([\da-f]{1,4})\]$/.exec(hostname) ?? [];
  if (high === undefined || low === undefined) return hostname;
  const [first, second] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [first >> 8, first & 0xff, second >> 8, second & 0xff].join(".");
}

// What `new URL` leaves as it is when it is written plainly, unless it means something else there than when it is
// encoded: `/` and `%2F` are two, as are `&` and `%26`.
const IN_PATH: ReadonlySet<string> = plainIn("a", "/?#%\\");
const IN_QUERY: ReadonlySet<string> = plainIn("?a", "#%&=+");

function plainIn(before: string, except: string): ReadonlySet<string> {
  const printable = Array.from({ length: 0x7f - 0x21 }, (_, i) => String.fromCharCode(0x21 + i));
  return new Set(
    printable.filter(
      (each) => !except.includes(each) && new URL(`ws://a/${before}${each}a`).href.includes(`a${each}a`),
    ),
  );
}

function decode(text: string, plain: ReadonlySet<string>): string {
  return text.replaceAll(/%([\da-f]{2})/gi, (all: string, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return plain.has(character) ? character : all.toUpperCase();
  });
}
