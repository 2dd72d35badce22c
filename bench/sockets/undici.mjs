// The WebSocket of undici, which is also the one built into Node from 22 on. It has no backpressure for reading.
import { once } from "node:events";
import { WebSocket } from "undici";

const HIGH_WATER = 1024 * 1024;

async function open(url) {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  await once(socket, "open");
  return socket;
}

export const programs = {
  receive(url) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      socket.binaryType = "arraybuffer";
      let [count, length] = [0, 0];
      socket.addEventListener("message", ({ data }) => {
        count += 1;
        length += typeof data === "string" ? data.length : data.byteLength;
      });
      socket.addEventListener("close", () => resolve({ count, length }));
      socket.addEventListener("error", reject);
    });
  },
  /** There is no callback: a send waits, by turns of the event loop, while a mebibyte is buffered. */
  async send(url, message, n) {
    const socket = await open(url);
    const answer = once(socket, "message");
    for (let i = 0; i < n; i += 1) {
      while (socket.bufferedAmount > HIGH_WATER) await new Promise((resolve) => setImmediate(resolve));
      socket.send(message);
    }
    await answer;
    socket.close();
    await once(socket, "close");
  },
  async trips(url) {
    const socket = await open(url);
    let arrived;
    socket.addEventListener("message", ({ data }) => arrived(data));
    return (message) =>
      new Promise((resolve) => {
        arrived = resolve;
        socket.send(message);
      });
  },
  flood(url) {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    const queue = [];
    let arrived = () => {};
    socket.addEventListener("message", ({ data }) => {
      queue.push(data);
      arrived();
    });
    return async () => {
      while (queue.length === 0) await new Promise((resolve) => (arrived = resolve));
      return queue.shift();
    };
  },
};
