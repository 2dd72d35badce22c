// No backpressure of its own: the producer fills the buffer, then awaits `onEmpty()`, also before `end()`, because
// `pushableV` drops the values that are still in the buffer when it ends.
import { pushable, pushableV } from "it-pushable";

async function push(channel, capacity, n) {
  for (let i = 0; i < n; i += 1) {
    channel.push(i);
    if (channel.readableLength >= capacity) await channel.onEmpty();
  }
  await channel.onEmpty();
  channel.end();
}

function iterated(capacity) {
  return async (n) => {
    const channel = pushable({ objectMode: true });
    const done = push(channel, capacity, n);
    let sum = 0;
    for await (const value of channel) sum += value;
    await done;
    return sum;
  };
}

function batches(capacity) {
  return async (n) => {
    const channel = pushableV({ objectMode: true });
    const done = push(channel, capacity, n);
    let sum = 0;
    for await (const batch of channel) for (const value of batch) sum += value;
    await done;
    return sum;
  };
}

export const programs = { "for-await": iterated, "receive-many": batches };
