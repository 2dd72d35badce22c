// A message made ready to be sent many times: encoded once, framed once, and compressed once for each size of window
// that connections agreed on.

import { isUtf8 } from "node:buffer";
import { types } from "node:util";
import { constants, deflateRawSync } from "node:zlib";
import { invalid, invalidText } from "../errors.ts";
import { BINARY, type MessageType, TEXT } from "../protocol/constants.ts";
import { COMPRESSED, FIN, headerOf } from "../protocol/header.ts";
import type { Data } from "../protocol/message.ts";

/** A message encoded once, framed once, and compressed once for all who agreed on no context takeover. */
export interface Prepared {
  /** Text or binary. */
  readonly type: MessageType;
  /** Of the message itself, in bytes. */
  readonly byteLength: number;
}

/** How a connection wants its frames. */
export interface Kind {
  /** Messages of so many bytes are compressed; `Infinity` where that was not agreed. */
  readonly threshold: number;
  /** The window of a compressor that forgets, as a power of two; 0 where it remembers, and nothing can be shared. */
  readonly bits: number;
}

// What a parcel says to its connection is out of reach of strings.
/** @internal The message as bytes: never to be written to. */
export const payload: unique symbol = Symbol("payload");
/** @internal The message as it was given, or a copy of its bytes. */
export const content: unique symbol = Symbol("content");
/** @internal The frame for a kind of connection; undefined where it would be another for each. */
export const frameFor: unique symbol = Symbol("frameFor");

const TAIL = 4; // what a flush ends with does not travel (RFC 7692 7.2.1)

/** @internal */
export class Parcel implements Prepared {
  readonly type: MessageType;
  readonly byteLength: number;
  readonly #text: string | undefined;
  readonly #plain: Buffer;
  readonly #payload: Buffer;
  #deflated: Map<number, Buffer> | undefined = undefined;

  /** Copies: the buffer may be reused. */
  constructor(data: Data, type: MessageType | undefined) {
    checkMessage(data, type);
    const bytes = typeof data === "string" ? undefined : payloadOf(data);
    const length = bytes?.length ?? Buffer.byteLength(data as string);
    this.type = type ?? (bytes === undefined ? TEXT : BINARY);
    this.byteLength = length;
    this.#text = typeof data === "string" ? data : undefined;
    const header = headerOf(FIN | this.type, length, false);
    this.#plain = Buffer.allocUnsafe(header.length + length);
    header.copy(this.#plain);
    this.#payload = this.#plain.subarray(header.length);
    if (bytes === undefined) this.#payload.write(data as string);
    else bytes.copy(this.#payload);
    if (bytes !== undefined && this.type === TEXT && !isUtf8(this.#payload)) {
      throw invalidText("data", "valid UTF-8 to be sent as TEXT", "other bytes");
    }
    Object.freeze(this);
  }

  get [payload](): Buffer {
    return this.#payload;
  }

  get [content](): Data {
    return this.#text ?? this.#payload;
  }

  [frameFor]({ threshold, bits }: Kind): Buffer | undefined {
    if (this.byteLength < threshold || this.byteLength === 0) return this.#plain;
    return bits === 0 ? undefined : this.#deflatedWith(bits);
  }

  #deflatedWith(windowBits: number): Buffer {
    this.#deflated ??= new Map();
    let frame = this.#deflated.get(windowBits);
    if (frame === undefined) {
      const deflated = deflateRawSync(this.#payload, { windowBits, finishFlush: constants.Z_SYNC_FLUSH });
      const body = deflated.subarray(0, -TAIL);
      frame = Buffer.concat([headerOf(FIN | COMPRESSED | this.type, body.length, false), body]);
      // What is random, or compressed already, is shorter as it is.
      if (frame.length > this.#plain.length) frame = this.#plain;
      this.#deflated.set(windowBits, frame);
    }
    return frame;
  }
}

/**
 * Makes a message ready to be sent to many, by `client.send` and `topic.publish`: encoded once, framed once, and
 * compressed once for all connections of a server that agreed on no context takeover. The bytes are copied at the call.
 *
 * Connections whose compressor remembers earlier messages, and those of `connect`, whose frames are masked, each make a
 * frame of their own.
 *
 * @param data text, or bytes of any kind of buffer or view.
 * @param type `TEXT` or `BINARY`; by default text is sent as text, and bytes as bytes.
 * @throws TypeError for anything but text and bytes; SluiceError of kind INVALID for a wrong `type`, or bytes sent as
 * text that are not UTF-8.
 *
 * @example
 * import { connect, listen, prepare } from "@sluice/websocket";
 *
 * await using server = await listen();
 * const clients = [await connect(server.url), await connect(server.url)];
 * const welcome = prepare("welcome");
 * for (let i = 0; i < 2; i += 1) {
 *   const { value } = await server.connections().receive();
 *   await value?.client.send(welcome);
 * }
 * for (const client of clients) {
 *   const { value } = await client.channel().receive();
 *   console.log(value?.data);
 * }
 * // → welcome
 * // → welcome
 */
export function prepare(data: Data, type?: MessageType): Prepared {
  return new Parcel(data, type);
}

/** @internal What is to be sent to many, prepared or not; throws what `publish` rejects with. */
export function parcelOf(data: Data | Prepared, type: MessageType | undefined): Parcel {
  if (!(data instanceof Parcel)) return new Parcel(data as Data, type);
  checkType(data, type);
  return data;
}

/** @internal Throws when something prepared is to be sent as another type. */
export function checkType(prepared: Parcel, type: unknown): void {
  if (type === undefined || type === prepared.type) return;
  throw invalid("type", `${prepared.type}, as it was prepared, or absent`, type);
}

/** @internal Throws what `send` rejects with when it is given something it cannot send. */
export function checkMessage(data: unknown, type: unknown): void {
  if (typeof data !== "string" && !ArrayBuffer.isView(data) && !types.isAnyArrayBuffer(data)) {
    throw new TypeError(`Expected \`data\` to be a string, an ArrayBuffer or a view, got \`${typeof data}\``);
  }
  if (type !== undefined && type !== TEXT && type !== BINARY) throw invalid("type", "TEXT (1) or BINARY (2)", type);
}

/** @internal A message as bytes: then ws writes header and payload as one chunk, and its length is known without counting twice. */
export function payloadOf(data: Data): Buffer {
  if (typeof data === "string") return Buffer.from(data);
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.from(data);
}
