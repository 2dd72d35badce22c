// Reads what a server answers in place of 101: its status, a few headers, and the beginning of its body as text, in
// whatever encoding that comes. Bounded in bytes and in time, and what comes is shown without the caller's secrets.

import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Transform } from "node:stream";
import zlib from "node:zlib";
import { Alarm } from "../connection/alarm.ts";
import type { Refusal } from "../errors.ts";
import type { Redaction } from "../protocol/redaction.ts";
import { retryAfterOf } from "./retry-after.ts";

const BODY_LIMIT = 1024;
// More is read than shown, so that a secret at the limit is seen whole and hidden.
const BODY_READ = 2 * BODY_LIMIT;
const BODY_PATIENCE = 1000;
const HEADER_LIMIT = 256; // characters
// What helps to understand a refusal, and is never a secret of ours once redacted.
const SHOWN_HEADERS: readonly string[] = [
  "content-encoding",
  "content-length",
  "content-type",
  "date",
  "location",
  "retry-after",
  "sec-websocket-version",
  "server",
  "upgrade",
  "via",
  "www-authenticate",
  "x-request-id",
];

/** @internal */
export class RefusalReader {
  readonly #response: IncomingMessage;
  readonly #redaction: Redaction;
  readonly #onRead: (refusal: Refusal) => void;
  readonly #patience = new Alarm(() => this.settle());
  readonly #raw: Buffer[] = [];
  readonly #plain: Buffer[] = [];
  readonly #decoders: readonly Transform[] | undefined;
  #settled = false;

  constructor(response: IncomingMessage, redaction: Redaction, onRead: (refusal: Refusal) => void) {
    this.#response = response;
    this.#redaction = redaction;
    this.#onRead = onRead;
    this.#decoders = decodersOf(response);
    this.#patience.in(BODY_PATIENCE);
    this.#read();
  }

  /** Reports the refusal, as far as it came. */
  settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#patience.clear();
    for (const decoder of this.#decoders ?? []) decoder.destroy();
    const { statusCode = 0, statusMessage = "", headers } = this.#response;
    this.#onRead({
      status: statusCode,
      statusText: this.#redaction.text(statusMessage),
      headers: this.#shownHeaders(),
      body: cut(this.#redaction.text(this.#text(), !this.#response.complete), BODY_LIMIT),
      retryAfter: retryAfterOf(headers["retry-after"], headers.date),
    });
  }

  #read(): void {
    const response = this.#response;
    const [first, ...more] = this.#decoders ?? [];
    response.on("data", (chunk: Buffer) => this.#keep(this.#raw, chunk, first !== undefined));
    const ended = (): void => {
      if (first === undefined) this.settle();
      else first.end(); // what is missing in a body that broke off is nobody's secret: the rest is still readable
    };
    for (const event of ["end", "error", "close"]) response.on(event, ended);
    if (first === undefined) return;
    response.pipe(first, { end: false });
    const last = more.reduce((from, to) => from.pipe(to), first);
    for (const decoder of [first, ...more]) decoder.on("error", () => this.settle());
    last.on("data", (chunk: Buffer) => this.#keep(this.#plain, chunk, false));
    last.on("end", () => this.settle());
  }

  // At most so much is kept, whatever a few bytes may inflate to.
  #keep(chunks: Buffer[], chunk: Buffer, readsOn: boolean): void {
    const length = chunks.reduce((sum, each) => sum + each.length, 0);
    if (length < BODY_READ) chunks.push(Buffer.from(chunk.subarray(0, BODY_READ)));
    if (!readsOn && length + chunk.length >= BODY_READ) this.settle();
  }

  #text(): string {
    const charset = /;\s*charset="?([^";\s]+)/i.exec(this.#response.headers["content-type"] ?? "")?.[1];
    if (this.#decoders?.length === 0) return decode(Buffer.concat(this.#raw), charset);
    if (this.#plain.length > 0) return decode(Buffer.concat(this.#plain), charset);
    // Some say gzip and send text.
    const raw = Buffer.concat(this.#raw);
    return isUtf8(raw) ? raw.toString() : "";
  }

  #shownHeaders(): Record<string, string> {
    const shown: Record<string, string> = {};
    for (const name of SHOWN_HEADERS) {
      const value = this.#response.headers[name];
      if (value === undefined) continue;
      const text = Array.isArray(value) ? value.join(", ") : value;
      shown[name] = this.#redaction.text(name === "location" ? withoutSecrets(text) : text).slice(0, HEADER_LIMIT);
    }
    return shown;
  }
}

// A body that breaks off, or that we stop to read, has been read as far as it came.
const flush = { finishFlush: zlib.constants.Z_SYNC_FLUSH };

const DECODERS: Readonly<Record<string, (() => Transform) | undefined>> = {
  gzip: () => zlib.createGunzip(flush),
  "x-gzip": () => zlib.createGunzip(flush),
  deflate: () => zlib.createInflate(flush),
  br: () => zlib.createBrotliDecompress({ finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH }),
  // Since Node 22.15.
  zstd: (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress,
};

// In the order in which they are to be undone; undefined when one of them is not known here.
function decodersOf({ headers }: IncomingMessage): Transform[] | undefined {
  const names = (headers["content-encoding"] ?? "").toLowerCase().split(/[\s,]+/);
  const coded = names.filter((name) => name !== "" && name !== "identity").toReversed();
  const known = coded.map((name) => (Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined));
  return known.every((make) => make !== undefined) ? known.map((make) => make()) : undefined;
}

function decode(bytes: Buffer, charset = "utf-8"): string {
  try {
    return new TextDecoder(charset).decode(bytes, { stream: true }); // without half a character at the end
  } catch {
    return bytes.toString(); // a charset that nobody knows
  }
}

// To a number of bytes, without half a character at the end.
function cut(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  return new TextDecoder().decode(encoded.subarray(0, bytes), { stream: true });
}

function withoutSecrets(location: string): string {
  return location.replace(/\/\/[^/]*@/, "//").replace(/\?.*$/s, "?[redacted]");
}
