// A binary heap of moments, so that one armed host timer serves any number of deadlines.
// Each entry knows its own position: changing or removing one is O(log n), without a search.

/** @internal An entry; its fields belong to the heap. */
export interface Deadline {
  due: number;
  /** Index in the heap, or -1 outside. */
  position: number;
  /** Breaks ties: what was set first comes first. */
  order: number;
}

/** @internal */
export class Deadlines<E extends Deadline> {
  readonly #entries: E[] = [];
  #orders = 0;

  /** The earliest. */
  get first(): E | undefined {
    return this.#entries[0];
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Adds an entry, or moves it to another moment. */
  set(entry: E, due: number): void {
    entry.due = due;
    this.#orders += 1;
    entry.order = this.#orders;
    if (entry.position < 0) {
      entry.position = this.#entries.length;
      this.#entries.push(entry);
    }
    this.#settle(entry);
  }

  /** Removes an entry; does nothing when it is outside. */
  delete(entry: E): void {
    const { position } = entry;
    if (position < 0) return;
    const last = this.#entries.pop() as E;
    entry.position = -1;
    if (last === entry) return;
    this.#place(last, position);
    this.#settle(last);
  }

  #place(entry: E, position: number): void {
    this.#entries[position] = entry;
    entry.position = position;
  }

  // Up while earlier than its parent, then down while later than a child.
  #settle(entry: E): void {
    let { position } = entry;
    while (position > 0) {
      const above = (position - 1) >> 1;
      const parent = this.#entries[above] as E;
      if (!isBefore(entry, parent)) break;
      this.#place(parent, position);
      position = above;
    }
    for (;;) {
      let below = position * 2 + 1;
      let child = this.#entries[below];
      if (child === undefined) break;
      const right = this.#entries[below + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        below += 1;
      }
      if (!isBefore(child, entry)) break;
      this.#place(child, position);
      position = below;
    }
    this.#place(entry, position);
  }
}

function isBefore(a: Deadline, b: Deadline): boolean {
  return (a.due - b.due || a.order - b.order) < 0;
}
