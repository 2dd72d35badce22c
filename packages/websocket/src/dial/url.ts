// The URL to connect to, judged after `new URL` has read it.

import { invalid, invalidText } from "../errors.ts";
import { redactText } from "../protocol/shown-url.ts";
import { plainHostname } from "./resource.ts";

const EXPECTED = "a ws: or wss: URL";

/** Reads the URL to connect to. Throws INVALID; never shows a password. */
export function checkUrl(url: unknown): URL {
  if (!(url instanceof URL) && typeof url !== "string") throw invalid("url", "a string or a URL", url);
  const text = String(url);
  checkScheme(text);
  let target: URL;
  try {
    target = new URL(url);
  } catch {
    const port = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*:(\d+)(?:[/?#]|$)/i.exec(text)?.[1];
    if (Number(port) > 65_535) throw invalidText("url", `${EXPECTED} with a port up to 65535`, `port \`${port}\``);
    throw invalidText("url", EXPECTED, `\`${redactText(text)}\``);
  }
  const fault = faultOf(target);
  if (fault !== undefined) throw invalidText("url", EXPECTED, fault);
  return target;
}

// `localhost:8080`, which is a URL of the scheme `localhost:`; `127.0.0.1:8080`, `//example.com/ws`, `example.com`.
const WITHOUT_SCHEME =
  /^(\/\/)?(?<host>\[[\d:a-f.]+\]|[\w-]+(\.[\w-]+)*)(:(?<port>\d+))?(?<path>\/(?!\/)[^?#@]*)?([?#]|$)/i;

function checkScheme(text: string): void {
  const found = WITHOUT_SCHEME.exec(text)?.groups;
  if (found?.["host"] === undefined) return;
  const { host, port, path = "" } = found;
  const address = `${host}${port === undefined ? "" : `:${port}`}${path}`; // a query may hold secrets
  const plain = port === undefined ? /^(\[|localhost$|127\.)/i.test(host) : port !== "443";
  throw invalidText("url", EXPECTED, `\`${address}\`, which has no scheme`, `${plain ? "ws" : "wss"}://${address}`);
}

/** Says what keeps a URL from being dialled, or undefined. Maps `http:` to `ws:` and `https:` to `wss:` in place. */
export function faultOf(target: URL): string | undefined {
  if (target.protocol === "http:") target.protocol = "ws:";
  if (target.protocol === "https:") target.protocol = "wss:";
  if (target.protocol !== "ws:" && target.protocol !== "wss:") {
    // Of `user:password@host` the user is the scheme.
    return target.href.startsWith(`${target.protocol}//`) ? `the scheme \`${target.protocol}\`` : "another scheme";
  }
  if (plainHostname(target) === "") return "no host";
  if (target.href.includes("#")) return "a fragment";
  return undefined;
}
