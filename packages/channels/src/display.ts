// What `console.log` shows of a channel, a timer, a case, a Selector: Node and Deno ask for it under registered symbols,
// other hosts show the tag. Never a value that somebody sent.

import { shown } from "./mistake.ts";

/** What is so about it now, in words. */
export const facts: unique symbol = Symbol("facts");

/** What can say it. */
export interface Told {
  /** What it is. */
  readonly [Symbol.toStringTag]: string;
  /** Its name, if it has one. */
  readonly name?: string | undefined;
  /** What is false or empty is not so. */
  [facts](): readonly (string | false)[];
}

/** `Channel(orders) { 3 of 8, 2 senders wait }`. */
export function displayOf(told: Told): string {
  const { name } = told;
  const list = told[facts]().filter(Boolean).join(", ");
  return `${told[Symbol.toStringTag]}${name === undefined ? "" : `(${name})`} {${list && ` ${list} `}}`;
}

/** Lets `console.log` show what is made by a class as `displayOf` writes it. */
export function displayBy(prototype: Told): void {
  const value = function (this: Told): string {
    try {
      return displayOf(this);
    } catch {
      return `${prototype[Symbol.toStringTag]} {}`; // a prototype, a Proxy: what has no private fields
    }
  };
  for (const name of ["nodejs.util.inspect.custom", "Deno.customInspect"]) {
    Object.defineProperty(prototype, Symbol.for(name), { value, configurable: true, writable: true });
  }
}

/** @internal `2 senders wait`; nothing where nobody does. */
export function waiting(count: number, who: string): string | false {
  return count > 0 && `${count} ${who}${count === 1 ? " waits" : "s wait"}`;
}

/** @internal That it is closed, and why, in one line. */
export function closing({ closed, cause }: { readonly closed: boolean; readonly cause: unknown }): string | false {
  if (cause === undefined) return closed && "closed";
  return `closed: ${cause instanceof Error || typeof cause === "string" ? String(cause) : shown(cause)}`;
}
