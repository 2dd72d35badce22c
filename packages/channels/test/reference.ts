// What the model test holds the library against: channels, broadcasts, selects and Selectors as plain lists that are
// searched from the front. Slow and obvious: everybody who waits stands in one list, in the order of arrival.

import { type Entry, type Facts, SLOW } from "./entries.ts";

export type Overflow = "block" | "drop-oldest" | "drop-newest" | "close";

/** A channel, or a subscription of a broadcast. */
export interface ReferenceChannel {
  readonly capacity: number;
  readonly overflow: Overflow;
  readonly of?: ReferenceBroadcast | undefined;
  buffer: number[];
  dropped: number[];
  closed: boolean;
  cause: unknown;
}

/** Those who get what is sent, in the order in which they came, and what late ones get first. */
export interface ReferenceBroadcast {
  readonly replay: number;
  subscriptions: ReferenceChannel[];
  kept: number[];
  closed: boolean;
  cause: unknown;
}

/** What can be sent on. */
export type ReferenceTarget = ReferenceChannel | ReferenceBroadcast;

export type ReferenceCase =
  | { readonly key: string | number; readonly does: "receive"; readonly channel: ReferenceChannel; readonly value: -1 }
  | { readonly key: string | number; readonly does: "send"; readonly channel: ReferenceTarget; readonly value: number };

/** A Selector: what it watches, in the order it was added. */
export interface ReferenceSelector {
  watched: { readonly name: string; readonly channel: ReferenceChannel; overtakenBy: Set<string> }[];
  ended: boolean;
  /** While it takes what is there, nobody who waits on it gets what comes meanwhile: that would overtake. */
  taking?: boolean;
}

/** An operation that waits: its cases, and how it is told what became of it. */
interface Waiting {
  readonly id: number;
  readonly kind: "receive" | "receiveMany" | "step" | "send" | "select" | "next";
  readonly cases: readonly ReferenceCase[];
  readonly group?: object | undefined;
  readonly selector?: ReferenceSelector | undefined;
}

export class Reference {
  waiting: Waiting[] = [];
  readonly log: Entry[] = [];

  ready(channel: ReferenceChannel): boolean {
    return channel.buffer.length > 0 || channel.closed || this.first("send", channel) !== undefined;
  }

  accepts(channel: ReferenceTarget): boolean {
    if ("kept" in channel) return channel.closed || !channel.subscriptions.some(blocks);
    const { capacity, overflow, buffer, closed } = channel;
    return closed || buffer.length < capacity || overflow !== "block" || this.first("receive", channel) !== undefined;
  }

  isReady(one: ReferenceCase): boolean {
    return one.does === "receive" ? this.ready(one.channel) : this.accepts(one.channel);
  }

  drained({ closed, buffer }: ReferenceChannel): boolean {
    return closed && buffer.length === 0;
  }

  /** Whoever has waited longest to receive from a channel, or to send on it. */
  first(does: "receive" | "send", channel: ReferenceTarget): Waiting | undefined {
    return this.waiting.find((waiting) => casesOf(waiting).some((one) => one.does === does && one.channel === channel));
  }

  park(waiting: Waiting): void {
    this.waiting.push(waiting);
  }

  /** Sends without waiting; false when it would have to. */
  place(channel: ReferenceTarget, value: number): boolean {
    if ("kept" in channel) {
      const accepted = this.accepts(channel);
      if (accepted) this.#tell(channel, value);
      return accepted;
    }
    const receiver = this.first("receive", channel);
    if (receiver !== undefined) {
      this.#deliver(receiver, channel, value);
      return true;
    }
    if (channel.buffer.length < channel.capacity) {
      channel.buffer.push(value);
      return true;
    }
    if (channel.overflow === "block") return false;
    if (channel.overflow === "drop-newest") {
      channel.dropped.push(value);
    } else {
      channel.dropped.push(channel.buffer.shift() as number);
      channel.buffer.push(value);
    }
    return true;
  }

  /** Subscribes: gives what is kept, and what comes from now on. */
  subscribe(of: ReferenceBroadcast, capacity: number, overflow: Overflow, replay: number): ReferenceChannel {
    const count = Math.min(capacity, replay, of.kept.length);
    const buffer = of.kept.slice(of.kept.length - count);
    const { closed, cause } = of;
    const subscription = { capacity, overflow, of, buffer, dropped: [], closed, cause };
    if (!closed) of.subscriptions.push(subscription);
    return subscription;
  }

  /** Drops what it has, and ends. */
  unsubscribe(subscription: ReferenceChannel, of: ReferenceBroadcast): void {
    subscription.buffer = [];
    of.subscriptions = of.subscriptions.filter((one) => one !== subscription);
    subscription.closed = true;
    this.#admit(of);
    this.#endReceivers(subscription);
  }

  /** Takes the next value of a channel that is ready and not drained. */
  take(channel: ReferenceChannel): number {
    if (channel.of !== undefined) {
      const next = channel.buffer.shift() as number;
      this.#admit(channel.of);
      return next;
    }
    const sender = this.first("send", channel);
    if (sender === undefined) return channel.buffer.shift() as number;
    const { key, value } = caseOn(sender, "send", channel);
    this.#remove(sender);
    this.log.push(sender.kind === "send" ? [sender.id, "sent"] : [sender.id, "select", key, undefined, true]);
    channel.buffer.push(value);
    return channel.buffer.shift() as number;
  }

  takeMany(channel: ReferenceChannel, limit: number): number[] {
    const batch: number[] = [];
    while (batch.length < limit && this.ready(channel) && !this.drained(channel)) batch.push(this.take(channel));
    return batch;
  }

  /** Does one case of a select that is ready. */
  commit(id: number, one: ReferenceCase): Entry {
    const { key, value } = one;
    if (one.does === "receive") {
      return this.drained(one.channel)
        ? [id, "select", key, undefined, false, one.channel.cause]
        : [id, "select", key, this.take(one.channel), true];
    }
    const { channel } = one;
    if (channel.closed) return [id, "closed", value, key, channel.cause];
    this.place(channel, value);
    return [id, "select", key, undefined, true];
  }

  close(channel: ReferenceTarget, cause: unknown): void {
    if (channel.closed) return;
    for (const one of "kept" in channel ? channel.subscriptions : [channel]) {
      one.closed = true;
      one.cause = cause;
      if (one.buffer.length === 0) this.#endReceivers(one);
    }
    channel.closed = true;
    channel.cause = cause;
    if ("kept" in channel) channel.subscriptions = [];
    for (let first = this.first("send", channel); first !== undefined; first = this.first("send", channel)) {
      const { key, value } = caseOn(first, "send", channel);
      this.#remove(first);
      this.log.push([first.id, "closed", value, first.kind === "select" ? key : undefined, cause]);
    }
  }

  /** Ends, in order, every waiting operation of a group: a signal, or an iterator that was returned. */
  endGroup(group: object, what: string, ...facts: unknown[]): void {
    for (const waiting of this.waiting.filter((one) => one.group === group)) {
      this.#remove(waiting);
      this.log.push([waiting.id, what, ...facts]);
    }
  }

  /** Gives the event of one watched channel that is ready. */
  event(selector: ReferenceSelector, name: string): Facts {
    const registration = selector.watched.find((one) => one.name === name);
    if (registration === undefined) throw new Error(`Got an event of "${name}", which is not watched`);
    const { channel } = registration;
    if (!this.ready(channel)) throw new Error(`Got an event of "${name}", which is not ready`);
    this.#noteRound(selector, name);
    if (!this.drained(channel)) return ["event", name, this.take(channel), true];
    this.#finish(selector, name);
    return ["event", name, undefined, false, channel.cause];
  }

  add(selector: ReferenceSelector, name: string, channel: ReferenceChannel): void {
    selector.watched.push({ name, channel, overtakenBy: new Set() });
    selector.ended = false;
    while (this.ready(channel)) {
      const next = this.waiting.find((one) => one.selector === selector);
      if (next === undefined) return;
      this.#remove(next);
      selector.taking = true;
      this.log.push([next.id, ...this.event(selector, name)]);
      selector.taking = false;
      if (selector.watched.every((one) => one.name !== name)) break;
    }
    this.#endIfOver(selector);
  }

  /** Nothing will ever come: whoever waits learns it. */
  endSelector(selector: ReferenceSelector): void {
    selector.ended = true;
    for (const next of this.waiting.filter((one) => one.selector === selector)) {
      this.#remove(next);
      this.log.push([next.id, "nothing"]);
    }
  }

  /** Forgets how often a channel was overtaken once it is no longer ready. */
  settleRounds(selector: ReferenceSelector): void {
    for (const { channel, overtakenBy } of selector.watched) if (!this.ready(channel)) overtakenBy.clear();
  }

  /** Each gets it, or loses one for it, or is ended by it. */
  #tell(broadcast: ReferenceBroadcast, value: number): void {
    broadcast.kept.push(value);
    if (broadcast.kept.length > broadcast.replay) broadcast.kept.shift();
    for (const one of broadcast.subscriptions) {
      const { capacity, overflow, buffer, dropped } = one;
      const receiver = this.first("receive", one);
      if (receiver !== undefined) {
        this.#deliver(receiver, one, value);
      } else if (buffer.length < capacity) {
        buffer.push(value);
      } else if (overflow === "drop-oldest") {
        dropped.push(buffer.shift() as number);
        buffer.push(value);
      } else {
        dropped.push(value);
        if (overflow !== "close") continue;
        [one.closed, one.cause] = [true, SLOW];
        broadcast.subscriptions = broadcast.subscriptions.filter((other) => other !== one);
      }
    }
  }

  /** Lets senders go on that waited for room. */
  #admit(broadcast: ReferenceBroadcast): void {
    for (let sender = this.first("send", broadcast); sender !== undefined; sender = this.first("send", broadcast)) {
      if (!this.accepts(broadcast)) return;
      const { key, value } = caseOn(sender, "send", broadcast);
      this.#remove(sender);
      this.log.push(sender.kind === "send" ? [sender.id, "sent"] : [sender.id, "select", key, undefined, true]);
      this.#tell(broadcast, value);
    }
  }

  #endReceivers(channel: ReferenceChannel): void {
    for (let first = this.first("receive", channel); first !== undefined; first = this.first("receive", channel)) {
      this.#end(first, channel);
    }
  }

  #deliver(receiver: Waiting, channel: ReferenceChannel, value: number): void {
    const { key } = caseOn(receiver, "receive", channel);
    this.#remove(receiver);
    const { id, kind } = receiver;
    if (kind === "receiveMany") this.log.push([id, "batch", [value]]);
    else if (kind === "select") this.log.push([id, "select", key, value, true]);
    else if (kind === "next") this.log.push([id, "event", key, value, true]);
    else this.log.push([id, "value", value]);
  }

  #end(receiver: Waiting, channel: ReferenceChannel): void {
    const { key } = caseOn(receiver, "receive", channel);
    this.#remove(receiver);
    const { id, kind } = receiver;
    if (kind === "receiveMany") this.log.push([id, "batch", []]);
    else if (kind === "select") this.log.push([id, "select", key, undefined, false, channel.cause]);
    else if (kind === "step" && channel.cause !== undefined) this.log.push([id, "rejected", channel.cause]);
    else if (kind !== "next") this.log.push(kind === "step" ? [id, "end"] : [id, "end", channel.cause]);
    if (receiver.selector === undefined) return;
    this.log.push([id, "event", key, undefined, false, channel.cause]);
    this.#finish(receiver.selector, String(key));
    this.#endIfOver(receiver.selector);
  }

  #endIfOver(selector: ReferenceSelector): void {
    if (selector.ended) this.endSelector(selector);
  }

  #finish(selector: ReferenceSelector, name: string): void {
    selector.watched = selector.watched.filter((one) => one.name !== name);
    if (selector.watched.length === 0) selector.ended = true;
  }

  // No channel that stays ready waits more than one round: nobody else has two events while it waits for one.
  #noteRound(selector: ReferenceSelector, name: string): void {
    for (const other of selector.watched) {
      if (other.name === name || !this.ready(other.channel)) {
        other.overtakenBy.clear();
      } else {
        if (other.overtakenBy.has(name)) throw new Error(`"${name}" had two events while "${other.name}" was ready`);
        other.overtakenBy.add(name);
      }
    }
  }

  #remove(waiting: Waiting): void {
    this.waiting = this.waiting.filter((one) => one !== waiting);
  }
}

function blocks({ overflow, buffer, capacity }: ReferenceChannel): boolean {
  return overflow === "block" && buffer.length === capacity;
}

function casesOf({ cases, selector }: Waiting): readonly ReferenceCase[] {
  if (selector === undefined) return cases;
  if (selector.taking === true) return [];
  return selector.watched.map(({ name, channel }) => ({ key: name, does: "receive", channel, value: -1 }));
}

function caseOn(waiting: Waiting, does: "receive" | "send", channel: ReferenceTarget): ReferenceCase {
  return casesOf(waiting).find((one) => one.does === does && one.channel === channel) as ReferenceCase;
}
