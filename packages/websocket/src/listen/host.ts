// Which pages may connect, and under which of our names: WebSockets are not under CORS, so a page that anybody visits can
// read a socket that nobody guards, and a name that its owner points at 127.0.0.1 makes it "the same host" (DNS rebinding).

import { invalid } from "../errors.ts";
import type { Reader } from "../protocol/options.ts";

/** Judges an `Origin`, which a handshake of no page does not have, beside the `Host` it came for. */
export type OriginRule = (origin: string, host: string) => boolean;

/** Judges a `Host`; `local` when it arrived on a loopback address. */
export type HostRule = (host: string, local: boolean) => boolean;

const LOOPBACK_NAMES: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** A host with its port as `URL` writes it, in the scheme's terms; undefined for what is none. */
export function authorityOf(host: string, scheme = "http:"): URL | undefined {
  // Whatever would begin another part of a URL is not a host's.
  if (host === "" || /[\s/?#@\\]/.test(host)) return undefined;
  const text = `${scheme}//${host}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** Reads `hosts`. */
export const hostRule: Reader<HostRule> = (given, option) => {
  if (given !== undefined && !Array.isArray(given)) throw invalid(option, "a list of hosts", given);
  const listed = (given as unknown[] | undefined)?.map((host) => {
    const url = typeof host === "string" && !host.includes("*") ? authorityOf(host) : undefined;
    if (url === undefined) throw invalid(option, `hosts such as "example.com" or "example.com:8080"`, host);
    const port = /:\d+$/.test(host as string);
    return { name: port ? url.host : url.hostname, port };
  });
  return (host, local) => {
    const url = authorityOf(host);
    if (url === undefined) return false;
    if (local && LOOPBACK_NAMES.includes(url.hostname)) return true;
    if (listed === undefined) return !local;
    return listed.some(({ name, port }) => name === (port ? url.host : url.hostname));
  };
};

/** Reads `origins`. */
export const originRule: Reader<OriginRule> = (given, option) => {
  if (given === "*") return () => true;
  if (given !== undefined && !Array.isArray(given)) throw invalid(option, `a list of origins, or "*"`, given);
  const listed = ((given ?? []) as unknown[]).map((origin) => patternOf(origin, option));
  return (origin, host) => {
    const url = readOrigin(origin);
    if (url === undefined) return false;
    // The port that a scheme implies is left out of one of them, and may be of the other.
    if (url.host === authorityOf(host, url.protocol)?.host) return true;
    return listed.some((matches) => matches(url));
  };
};

// Only what a browser writes: a scheme, a host, a port, and nothing else. `null`, of a page without an origin, is none.
function readOrigin(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const { host, username, password, pathname, search, hash } = url;
  const bare =
    host !== "" && (pathname === "/" || pathname === "") && [username, password, search, hash].join("") === "";
  return bare ? url : undefined;
}

// `*` stands for one label of a name or several. A word takes its place while the name is normalised, one that the
// entry does not have.
function patternOf(entry: unknown, option: string): (origin: URL) => boolean {
  const expected = `origins such as "https://example.com" or "https://*.example.com"`;
  if (typeof entry !== "string") throw invalid(option, expected, entry);
  let label = "any-label";
  while (entry.includes(label)) label += "-x";
  const wildcards = entry.replaceAll(/(?<=\/|\.)\*(?=\.)/g, label);
  const url = wildcards.includes("*") ? undefined : readOrigin(wildcards);
  if (url === undefined) throw invalid(option, expected, entry);
  const parts = url.host.split(label).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const host = new RegExp(`^${parts.join("[^.]+(?:\\.[^.]+)*")}$`);
  return (origin) => origin.protocol === url.protocol && host.test(origin.host);
}
