// One task tells many. A delivery is one value at one receiver, and n of them are made: receiver i of `count` counts
// value v as `v * count + i`, so that the sum tells whether one is missing.

import { channels } from "./tasks.mjs";

const CAPACITY = 128;

/** Only whole rounds are sent: a receiver that had one value less than others would find it in the next run. */
export const rounds = (count, run) => async (n) => {
  const whole = Math.floor(n / count);
  let sum = await run(whole);
  for (let i = whole * count; i < n; i += 1) sum += i;
  return sum;
};

export function broadcast(library) {
  const { send, post, receive, value, publisher, publish, subscribe, latest, set, changes } = library;

  /** Half full, where they stay, as in the row `buffered`: a value for an empty one would go to a waiting receiver. */
  const toldBy = (all, sendToAll, postToAll) => {
    const count = all.length;
    async function follow(channel, i, values) {
      let sum = 0;
      for (let k = 0; k < values; k += 1) sum += value(await receive(channel)) * count + i;
      return sum;
    }
    return rounds(count, async (values) => {
      let item = 0;
      for (; item < Math.min(CAPACITY / 2, values); item += 1) postToAll(item);
      const following = all.map((channel, i) => follow(channel, i, values));
      for (; item < values; item += 1) await sendToAll(item);
      return (await Promise.all(following)).reduce((sum, part) => sum + part, 0);
    });
  };

  function tell(count) {
    const to = publisher();
    const all = Array.from({ length: count }, () => subscribe(to, CAPACITY));
    return toldBy(
      all,
      (item) => publish(to, item),
      (item) => void publish(to, item),
    );
  }

  function fanOut(count) {
    const all = channels(library, count, CAPACITY);
    return toldBy(
      all,
      async (item) => {
        for (const channel of all) await send(channel, item);
      },
      (item) => {
        for (const channel of all) post(channel, item);
      },
    );
  }

  function setAndSee() {
    const state = latest();
    const from = changes(state);
    return async (n) => {
      let sum = 0;
      for (let i = 0; i < n; i += 1) {
        const next = receive(from);
        set(state, i);
        sum += value(await next);
      }
      return sum;
    };
  }

  /** Values that each of `count` subscribers has yet to receive. */
  const values = (count) => (n) => {
    const to = publisher();
    const all = Array.from({ length: count }, () => subscribe(to, n));
    return () => {
      for (let i = 0; i < n; i += 1) void publish(to, i);
      return [to, all];
    };
  };

  return {
    ...(library.open && { "fan-out": fanOut }),
    ...(publisher && { broadcast: tell, "broadcast-value": values }),
    ...(latest && { latest: setAndSee }),
  };
}
