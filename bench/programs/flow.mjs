// Messages from task to task.

import { both, channels, tasks } from "./tasks.mjs";

export function flow(library) {
  const { open, send, receive, value, trySend, tryReceive, close, iterate, receiveMany, receiveUntil } = library;
  const { sendAll, receiveAll, trySendAll, fill } = tasks(library);

  function rendezvous() {
    const channel = open(0);
    return (n) =>
      both(
        () => receiveAll(channel, n),
        () => sendAll(channel, n),
      );
  }

  function pingPong() {
    const ping = open(0);
    const pong = open(0);
    async function reflect(n) {
      for (let i = 0; i < n; i += 1) await send(pong, value(await receive(ping)));
    }
    async function serve(n) {
      let sum = 0;
      for (let i = 0; i < n; i += 1) {
        await send(ping, i);
        sum += value(await receive(pong));
      }
      return sum;
    }
    return (n) =>
      both(
        () => serve(n),
        () => reflect(n),
      );
  }

  function buffered(capacity) {
    const channel = open(capacity);
    return (n) => {
      const filled = fill(channel, capacity, n);
      return both(
        () => receiveAll(channel, n),
        () => sendAll(channel, n, filled),
      );
    };
  }

  function bufferedTry(capacity) {
    const channel = open(capacity);
    async function tryReceiveAll(n) {
      let sum = 0;
      for (let i = 0; i < n; i += 1) sum += value(tryReceive(channel) ?? (await receive(channel)));
      return sum;
    }
    return (n) =>
      both(
        () => tryReceiveAll(n),
        () => trySendAll(channel, n),
      );
  }

  function forAwait(capacity) {
    async function iterateAll(channel) {
      let sum = 0;
      for await (const item of iterate(channel)) sum += item;
      return sum;
    }
    return (n) => {
      const channel = open(capacity);
      const filled = fill(channel, capacity, n);
      const produce = async () => {
        await sendAll(channel, n, filled);
        close(channel);
      };
      return both(() => iterateAll(channel), produce);
    };
  }

  function batches(capacity) {
    const channel = open(capacity);
    async function receiveBatches(n) {
      let sum = 0;
      for (let received = 0; received < n;) {
        const batch = await receiveMany(channel, capacity);
        for (const item of batch) sum += item;
        received += batch.length;
      }
      return sum;
    }
    return (n) =>
      both(
        () => receiveBatches(n),
        () => (trySend ? trySendAll : sendAll)(channel, n),
      );
  }

  function fanIn(producers) {
    const channel = open(0);
    async function produce(first, n) {
      for (let i = first; i < n; i += producers) await send(channel, i);
    }
    return (n) =>
      both(
        () => receiveAll(channel, n),
        () => Promise.all(Array.from({ length: producers }, (_, first) => produce(first, n))),
      );
  }

  function ring(count) {
    const all = channels(library, count);
    let sum = 0;
    let hops = 0;
    let finished;
    async function pass(from, to) {
      for (;;) {
        const item = value(await receive(from));
        sum += item;
        if (item + 1 < hops) await send(to, item + 1);
        else finished(sum);
      }
    }
    all.forEach((channel, i) => void pass(channel, all[(i + 1) % count]));
    return (n) =>
      new Promise((resolve) => {
        [sum, hops, finished] = [0, n, resolve];
        void send(all[0], 0);
      });
  }

  function abortable() {
    const channel = open(0);
    const { signal } = new AbortController();
    async function receiveAbortable(n) {
      let sum = 0;
      for (let i = 0; i < n; i += 1) sum += value(await receiveUntil(channel, signal));
      return sum;
    }
    return (n) =>
      both(
        () => receiveAbortable(n),
        () => sendAll(channel, n),
      );
  }

  return {
    rendezvous,
    "ping-pong": pingPong,
    buffered,
    ...(trySend && tryReceive && { "buffered-try": bufferedTry }),
    ...(iterate && close && { "for-await": forAwait }),
    ...(receiveMany && { "receive-many": batches }),
    "fan-in": fanIn,
    ring,
    ...(receiveUntil && { abortable }),
  };
}
