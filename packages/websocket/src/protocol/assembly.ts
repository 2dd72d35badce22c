// A plain frame of which only a part has arrived: its payload, collected piece by piece.

import { isUtf8 } from "node:buffer";
import { type Message, messageOf } from "../connection/incoming.ts";

/** @internal A longer frame is ws's to collect: memory must not be set aside because a header says so. */
export const ASSEMBLY_LIMIT = 1024 * 1024;

const SPARE_LIMIT = 256 * 1024;

// Text is decoded out of its bytes, which are free again then. One block serves every connection in turn: a fresh one
// for each message is garbage outside of V8's heap, which is collected late (64 KiB messages: 119 MB resident, with it
// 105; bench: flood).
let spare: Buffer | undefined;

/** @internal */
export class Assembly {
  readonly header: Buffer;
  readonly #block: Buffer;
  readonly #length: number;
  readonly #binary: boolean;
  #filled = 0;

  constructor(header: Buffer, length: number, binary: boolean) {
    this.header = header;
    this.#length = length;
    this.#binary = binary;
    if (!binary && spare !== undefined && spare.length >= length) {
      this.#block = spare;
      spare = undefined;
    } else {
      this.#block = Buffer.allocUnsafeSlow(length);
    }
  }

  get complete(): boolean {
    return this.#filled === this.#length;
  }

  /** The bytes collected so far. */
  get payload(): Buffer {
    return this.#block.subarray(0, this.#filled);
  }

  /** Copies what belongs to the frame; gives the number of bytes. */
  fill(chunk: Buffer, position: number): number {
    const copied = chunk.copy(this.#block, this.#filled, position, position + this.#length - this.#filled);
    this.#filled += copied;
    return copied;
  }

  /** The message; undefined for text that is not UTF-8. The assembly must not be used afterwards, unless it was. */
  message(): Message | undefined {
    if (this.#binary) return messageOf(this.#block, true);
    const data = textOf(this.#block, 0, this.#length);
    if (data === undefined) return undefined;
    if (this.#block.length <= SPARE_LIMIT) spare = this.#block;
    return { type: "text", data };
  }
}

/**
 * @internal Decodes text; undefined for bytes that are not UTF-8. The decoder puts U+FFFD for what it cannot read: only
 * then is it worth a second look, and ASCII, which holds no such character, costs nothing.
 */
export function textOf(bytes: Buffer, start: number, end: number): string | undefined {
  const text = bytes.toString(undefined, start, end);
  return text.includes("\uFFFD") && !isUtf8(bytes.subarray(start, end)) ? undefined : text;
}
