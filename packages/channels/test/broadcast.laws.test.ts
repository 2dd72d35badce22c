// The laws for those who tell and those who are told: whoever comes, goes, aborts, closes or is slow, each value that
// was sent has been received once by each subscription, or counts in its `missed`, or still stands in it.

import { ClosedError, errors, select, Selector, time } from "@sluice/channels";
import { Broadcast, type Subscription } from "@sluice/channels/broadcast";
import { virtualTime } from "@sluice/channels/testing";
import { type Arbitrary, array, assert, asyncProperty, boolean, constantFrom, nat, option, record } from "fast-check";
import { assert as same, expect, test } from "vitest";
import { hunt, microtasks, turns } from "./progress.ts";

const pauses = array(nat(7), { minLength: 1, maxLength: 8 });
const terms = record({
  capacity: nat(3).map((capacity) => capacity + 1),
  slow: constantFrom("block", "block", "drop-oldest", "drop-newest", "close"),
  replay: option(nat(3), { nil: undefined }),
});
const subscriber = record({
  terms,
  way: constantFrom("receive", "tryReceive", "receiveMany", "for await", "abort", "select", "timeout", "selector"),
  /** Tasks that share it. */
  tasks: constantFrom(1, 1, 2),
  count: nat(12),
  pauses,
  comes: nat(12),
  /** Unsubscribes when it has had enough; else it only stops to receive, and leaves at the end. */
  leaves: boolean(),
});
const sender = record({
  way: constantFrom("send", "send", "trySend", "abort", "select", "select with abort", "select with timeout"),
  count: nat(14),
  pauses,
  patience: nat(6),
});
const scenes = record({
  slow: constantFrom("block", "drop-oldest"),
  replay: constantFrom(0, 0, 1, 3),
  subscribers: array(subscriber, { minLength: 1, maxLength: 6 }),
  senders: array(sender, { minLength: 1, maxLength: 4 }),
  closes: option(nat(30), { nil: undefined }),
});

type Of<A> = A extends Arbitrary<infer V> ? V : never;
type Scene = Of<typeof scenes>;

interface Item {
  readonly sender: number;
  readonly turn: number;
}

/** The book of one subscription. */
interface Page {
  readonly subscription: Subscription<Item>;
  readonly received: Item[];
  readonly dropped: Item[];
  /** Everything that was sent while it was subscribed, with what it was given at first. */
  readonly given: Item[];
  /** How many stood in it when it left. */
  left: number | undefined;
}

/** One that was ended because it was slow got nothing after the value that it had no room for. */
function isSubscribed({ subscription, dropped, given, left }: Page): boolean {
  if (left !== undefined) return false;
  return !errors.is(subscription.cause, errors.UNAVAILABLE) || !given.includes(dropped.at(-1) as Item);
}

/** Everybody in one run, and the books. */
class Crowd {
  readonly complaints: string[] = [];
  readonly pages: Page[] = [];
  readonly fates = new Map<string, number>();
  readonly #news: Broadcast<Item>;
  readonly #kept: number;
  readonly #sent: Item[] = [];
  readonly #wait: (while_: number) => Promise<void>;
  readonly #tasks: Promise<void>[];
  readonly #witness: Page;

  constructor(scene: Scene, wait: (while_: number) => Promise<void>) {
    this.#wait = wait;
    this.#kept = scene.replay;
    this.#news = new Broadcast({ slow: scene.slow, replay: scene.replay });
    // Never full, so that it knows the order of the commits, and what had been sent at any moment.
    this.#witness = this.#subscribe({ capacity: 1_000_000, slow: "close", replay: undefined });
    this.#tasks = [
      ...scene.subscribers.map((one) => this.#follow(one)),
      ...scene.senders.map((one, i) => this.#send(one, i)),
    ];
    if (scene.closes !== undefined) this.#tasks.push(this.#close(scene.closes));
  }

  /** Sends nothing more, waits until everybody has gone home, and settles the books. */
  async end(): Promise<void> {
    this.#news.close();
    await Promise.all(this.#tasks);
    this.#note();
    for (const page of this.pages) this.#settle(page);
  }

  #subscribe(one: Of<typeof terms>): Page {
    this.#note();
    const closed = this.#news.closed;
    const kept = this.#sent.slice(Math.max(0, this.#sent.length - this.#kept));
    const replayed = Math.min(kept.length, one.capacity, one.replay ?? Infinity);
    const dropped: Item[] = [];
    const subscription = this.#news.subscribe({ ...one, onDrop: (item) => dropped.push(item) });
    if (subscription.length !== replayed) this.complaints.push(`Replayed ${subscription.length}, not ${replayed}`);
    const page = { subscription, dropped, received: [], given: kept.slice(kept.length - replayed), left: undefined };
    this.pages.push(page);
    if (closed && this.#news.subscribers !== 0) this.complaints.push("Subscribed to one that is closed");
    return page;
  }

  // Each subscription that is open is given what the witness has.
  #note(): void {
    if ((this.#witness as Page | undefined) === undefined) return;
    for (let r = this.#witness.subscription.tryReceive(); r?.ok === true; r = this.#witness.subscription.tryReceive()) {
      this.#sent.push(r.value);
      for (const page of this.pages) if (isSubscribed(page)) page.given.push(r.value);
    }
  }

  #settle(page: Page): void {
    const { subscription, received, dropped, given, left = 0 } = page;
    if (page === this.#witness) return;
    const held: Item[] = [];
    for (let r = subscription.tryReceive(); r?.ok === true; r = subscription.tryReceive()) held.push(r.value);
    for (const [fate, count] of [
      ["received", received.length],
      ["missed", subscription.missed],
      ["held", held.length],
      ["left", left],
    ] as const) {
      this.fates.set(fate, (this.fates.get(fate) ?? 0) + count);
    }
    if (subscription.missed !== dropped.length) this.complaints.push("Missed, and no hook was told");
    const all = [...received, ...dropped, ...held];
    if (new Set(all).size !== all.length) this.complaints.push("Got something twice");
    if (all.some((item) => !given.includes(item))) this.complaints.push("Got something it was not given");
    if (given.length !== received.length + subscription.missed + held.length + left) {
      this.complaints.push(`Of ${given.length} ${all.length + left} are accounted for`);
    }
    const inOrder = (list: readonly Item[]): Item[] => given.filter((item) => list.includes(item));
    same.deepEqual([received, held, dropped], [inOrder(received), inOrder(held), inOrder(dropped)]);
  }

  async #follow({ terms: own, way, tasks, count, pauses: list, comes, leaves }: Of<typeof subscriber>): Promise<void> {
    await this.#pause(list, comes);
    const page = this.#subscribe(own);
    const { subscription } = page;
    let left = count;
    const more = (): boolean => (left -= 1) >= 0 && !subscription.closed;
    const came = (item: Item): number => page.received.push(item);
    const task = async (): Promise<void> => {
      for (let turn = 0; more(); turn += 1) {
        await this.#pause(list, turn + 1);
        await this.#receive(way, subscription, turn, came, more);
      }
    };
    await Promise.all(Array.from({ length: tasks }, task));
    if (!leaves) return;
    this.#note();
    const before = subscription.length;
    subscription.unsubscribe();
    page.left = before;
    if (subscription.length !== 0) this.complaints.push("Something was left behind");
  }

  async #receive(
    way: string,
    subscription: Subscription<Item>,
    turn: number,
    came: (item: Item) => void,
    more: () => boolean,
  ): Promise<void> {
    try {
      if (way === "receiveMany") {
        for (const item of await subscription.receiveMany(1 + (turn % 3))) came(item);
      } else if (way === "for await") {
        for await (const item of subscription) {
          came(item);
          if (!more()) break;
        }
      } else if (way === "selector") {
        const events = new Selector({ one: subscription, two: subscription });
        const event = await events.next();
        if (event?.ok === true) came(event.value);
        events.close();
      } else {
        const signal = abortAfter(turn % 5);
        const r =
          way === "tryReceive"
            ? subscription.tryReceive()
            : way === "abort"
              ? await subscription.receive({ signal })
              : way === "select"
                ? await select([subscription], { signal })
                : way === "timeout"
                  ? await select([subscription, time.after(turn % 4)])
                  : await subscription.receive();
        if (r?.ok === true && !(r.value instanceof Date)) came(r.value);
      }
    } catch (reason) {
      const cause: unknown = subscription.cause;
      if (reason !== "aborted" && reason !== cause) this.complaints.push(`A ${way} rejected: ${String(reason)}`);
    }
  }

  async #send({ way, count, pauses: list, patience }: Of<typeof sender>, number: number): Promise<void> {
    const channel = this.#news.channel();
    for (let turn = 0; turn < count; turn += 1) {
      await this.#pause(list, turn);
      const item = { sender: number, turn };
      let sent = true;
      try {
        if (way === "trySend") sent = channel.trySend(item);
        else if (way === "send") await this.#news.send(item);
        else if (way === "abort") await this.#news.send(item, { signal: abortAfter(patience) });
        else if (way === "select") await select([channel.caseSend(item)]);
        else if (way === "select with abort") await select([channel.caseSend(item)], { signal: abortAfter(patience) });
        else sent = (await select([channel.caseSend(item), time.after(patience)])).value === undefined;
      } catch (reason) {
        sent = false;
        if (reason instanceof ClosedError && reason.value !== item) this.complaints.push("Another's value came back");
        if (!(reason instanceof ClosedError) && reason !== "aborted") this.complaints.push(`A send: ${String(reason)}`);
      }
      this.#note();
      if (this.#sent.includes(item) !== sent) this.complaints.push(`Sent: ${String(sent)}, but that is not so`);
      if (this.#news.closed) return;
    }
  }

  async #close(after: number): Promise<void> {
    for (let i = 0; i < after; i += 1) await this.#pause([1], 0);
    this.#note();
    this.#news.close();
  }

  async #pause(list: readonly number[], turn: number): Promise<void> {
    this.#note();
    const length = list[turn % list.length] ?? 0;
    if (length <= 4) await microtasks(length);
    else if (length === 5) await turns(1);
    else await this.#wait(length - 5);
    this.#note();
  }
}

function abortAfter(ticks: number): AbortSignal {
  const controller = new AbortController();
  void (async () => {
    await microtasks(ticks);
    controller.abort("aborted");
  })();
  return controller.signal;
}

const FATES = ["held", "left", "missed", "received"];

test(
  "sent = received + missed + still inside, for each subscription, in 1,000 random runs under virtual time",
  { timeout: 3_600_000 },
  async () => {
    const fates = new Map<string, number>();
    const property = asyncProperty(scenes, (scene) =>
      virtualTime(async (clock) => {
        const crowd = new Crowd(scene, time.sleep);
        await clock.advance("1h");
        await crowd.end();
        expect(crowd.complaints).toEqual([]);
        for (const [fate, count] of crowd.fates) if (count > 0) fates.set(fate, count);
      }),
    );
    await assert(property, hunt(400));
    expect([...fates.keys()].toSorted()).toEqual(FATES); // a crowd that never loses anything would prove little
  },
);

test("the same holds in ordinary time, where turns are budgeted by the clock", { timeout: 3_600_000 }, async () => {
  const property = asyncProperty(scenes, async (scene) => {
    const crowd = new Crowd(scene, turns);
    await turns(12);
    await crowd.end();
    expect(crowd.complaints).toEqual([]);
  });
  await assert(property, hunt(200));
});
