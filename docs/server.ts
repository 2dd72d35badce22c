// The stranger at the other end, for the code of these pages: a server on plain `ws`, on a free port of this machine.
// Leaving the scope of `await using` ends it, with every connection.

import { once } from "node:events";
import type { OutgoingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";

export interface Server extends AsyncDisposable {
  readonly url: string;
}

/** Starts a server that does with each connection what `each` says. */
export async function serve(each: (socket: WebSocket, path: string) => void, options?: ServerOptions): Promise<Server> {
  const server = new WebSocketServer({ ...options, host: "127.0.0.1", port: 0 });
  server.on("connection", (socket, request) => each(socket, request.url ?? "/"));
  await once(server, "listening");
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of server.clients) socket.terminate();
      server.close();
      await once(server, "close");
    },
  };
}

/** Starts a server that answers every handshake with `status`. */
export function refuse(status: number, headers: OutgoingHttpHeaders, body = ""): Promise<Server> {
  const answer = { verifyClient: (_info, respond) => respond(false, status, body, headers) } satisfies ServerOptions;
  return serve(() => undefined, answer);
}
