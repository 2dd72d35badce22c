// What `select` chooses from: something to receive from, which is any channel itself, or something to send.

import type { Channel } from "./channel.ts";
import { ClosedError } from "./errors.ts";
import type { Waiting } from "./waiter.ts";

/** @internal The place of a parked select in one channel. */
export interface Place extends Waiting {
  offer: Offer | undefined;
}

/** What a `select` can do. */
export abstract class Selectable {
  /** @internal The channel that it is about. */
  abstract readonly channel: object;
  /** It would not wait. */
  protected abstract ready(): boolean;
  /** @internal Does it, when it is ready. Throws for a send on a closed channel: `key` says which case that was. */
  abstract commit(key: number | string): { readonly value: unknown; readonly ok: boolean } | undefined;
  /** @internal Puts a place of a parked select in the queue of the channel. */
  abstract enlist(place: Place): void;
}

/** @internal Asks whether it would not wait. */
export function isReady(selectable: Selectable): boolean {
  return (selectable as unknown as { ready(): boolean }).ready();
}

/** @internal A send, described for `select`. */
export class Offer extends Selectable {
  readonly channel: Channel<unknown>;
  readonly value: unknown;

  constructor(channel: Channel<unknown>, value: unknown) {
    super();
    this.channel = channel;
    this.value = value;
  }

  protected ready(): boolean {
    return this.channel.accepts();
  }

  commit(key: number | string): { value: undefined; ok: true } {
    this.channel.put(this.value, key);
    return { value: undefined, ok: true };
  }

  enlist(place: Place): void {
    place.offer = this;
    this.channel.enlistSender(place);
  }

  refused(key: number | string): ClosedError {
    return new ClosedError(this.value, this.channel, key);
  }
}
