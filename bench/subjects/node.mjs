// The platform itself: the floor of everything awaited, and what is written by hand where there is no library.
import { on, EventEmitter } from "node:events";
import { rounds } from "../programs/broadcast.mjs";

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

/** A queue for each receiver, and no end to it: what a fan-out is by hand, without backpressure. */
class Inbox {
  #values = [];
  #resolve;

  push(value) {
    const resolve = this.#resolve;
    this.#resolve = undefined;
    if (resolve === undefined) this.#values.push(value);
    else resolve(value);
  }

  receive() {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift());
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }
}

function tell(count) {
  const inboxes = Array.from({ length: count }, () => new Inbox());
  const sent = Promise.resolve();
  async function follow(inbox, i, values) {
    let sum = 0;
    for (let k = 0; k < values; k += 1) sum += (await inbox.receive()) * count + i;
    return sum;
  }
  return rounds(count, async (values) => {
    const following = inboxes.map((inbox, i) => follow(inbox, i, values));
    for (let value = 0; value < values; value += 1) {
      for (const inbox of inboxes) inbox.push(value);
      await sent;
    }
    return (await Promise.all(following)).reduce((sum, part) => sum + part, 0);
  });
}

function setAndSee() {
  const inbox = new Inbox();
  return async (n) => {
    let sum = 0;
    for (let i = 0; i < n; i += 1) {
      const next = inbox.receive();
      inbox.push(i);
      sum += await next;
    }
    return sum;
  };
}

/** `Promise.all` and a controller that ends the others when one fails. */
function allOrAbort() {
  return async (n) => {
    let sum = 0;
    for (let i = 0; i < n; i += 4) {
      const numbers = [i, i + 1, i + 2, i + 3].filter((number) => number < n);
      const controller = new AbortController();
      try {
        for (const number of await Promise.all(numbers.map(async (number) => number))) sum += number;
      } finally {
        controller.abort();
      }
    }
    return sum;
  };
}

export const programs = {
  await: awaited,
  select: race,
  "for-await": eventsOn,
  broadcast: tell,
  latest: setAndSee,
  group: allOrAbort,
};
