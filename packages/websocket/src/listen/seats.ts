// How many connections there are, handshakes under way included: overall, and of each key.

import type { Upgrade } from "./upgrade.ts";

export interface SeatsOptions {
  readonly maxConnections: number;
  readonly maxConnectionsPerKey: { readonly limit: number; readonly key: (upgrade: Upgrade) => string } | undefined;
}

/** @internal */
export class Seats {
  readonly #options: SeatsOptions;
  readonly #ofKey = new Map<string, number>();
  #taken = 0;

  constructor(options: SeatsOptions) {
    this.#options = options;
  }

  /** Takes a seat: gives what gives it back, or says which limit is reached. */
  take(upgrade: Upgrade): (() => void) | "all" | "key" {
    const { maxConnections, maxConnectionsPerKey } = this.#options;
    if (this.#taken >= maxConnections) return "all";
    if (maxConnectionsPerKey === undefined) {
      this.#taken += 1;
      return () => (this.#taken -= 1);
    }
    const key = maxConnectionsPerKey.key(upgrade);
    const ofKey = this.#ofKey.get(key) ?? 0;
    if (ofKey >= maxConnectionsPerKey.limit) return "key";
    this.#taken += 1;
    this.#ofKey.set(key, ofKey + 1);
    return () => {
      this.#taken -= 1;
      const left = (this.#ofKey.get(key) ?? 1) - 1;
      if (left === 0) this.#ofKey.delete(key);
      else this.#ofKey.set(key, left);
    };
  }
}
