// Several channels as one. A Selector inside, whose parked `next` is whoever waits for the merged channel: so a value goes
// from its sender to its receiver in one step, and the merge itself never holds one.

import { awaited, check, drained, front, handOff, ready, turnedReady, unlink } from "../source.ts";
import { type Registration, Round } from "../selector.ts";
import { type Ending, Supply, supplyOptions } from "../supply.ts";
import type { ReceiveChannel } from "../types.ts";
import type { FlowOptions } from "./options.ts";

/**
 * Makes one channel of several: it gives all their values, fair in rounds, and takes one only for a receiver that waits.
 *
 * It ends when all of them have, with the first cause there was. Its signal ends it with the signal's reason, dispose
 * without a cause; the channels stay as they are. Like a `Selector` it stays registered with them until then.
 *
 * @throws TypeError when one of them is not a channel to receive from.
 *
 * @example
 * import { Channel } from "@sluice/channels";
 * import { merge } from "@sluice/channels/flow";
 *
 * const [left, right] = [new Channel<string>(1), new Channel<string>(1)];
 * using both = merge([left, right]);
 * await left.send("from the left");
 * await right.send("from the right");
 * left.close();
 * right.close();
 * for await (const value of both) console.log(value);
 * // → from the left
 * // → from the right
 */
export function merge<T>(channels: Iterable<ReceiveChannel<T>>, options?: FlowOptions): ReceiveChannel<T> & Disposable {
  const iterable = typeof (channels as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] === "function";
  check(iterable, "channels", "an iterable of channels", channels);
  return new Merging<T>(channels, supplyOptions(options, [])).outlet;
}

class Merging<T> extends Supply<T> {
  readonly #feed: Feed<T>;
  #taking = false; // whoever stands in front may look meanwhile, and must see no end before the value

  constructor(channels: Iterable<ReceiveChannel<T>>, options: FlowOptions) {
    super(options);
    this.#feed = new Feed(this);
    try {
      let i = 0;
      for (const channel of channels) {
        this.#feed.add(String(i), channel);
        i += 1;
      }
    } catch (mistake) {
      this.#feed.close(); // nobody else could
      throw mistake;
    }
    this.begin();
  }

  // It stands in front of the channels until it ends.
  override busy(): boolean {
    return true;
  }

  ready(): boolean {
    return !this.#taking && this.#feed.filled();
  }

  take(): T {
    this.#taking = true;
    const event = this.#feed.take();
    this.#taking = false;
    return event?.value as T;
  }

  exhausted(): Ending | undefined {
    const feed = this.#feed;
    return !this.#taking && !feed.filled() && feed.registrations.size === 0 ? { cause: feed.cause } : undefined;
  }

  rouse(): void {
    this.#feed.rouse();
  }

  override dormant(): boolean {
    return this.#feed.sleeping;
  }

  override moment(): number {
    return this.#feed.moment();
  }

  override holding(): boolean {
    return this.#feed.holding();
  }

  override ring(): void {
    this.#feed.ring();
  }

  override stop(cause: unknown): void {
    this.end(cause);
    this.#feed.close();
  }
}

class Feed<T> extends Round {
  readonly #merging: Merging<T>;
  /** The first there was. */
  cause: unknown = undefined;
  #looking = false; // a look must tell nobody, or it would be asked again within itself

  constructor(merging: Merging<T>) {
    super();
    this.#merging = merging;
  }

  override get arrival(): number {
    return this.#merging.outlet[front].head?.arrival ?? Infinity;
  }

  /** A channel has a value. Those that have ended leave, here and not when they do: a value may have stood in them. */
  filled(): boolean {
    this.#looking = true;
    const held = this.#look();
    this.#looking = false;
    return held;
  }

  #look(): boolean {
    this.collectTimers();
    for (let first = this.ready.head; first !== undefined; first = this.ready.head) {
      if (!first.source[ready]()) {
        unlink(first); // somebody else was faster
        this.place(first);
      } else if (first.source[drained]()) {
        this.finish(first);
      } else {
        return true;
      }
    }
    return false;
  }

  // Told once the end has reached whoever waits, or they would find it by a look, and be told nothing.
  override finish(registration: Registration): ReturnType<Round["finish"]> {
    this.cause ??= registration.source.cause;
    const looking = this.#looking;
    this.#looking = true;
    const event = super.finish(registration);
    this.#looking = looking;
    return event;
  }

  override deliver({ value, ok }: ReturnType<Round["finish"]>): void {
    const merging = this.#merging;
    if (ok) merging.outlet[handOff](value as T);
    else if (this.registrations.size === 0) merging.end(this.cause);
    else this.wait();
  }

  override place(registration: Registration): void {
    super.place(registration);
    if (this.sleeping && this.#merging.outlet[awaited]()) this.rouse();
  }

  override wait(): void {
    if (this.#looking) return;
    this.#merging.wait();
    this.#merging.outlet[turnedReady]();
  }
}
