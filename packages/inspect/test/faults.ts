// A program with three faults: a bottleneck, a deadlock, and a select that nobody can wake.

import { Channel, select, time } from "@sluice/channels";

async function produce(orders: Channel<number>): Promise<void> {
  for (let order = 0; ; order += 1) await orders.send(order);
}

async function store(orders: Channel<number>): Promise<void> {
  while ((await orders.receive()).ok) await time.sleep("20ms");
}

async function left(fork: Channel<string>, other: Channel<string>): Promise<void> {
  await fork.receive();
  await other.send("done");
}

async function right(fork: Channel<string>, other: Channel<string>): Promise<void> {
  await other.receive();
  await fork.send("done");
}

function forget(): void {
  void select([new Channel<string>({ name: "reply" }), new Channel<string>({ name: "cancel" })]);
}

/** Plants them; gives the channels, which the program holds. */
export function plant(): readonly Channel<never>[] {
  const orders = new Channel<number>(8, { name: "orders" });
  for (let i = 0; i < 3; i += 1) void produce(orders).catch(() => undefined);
  void store(orders);
  const [fork, other] = [new Channel<string>({ name: "fork" }), new Channel<string>({ name: "other fork" })];
  void left(fork, other).catch(() => undefined);
  void right(fork, other).catch(() => undefined);
  forget();
  const beats = new Channel<number>(4, { name: "heartbeats", overflow: "drop-oldest" });
  void (async () => {
    for (let i = 0; !beats.closed; i += 1) {
      beats.trySend(i);
      await time.sleep("5ms");
    }
  })();
  return [orders, fork, other, beats] as never;
}
