// A message of which only a part has arrived: its payload, collected piece by piece, from one frame or from many.

import { type Message, messageOf, textOf } from "./message.ts";

// Memory must not be set aside because a header says so: what is longer grows with what arrives.
const TRUSTED = 1024 * 1024;

const SPARE_LIMIT = 256 * 1024;

// Text is decoded out of its bytes, which are free again then. One block serves every connection in turn: a fresh one
// for each message is garbage outside of V8's heap, which is collected late (64 KiB messages: 119 MB resident, with it
// 105; bench: flood).
let spare: Buffer | undefined;

const NOTHING: Buffer = Buffer.alloc(0);

/** @internal */
export class Assembly {
  readonly binary: boolean;
  readonly compressed: boolean;
  #block: Buffer = NOTHING;
  #filled = 0;

  constructor(binary: boolean, compressed: boolean) {
    this.binary = binary;
    this.compressed = compressed;
  }

  /** Bytes collected so far. */
  get length(): number {
    return this.#filled;
  }

  /** The bytes collected so far: a view that the next piece may leave behind. */
  get payload(): Buffer {
    return this.#block.subarray(0, this.#filled);
  }

  /** Makes room for `missing` bytes of a frame, as far as they are believed. `last` says that none come behind them. */
  expect(missing: number, last: boolean): void {
    if (missing <= TRUSTED) this.#reserve(missing, last ? missing : 0);
  }

  /** Copies from `start` to `end`; of the frame `missing` bytes are still to come then. */
  fill(chunk: Buffer, start: number, end: number, missing: number, last: boolean): Buffer {
    const length = end - start;
    this.#reserve(length, last ? length + missing : 0);
    const at = this.#filled;
    chunk.copy(this.#block, at, start, end);
    this.#filled += length;
    return this.#block.subarray(at, this.#filled);
  }

  /** The message; undefined for text that is not UTF-8. The assembly must not be used afterwards. */
  message(): Message | undefined {
    if (this.binary) return messageOf(this.payload, true);
    const data = textOf(this.#block, 0, this.#filled);
    if (this.#block.length > 0 && this.#block.length <= SPARE_LIMIT) spare = this.#block;
    return data === undefined ? undefined : { type: "text", data };
  }

  // Doubling, but never beyond `final` bytes more: a block that fits needs no copy at the end.
  #reserve(length: number, final: number): void {
    const needed = this.#filled + length;
    const old = this.#block;
    if (needed <= old.length) return;
    if (old === NOTHING && !this.binary && !this.compressed && spare !== undefined && spare.length >= needed) {
      this.#block = spare;
      spare = undefined;
      return;
    }
    const doubled = Math.max(needed, 2 * old.length);
    this.#block = Buffer.allocUnsafeSlow(
      final === 0 ? doubled : Math.max(needed, Math.min(doubled, this.#filled + final)),
    );
    old.copy(this.#block, 0, 0, this.#filled);
  }
}
