// ws as its README shows it: events, and a loop over the clients.
import { once } from "node:events";
import { WebSocketServer } from "ws";
import { Goal } from "./goal.mjs";

async function serve(each, options = {}) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  server.on("connection", each);
  await once(server, "listening");
  return { port: server.address().port, open: () => server.clients.size, server };
}

const bytesSent = ({ clients }) => [...clients].reduce((sum, { _socket: socket }) => sum + socket.bytesWritten, 0);

export const programs = {
  hold: () => serve((socket) => socket.on("message", () => {})),
  echo: () => serve((socket) => socket.on("message", (data, binary) => socket.send(data, { binary }))),
  async receive() {
    const goal = new Goal();
    const server = await serve((socket) => {
      socket.on("message", (data, binary) => {
        if ((binary ? data : data.toString()).length > 0) goal.count();
      });
    });
    return { ...server, reached: (count) => goal.reached(count) };
  },
  async tell(deflate) {
    const perMessageDeflate = deflate && {
      threshold: 512,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
    };
    const { server, ...more } = await serve((socket) => socket.on("message", () => {}), { perMessageDeflate });
    let bytes = 0;
    return {
      ...more,
      async tell(messages) {
        const before = bytes === 0 ? bytesSent(server) : 0;
        const sends = [];
        for (const message of messages) {
          for (const client of server.clients) sends.push(new Promise((resolve) => client.send(message, resolve)));
        }
        await Promise.all(sends);
        bytes ||= bytesSent(server) - before;
        return bytes;
      },
    };
  },
};
