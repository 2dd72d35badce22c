// Stages between tasks, and tasks that belong together. Each beside a row that is the same without them.

import { both, tasks } from "./tasks.mjs";

const BATCH = 64;

export function stages(library) {
  const { open, receive, receiveMany, value, map, merge, batch, together } = library;
  const { sendAll, receiveAll, trySendAll } = tasks(library);

  function mapped(concurrency) {
    const from = open(0);
    const to = map(from, (item) => item, concurrency);
    return (n) =>
      both(
        () => receiveAll(to, n),
        () => sendAll(from, n),
      );
  }

  async function sendEvery(channel, n, from, step) {
    for (let i = from; i < n; i += step) await library.send(channel, i);
  }

  const sendHalves = (channels, n) => Promise.all(channels.map((channel, i) => sendEvery(channel, n, i, 2)));

  function merged() {
    const channels = [open(0), open(0)];
    const to = merge(channels);
    return (n) =>
      both(
        () => receiveAll(to, n),
        () => sendHalves(channels, n),
      );
  }

  function shared() {
    const channel = open(0);
    return (n) =>
      both(
        () => receiveAll(channel, n),
        () => sendHalves([channel, channel], n),
      );
  }

  /** Received one by one, or by `next`, which gives several; from a buffer that is filled without an await. */
  const filled = (next) => () => {
    const channel = open(2 * BATCH);
    const ask = next?.(channel);
    async function receiveAllOf(n) {
      let sum = 0;
      for (let received = 0; received < n;) {
        const some = await ask();
        for (const item of some) sum += item;
        received += some.length;
      }
      return sum;
    }
    return (n) =>
      both(
        () => (ask === undefined ? receiveAll(channel, n) : receiveAllOf(n)),
        () => trySendAll(channel, n),
      );
  };

  const batches = filled((channel) => {
    const to = batch(channel, BATCH);
    return async () => value(await receive(to));
  });

  /** Groups of four tasks that each give a number. */
  const four = () => async (n) => {
    let sum = 0;
    for (let i = 0; i < n; i += 4) {
      const numbers = [i, i + 1, i + 2, i + 3].filter((number) => number < n);
      for (const number of await together(numbers.map((number) => async () => number))) sum += number;
    }
    return sum;
  };

  return {
    ...(map && { map: mapped }),
    ...(merge && { merge: merged }),
    ...(open && { "two-senders": shared }),
    ...(library.trySend && { "receive-single": filled() }),
    ...(batch && { batch: batches }),
    ...(receiveMany && { "receive-many-64": filled((channel) => () => receiveMany(channel, BATCH)) }),
    ...(together && { group: four }),
  };
}
