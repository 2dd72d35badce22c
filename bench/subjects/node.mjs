// The platform itself: the floor of everything awaited, and what is written by hand where there is no library.
import { on, EventEmitter } from "node:events";

/** One awaited promise that was resolved long ago, per operation. */
function awaited() {
  const resolved = Promise.resolve();
  return async (n) => {
    let sum = 0;
    for (let i = 0; i < n; i += 1) {
      await resolved;
      sum += i;
    }
    return sum;
  };
}

/** `Promise.race` over promises that are kept until they are used: the idiom that loses no value. */
function race(count) {
  const resolvers = [];
  const arm = (i) =>
    new Promise((resolve) => {
      resolvers[i] = (value) => resolve({ i, value });
    });
  const promises = Array.from({ length: count }, (_, i) => arm(i));
  return async (n) => {
    let sum = 0;
    for (let k = 0; k < n; k += 1) {
      const first = Promise.race(promises);
      resolvers[k % count](k);
      const { i, value } = await first;
      promises[i] = arm(i);
      sum += value;
    }
    return sum;
  };
}

/** `events.on` has no backpressure, so the producer stops after each 128 until they were all received. */
function eventsOn(capacity) {
  return async (n) => {
    const emitter = new EventEmitter();
    let sum = 0;
    let received = 0;
    let sent = 0;
    const emit = () => {
      for (const end = Math.min(n, sent + capacity); sent < end; sent += 1) emitter.emit("value", sent);
    };
    const values = on(emitter, "value");
    emit();
    if (n === 0) return 0;
    for await (const [value] of values) {
      sum += value;
      received += 1;
      if (received === n) break;
      if (received === sent) emit();
    }
    return sum;
  };
}

export const programs = { await: awaited, select: race, "for-await": eventsOn };
