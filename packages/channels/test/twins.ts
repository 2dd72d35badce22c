// Does each command to the library and to the reference, and compares: the same promises have settled, in the same
// order, with the same results, and the channels look the same. Where the library may choose (a fair draw, a Selector's
// turn) the reference follows, after checking the choice.

import { Channel, ClosedError, select, Selector, trySelect } from "@sluice/channels";
import type { Broadcast } from "@sluice/channels/broadcast";
import { assert } from "vitest";
import type { Command, CommandOf, SignalKind, World } from "./commands.ts";
import {
  causeOf,
  compared,
  type Entry,
  type Facts,
  factsOf,
  factsOfEvent,
  factsOfFailure,
  immediately,
  keyOf,
  type Outcome,
} from "./entries.ts";
import { broadcast, channelPair, latest, type Pair, subscriptionPair, type Told } from "./pairs.ts";
import { microtasks, turns } from "./progress.ts";
import { Reference, type ReferenceCase, type ReferenceChannel, type ReferenceSelector } from "./reference.ts";

interface SelectorPair {
  readonly real: Selector<Record<string, number>>;
  readonly reference: ReferenceSelector;
  closed: boolean;
}

/** The library and the reference, side by side. */
export class Twins {
  readonly reference = new Reference();
  readonly log: Entry[] = [];
  readonly pairs: Pair[];
  readonly told: readonly [Told, Told];
  readonly selectors: SelectorPair[] = [0, 1].map(() => ({
    real: new Selector(),
    reference: { watched: [], ended: false },
    closed: false,
  }));
  #ids = 0;
  #values = 0;
  #aborts: { readonly controller: AbortController; readonly group: object }[] = [];
  #shared = new AbortController();

  constructor({ channels, replay, subscriptions }: World) {
    this.told = [broadcast(replay), latest(0)];
    this.pairs = channels.map(channelPair);
    for (const terms of subscriptions) this.pairs.push(subscriptionPair(this.reference, this.told[0], terms));
    this.pairs.push(subscriptionPair(this.reference, this.told[1], { capacity: 1, slow: "drop-oldest", replay }));
  }

  async do(given: Command): Promise<void> {
    await this.#perform(given);
    for (const { reference } of this.selectors) this.reference.settleRounds(reference);
    for (const { real, reference, dropped, subscription } of this.pairs) {
      const { length, closed, cause } = real;
      assert.deepEqual(
        { length, closed, cause: causeOf(cause), dropped, missed: subscription?.real.missed },
        {
          length: reference.buffer.length,
          closed: reference.closed,
          cause: reference.cause,
          dropped: reference.dropped,
          missed: subscription && reference.dropped.length,
        },
      );
    }
    const { subscribers } = this.told[0].real as Broadcast<number>;
    assert.equal(subscribers, this.told[0].reference.subscriptions.length);
    for (const { real, reference } of this.selectors) assert.equal(real.size, reference.watched.length);
  }

  /** Everything that must have settled has, and nothing else. */
  async settle(): Promise<void> {
    await microtasks(6);
    if (this.log.length < this.reference.log.length) await turns();
    assert.deepEqual(this.log, this.reference.log);
  }

  /** In the end everything is closed, and what is left comes out. */
  async finish(): Promise<void> {
    await this.settle();
    for (const [i] of this.pairs.entries()) await this.do({ do: "close", on: i, cause: undefined });
    await this.settle();
    for (const [i] of this.selectors.entries()) await this.do({ do: "closeSelector", selector: i });
    await this.settle();
    assert.deepEqual(this.reference.waiting, []);
    for (const { real, reference } of this.pairs) {
      for (const value of reference.buffer) assert.deepEqual(real.tryReceive(), { ok: true, value, done: false });
      assert.deepEqual(compared(real.tryReceive()), {
        ok: false,
        value: undefined,
        done: true,
        cause: reference.cause,
      });
    }
  }

  async #perform(given: Command): Promise<void> {
    const { reference } = this;
    switch (given.do) {
      case "trySend": {
        const pair = this.#pair(given.on);
        const value = this.#value();
        if (pair.target.closed) assert.throws(() => pair.trySend(value), ClosedError);
        else assert.equal(pair.trySend(value), reference.place(pair.target, value));
        return;
      }
      case "tryReceive": {
        const { real, reference: channel } = this.#pair(given.on);
        assert.deepEqual(compared(real.tryReceive()), this.#received(channel));
        return;
      }
      case "send": {
        const { sender, target: channel } = this.#pair(given.on);
        if (sender === undefined) return;
        const value = this.#value();
        const id = this.#watch(sender.send(value, this.#options(given.signal)), () => ["sent"]);
        if (given.signal === "aborted") reference.log.push([id, "rejected", "aborted before"]);
        else if (channel.closed) reference.log.push([id, "closed", value, undefined, channel.cause]);
        else if (reference.place(channel, value)) reference.log.push([id, "sent"]);
        else this.#park(id, "send", given.signal, [{ key: "", does: "send", channel, value }]);
        return;
      }
      case "receive": {
        const { real, reference: channel } = this.#pair(given.on);
        const id = this.#watch(real.receive(this.#options(given.signal)), (r) =>
          r.ok ? ["value", r.value] : ["end", causeOf(r.cause)],
        );
        if (given.signal === "aborted") reference.log.push([id, "rejected", "aborted before"]);
        else if (!reference.ready(channel)) this.#park(id, "receive", given.signal, [receiveOf(channel)]);
        else if (reference.drained(channel)) reference.log.push([id, "end", channel.cause]);
        else reference.log.push([id, "value", reference.take(channel)]);
        return;
      }
      case "receiveMany": {
        const { real, reference: channel } = this.#pair(given.on);
        const id = this.#watch(real.receiveMany(given.limit, this.#options(given.signal)), (batch) => ["batch", batch]);
        if (given.signal === "aborted") reference.log.push([id, "rejected", "aborted before"]);
        else if (!reference.ready(channel)) this.#park(id, "receiveMany", given.signal, [receiveOf(channel)]);
        else reference.log.push([id, "batch", reference.takeMany(channel, given.limit)]);
        return;
      }
      case "step": {
        const { iterator, iteration, reference: channel } = this.#pair(given.on);
        const id = this.#watch(iterator.next(), (r) => (r.done === true ? ["end"] : ["value", r.value]));
        if (!reference.ready(channel))
          reference.park({ id, kind: "step", cases: [receiveOf(channel)], group: iteration });
        else if (!reference.drained(channel)) reference.log.push([id, "value", reference.take(channel)]);
        else reference.log.push(channel.cause === undefined ? [id, "end"] : [id, "rejected", channel.cause]);
        return;
      }
      case "stepUntil": {
        const { real, reference: channel } = this.#pair(given.on);
        const iterator = real.values(this.#options(given.signal));
        const id = this.#watch(iterator.next(), (r) => (r.done === true ? ["end"] : ["value", r.value]));
        if (given.signal === "aborted") reference.log.push([id, "rejected", "aborted before"]);
        else if (!reference.ready(channel)) this.#park(id, "step", given.signal, [receiveOf(channel)]);
        else if (!reference.drained(channel)) reference.log.push([id, "value", reference.take(channel)]);
        else reference.log.push(channel.cause === undefined ? [id, "end"] : [id, "rejected", channel.cause]);
        return;
      }
      case "break": {
        const pair = this.#pair(given.on);
        const id = this.#watch(pair.iterator.return?.() ?? Promise.reject(new Error("no return")), () => ["end"]);
        reference.endGroup(pair.iteration, "end");
        reference.log.push([id, "end"]);
        pair.iterator = pair.real[Symbol.asyncIterator]();
        pair.iteration = {};
        return;
      }
      case "select":
      case "trySelect":
        return this.#select(given);
      case "close": {
        const pair = this.#pair(given.on);
        pair.close(given.cause);
        reference.close(pair.target, given.cause);
        return;
      }
      case "abort": {
        const one = this.#aborts[given.nth % Math.max(1, this.#aborts.length)];
        one?.controller.abort("aborted");
        if (one !== undefined) reference.endGroup(one.group, "rejected", "aborted");
        this.#aborts = this.#aborts.filter((other) => other !== one);
        return;
      }
      case "abortShared":
        this.#shared.abort("aborted together");
        reference.endGroup(this.#shared.signal, "rejected", "aborted together");
        this.#shared = new AbortController();
        return;
      case "add": {
        const { real, reference: watching, closed } = this.#selectorPair(given.selector);
        const key = given.name;
        if (closed || watching.watched.some((one) => one.name === key)) return;
        real.add(key, this.#pair(given.on).real);
        reference.add(watching, key, this.#pair(given.on).reference);
        return;
      }
      case "delete": {
        const { real, reference: watching } = this.#selectorPair(given.selector);
        const key = given.name;
        assert.equal(
          real.delete(key),
          watching.watched.some((one) => one.name === key),
        );
        watching.watched = watching.watched.filter((one) => one.name !== key);
        return;
      }
      case "next": {
        const { real, reference: watching } = this.#selectorPair(given.selector);
        const id = this.#watch(real.next(this.#options(given.signal)), factsOfEvent);
        if (given.signal === "aborted") {
          reference.log.push([id, "rejected", "aborted before"]);
        } else if (watching.watched.some(({ channel }) => reference.ready(channel))) {
          const entry = await this.#settled(id);
          reference.log.push([id, ...reference.event(watching, String(entry[2]))]);
        } else if (watching.ended) {
          reference.log.push([id, "nothing"]);
        } else {
          this.#park(id, "next", given.signal, [], watching);
        }
        return;
      }
      case "tryNext": {
        const { real, reference: watching } = this.#selectorPair(given.selector);
        const event = real.tryNext();
        const ready = watching.watched.some(({ channel }) => reference.ready(channel));
        assert.equal(event !== undefined, ready);
        if (event !== undefined) assert.deepEqual(factsOfEvent(event), reference.event(watching, event.name));
        return;
      }
      case "closeSelector": {
        const pair = this.#selectorPair(given.selector);
        pair.real.close();
        pair.closed = true;
        pair.reference.watched = [];
        reference.endSelector(pair.reference);
        return;
      }
      case "subscribe": {
        this.pairs.push(subscriptionPair(reference, this.told[given.to] as Told, given.terms));
        return;
      }
      case "unsubscribe": {
        const { subscription, reference: channel } = this.#pair(given.on);
        if (subscription === undefined) return;
        subscription.real.unsubscribe();
        reference.unsubscribe(channel, subscription.of.reference);
        return;
      }
      case "spend": {
        // More completions than a turn has: those that follow are held back for the next one.
        const elsewhere = new Channel<number>(1_100);
        for (let i = 0; i < 1_100; i += 1) void elsewhere.send(i);
        return;
      }
      case "settle":
        return this.settle();
    }
  }

  async #select(given: CommandOf<"select" | "trySelect">): Promise<void> {
    const { reference } = this;
    const built = given.cases.map(({ does, on: at, bare }, i) => {
      const { real, reference: channel, sender, target } = this.#pair(at);
      const value = this.#value();
      const key = given.named ? `c${i}` : i;
      if (does === "receive") {
        const live: ReferenceCase = { key, does, channel, value: -1 };
        return { entry: bare ? real : real.caseReceive(), live };
      }
      if (does === "off" || sender === undefined) {
        return { entry: [null, undefined, false][i % 3] as null, live: undefined };
      }
      const live: ReferenceCase = { key, does, channel: target, value };
      return { entry: sender.caseSend(value), live };
    });
    const live = built.flatMap((one) => one.live ?? []);
    const ready = live.filter((one) => reference.isReady(one));
    const allowed = given.priority ? ready.slice(0, 1) : ready;
    const chosenBy = (key: unknown): ReferenceCase => {
      const chosen = allowed.find((one) => one.key === key);
      if (chosen === undefined) throw new Error(`Case ${String(key)} was chosen, of ${JSON.stringify(allowed)}`);
      return chosen;
    };
    const list = built.map(({ entry }) => entry);
    const named = Object.fromEntries(list.map((entry, i) => [`c${i}`, entry]));
    if (given.do === "trySelect") {
      const { priority } = given;
      const entry = immediately(() => (given.named ? trySelect(named, { priority }) : trySelect(list, { priority })));
      assert.equal(entry !== undefined, ready.length > 0);
      if (entry !== undefined) assert.deepEqual(entry, reference.commit(-1, chosenBy(keyOf(entry))));
      return;
    }
    const options = { ...this.#options(given.signal), priority: given.priority, default: given.default };
    const id = this.#watch<Outcome>(given.named ? select(named, options) : select(list, options), factsOf);
    if (given.signal === "aborted") reference.log.push([id, "rejected", "aborted before"]);
    else if (ready.length > 0) reference.log.push(reference.commit(id, chosenBy(keyOf(await this.#settled(id)))));
    else if (given.default) reference.log.push([id, "default"]);
    else if (live.length === 0) reference.log.push([id, "TypeError"]);
    else this.#park(id, "select", given.signal, live);
  }

  #pair(i: number): Pair {
    return this.pairs[i % this.pairs.length] as Pair;
  }

  #selectorPair(i: number): SelectorPair {
    return this.selectors[i] as SelectorPair;
  }

  #value(): number {
    this.#values += 1;
    return this.#values;
  }

  #received(channel: ReferenceChannel): object | undefined {
    if (!this.reference.ready(channel)) return undefined;
    if (this.reference.drained(channel)) return { ok: false, value: undefined, done: true, cause: channel.cause };
    return { ok: true, value: this.reference.take(channel), done: false };
  }

  #options(kind: SignalKind): { readonly signal?: AbortSignal } {
    if (kind === "none") return {};
    if (kind === "aborted") return { signal: AbortSignal.abort("aborted before") };
    if (kind === "shared") return { signal: this.#shared.signal };
    const controller = new AbortController();
    this.#aborts.push({ controller, group: controller.signal });
    return { signal: controller.signal };
  }

  #park(
    id: number,
    kind: "receive" | "receiveMany" | "step" | "send" | "select" | "next",
    given: SignalKind,
    list: readonly ReferenceCase[],
    watching?: ReferenceSelector,
  ): void {
    const group = given === "own" ? this.#aborts.at(-1)?.group : given === "shared" ? this.#shared.signal : undefined;
    this.reference.park({ id, kind, cases: list, group, selector: watching });
  }

  #watch<T>(promise: Promise<T>, factsOfValue: (value: T) => Facts): number {
    this.#ids += 1;
    const id = this.#ids;
    promise.then(
      (value) => this.log.push([id, ...factsOfValue(value)]),
      (reason: unknown) => this.log.push([id, ...factsOfFailure(reason)]),
    );
    return id;
  }

  /** What an operation that must not wait came to. */
  async #settled(id: number): Promise<Entry> {
    await microtasks(6);
    const settled = (): Entry | undefined => this.log.find(([of]) => of === id);
    if (settled() === undefined) await turns();
    const entry = settled();
    if (entry !== undefined) return entry;
    throw new Error(`Operation ${id} waits, although it could happen: ${JSON.stringify(this.log)}`);
  }
}

function receiveOf(channel: ReferenceChannel): ReferenceCase {
  return { key: "", does: "receive", channel, value: -1 };
}
