// The clocks that watch a connection of a page. Browsers hold back timers of hidden tabs, by minutes: when one fires, what
// the network has queued meanwhile is let in first, and only then is silence judged.

import type { Settings } from "./options.ts";

const LONGEST = 2 ** 31 - 1; // milliseconds, of a timer

/** @internal */
export class Silence {
  readonly #reading: Watch | undefined;
  readonly #quiet: Watch | undefined;
  readonly #answer: Watch | undefined;

  /**
   * @param end ends the connection, and says why.
   * @param ask sends the message of `keepAlive`.
   */
  constructor({ readTimeout, keepAlive }: Settings, end: (what: string) => void, ask: () => void) {
    if (readTimeout !== undefined)
      this.#reading = new Watch(readTimeout, () => end("The peer sent nothing within `readTimeout`"));
    if (keepAlive === undefined) return;
    const { interval, timeout } = keepAlive;
    const answer =
      timeout === undefined
        ? undefined
        : new Watch(timeout, () => end("The peer did not answer the message of `keepAlive`"));
    const quiet = new Watch(interval, () => {
      ask();
      (answer ?? quiet).start();
    });
    this.#answer = answer;
    this.#quiet = quiet;
  }

  /** Something came, or reading goes on: all begins anew. */
  heard(): void {
    this.#reading?.start();
    this.#quiet?.start();
    this.#answer?.stop();
  }

  /** Nobody reads: what is not read is no silence. */
  stop(): void {
    this.#reading?.stop();
    this.#quiet?.stop();
    this.#answer?.stop();
  }
}

/** @internal A deadline that can be moved, and that a page that was late does not take for missed. */
export class Watch {
  readonly #length: number;
  readonly #ring: () => void;
  #deadline = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined = undefined;

  constructor(length: number, ring: () => void) {
    this.#length = length;
    this.#ring = ring;
  }

  // Moving it costs nothing: the timer that was armed before finds out.
  start(): void {
    this.#deadline = performance.now() + this.#length;
    if (this.#timer === undefined) this.#arm(this.#length);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(wait: number, isOver = false): void {
    this.#timer = setTimeout(() => this.#look(isOver), Math.min(Math.ceil(wait), LONGEST));
  }

  /** @param isOver true for a second look: what was queued when the first found nothing has come in since. */
  #look(isOver: boolean): void {
    const wait = this.#deadline - performance.now();
    if (wait > 0) this.#arm(wait);
    else if (isOver) {
      this.#timer = undefined;
      this.#ring();
    } else this.#arm(0, true);
  }
}
