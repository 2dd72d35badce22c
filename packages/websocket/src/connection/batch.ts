// Messages for many connections, to be written by each at once: what they have in common is joined once.

import { frameFor, type Kind, type Parcel } from "./parcel.ts";

/** Frames that are written together. */
export interface Piece {
  readonly bytes: Buffer;
  /** How many messages these are. */
  readonly count: number;
}

// What is joined is copied once more, and a write as large as this gains nothing from being larger.
const LARGEST = 64 * 1024;

/** @internal */
export class Batch {
  readonly parcels: Parcel[] = [];
  readonly #pieces = new Map<number, readonly (Piece | undefined)[]>();
  #sealed = false;

  /** No more messages come: what is shared can be made. */
  seal(): void {
    this.#sealed = true;
  }

  /** The frames from message `index` on, as far as they are written together; undefined where they cannot be shared. */
  piece(index: number, kind: Kind): Piece | undefined {
    const piece = this.#sealed ? this.#of(kind)[index] : undefined;
    if (piece !== undefined) return piece;
    const bytes = this.parcels[index]?.[frameFor](kind);
    return bytes === undefined ? undefined : { bytes, count: 1 };
  }

  // At the index of the first message of each.
  #of(kind: Kind): readonly (Piece | undefined)[] {
    const key = kind.threshold * 16 + kind.bits;
    let pieces = this.#pieces.get(key);
    if (pieces === undefined) this.#pieces.set(key, (pieces = piecesOf(this.parcels, kind)));
    return pieces;
  }
}

function piecesOf(parcels: readonly Parcel[], kind: Kind): readonly (Piece | undefined)[] {
  const pieces: (Piece | undefined)[] = parcels.map(() => undefined);
  let frames: Buffer[] = [];
  let length = 0;
  const join = (end: number): void => {
    const [first, ...others] = frames;
    if (first === undefined) return;
    const bytes = others.length === 0 ? first : Buffer.concat(frames, length);
    pieces[end - frames.length] = { bytes, count: frames.length };
    frames = [];
    length = 0;
  };
  for (const [i, parcel] of parcels.entries()) {
    const frame = parcel[frameFor](kind);
    if (frame === undefined || length + frame.length > LARGEST) join(i);
    if (frame === undefined) continue;
    frames.push(frame);
    length += frame.length;
  }
  join(parcels.length);
  return pieces;
}
