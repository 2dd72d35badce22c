// ws with a high-water mark by hand: a callback is awaited only when a mebibyte is buffered.
import { once } from "node:events";
import { open } from "./ws.mjs";

const HIGH_WATER = 1024 * 1024;

export const programs = {
  async send(url, message, n) {
    const socket = await open(url);
    const answer = once(socket, "message");
    for (let i = 0; i < n; i += 1) {
      if (socket.bufferedAmount < HIGH_WATER) socket.send(message);
      else await new Promise((resolve) => socket.send(message, resolve));
    }
    await answer;
    socket.close();
    await once(socket, "close");
  },
};
