// Tasks are fibers: the programs are written in its own style, on Queue. Losing takes of a race are interrupted.
import { Effect, PubSub, Queue, Scope } from "effect";
import { rounds } from "../programs/broadcast.mjs";

const open = (capacity) => Effect.runSync(Queue.bounded(capacity));
const queues = (count, capacity = 0) => Array.from({ length: count }, () => open(capacity));

/** Starts two fibers, the consumer first; gives what it returned. */
const both = (consumer, producer) =>
  Effect.runPromise(Effect.all([consumer, producer], { concurrency: "unbounded" })).then(([received]) => received);

const sendAll = (queue, n, from = 0) =>
  Effect.gen(function* () {
    for (let i = from; i < n; i += 1) yield* Queue.offer(queue, i);
  });
const sumOf = (n, take) =>
  Effect.gen(function* () {
    let sum = 0;
    for (let i = 0; i < n; i += 1) sum += yield* take;
    return sum;
  });
const receiveAll = (queue, n) => sumOf(n, Queue.take(queue));
const sendRound = (all, n) =>
  Effect.gen(function* () {
    for (let i = 0; i < n; i += 1) yield* Queue.offer(all[i % all.length], i);
  });
const firstOf = (all) => Effect.raceAllFirst(all.map((queue) => Queue.take(queue)));

export const programs = {
  rendezvous() {
    const queue = open(0);
    return (n) => both(receiveAll(queue, n), sendAll(queue, n));
  },
  "ping-pong"() {
    const [ping, pong] = queues(2);
    const reflect = (n) =>
      Effect.gen(function* () {
        for (let i = 0; i < n; i += 1) yield* Queue.offer(pong, yield* Queue.take(ping));
      });
    const serve = (n) =>
      Effect.gen(function* () {
        let sum = 0;
        for (let i = 0; i < n; i += 1) {
          yield* Queue.offer(ping, i);
          sum += yield* Queue.take(pong);
        }
        return sum;
      });
    return (n) => both(serve(n), reflect(n));
  },
  buffered(capacity) {
    const queue = open(capacity);
    return (n) => {
      const filled = Math.min(capacity >> 1, n);
      for (let i = 0; i < filled; i += 1) Queue.offerUnsafe(queue, i);
      return both(receiveAll(queue, n), sendAll(queue, n, filled));
    };
  },
  "receive-many"(capacity) {
    const queue = open(capacity);
    const batches = (n) =>
      Effect.gen(function* () {
        let sum = 0;
        for (let received = 0; received < n;) {
          const batch = yield* Queue.takeAll(queue);
          for (const value of batch) sum += value;
          received += batch.length;
        }
        return sum;
      });
    return (n) => both(batches(n), sendAll(queue, n));
  },
  "fan-in"(producers) {
    const queue = open(0);
    const produce = (first, n) =>
      Effect.gen(function* () {
        for (let i = first; i < n; i += producers) yield* Queue.offer(queue, i);
      });
    return (n) => {
      const all = Array.from({ length: producers }, (_, first) => produce(first, n));
      return both(receiveAll(queue, n), Effect.all(all, { concurrency: "unbounded", discard: true }));
    };
  },
  ring(count) {
    const all = queues(count);
    let [sum, hops, finished] = [0, 0, undefined];
    const pass = (from, to) =>
      Effect.gen(function* () {
        for (;;) {
          const item = yield* Queue.take(from);
          sum += item;
          if (item + 1 < hops) yield* Queue.offer(to, item + 1);
          else finished(sum);
        }
      });
    all.forEach((queue, i) => Effect.runFork(pass(queue, all[(i + 1) % count])));
    return (n) =>
      new Promise((resolve) => {
        [sum, hops, finished] = [0, n, resolve];
        Effect.runFork(Queue.offer(all[0], 0));
      });
  },
  select(count) {
    const all = queues(count);
    return (n) => both(sumOf(n, firstOf(all)), sendRound(all, n));
  },
  "select-ready"() {
    const [a, b] = queues(2, 1);
    const alternate = (n) =>
      Effect.gen(function* () {
        let sum = 0;
        for (let i = 0; i < n; i += 1) {
          Queue.offerUnsafe(i % 2 === 0 ? a : b, i);
          sum += yield* firstOf([a, b]);
        }
        return sum;
      });
    return (n) => Effect.runPromise(alternate(n));
  },
  "select-timeout"() {
    const busy = open(0);
    return (n) => both(sumOf(n, Queue.take(busy).pipe(Effect.timeout("30 seconds"))), sendAll(busy, n));
  },
  broadcast(count) {
    const scope = Effect.runSync(Scope.make());
    const news = Effect.runSync(PubSub.bounded(128));
    const all = Array.from({ length: count }, () => Effect.runSync(Scope.provide(PubSub.subscribe(news), scope)));
    const follow = (subscription, i, values) =>
      Effect.gen(function* () {
        let sum = 0;
        for (let k = 0; k < values; k += 1) sum += (yield* PubSub.take(subscription)) * count + i;
        return sum;
      });
    const publish = (values) =>
      Effect.gen(function* () {
        for (let value = Math.min(64, values); value < values; value += 1) yield* PubSub.publish(news, value);
      });
    return rounds(count, async (values) => {
      for (let value = 0; value < Math.min(64, values); value += 1) PubSub.publishUnsafe(news, value);
      const following = all.map((subscription, i) => follow(subscription, i, values));
      const sums = await Effect.runPromise(Effect.all([...following, publish(values)], { concurrency: "unbounded" }));
      return sums.slice(0, count).reduce((sum, part) => sum + part, 0);
    });
  },
  "select-beside-silence"() {
    const [busy, silent] = queues(2);
    return (n) => both(sumOf(n, firstOf([busy, silent])), sendAll(busy, n));
  },
  "idle-channel": () => (n) => () => queues(n),
  "parked-receive": () => (n) => {
    const all = queues(n);
    return () => all.map((queue) => Effect.runFork(Queue.take(queue)));
  },
  "parked-case": (count) => (n) => {
    const all = Array.from({ length: Math.ceil(n / count) }, () => queues(count));
    return () => all.map((set) => Effect.runFork(firstOf(set)));
  },
};
