// What `select` is given to choose from: inert descriptions of a receive or a send.

import type { Channel } from "./channel.ts";
import type { Source } from "./source.ts";

/** @internal */
export class ReceiveDescription<out T> {
  readonly channel: Source<T>;

  constructor(channel: Source<T>) {
    this.channel = channel;
  }
}

/** @internal */
export class SendDescription<in out T> {
  readonly channel: Channel<T>;
  readonly value: T;

  constructor(channel: Channel<T>, value: T) {
    this.channel = channel;
    this.value = value;
  }
}
