// How the server rows are measured: the server is this process, its clients are another. A subject gives
//   `hold()`           accepts, and keeps what it accepted
//   `echo()`           sends back what comes
//   `receive()`        `reached(n)` resolves when n more messages have come
//   `tell(deflate)`    `tell(messages)` sends each to all, all of them in one turn
//   `selector()`       the same, all connections in one Selector
// and each of these a `port` and the number of connections, `open()`; `drain(over)` where there is one.

import { fork } from "node:child_process";
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";

const FORGETS = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/** 10,000 in a long run. */
const crowd = (milliseconds) => (milliseconds >= 1_000 ? 10_000 : 1_000);

function clients() {
  const child = fork(new URL("clients.mjs", import.meta.url), { execArgv: [] });
  const ask = async (task, given) => {
    child.send({ task, ...given });
    const [{ value, failure }] = await once(child, "message");
    if (failure !== undefined) throw new Error(failure);
    return value;
  };
  return { ask, stop: () => child.kill() };
}

async function until(done) {
  while (!done()) await turn();
}

/** Microseconds of CPU that a task costs this process, the kernel's part included. */
async function cost(task) {
  const before = process.cpuUsage();
  await task();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function memory() {
  for (let i = 0; i < 6; i += 1) {
    await turn();
    globalThis.gc();
  }
  const { rss, heapUsed } = process.memoryUsage();
  return { resident: rss, heap: heapUsed };
}

/** Bytes for each of many connections that say nothing. */
async function idle(hold, _row, milliseconds) {
  const server = await hold();
  const { ask, stop } = clients();
  const count = crowd(milliseconds);
  await ask("churn", { port: server.port, count: 200 }); // code and inline caches are made once
  await until(() => server.open() === 0);
  const before = await memory();
  await ask("open", { port: server.port, count });
  await until(() => server.open() === count);
  const after = await memory();
  stop();
  return {
    resident: (after.resident - before.resident) / count,
    heap: (after.heap - before.heap) / count,
  };
}

/** Connections made and closed, for each second of CPU of the server. */
async function connects(hold, _row, milliseconds) {
  const server = await hold();
  const { ask, stop } = clients();
  const count = 2 * milliseconds;
  await ask("churn", { port: server.port, count: 400 });
  const used = await cost(() => ask("churn", { port: server.port, count }));
  stop();
  return { rate: (count / used) * 1e6 };
}

/** Microseconds of a round trip, and of the server's CPU for it: the one figure that a busy machine leaves alone. */
async function echoed(echo, { size }, milliseconds) {
  const server = await echo();
  const { ask, stop } = clients();
  await ask("open", { port: server.port, count: 1 });
  await ask("trips", { size, milliseconds: 1_500 }); // until V8 has compiled everything: a trip is mostly waiting
  let trips;
  const used = await cost(async () => (trips = await ask("trips", { size, milliseconds })));
  stop();
  return { microseconds: trips.microseconds, cpu: used / trips.count };
}

/** Messages for each second of CPU of the server; two of so many connections send them. */
async function taken(receive, { size, connections = 2 }, milliseconds) {
  const server = await receive();
  const { ask, stop } = clients();
  const all = connections === Infinity ? crowd(milliseconds) : connections;
  await ask("open", { port: server.port, count: all });
  await until(() => server.open() === all);
  const flood = async (count) => {
    await Promise.all([server.reached(2 * count), ask("flood", { connections: 2, count, size })]);
  };
  const count = 250 * milliseconds;
  await flood(count);
  const used = await cost(() => flood(count));
  stop();
  return { rate: ((2 * count) / used) * 1e6 };
}

/** Microseconds of CPU of the server for each message and receiver. */
async function told(tell, { size, gathered = 1, deflate = false }, milliseconds) {
  const server = await tell(deflate);
  const { ask, stop } = clients();
  const count = crowd(milliseconds);
  await ask("open", { port: server.port, count, extensions: deflate ? FORGETS : undefined });
  await until(() => server.open() === count);
  const messages = Array.from({ length: gathered }, () =>
    "{price:101.5,symbol:ACME} ".repeat(size / 26 + 1).slice(0, size),
  );
  const round = async () => {
    const bytes = await server.tell(messages);
    await ask("bytes", { count: bytes });
  };
  for (let i = 0; i < 20; i += 1) await round(); // the compilers of V8 are done by then
  const rounds = Math.ceil(milliseconds / 10);
  let used = 0;
  for (let i = 0; i < rounds; i += 1) used += await cost(round);
  stop();
  return { microseconds: used / (rounds * count * gathered) };
}

/** Milliseconds that a drain takes beyond the time it is spread over. */
async function drained(hold, _row, milliseconds) {
  const server = await hold();
  if (server.drain === undefined) return null;
  const { ask, stop } = clients();
  const count = crowd(milliseconds);
  await ask("open", { port: server.port, count });
  await until(() => server.open() === count);
  const over = 1_000;
  const start = performance.now();
  const { closed } = await server.drain(over);
  if (closed !== count) throw new Error("wrong sum");
  stop();
  return { beyond: performance.now() - start - over };
}

export const serverKinds = { idle, connects, echoed, taken, told, drained };
