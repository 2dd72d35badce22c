// The other end of every socket row, in a process of its own. It must not be what is measured: it writes frames that
// were prepared in blocks of 256 KiB, and counts bytes instead of parsing.
//
//   /flood/<text|binary>/<bytes>/<count>   sends so many messages, then closes; without a count it never ends
//   /sink/<bytes>                          takes so many bytes, then says "done"
//   /echo                                  sends back what comes

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const BLOCK = 256 * 1024;
const CLOSE = Buffer.from([0x88, 2, 0x03, 0xe8]); // 1000

const echo = new WebSocketServer({ noServer: true });
echo.on("connection", (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })));

createServer()
  .on("upgrade", (request, socket, head) => {
    socket.on("error", () => {}).setNoDelay();
    const [, what, ...more] = request.url.split("/");
    if (what === "echo") {
      echo.handleUpgrade(request, socket, head, (client) => echo.emit("connection", client, request));
      return;
    }
    const accept = createHash("sha1").update(
      `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
    );
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept.digest("base64")}\r\n\r\n`,
    );
    if (what === "flood") flood(socket, more[0], Number(more[1]), Number(more[2] ?? Infinity));
    else sink(socket, Number(more[0]) - head.length);
  })
  .listen(0, "127.0.0.1", function listening() {
    process.send(this.address().port);
  });

process.on("disconnect", () => process.exit(0));

function frame(type, bytes) {
  const payload = Buffer.alloc(bytes, "x");
  const opcode = type === "text" ? 0x81 : 0x82;
  if (bytes < 126) return Buffer.concat([Buffer.from([opcode, bytes]), payload]);
  if (bytes < 65_536) return Buffer.concat([Buffer.from([opcode, 126, bytes >> 8, bytes & 255]), payload]);
  const header = Buffer.alloc(10);
  header[0] = opcode;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(bytes), 2);
  return Buffer.concat([header, payload]);
}

function flood(socket, type, bytes, count) {
  const one = frame(type, bytes);
  const messages = Math.max(1, Math.floor(BLOCK / one.length));
  const block = Buffer.concat(Array.from({ length: messages }, () => one));
  let left = count;
  function write() {
    while (left >= messages) {
      left -= messages;
      if (!socket.write(block)) {
        socket.once("drain", write);
        return;
      }
    }
    for (; left > 0; left -= 1) socket.write(one);
    socket.write(CLOSE);
    socket.once("data", () => socket.end()); // the client's own close frame
  }
  socket.on("end", () => socket.end()).resume();
  write();
}

function sink(socket, bytes) {
  let left = bytes;
  socket.on("data", (chunk) => {
    if (left <= 0) {
      socket.end(CLOSE); // the client closes
      return;
    }
    left -= chunk.length;
    if (left <= 0) socket.write(Buffer.from([0x81, 4, ...Buffer.from("done")]));
  });
}
