// What `merge`, `map` and `batch` have in common.

import type { SignalOptions } from "../types.ts";

/** Options of what gives a channel. */
export interface FlowOptions extends SignalOptions {
  /** For people who read errors and reports. */
  readonly name?: string | undefined;
}
