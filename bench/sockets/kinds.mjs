// How the socket rows are measured. A subject gives
//   `receive(url)`       receives to the end; gives the number of messages and their length together
//   `send(url, message, n)`   sends n times and waits for the answer "done"
//   `trips(url)`         gives `trip(message)`, which sends and waits for the echo
//   `flood(url)`         gives `take()`, the next message

import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

async function serve() {
  const server = fork(new URL("server.mjs", import.meta.url), { execArgv: [] });
  const [port] = await once(server, "message");
  return { url: `ws://127.0.0.1:${port}`, stop: () => server.kill() };
}

/** Messages for a number of milliseconds, roughly: these are the rates of a receiver that takes 1 GB/s or 1 M/s. */
const amount = (bytes, milliseconds) => Math.ceil(milliseconds * Math.min(1_000, 1e6 / bytes));

/** Messages for each second of CPU of this process, the kernel's part included; once to warm up, then measured. */
async function received(receive, { type, size }, milliseconds) {
  const { url, stop } = await serve();
  const once = async (count) => {
    const result = await receive(`${url}/flood/${type}/${size}/${count}`);
    if (result.count !== count || result.length !== count * size) throw new Error("wrong sum");
  };
  const count = amount(size, 2 * milliseconds);
  await once(count);
  const before = process.cpuUsage();
  await once(count);
  const { user, system } = process.cpuUsage(before);
  stop();
  return { rate: (count / (user + system)) * 1e6 };
}

/** Messages for each second of CPU of this process, from the first send to the answer of the peer who has them all. */
async function sent(send, { size }, milliseconds) {
  const { url, stop } = await serve();
  const message = "x".repeat(size);
  const framed = size + 4 + (size < 126 ? 2 : size < 65_536 ? 4 : 10);
  const perSecond = async (count) => {
    const before = process.cpuUsage();
    await send(`${url}/sink/${count * framed}`, message, count);
    const { user, system } = process.cpuUsage(before);
    return (count / (user + system)) * 1e6;
  };
  let rate = await perSecond(1_000);
  for (const share of [0.25, 0.5, 1]) rate = await perSecond(Math.ceil((rate * milliseconds * share) / 1_000) + 1_000);
  stop();
  return { rate };
}

/** Microseconds. */
async function trips(connect, { size }, milliseconds) {
  const { url, stop } = await serve();
  const trip = await connect(`${url}/echo`);
  const message = "x".repeat(size);
  for (const end = performance.now() + milliseconds / 2; performance.now() < end;) await trip(message);
  const start = performance.now();
  let count = 0;
  for (; performance.now() < start + milliseconds; count += 1) {
    if ((await trip(message)).length !== size) throw new Error("wrong sum");
  }
  stop();
  return { microseconds: (1_000 * (performance.now() - start)) / count };
}

const TOO_MUCH = 1_500; // megabytes: then the answer is known

/** The resident memory while the peer sends without end and the consumer takes 1,000 messages a second. */
async function flooded(connect, { size }, milliseconds) {
  const { url, stop } = await serve();
  const take = await connect(`${url}/flood/binary/${size}`);
  const series = [];
  const start = performance.now();
  let taken = 0;
  for (let elapsed = 0; elapsed < 20 * milliseconds; elapsed = performance.now() - start) {
    for (; taken < elapsed; taken += 1) await take();
    const megabytes = process.memoryUsage.rss() / 2 ** 20;
    series.push([Math.round(elapsed), Math.round(megabytes)]);
    if (megabytes > TOO_MUCH) break;
    await sleep(10);
  }
  stop();
  return { megabytes: Math.max(...series.map(([, megabytes]) => megabytes)), series };
}

export const socketKinds = { received, sent, trips, flooded };
