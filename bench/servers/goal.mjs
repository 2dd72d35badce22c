// Counts, and tells who waits for a number when it is reached: nobody looks again and again, which would be measured too.

export class Goal {
  #count = 0;
  #goal = Infinity;
  #resolve = () => {};

  count() {
    this.#count += 1;
    if (this.#count === this.#goal) this.#resolve();
  }

  /** Waits for so many more. */
  reached(more) {
    this.#goal = this.#count + more;
    return new Promise((resolve) => (this.#resolve = resolve));
  }
}
