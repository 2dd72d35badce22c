import { ours } from "../ours.mjs";

const { connect } = await ours("websocket");

export const programs = {
  async receive(url) {
    const client = await connect(url);
    let [count, length] = [0, 0];
    for await (const { data } of client) {
      count += 1;
      length += data.length;
    }
    return { count, length };
  },
  async send(url, message, n) {
    const client = await connect(url);
    for (let i = 0; i < n; i += 1) await client.send(message);
    await client.channel().receive();
    await client.close();
  },
  async trips(url) {
    const client = await connect(url);
    const channel = client.channel();
    return async (message) => {
      await client.send(message);
      return (await channel.receive()).value.data;
    };
  },
  async flood(url) {
    const channel = (await connect(url)).channel();
    return () => channel.receive();
  },
};
