// A crowd of tasks that send, receive, select, iterate, abort and close at random moments, all at once, and the book
// that is kept about every value: what became of it, and in which order the values of one sender came out.

import {
  Channel,
  ClosedError,
  type ReceiveChannel,
  select,
  Selector,
  type SelectorEvent,
  time,
} from "@sluice/channels";
import { microtasks, turns } from "./progress.ts";
import type { Scene, Task } from "./scenes.ts";

export type Fate = "received" | "still inside" | "returned" | "dropped" | "not sent";

interface Item {
  readonly sender: number;
  readonly turn: number;
}

/** Everybody in one run, and the book. */
export class Bustle {
  readonly channels: Channel<Item>[];
  readonly names = new Map<ReceiveChannel<Item>, number>();
  readonly fates = new Map<Item, Fate[]>();
  readonly complaints: string[] = [];
  readonly #arrivals = new Map<string, number>();
  readonly #selectors: Selector<Record<string, Item>>[] = [];
  readonly #tasks: Promise<void>[];
  #over = false;
  readonly #wait: (while_: number) => Promise<void>;

  /** `wait` lets a while pass. */
  constructor({ channels, tasks }: Scene, wait: (while_: number) => Promise<void>) {
    this.#wait = wait;
    this.channels = channels.map(({ capacity, overflow }) => {
      return new Channel<Item>(capacity, { overflow, onDrop: (item) => this.#note(item, "dropped") });
    });
    for (const [i, channel] of this.channels.entries()) this.names.set(channel, i);
    this.#tasks = tasks.map((one, i) => this.#run(one, i));
  }

  /** Closes everything, waits until everybody has gone home, and looks at what is left. */
  async end(): Promise<void> {
    for (const channel of this.channels) channel.close();
    await turns(1);
    this.#over = true;
    for (const selector of this.#selectors) selector.close();
    await Promise.all(this.#tasks);
    for (const channel of this.channels) {
      for (let r = channel.tryReceive(); r?.ok === true; r = channel.tryReceive())
        this.#came(r.value, channel, "still inside");
    }
  }

  /** Values that came to nothing, or to more than one thing. */
  miscounted(): [Item, Fate[]][] {
    return [...this.fates].filter(([, fates]) => fates.length !== 1);
  }

  async #run(one: Task, number: number): Promise<void> {
    switch (one.is) {
      case "sender":
        return this.#send(one, number);
      case "receiver":
        return this.#receive(one);
      case "iterator":
        return this.#iterate(one);
      case "both":
        return this.#sendAndReceive(one, number);
      case "selector":
        return this.#watch(one);
      case "closer":
        for (const at of one.on) {
          await this.#pause(one.pauses, at + 1);
          this.#channel(at).close(one.cause);
        }
    }
  }

  async #send(
    { way, on, count: rounds, pauses: list, patience: ticks }: Task<"sender">,
    sender: number,
  ): Promise<void> {
    for (let turn = 0; turn < rounds; turn += 1) {
      await this.#pause(list, turn);
      const item = this.#item(sender, turn);
      const channel = this.#channel(on[turn % on.length]);
      const cases = on.map((at) => this.#channel(at).caseSend(item));
      try {
        if (way === "send") await channel.send(item);
        else if (way === "trySend") this.#sent(item, channel.trySend(item));
        else if (way === "abort") await channel.send(item, { signal: abortAfter(ticks) });
        else if (way === "select") await select(cases);
        else if (way === "select with abort") await select(cases, { signal: abortAfter(ticks) });
        else if (way === "select with default")
          this.#sent(item, (await select(cases, { default: true })).default !== true);
        else this.#sent(item, (await select([...cases, time.after(ticks)])).value === undefined);
      } catch (reason) {
        this.#failed(item, reason);
        if (reason instanceof ClosedError) return;
      }
    }
  }

  async #receive({ way, on, count: rounds, pauses: list, patience: ticks }: Task<"receiver">): Promise<void> {
    const open = new Set(on.map((at) => this.#channel(at)));
    for (let turn = 0; turn < rounds && open.size > 0; turn += 1) {
      await this.#pause(list, turn);
      const all = [...open];
      const channel = all[turn % all.length] as Channel<Item>;
      try {
        if (way === "receiveMany") {
          const batch = await channel.receiveMany(1 + (ticks % 4));
          for (const item of batch) this.#came(item, channel);
          if (batch.length === 0) open.delete(channel);
        } else if (way === "select" || way === "select with abort") {
          const r = await select(all, way === "select" ? {} : { signal: abortAfter(ticks) });
          if (r.ok) this.#came(r.value, r.channel);
          else open.delete(r.channel as Channel<Item>);
        } else if (way === "select with timeout" || way === "select with default") {
          const timeout = way === "select with timeout" && time.after(ticks);
          const r = await select([...all, timeout], { default: way === "select with default" });
          if (!r.ok) open.delete(r.channel as Channel<Item>);
          else if (!(r.value instanceof Date) && r.value !== undefined) this.#came(r.value, r.channel as Channel<Item>);
        } else if (way === "tryReceive") {
          // It knows at once, when those who received before may not have run on yet: that says nothing about order.
          const r = channel.tryReceive();
          if (r?.ok === true) this.#note(r.value, "received");
          else if (r !== undefined) open.delete(channel);
        } else {
          const r = await channel.receive(way === "abort" ? { signal: abortAfter(ticks) } : {});
          if (r.ok) this.#came(r.value, channel);
          else open.delete(channel);
        }
      } catch (reason) {
        if (reason !== "aborted") this.complaints.push(`A ${way} rejected: ${String(reason)}`);
      }
    }
  }

  async #iterate({ on, count: rounds, pauses: list, breaks }: Task<"iterator">): Promise<void> {
    for (const at of on) {
      const channel = this.#channel(at);
      let turn = 0;
      try {
        for await (const item of channel) {
          this.#came(item, channel);
          turn += 1;
          if (turn > rounds) break;
          await this.#pause(list, turn);
        }
      } catch (cause) {
        if (cause !== channel.cause || cause === undefined) this.complaints.push(`A loop threw ${String(cause)}`);
      }
      if (!breaks) continue;
      // Two steps that wait, and then nobody wants them.
      const iterator = channel[Symbol.asyncIterator]();
      const steps = [this.#step(iterator.next(), channel), this.#step(iterator.next(), channel)];
      await this.#pause(list, turn + 1);
      await iterator.return?.();
      await Promise.all(steps);
    }
  }

  async #sendAndReceive(
    { on, count: rounds, pauses: list, patience: ticks }: Task<"both">,
    sender: number,
  ): Promise<void> {
    for (let turn = 0; turn < rounds; turn += 1) {
      await this.#pause(list, turn);
      const item = this.#item(sender, turn);
      const cases = on.flatMap((at) => [this.#channel(at), this.#channel(at).caseSend(item)]);
      try {
        const r = await select(cases, ticks < 3 ? { signal: abortAfter(ticks) } : {});
        const received = r.index % 2 === 0;
        if (received) this.#note(item, "not sent");
        if (r.value !== undefined) this.#came(r.value, r.channel);
        if (!r.ok) return;
      } catch (reason) {
        this.#failed(item, reason);
        if (reason instanceof ClosedError) return;
      }
    }
  }

  async #watch({ on, count: rounds, pauses: list, patience: ticks, iterates }: Task<"selector">): Promise<void> {
    const events = new Selector<Record<string, Item>>();
    this.#selectors.push(events);
    for (const at of on) if (!events.delete(`${at}`)) events.add(`${at}`, this.#channel(at));
    let turn = 0;
    for (; turn < rounds && events.size > 0; turn += 1) {
      await this.#pause(list, turn);
      // Channels come and go while somebody waits.
      const at = `${on[turn % on.length] ?? 0}`;
      const next = this.#event(events.next(ticks < 3 ? { signal: abortAfter(ticks + 2) } : {}));
      if (events.delete(at) || turn % 2 === 0) {
        await microtasks(ticks);
        events.delete(at);
        if (!this.#over) events.add(at, this.#channel(Number(at)));
      }
      await next;
    }
    if (!iterates) return events.close();
    for await (const event of events) if (event.ok) this.#came(event.value, event.channel);
  }

  // Each promise is awaited as it is: one more `catch` in between, and what came would be noted a microtask late.
  async #step(next: Promise<IteratorResult<Item, undefined>>, channel: Channel<Item>): Promise<void> {
    try {
      const r = await next;
      if (r.done !== true) this.#came(r.value, channel);
    } catch (cause) {
      if (cause !== channel.cause) this.complaints.push(`A step rejected: ${String(cause)}`);
    }
  }

  async #event(next: Promise<SelectorEvent<Record<string, Item>> | undefined>): Promise<void> {
    try {
      const event = await next;
      if (event?.ok === true) this.#came(event.value, event.channel);
    } catch (reason) {
      if (reason !== "aborted") this.complaints.push(`A next rejected: ${String(reason)}`);
    }
  }

  async #pause(list: readonly number[], turn: number): Promise<void> {
    const length = list[turn % list.length] ?? 0;
    if (length <= 4) await microtasks(length);
    else if (length === 5) await turns(1);
    else await this.#wait(length - 5);
  }

  #channel(at = 0): Channel<Item> {
    return this.channels[at % this.channels.length] as Channel<Item>;
  }

  #item(sender: number, turn: number): Item {
    const item = { sender, turn };
    this.fates.set(item, []);
    return item;
  }

  #note(item: Item, fate: Fate): void {
    const fates = this.fates.get(item);
    if (fates === undefined) this.complaints.push(`A value that nobody sent was ${fate}: ${JSON.stringify(item)}`);
    else fates.push(fate);
  }

  #sent(item: Item, sent: boolean): void {
    if (!sent) this.#note(item, "not sent");
  }

  #failed(item: Item, reason: unknown): void {
    if (!(reason instanceof ClosedError)) {
      if (reason !== "aborted") this.complaints.push(`A send rejected: ${String(reason)}`);
      this.#note(item, "not sent");
    } else if (reason.value !== item || !reason.channel.closed) {
      this.complaints.push(`A ClosedError of another send: ${String(reason)}`);
    } else {
      this.#note(item, "returned");
    }
  }

  /** A value came out of a channel: the values of one sender come in the order in which they were sent. */
  #came(item: Item, channel: ReceiveChannel<Item>, fate: Fate = "received"): void {
    this.#note(item, fate);
    const pair = `sender ${item.sender}, channel ${this.names.get(channel) ?? "unknown"}`;
    const before = this.#arrivals.get(pair) ?? -1;
    if (item.turn <= before) this.complaints.push(`${pair}: value ${item.turn} came after ${before}`);
    this.#arrivals.set(pair, item.turn);
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
