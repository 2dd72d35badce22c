// Ours, with `tryReceive` first.
import { ours } from "../ours.mjs";

const { connect } = await ours("websocket");

export const programs = {
  async receive(url) {
    const channel = (await connect(url)).channel();
    let [count, length] = [0, 0];
    for (;;) {
      const { ok, value } = channel.tryReceive() ?? (await channel.receive());
      if (!ok) return { count, length };
      count += 1;
      length += value.data.length;
    }
  },
};
