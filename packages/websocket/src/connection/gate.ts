// Stands between the wire and ws. ws gets what was judged before, whole, and hears of the connection's end when all in
// front of it has been read: what it is given after that it takes for an error.

import type { Socket } from "node:net";

type Listener = (this: Socket, ...given: unknown[]) => void;

/** @internal What is done with the events that ws would have heard. */
export interface Listening {
  readonly data: (chunk: Buffer) => void;
  /** The peer ended its side. Once it has been dealt with, `hear` tells ws. */
  readonly end: (hear: () => void) => void;
  /** The wire is gone; `unread` is what it still held. */
  readonly close: (unread: Buffer | undefined, hear: () => void) => void;
}

// Opcode 3 means nothing (RFC 6455 5.2).
const FORBIDDEN: Buffer = Buffer.from([0x83, 0]);

/** @internal */
export class Gate {
  readonly #wire: Socket;
  readonly #give: Listener;

  private constructor(wire: Socket, give: Listener) {
    this.#wire = wire;
    this.#give = give;
  }

  /**
   * Takes the place of the listeners through which ws reads: to be called in the turn in which it has just added them.
   * Undefined where they are not as they are known: then ws reads by itself, and what arrives behind a full channel is
   * for the channel to hold.
   */
  static between(wire: Socket, listening: Listening): Gate | undefined {
    const [data, ...others] = wire.listeners("data") as Listener[];
    const end = wire.listeners("end").at(-1) as Listener | undefined;
    const close = wire.listeners("close").at(-1) as Listener | undefined;
    if (data === undefined || end === undefined || close === undefined || others.length > 0) return undefined;
    wire.off("data", data).off("end", end).off("close", close);
    wire.on("data", listening.data);
    wire.on("end", () => listening.end(() => end.call(wire)));
    wire.on("close", (...given: unknown[]) => {
      const unread = wire.readableLength > 0 ? (wire.read(wire.readableLength) as Buffer | null) : null;
      listening.close(unread ?? undefined, () => close.call(wire, ...given));
    });
    return new Gate(wire, data);
  }

  /** Gives a frame to ws. */
  give(header: Buffer, payload: Buffer): void {
    this.#give.call(this.#wire, header);
    if (payload.length > 0) this.#give.call(this.#wire, payload);
  }

  /**
   * Makes ws let go of the connection as it does after a violation that it finds by itself: it ends our side of it as
   * soon as the close frame, which must be on its way already, has left, and reads no more.
   */
  hangUp(): void {
    this.#give.call(this.#wire, FORBIDDEN);
  }
}
