// The clocks that watch a connection of a page. Browsers hold back timers of hidden tabs, by minutes: when one fires, what
// the network has queued meanwhile is let in first, and only then is silence judged.

/** @internal */
export interface SilenceOptions {
  readonly readTimeout: number | undefined;
  readonly keepAlive: { readonly interval: number; readonly timeout: number | undefined } | undefined;
  /** Nothing came within `readTimeout`. */
  readonly onSilent: () => void;
  /** Nothing came within the interval of `keepAlive`. */
  readonly onQuiet: () => void;
  /** Nothing came within its timeout, either. */
  readonly onUnanswered: () => void;
}

/** @internal */
export class Silence {
  readonly #reading: Watch | undefined;
  readonly #quiet: Watch | undefined;
  readonly #answer: Watch | undefined;

  constructor({ readTimeout, keepAlive, onSilent, onQuiet, onUnanswered }: SilenceOptions) {
    if (readTimeout !== undefined) this.#reading = new Watch(readTimeout, onSilent);
    if (keepAlive === undefined) return;
    const { interval, timeout } = keepAlive;
    if (timeout !== undefined) this.#answer = new Watch(timeout, onUnanswered);
    this.#quiet = new Watch(interval, () => {
      onQuiet();
      if (timeout === undefined) this.#quiet?.start();
      else this.#answer?.start();
    });
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

class Watch {
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
    this.#timer ??= setTimeout(this.#look, this.#length);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#deadline = Infinity;
  }

  readonly #look = (): void => {
    const wait = this.#deadline - performance.now();
    if (wait > 0) this.#timer = setTimeout(this.#look, Math.ceil(wait));
    else this.#timer = setTimeout(this.#judge, 0);
  };

  readonly #judge = (): void => {
    this.#timer = undefined;
    const wait = this.#deadline - performance.now();
    if (wait > 0) {
      this.#timer = setTimeout(this.#look, Math.ceil(wait));
      return;
    }
    this.#deadline = Infinity;
    this.#ring();
  };
}
