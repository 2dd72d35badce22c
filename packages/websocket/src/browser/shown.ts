// What errors of a page show of its connection. A page sends its secrets in the query and as a subprotocol, and hears
// little of its peer: the reason of a close frame, which is hidden as a whole where it repeats how a secret begins.

import { HIDDEN, parametersOf, redactUrl, type Shown } from "../protocol/shown-url.ts";

// Shorter values (`1`, `ws`) would hide every reason and protect nothing.
const SHORTEST_SECRET = 4;
// No name of a subprotocol is this long; what is carries a token, since a page can send one in no header.
const LONGEST_NAME = 23;

/** @internal */
export function shownOf(target: URL, protocols: readonly string[]): Shown {
  return {
    url: redactUrl(target),
    reason: (text) => (beginningsOf(target, protocols).some((beginning) => text.includes(beginning)) ? HIDDEN : text),
  };
}

// A reason has 123 bytes and breaks off within what it repeats, so that the beginning is what is looked for.
function beginningsOf(target: URL, protocols: readonly string[]): string[] {
  return parametersOf(target)
    .flatMap(({ value }) => [value, new URLSearchParams(`=${value}`).get("") ?? ""])
    .concat(protocols.filter(({ length }) => length > LONGEST_NAME))
    .filter(({ length }) => length >= SHORTEST_SECRET)
    .map((secret) => secret.slice(0, SHORTEST_SECRET));
}
