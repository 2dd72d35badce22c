// One message that was published, and what became of it: it is told once, when every member had it in its line.

import { settle } from "@sluice/channels/source";
import type { Parcel } from "../connection/parcel.ts";

/** What became of a message. */
export interface Published {
  /** Clients that it was queued for. */
  readonly queued: number;
  /** Messages that were dropped for it: older ones, of clients that did not keep up. */
  readonly dropped: number;
  /** Clients that were disconnected in place of queueing one more. */
  readonly disconnected: number;
}

/** @internal */
export class Posting {
  readonly parcel: Parcel;
  readonly key: string | undefined;
  /** Members at the instant of the call. */
  members: number;
  dropped = 0;
  disconnected = 0;
  /** Members that are slow, and that it waits for. */
  waitsFor = 0;
  readonly #resolve: (published: Published) => void;
  #told = false;

  constructor(
    parcel: Parcel,
    { key, members, resolve }: Pick<Posting, "key" | "members"> & { resolve: (published: Published) => void },
  ) {
    this.parcel = parcel;
    this.key = key;
    this.members = members;
    this.#resolve = resolve;
  }

  /** What happens now is not in what it told. */
  get told(): boolean {
    return this.#told;
  }

  /** Tells what became of it, once nobody is waited for. */
  tell(): void {
    if (this.#told) return;
    this.#told = true;
    if (this.waitsFor === 0) this.#settle();
  }

  /** A member that it waited for has room, or is gone. */
  release(): void {
    this.waitsFor -= 1;
    if (this.waitsFor === 0 && this.#told) this.#settle();
  }

  #settle(): void {
    const { members, dropped, disconnected } = this;
    settle(this.#resolve, { queued: members - disconnected, dropped, disconnected });
  }
}
