// `events.on` over ws, text decoded.
import { on } from "node:events";
import { WebSocket } from "ws";

const messages = (url) => on(new WebSocket(url, { perMessageDeflate: false }), "message", { close: ["close"] });

export const programs = {
  async receive(url) {
    let [count, length] = [0, 0];
    for await (const [data, binary] of messages(url)) {
      count += 1;
      length += (binary ? data : data.toString()).length;
    }
    return { count, length };
  },
  flood(url) {
    const all = messages(url);
    return () => all.next();
  },
};
