// What `select` is given to choose from: an inert description of a receive or a send.

import type { Channel } from "./channel.ts";
import type { Source } from "./source.ts";

/** @internal */
export class Description {
  readonly channel: Source<unknown>;
  readonly value: unknown;
  readonly #sends: boolean;

  constructor(channel: Source<unknown>, sends: boolean, value?: unknown) {
    this.channel = channel;
    this.#sends = sends;
    this.value = value;
  }

  /** The channel that the case sends on, if it is a send. */
  get target(): Channel<unknown> | undefined {
    return this.#sends ? (this.channel as Channel<unknown>) : undefined;
  }
}
