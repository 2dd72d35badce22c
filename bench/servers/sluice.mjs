import { ours } from "../ours.mjs";
import { Goal } from "./goal.mjs";

const { COMPRESSION, listen, Topic } = await ours("websocket");
const { Selector } = await ours("channels");

async function serve(each, options = {}) {
  const server = await listen({ maxConnections: 100_000, ...options });
  const accept = async () => {
    for await (const { client } of server) each(client);
  };
  void accept();
  return {
    port: server.port,
    open: () => server.clients.size,
    drain: (over) => server.close({ over, within: 10_000 }),
  };
}

const bytesSent = (clients) => clients.reduce((sum, { stats }) => sum + stats.bytesSent, 0);

export const programs = {
  hold: () => serve(() => {}),
  echo: () =>
    serve(async (client) => {
      for await (const { data } of client) await client.send(data);
    }),
  async receive() {
    const goal = new Goal();
    const server = await serve(async (client) => {
      for await (const { data } of client) if (data.length > 0) goal.count();
    });
    return { ...server, reached: (count) => goal.reached(count) };
  },
  async selector() {
    const goal = new Goal();
    const selector = new Selector();
    let name = 0;
    const server = await serve((client) => selector.add(String(name++), client.channel()));
    const loop = async () => {
      for await (const { ok } of selector) if (ok) goal.count();
    };
    void loop();
    return { ...server, reached: (count) => goal.reached(count) };
  },
  async tell(deflate) {
    const topic = new Topic();
    const clients = [];
    const each = (client) => {
      topic.add(client);
      clients.push(client);
    };
    const server = await serve(each, deflate ? { compression: COMPRESSION.NO_CONTEXT } : {});
    let bytes = 0;
    return {
      ...server,
      open: () => topic.size,
      async tell(messages) {
        const before = bytes === 0 ? bytesSent(clients) : 0;
        const outcomes = await Promise.all(messages.map((message) => topic.publish(message)));
        if (outcomes.some(({ queued }) => queued !== clients.length)) throw new Error("wrong sum");
        bytes ||= bytesSent(clients) - before; // of every round, and not to be measured in any other
        return bytes;
      },
    };
  },
};
