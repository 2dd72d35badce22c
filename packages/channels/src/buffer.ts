// A ring that grows: the buffer of a channel, and the queue of completions that wait for a turn.
// Nothing is allocated before the first push, and a slot is cleared when its value leaves.

const FIRST_SLOTS = 8;
const SLOTS_KEPT_EMPTY = 1024;

/** A first-in, first-out ring. Slots double when full; an empty ring keeps no more than a few. */
export class Ring<T> {
  #slots: (T | undefined)[] = [];
  #head = 0;
  #length = 0;

  /** Values inside. */
  get length(): number {
    return this.#length;
  }

  /** Appends a value. */
  push(value: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = value;
    this.#length += 1;
  }

  /** Removes and returns the oldest value; only to be called when `length` is not 0. */
  shift(): T {
    const value = this.#slots[this.#head];
    this.#slots[this.#head] = undefined; // a received value must not stay reachable
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length -= 1;
    if (this.#length === 0 && this.#slots.length > SLOTS_KEPT_EMPTY) this.#slots = [];
    return value as T;
  }

  // The slots are always a power of two, so that wrapping around is a mask.
  //   before  [ e f | c d ]   head = 2      after  [ c d e f . . . . ]   head = 0
  #grow(): void {
    const wrapped = this.#slots.splice(0, this.#head);
    const more = Array<T | undefined>(this.#slots.length + wrapped.length || FIRST_SLOTS).fill(undefined);
    this.#slots = this.#slots.concat(wrapped, more);
    this.#head = 0;
  }
}
