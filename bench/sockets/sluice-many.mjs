// Ours, in batches.
import { ours } from "../ours.mjs";

const { connect } = await ours("websocket");

export const programs = {
  async receive(url) {
    const channel = (await connect(url)).channel();
    let [count, length] = [0, 0];
    for (;;) {
      const batch = await channel.receiveMany(32);
      if (batch.length === 0) return { count, length };
      count += batch.length;
      for (const { data } of batch) length += data.length;
    }
  },
};
