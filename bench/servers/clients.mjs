// The clients of every server row, in a process of its own: sockets of TCP that do the handshake by hand, and count bytes
// instead of parsing them. What to do is told by messages, one at a time, and answered when it is done.

import { once } from "node:events";
import { connect } from "node:net";

const AT_ONCE = 64;
const FAREWELL = masked(0x88, Buffer.from([3, 232]));
const BLOCK = 64 * 1024;

const sockets = [];
let received = 0;
let awaited = Infinity;
let enough = () => {};

/** A frame with a mask of zeros. */
function masked(first, payload) {
  const length = payload.length;
  const header =
    length < 126 ? Buffer.from([first, 0x80 | length]) : Buffer.from([first, 254, length >> 8, length & 255]);
  return Buffer.concat([header, Buffer.alloc(4), payload]);
}

function requestTo(port, extensions) {
  return [
    "GET / HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...(extensions === undefined ? [] : [`Sec-WebSocket-Extensions: ${extensions}`]),
    "\r\n",
  ].join("\r\n");
}

async function open(port, extensions) {
  const socket = connect(port, "127.0.0.1").setNoDelay();
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(requestTo(port, extensions));
  let head = (await once(socket, "data"))[0];
  while (!head.includes("\r\n\r\n")) head = Buffer.concat([head, (await once(socket, "data"))[0]]);
  if (!head.toString("latin1").startsWith("HTTP/1.1 101")) throw new Error(head.toString("latin1"));
  received += head.length - head.indexOf("\r\n\r\n") - 4;
  return socket;
}

function heard(socket, chunk) {
  received += chunk.length;
  if (received >= awaited) enough();
  if (chunk[0] === 0x88) socket.end(FAREWELL);
}

async function eachOf(count, task) {
  let next = 0;
  const worker = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, worker));
}

async function write(socket, bytes) {
  if (!socket.write(bytes)) await once(socket, "drain");
}

const tasks = {
  /** Opens connections and keeps them. */
  async open({ port, count, extensions }) {
    await eachOf(count, async () => {
      const socket = await open(port, extensions);
      socket.on("data", (chunk) => heard(socket, chunk));
      sockets.push(socket);
    });
  },
  /** Opens connections and closes them, so many. */
  async churn({ port, count }) {
    await eachOf(count, async () => {
      const socket = await open(port);
      socket.end(FAREWELL);
      if (!socket.closed) await once(socket.resume(), "close");
    });
  },
  /** Waits until so many bytes have come altogether since the last call. */
  async bytes({ count }) {
    awaited = count;
    if (received < awaited) await new Promise((resolve) => (enough = resolve));
    if (received !== count) throw new Error("wrong sum");
    received = 0;
    awaited = Infinity;
  },
  /** Sends text from the first connections, so many each. */
  async flood({ connections, count, size }) {
    const one = masked(0x81, Buffer.alloc(size, "x"));
    const many = Math.max(1, Math.floor(BLOCK / one.length));
    const block = Buffer.concat(Array.from({ length: many }, () => one));
    const flooding = sockets.slice(0, connections).map(async (socket) => {
      let left = count;
      for (; left >= many; left -= many) await write(socket, block);
      for (; left > 0; left -= 1) await write(socket, one);
    });
    await Promise.all(flooding);
  },
  /** Messages there and back, one at a time: how many, and the microseconds of each. */
  async trips({ size, milliseconds }) {
    const [socket] = sockets;
    const one = masked(0x81, Buffer.alloc(size, "x"));
    const back = size + 2;
    let count = 0;
    let missing = back;
    let arrived = () => {};
    socket.removeAllListeners("data");
    socket.on("data", (chunk) => {
      missing -= chunk.length;
      if (missing <= 0) arrived();
    });
    const trip = () =>
      new Promise((resolve) => {
        missing = back;
        arrived = resolve;
        socket.write(one);
      });
    const start = performance.now();
    for (; performance.now() < start + milliseconds; count += 1) await trip();
    return { count, microseconds: (1_000 * (performance.now() - start)) / count };
  },
};

process.on("message", async ({ task, ...given }) => {
  try {
    process.send({ value: await tasks[task](given) });
  } catch (error) {
    process.send({ failure: String(error) });
  }
});
process.on("disconnect", () => process.exit(0));
