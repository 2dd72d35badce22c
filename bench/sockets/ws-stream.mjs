// `createWebSocketStream` of ws in object mode: a chunk is a message, and text is decoded.
import { createWebSocketStream, WebSocket } from "ws";

const messages = (url) =>
  createWebSocketStream(new WebSocket(url, { perMessageDeflate: false }), {
    readableObjectMode: true,
    decodeStrings: false,
  });

export const programs = {
  async receive(url) {
    let [count, length] = [0, 0];
    for await (const data of messages(url)) {
      count += 1;
      length += data.length;
    }
    return { count, length };
  },
  flood(url) {
    const all = messages(url)[Symbol.asyncIterator]();
    return () => all.next();
  },
};
