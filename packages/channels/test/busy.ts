// Programs that are never idle: each awaits the library as fast as it can, until it is told to stop.

import { Channel, select, Selector, time } from "@sluice/channels";
import { upTo } from "./values.ts";

const STARVED = 150_000;

/** Counts completions, and says when to stop. */
export class Meter {
  completions = 0;
  stopped = false;

  /** Notes `more` completions; true while the program is to go on. */
  on(more = 1): boolean {
    this.completions += more;
    // A loop of microtasks that starves the event loop would hang the test run for ever: nothing outside could stop it.
    if (this.completions > STARVED) throw new Error("The event loop was starved: no macrotask ran");
    return !this.stopped;
  }
}

function ignore(): void {}

type Program = (meter: Meter) => Promise<unknown>;

async function exchange(meter: Meter, channel: Channel<number>): Promise<void> {
  const send = async (): Promise<void> => {
    while (meter.on()) await channel.send(1);
    channel.close();
  };
  const receive = async (): Promise<void> => {
    while ((await channel.receive()).ok) meter.on();
  };
  await Promise.all([send(), receive()]);
}

async function pingPong(meter: Meter, capacity: number): Promise<void> {
  const [there, back] = [new Channel<number>(capacity), new Channel<number>(capacity)];
  const serve = async (): Promise<void> => {
    for await (const ball of there) {
      meter.on();
      await back.send(ball);
      meter.on();
    }
  };
  const play = async (): Promise<void> => {
    while (meter.on(2)) {
      await there.send(1);
      await back.receive();
    }
    there.close();
  };
  await Promise.all([serve(), play()]);
}

/** Name by name; every one of them ends once its meter is stopped. */
export const programs: [string, Program][] = [
  ["two tasks over a rendezvous", async (meter) => exchange(meter, new Channel())],
  ["two tasks over a buffer of 128", async (meter) => exchange(meter, new Channel(128))],
  ["a hundred pairs", async (meter) => Promise.all(upTo(100).map(() => exchange(meter, new Channel())))],
  ["ping-pong over capacity 0", async (meter) => pingPong(meter, 0)],
  ["ping-pong over capacity 1", async (meter) => pingPong(meter, 1)],
  [
    "two tasks that select, parked in turn",
    async (meter) => {
      const [a, b] = [new Channel<number>(), new Channel<number>()];
      const one = async (): Promise<void> => {
        while (meter.on()) await select([a.caseSend(1), b.caseSend(2)]);
        a.close();
        b.close();
      };
      const other = async (): Promise<void> => {
        while ((await select({ a, b })).ok) meter.on();
      };
      await Promise.all([one(), other()]);
    },
  ],
  [
    "sends that complete at once",
    async (meter) => {
      const channel = new Channel<number>(1, { overflow: "drop-oldest" });
      while (meter.on()) await channel.send(1);
    },
  ],
  [
    "a task that fills and empties a buffer of its own",
    async (meter) => {
      const channel = new Channel<number>(2);
      while (meter.on(2)) {
        await channel.send(1);
        await channel.receive();
      }
    },
  ],
  [
    "select with a default",
    async (meter) => {
      const channel = new Channel<number>();
      while (meter.on()) await select([channel], { default: true });
    },
  ],
  [
    "select with a case that is always ready",
    async (meter) => {
      const channel = new Channel<number>();
      channel.close();
      while (meter.on()) await select([channel, new Channel()]);
    },
  ],
  [
    "receives on a closed channel, in every form",
    async (meter) => {
      const channel = new Channel<number>();
      channel.close();
      const iterator = channel[Symbol.asyncIterator]();
      while (meter.on(3)) {
        await channel.receive();
        await channel.receiveMany(3);
        await iterator.next();
      }
    },
  ],
  [
    "an iterator that has returned",
    async (meter) => {
      const iterator = new Channel<number>()[Symbol.asyncIterator]();
      while (meter.on(2)) {
        await iterator.return?.();
        await iterator.next();
      }
    },
  ],
  [
    "failures: a closed channel, an aborted signal, a mistake",
    async (meter) => {
      const channel = new Channel<number>();
      const signal = AbortSignal.abort();
      channel.close("why");
      const iterator = channel[Symbol.asyncIterator]();
      while (meter.on(7)) {
        await channel.send(1).catch(ignore);
        await channel.send(1, { signal }).catch(ignore);
        await channel.receive({ signal }).catch(ignore);
        await channel.receiveMany(0).catch(ignore);
        await select([channel.caseSend(1)]).catch(ignore);
        await select([null]).catch(ignore);
        await iterator.next().catch(ignore);
      }
    },
  ],
  [
    "aborts of an operation that waits",
    async (meter) => {
      const channel = new Channel<number>();
      while (meter.on()) {
        const controller = new AbortController();
        const received = channel.receive(controller);
        controller.abort();
        await received.catch(() => {});
      }
    },
  ],
  [
    "a Selector with a channel that is always ready",
    async (meter) => {
      const channel = new Channel<number>(1);
      const events = new Selector({ channel });
      while (meter.on()) {
        channel.trySend(1);
        await events.next();
      }
    },
  ],
  [
    "timers that are due already",
    async (meter) => {
      while (meter.on()) await time.after(0).receive();
    },
  ],
  [
    "sleeps of no time",
    async (meter) => {
      while (meter.on()) await time.sleep(0);
    },
  ],
];
