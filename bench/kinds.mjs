// How each kind of row is measured, in a process of its own.

import { createHook } from "node:async_hooks";
import { once } from "node:events";
import { connect } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { serverKinds } from "./servers/kinds.mjs";
import { socketKinds } from "./sockets/kinds.mjs";
import { median, percentile } from "./statistics.mjs";

const BATCHES = 5;
const WARMTH = 120e6; // nanoseconds: the compilers of V8 are done by then

/** Nanoseconds of CPU that this process has used, its helper threads included. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
}

/** Runs n operations; gives nanoseconds. The values are the numbers below n, so their sum tells whether one is missing. */
async function batch(run, n) {
  const start = performance.now();
  const used = cpu();
  const sum = await run(n);
  const took = { cpu: cpu() - used, wall: (performance.now() - start) * 1e6 };
  if (sum !== (n * (n - 1)) / 2) throw new Error("wrong sum");
  return took;
}

/** Runs until the code is warm; gives the number of operations, at least so many, that take `wanted` nanoseconds. */
async function calibrate(run, wanted, warmth, least = 1) {
  let n = least;
  for (let took = 0, total = 0; total < warmth; total += took) {
    const { cpu: used, wall } = await batch(run, n);
    took = Math.max(used, wall / 20); // on a busy machine the code gets warm by what it ran, not by what it waited
    n = Math.max(least, Math.ceil(n * Math.min(4, Math.max(0.5, wanted / took))));
  }
  return n;
}

/** The median of five batches, once the code is warm. CPU time: what else runs on the machine does not count. */
async function time(program, row, milliseconds) {
  const run = program(row.size);
  const n = await calibrate(run, (milliseconds * 1e6) / BATCHES, WARMTH + (milliseconds * 1e6) / 4, row.least);
  const samples = [];
  for (let i = 0; i < BATCHES; i += 1) samples.push(await batch(run, n));
  return {
    nanoseconds: median(samples.map((took) => took.cpu)) / n,
    wall: median(samples.map((took) => took.wall)) / n,
  };
}

const PAIRS = 24;

/**
 * Two builds of one program by turns, in batches of so many milliseconds altogether. The second's time is that of the
 * first by the median of the ratios of the pairs: what a busy machine does to both of a pair does not count.
 */
export async function timeBoth(programs, row, milliseconds) {
  const wanted = (milliseconds * 1e6) / PAIRS;
  const runs = [];
  for (const program of programs) {
    const run = program(row.size);
    runs.push({ run, n: await calibrate(run, wanted, WARMTH + (milliseconds * 1e6) / 4, row.least) });
  }
  const once = async ({ run, n }) => (await batch(run, n)).cpu / n;
  const samples = [];
  for (let i = 0; i < PAIRS; i += 1) {
    const isSwapped = i % 2 === 1;
    const pair = [await once(runs[isSwapped ? 1 : 0]), await once(runs[isSwapped ? 0 : 1])];
    samples.push(isSwapped ? pair.reverse() : pair);
  }
  const nanoseconds = median(samples.map(([first]) => first));
  return [{ nanoseconds }, { nanoseconds: nanoseconds * median(samples.map(([first, second]) => second / first)) }];
}

/** Runs a load for four times the given time, while `probe` collects numbers, and gives their percentiles. */
async function under(program, row, milliseconds, probe) {
  const run = program(row.size);
  const n = await calibrate(run, 4 * milliseconds * 1e6, 4 * milliseconds * 1e6);
  const stop = await probe();
  await turn();
  await batch(run, n);
  const numbers = stop();
  return { p50: percentile(numbers, 0.5), p99: percentile(numbers, 0.99), max: Math.max(...numbers) };
}

/** The gaps between the firings of a 1 ms interval, less the millisecond; the gap that is open at the end counts too. */
const interval = (program, row, milliseconds) =>
  under(program, row, milliseconds, () => {
    const late = [];
    let last = performance.now();
    const fired = () => {
      const now = performance.now();
      late.push(Math.max(0, now - last - 1));
      last = now;
    };
    const handle = setInterval(fired, 1);
    return () => {
      clearInterval(handle);
      fired();
      return late;
    };
  });

/** One message of 64 bytes at a time to an echo in a thread of its own, over TCP. */
const echo = (program, row, milliseconds) =>
  under(program, row, milliseconds, async () => {
    const server = new Worker(
      `require("node:net").createServer((socket) => socket.setNoDelay().pipe(socket))
        .listen(0, "127.0.0.1", function () { require("node:worker_threads").parentPort.postMessage(this.address().port) })`,
      { eval: true },
    );
    const [port] = await once(server, "message");
    const socket = connect(port, "127.0.0.1").setNoDelay();
    await once(socket, "connect");
    const message = Buffer.alloc(64);
    const trips = [];
    let sent = performance.now();
    let missing = message.length;
    const arrived = (bytes) => {
      missing -= bytes;
      if (missing > 0) return;
      const now = performance.now();
      trips.push(now - sent);
      [sent, missing] = [now, message.length];
      socket.write(message);
    };
    socket.on("data", (data) => arrived(data.length));
    socket.write(message);
    return () => {
      trips.push(performance.now() - sent);
      socket.destroy();
      void server.terminate();
      return trips;
    };
  });

async function heap() {
  for (let i = 0; i < 4; i += 1) {
    await turn();
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed;
}

const SLOT = 8; // bytes of the array that holds each thing, which is ours

/** Bytes on the heap for each of 10,000 things. */
async function weight(program, row) {
  const count = 9_984; // a multiple of 64
  const make = program(row.size);
  make(256)(); // code and inline caches are made once
  const prepared = make(count);
  const before = await heap();
  const held = prepared();
  const bytes = ((await heap()) - before) / count - SLOT;
  if (held === undefined) throw new Error("nothing is held");
  return { bytes };
}

const selects = (milliseconds) => (milliseconds >= 1_000 ? 1_000_000 : 100_000);

/** Bytes on the heap that many operations left behind. */
async function growth(program, row, milliseconds) {
  const run = program(row.size);
  await batch(run, selects(milliseconds) / 4); // code that V8 compiles on the way would count as well
  const before = await heap();
  await batch(run, selects(milliseconds));
  return { bytes: Math.max(0, (await heap()) - before) };
}

/** Timers made and neither fired nor cleared. */
async function timers(program, row) {
  const alive = new Set();
  const hook = createHook({
    init: (id, type) => type === "Timeout" && alive.add(id),
    destroy: (id) => alive.delete(id),
  }).enable();
  const run = program(row.size);
  await batch(run, 100_000);
  const end = performance.now() + 10; // what waits for the next turns to clear up has had them
  while (performance.now() < end) await turn();
  hook.disable();
  return { timers: alive.size };
}

/** Milliseconds of the first run, as a test file has it in a process of its own, and once V8 has compiled everything. */
async function day(program) {
  const run = program();
  const once = async () => {
    const start = performance.now();
    const beats = await run();
    if (beats !== 2880) throw new Error(`${beats} heartbeats`);
    return performance.now() - start;
  };
  const first = await once();
  const more = [];
  for (let i = 0; i < 10; i += 1) more.push(await once());
  return { first, warm: median(more.slice(5)) };
}

export const kinds = { time, interval, echo, weight, growth, timers, day, ...socketKinds, ...serverKinds };
