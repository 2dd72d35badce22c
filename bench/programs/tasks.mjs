// The two tasks most programs are made of.

export function tasks({ send, receive, value, post, trySend }) {
  return {
    async sendAll(channel, n, from = 0) {
      for (let i = from; i < n; i += 1) await send(channel, i);
    },

    async receiveAll(channel, n) {
      let sum = 0;
      for (let i = 0; i < n; i += 1) sum += value(await receive(channel));
      return sum;
    },

    async trySendAll(channel, n, from = 0) {
      for (let i = from; i < n; i += 1) if (!trySend(channel, i)) await send(channel, i);
    },

    async sendRound(channels, n) {
      for (let i = 0, next = 0; i < n; i += 1) {
        await send(channels[next], i);
        next += 1;
        if (next === channels.length) next = 0;
      }
    },

    /** Half fills a buffer, where it then stays: a message of an empty one would go to a waiting receiver directly. */
    fill(channel, capacity, n) {
      const filled = Math.min(capacity >> 1, n);
      for (let i = 0; i < filled; i += 1) post(channel, i);
      return filled;
    },
  };
}

/** Starts both tasks, the consumer first, and gives what it received. */
export async function both(consume, produce) {
  const received = consume();
  await produce();
  return received;
}

export function channels(library, count, capacity = 0) {
  return Array.from({ length: count }, () => library.open(capacity));
}

const STRIDE = 7_919; // a prime: it comes to each in turn

/** Sockets become ready in no order that memory has. */
export function shuffled(all) {
  return all.map((_, i) => all[(i * STRIDE) % all.length]);
}
