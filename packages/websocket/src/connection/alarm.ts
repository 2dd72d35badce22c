// A deadline on the host's clock that never keeps the process alive and never goes off early.
// The surprising fact: before it goes off it lets the event loop turn once more, so that bytes that arrived while our
// own process was busy are read first and are not taken for silence.

const LONGEST_TIMER = 2 ** 31 - 1;

/** Calls back once its deadline has passed. Moving a deadline later costs nothing: the timer armed before finds out. */
export class Alarm {
  readonly #ring: () => void;
  #deadline = Infinity;
  #armedFor = Infinity;
  #timer: NodeJS.Timeout | undefined = undefined;
  #turn: NodeJS.Immediate | undefined = undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** True while a deadline is set. */
  get set(): boolean {
    return this.#deadline !== Infinity;
  }

  /** Sets the deadline, `milliseconds` from now. */
  in(milliseconds: number): void {
    this.at(performance.now() + milliseconds);
  }

  /** Sets the deadline, on the clock of `performance.now()`. */
  at(deadline: number): void {
    this.#deadline = deadline;
    if (this.#turn === undefined && deadline < this.#armedFor) this.#arm();
  }

  /** Forgets the deadline; the timer goes with it. */
  clear(): void {
    this.#deadline = this.#armedFor = Infinity;
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#timer = this.#turn = undefined;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#armedFor = this.#deadline;
    const wait = Math.max(0, Math.ceil(this.#deadline - performance.now()));
    this.#timer = setTimeout(this.#fired, Math.min(wait, LONGEST_TIMER));
    this.#timer.unref();
  }

  // The deadline was moved while the timer ran.
  #armAgain(): void {
    if (this.#deadline !== Infinity) this.#arm();
  }

  readonly #fired = (): void => {
    this.#armedFor = Infinity;
    if (performance.now() < this.#deadline) {
      this.#armAgain();
      return;
    }
    // Never `unref` it: the loop would sleep until something else wakes it, and the deadline with it.
    this.#turn = setImmediate(this.#turned);
  };

  readonly #turned = (): void => {
    this.#turn = undefined;
    if (performance.now() < this.#deadline) {
      this.#armAgain();
      return;
    }
    this.#deadline = Infinity;
    this.#ring();
  };
}
