// What a socket gives to the system, and how that went. A reset ends what we can send, not what the peer has sent: that
// is still with the system, its close frame too. Node destroys a socket when a write of ours meets the reset first, and
// the rest would never be read.

import type { Socket } from "node:net";

type Done = (error?: NodeJS.ErrnoException | null) => void;

/** Something to be written, as a stream keeps it. */
interface Chunk {
  readonly chunk: string | Uint8Array;
  readonly encoding: BufferEncoding;
}

/** What a stream calls to write. */
interface Sink {
  readonly _write: (this: unknown, chunk: Chunk["chunk"], encoding: BufferEncoding, done: Done) => void;
  readonly _writev: (this: unknown, chunks: readonly Chunk[], done: Done) => void;
}

// The peer, or the way to it, is gone. The reading ends by itself behind what is there.
const GONE: readonly string[] = ["ECONNABORTED", "ECONNRESET", "EPIPE", "ETIMEDOUT"];

const known = new WeakMap<Socket, Writes>();

/** @internal */
export class Writes {
  readonly #wire: Socket;
  #left = 0;
  #errno: string | undefined = undefined;
  #onReset: ((errno: string) => void) | undefined = undefined;

  private constructor(wire: Socket) {
    this.#wire = wire;
    // Looked up at each write: a test may watch the prototype.
    const own = (): Sink => Object.getPrototypeOf(wire) as Sink;
    const one: Sink["_write"] = (chunk, encoding, done) => {
      const { _write: write } = own();
      if (this.#errno !== undefined) done();
      else write.call(wire, chunk, encoding, this.#watched(lengthOf({ chunk, encoding }), done));
    };
    // All that waits goes at once, so that its length is known without counting.
    const many: Sink["_writev"] = (chunks, done) => {
      const { _writev: write } = own();
      if (this.#errno !== undefined) done();
      else write.call(wire, chunks, this.#watched(wire.writableLength, done));
    };
    Object.assign(wire, { _write: one });
    // The stream of an agent may write one by one.
    if ("_writev" in own()) Object.assign(wire, { _writev: many });
  }

  /** Lets a socket be read to its end although writes may meet a reset. Once for each socket; later calls give the same. */
  static of(wire: Socket): Writes {
    let writes = known.get(wire);
    if (writes === undefined) known.set(wire, (writes = new Writes(wire)));
    return writes;
  }

  /** Bytes that were given to the socket, those that wait included. `bytesWritten` of Node cannot be asked in a write. */
  get written(): number {
    return this.#left + this.#wire.writableLength;
  }

  /** What a write met, as Node spells it; then nothing can be sent any more. */
  get errno(): string | undefined {
    return this.#errno;
  }

  /** Calls back when a write meets a reset, before what was to be written is forgotten. */
  listen(onReset: (errno: string) => void): void {
    this.#onReset = onReset;
  }

  #watched(length: number, done: Done): Done {
    return (error) => {
      const { code } = error ?? {};
      if (code !== undefined && GONE.includes(code)) {
        this.#broke(code);
        done();
        return;
      }
      if (!error) this.#left += length;
      done(error);
    };
  }

  #broke(code: string): void {
    if (this.#errno !== undefined) return;
    this.#errno = code;
    this.#onReset?.(code);
  }
}

function lengthOf({ chunk, encoding }: Chunk): number {
  return typeof chunk === "string" ? Buffer.byteLength(chunk, encoding) : chunk.length;
}
