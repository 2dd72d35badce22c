// The answers to a handshake that does not become a connection.

import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { Alarm } from "../connection/alarm.ts";
import { invalid, invalidText } from "../errors.ts";
import { checkHeaders } from "../dial/headers.ts";
import { integer, optional, readOptions, type Readers, text } from "../protocol/options.ts";

/** What a handshake is answered with in place of 101: made by `refuse`. */
export interface Refusal {
  /** The status code, 300 to 599. */
  readonly status: number;
  /** Headers of the answer. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Text for people; most clients do not show it. */
  readonly body?: string | undefined;
}

// How long a refused peer may take to read why: what it had sent already would reset the connection, and the answer
// with it, if we closed at once.
const LINGER = 1000;

const refusals = new WeakSet<object>();

const REFUSE: Readers<{ readonly headers: Readonly<Record<string, string>>; readonly body: string | undefined }> = {
  headers: (given, option) => {
    if (given !== undefined && (typeof given !== "object" || given === null || Symbol.iterator in given)) {
      throw invalid(option, "a record of headers", given);
    }
    const headers = [...checkHeaders(given).values()];
    const several = headers.find(({ values }) => values.length !== 1);
    if (several !== undefined) throw invalidText(option, `one text for each name (\`${several.name}\`)`, "a list");
    return Object.fromEntries(headers.map(({ name, values }) => [name, values[0] ?? ""]));
  },
  body: optional(text),
};

/**
 * Makes the refusal of a handshake, for `authorize` to give: it is answered with this status, and no connection is made.
 *
 * @param status of HTTP, 300 to 599: 401 or 403 for who may not, 429 for who asks too often, 503 for later.
 * @param options `headers` of the answer; `body`, plain text unless a `Content-Type` says otherwise, by default the
 * status in words.
 * @throws SluiceError of kind INVALID for another status, and for headers that an answer cannot have.
 *
 * @example
 * import { connect, listen, refuse } from "@sluice/websocket";
 *
 * await using server = await listen({
 *   authorize: ({ headers }) => (headers.authorization === "Bearer sesame" ? { user: "ann" } : refuse(401)),
 * });
 * await connect(server.url).catch((error) => console.log(error.kind, error.details.status)); // → PERMISSION_DENIED 401
 */
export function refuse(status: number, options: Omit<Refusal, "status"> = {}): Refusal {
  const refusal = Object.freeze({
    status: integer(300, 599, "a status of HTTP that refuses")(status, "status"),
    ...readOptions(REFUSE, options),
  });
  refusals.add(refusal);
  return refusal;
}

/** True for what `refuse` made, and for nothing that only looks like it: that is data. */
export function isRefusal(given: unknown): given is Refusal {
  return typeof given === "object" && given !== null && refusals.has(given);
}

/** Answers in place of 101, and lets go of the socket. */
export function answer(socket: Socket, { status, headers = {}, body = STATUS_CODES[status] ?? "" }: Refusal): void {
  socket.on("error", () => undefined); // the peer may be gone already, and then nobody reads it
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const named = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}`,
    "Connection: close",
    ...(named.has("content-type") ? [] : ["Content-Type: text/plain; charset=utf-8"]),
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  const patience = new Alarm(() => socket.destroy());
  socket.once("close", () => patience.clear());
  patience.in(LINGER);
  socket.end(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), Buffer.from(body)]));
  socket.once("end", () => socket.destroySoon());
  socket.resume();
}
