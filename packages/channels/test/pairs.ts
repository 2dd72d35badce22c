// What the commands of the model test are done to: channels, subscriptions of a broadcast, changes of a `Latest`, each
// beside what the reference has for it.

import { Channel, type ReceiveChannel, type SendChannel } from "@sluice/channels";
import { Broadcast, Latest, type Subscription } from "@sluice/channels/broadcast";
import type { Settings, Terms } from "./commands.ts";
import type { Reference, ReferenceBroadcast, ReferenceChannel, ReferenceTarget } from "./reference.ts";

/** A channel to receive from, and what its values are sent on. */
export interface Pair {
  readonly real: ReceiveChannel<number>;
  readonly reference: ReferenceChannel;
  readonly dropped: number[];
  /** Absent where nobody ever waits to send. */
  readonly sender: SendChannel<number> | undefined;
  readonly target: ReferenceTarget;
  readonly subscription?: { readonly real: Subscription<number>; readonly of: Told } | undefined;
  iterator: AsyncIterator<number, undefined>;
  iteration: object;
  trySend(value: number): boolean;
  close(cause: unknown): void;
}

/** A broadcast, or a `Latest`: that is one with room for a single value, which drops the older one. */
export interface Told {
  readonly real: Broadcast<number> | Latest<number>;
  readonly reference: ReferenceBroadcast;
}

export function channelPair({ capacity, overflow }: Settings): Pair {
  const dropped: number[] = [];
  const real = new Channel<number>(capacity, { overflow, onDrop: (value) => dropped.push(value) });
  const reference = { capacity, overflow, buffer: [], dropped: [], closed: false, cause: undefined };
  return {
    real,
    reference,
    dropped,
    sender: real,
    target: reference,
    iterator: real[Symbol.asyncIterator](),
    iteration: {},
    trySend: (value) => real.trySend(value),
    close: (cause) => real.close(cause),
  };
}

export function broadcast(replay: number): Told {
  const reference = { replay, subscriptions: [], kept: [], closed: false, cause: undefined };
  return { real: new Broadcast<number>({ replay }), reference };
}

export function latest(value: number): Told {
  const reference = { replay: 1, subscriptions: [], kept: [value], closed: false, cause: undefined };
  return { real: new Latest(value), reference };
}

/** One more subscription. */
export function subscriptionPair(model: Reference, of: Told, { capacity, slow, replay = Infinity }: Terms): Pair {
  const dropped: number[] = [];
  const many = of.real instanceof Broadcast ? of.real : undefined;
  const onDrop = (value: number): number => dropped.push(value);
  const real =
    of.real instanceof Broadcast
      ? of.real.subscribe({ capacity, slow, onDrop, replay: replay === Infinity ? undefined : replay })
      : of.real.changes({ current: replay > 0 });
  const reference = many
    ? model.subscribe(of.reference, capacity, slow, replay)
    : model.subscribe(of.reference, 1, "drop-oldest", replay);
  return {
    real,
    reference,
    dropped: many ? dropped : reference.dropped, // a change that nobody saw is told to nobody
    sender: many?.channel(),
    target: of.reference,
    subscription: { real, of },
    iterator: real[Symbol.asyncIterator](),
    iteration: {},
    trySend: (value) => {
      if (of.real instanceof Broadcast) return of.real.trySend(value);
      of.real.value = value;
      return true;
    },
    close: (cause) => of.real.close(cause),
  };
}
