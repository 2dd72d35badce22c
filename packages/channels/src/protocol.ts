// The words that channels, `select`, `Selector` and timers speak to each other. Each is a symbol, so that a subclass may
// have members of any name; not a private field, since kinds of channels live in other packages too; and not an object
// behind each channel, which would cost it 40 bytes and a look-up for every word.

import type { Alone, Link } from "./list.ts";

/** Marks what can be received from; the same symbol in every copy of this package, so that a stranger's is recognised. */
export const receives: unique symbol = Symbol.for("@sluice/channels.receives");
/** Marks what can be sent on. */
export const sends: unique symbol = Symbol.for("@sluice/channels.sends");

// What a kind of channel says and calls; `Words` says more about each.
/** Whether a receive would get something at once. */
export const ready: unique symbol = Symbol("ready");
/** Takes the next value of a channel that is ready. */
export const take: unique symbol = Symbol("take");
/** Whether nothing more will come. */
export const drained: unique symbol = Symbol("drained");
/** Gives a value to whoever has waited longest; false when nobody waits. */
export const handOff: unique symbol = Symbol("handOff");
/** Whether somebody waits for a value. */
export const awaited: unique symbol = Symbol("awaited");
/** Tells who watches that the channel turned ready. */
export const turnedReady: unique symbol = Symbol("turnedReady");
/** Tells everybody who waits that the channel has ended. */
export const endReceivers: unique symbol = Symbol("endReceivers");

/** @internal Tells what a class of this copy of the package made from what looks like it: a Proxy, a copy, a likeness. */
export const genuine: unique symbol = Symbol("genuine");
/** @internal The channel that a case is about. */
export const subject: unique symbol = Symbol("subject");
/** @internal Does what a case says, when it is ready. */
export const commit: unique symbol = Symbol("commit");
/** @internal Puts a place of a parked select in the queue of a channel. */
export const enlist: unique symbol = Symbol("enlist");
/** @internal What a case would send. */
export const offered: unique symbol = Symbol("offered");
/** @internal The rejection of a case that met a closed channel. */
export const refused: unique symbol = Symbol("refused");

/** @internal Asks whether a send would not wait: it is taken, or fails because the channel is closed. */
export const accepts: unique symbol = Symbol("accepts");
/** @internal Sends without waiting: what `trySend` was overridden to do is not asked. */
export const put: unique symbol = Symbol("put");
/** @internal Calls back when it closes; gives what forgets it. Of what can be sent on and is no `Source`. */
export const whenClosed: unique symbol = Symbol("whenClosed");
/** @internal Tells that the one sender that waited has left. */
export const deserted: unique symbol = Symbol("deserted");
/** @internal Parks the send of a select. */
export const enlistSender: unique symbol = Symbol("enlistSender");

/** @internal Those who may have no room, where a send waits for more than one. */
export const crowded: unique symbol = Symbol("crowded");

/** @internal What the program called, of which the wait on this channel is a part. */
export const asked: unique symbol = Symbol("asked");
/** @internal The queue of the senders that wait. */
export const senders: unique symbol = Symbol("senders");

/** @internal The queue of those who wait to receive, whoever stands in front of it. */
export const queued: unique symbol = Symbol("queued");
/** @internal Parks an operation behind every other, and gives its promise. */
export const park: unique symbol = Symbol("park");
/** What stands in front of the receivers: their own queue, unless a Selector was put there. */
export const front: unique symbol = Symbol("front");
/** @internal The moment, on the monotonic clock, at which a channel turns ready by itself. */
export const due: unique symbol = Symbol("due");
/** @internal Asks whether the process lives on for who waits for that moment. */
export const holds: unique symbol = Symbol("holds");
/** @internal Hands over what has become due to whoever waits. */
export const fire: unique symbol = Symbol("fire");
/** @internal Something else stands in front of the receivers now. */
export const watched: unique symbol = Symbol("watched");
/** @internal Asks whether it would start something, did somebody wait: only what works on demand. */
export const dormant: unique symbol = Symbol("dormant");
/** @internal Somebody waits now. */
export const rouse: unique symbol = Symbol("rouse");
/** @internal The next step of an iterator. */
export const step: unique symbol = Symbol("step");
/** @internal Ends the parked steps of one iterator, as a plain close does. */
export const dismiss: unique symbol = Symbol("dismiss");
/** @internal The last step. */
export const end: unique symbol = Symbol("end");

/** What a kind of channel to receive from says, and what it calls. */
export interface Words<out T> {
  /** For the kind to say: a receive would not wait, since a value is there or the channel is closed and drained. */
  [ready](): boolean;
  /** For the kind to do: take the next value. Only called when ready and not drained. */
  [take](): T;
  /** For the kind to say where it knows better: the channel is closed, and nothing is left in it. */
  [drained](): boolean;
  /** For the kind to call: hands a value to the operation that has waited longest; false when nobody waits. */
  [handOff](value: T): boolean;
  /** For the kind to ask: somebody waits for a value. */
  [awaited](): boolean;
  /**
   * For the kind to call when a value was stored, the channel closed, or its moment changed, and nobody was there to
   * take it.
   */
  [turnedReady](): void;
  /** For the kind to call when the channel is closed and drained: every waiting receiver learns it, in order. */
  [endReceivers](): void;
  /** What stands in front of the receivers: their own queue, or the last `Watch` that came. */
  [front]: Front;
}

/** Whoever can be handed a value: a parked operation, or the place that a parked `Selector.next` has here. */
export interface Receiver {
  /** Its place among all that wait, across channels: the lower number came first. */
  readonly arrival: number;
  /** Gets a value of `channel`, or with `ok: false` its end. */
  wake(channel: object, value: unknown, ok: boolean): void;
}

/** @internal What stands in a queue of a channel. */
export interface Waiting extends Alone, Receiver {
  /** What a sender sends; the iterator of a step. */
  readonly value: unknown;
}

/** Who is asked for the first that waits, and told what becomes of the channel. */
export interface Front {
  /** Who has waited longest, if anybody waits. */
  readonly head: Receiver | undefined;
  /** The channel turned ready, or will at another moment. */
  changed(): void;
}

/** @internal The place of a parked select in one channel. */
export interface Place extends Waiting {
  offer: SendOffer | undefined;
}

/** @internal A queue, as others see it: nobody, one that waits alone, or a list. */
export interface Line extends Link {
  readonly head: Waiting | undefined;
}

/** @internal Where an operation can park that wants to receive. */
export interface Parking {
  [enlist](waiting: Waiting): void;
}

/** @internal What a `select` can do: a channel, which is its own receive, or a case. */
export interface Selectable {
  readonly [subject]: object;
  [ready](): boolean;
  /** Throws for a send on a closed channel: `key` says which case that was. */
  [commit](key: number | string): { readonly value: unknown; readonly ok: boolean } | undefined;
  [enlist](place: Place): void;
}

/** @internal A send that a select describes. */
export interface SendOffer extends Selectable {
  readonly [offered]: unknown;
  [refused](key: number | string): unknown;
}

/** @internal What can be sent on by a `select`. */
export interface Sink<in T> {
  [accepts](): boolean;
  [put](value: T, key?: number | string): boolean;
  [enlistSender](place: Waiting): void;
}

/** @internal Somebody who may have no room for what is sent to many. */
export interface Crowded {
  /** A send must wait for it. */
  readonly full: boolean;
  readonly name: string | undefined;
  /** Nobody holds it any more, so that it will never have room. */
  readonly abandoned: boolean;
}

/** @internal An operation for reports: its name, and the function whose caller is to be shown. */
export interface Asked {
  readonly what: string;
  readonly entry: unknown;
}
