// A ring that grows and shrinks: the buffer of a channel, and the queue of completions that wait for a turn.
// Nothing is allocated before the first push, and a slot is cleared when its value leaves.

const FIRST_SLOTS = 8;
const SLOTS_KEPT = 1024;

/**
 * A first-in, first-out ring. Slots double when full; when seven eighths are empty three quarters are given back, but
 * for a few: the ring is half full then, so that no load makes it grow and shrink again and again.
 */
export class Ring<T> {
  #slots: (T | undefined)[] = [];
  #head = 0;
  #length = 0;
  #shrinkAt = -1; // the length; a ring of few slots does not shrink

  /** Values inside. */
  get length(): number {
    return this.#length;
  }

  /** Appends a value. */
  push(value: T): void {
    if (this.#length === this.#slots.length) Ring.#grow(this);
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = value;
    this.#length += 1;
  }

  /** Removes and returns the oldest value; only to be called when `length` is not 0. */
  shift(): T {
    const value = this.#slots[this.#head];
    this.#slots[this.#head] = undefined; // a received value must not stay reachable
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length -= 1;
    if (this.#length === this.#shrinkAt) Ring.#shrink(this);
    return value as T;
  }

  // The slots are always a power of two, so that wrapping around is a mask.
  //   before  [ e f | c d ]   head = 2      after  [ c d e f . . . . ]   head = 0
  static #grow<T>(ring: Ring<T>): void {
    const wrapped = ring.#slots.splice(0, ring.#head);
    const more = Array<T | undefined>(ring.#slots.length + wrapped.length || FIRST_SLOTS).fill(undefined);
    Ring.#place(ring, ring.#slots.concat(wrapped, more));
  }

  //   before  [ c d . . . . . . . . . . . a b ]   head = 14      after  [ a b c d . . . . ]   head = 0
  static #shrink<T>(ring: Ring<T>): void {
    const slots = ring.#slots;
    const values = slots.slice(ring.#head, ring.#head + ring.#length);
    const wrapped = slots.slice(0, ring.#length - values.length);
    const more = Array<T | undefined>((slots.length >> 2) - ring.#length).fill(undefined);
    Ring.#place(ring, values.concat(wrapped, more));
  }

  static #place<T>(ring: Ring<T>, slots: (T | undefined)[]): void {
    ring.#slots = slots;
    ring.#head = 0;
    ring.#shrinkAt = slots.length > SLOTS_KEPT ? slots.length >> 3 : -1;
  }
}
