// Stacks that must not stay captured for long, since they hold what the code in them holds. They are read when the loop
// has turned: most waits are over by then, and cost nothing.

import { macrotask } from "../host.ts";
import { NEW_STACKS, type Place, reading } from "./place.ts";

/** @internal What comes from a place, and may be of no interest any more. */
export interface Placed {
  readonly place: Place;
  readonly left: boolean;
}

/** @internal */
export class Unread {
  #entries: Placed[] = [];

  push(entry: Placed): void {
    this.#entries.push(entry);
    if (this.#entries.length === 1) this.#readFrom(this.#entries.values());
  }

  #readFrom(entries: Iterator<Placed>): void {
    macrotask(() => {
      if (readSome(entries)) this.#readFrom(entries);
      else this.#entries = [];
    });
  }
}

/** @internal Reads as many stacks as may be read in one go; false when that were all of them. */
export function readSome(entries: Iterator<Placed>): boolean {
  return reading(() => {
    for (let unread = NEW_STACKS; unread > 0;) {
      const next = entries.next();
      if (next.done === true) return false;
      const { left, place } = next.value;
      if (left || place.known) continue;
      place.read();
      unread -= 1;
    }
    return true;
  });
}
