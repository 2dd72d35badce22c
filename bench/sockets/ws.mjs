// ws as its README shows it: a `message` handler, text decoded; `send` with its callback awaited.
import { once } from "node:events";
import { WebSocket } from "ws";

export const open = async (url) => {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, "open");
  return socket;
};

export const programs = {
  receive(url) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      let [count, length] = [0, 0];
      socket.on("message", (data, binary) => {
        count += 1;
        length += (binary ? data : data.toString()).length;
      });
      socket.on("close", () => resolve({ count, length }));
      socket.on("error", reject);
    });
  },
  async send(url, message, n) {
    const socket = await open(url);
    const answer = once(socket, "message");
    for (let i = 0; i < n; i += 1) await new Promise((resolve) => socket.send(message, resolve));
    await answer;
    socket.close();
    await once(socket, "close");
  },
  async trips(url) {
    const socket = await open(url);
    let arrived;
    socket.on("message", (data, binary) => arrived(binary ? data : data.toString()));
    return (message) =>
      new Promise((resolve) => {
        arrived = resolve;
        socket.send(message);
      });
  },
  /** Without backpressure: what nobody takes stands in a queue. */
  async flood(url) {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const queue = [];
    let arrived = () => {};
    socket.on("message", (data) => {
      queue.push(data);
      arrived();
    });
    return async () => {
      while (queue.length === 0) await new Promise((resolve) => (arrived = resolve));
      return queue.shift();
    };
  },
};
