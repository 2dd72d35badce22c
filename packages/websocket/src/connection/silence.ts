// Listens for silence: `readTimeout` and `keepAlive`, and the life sign of a long pause. While reading is paused by our
// own slow consumer nothing can be heard, so every clock here stands still and starts afresh when reading goes on.

import { Alarm } from "./alarm.ts";
import type { Answer } from "./pings.ts";

// While we do not read we answer no pings; an unsolicited pong now and then (RFC 6455 5.5.3) tells peer and proxies
// that we live. Proxies cut idle connections after a minute or so.
const LIFE_SIGN = 15_000;

/** @internal */
export interface SilenceOptions {
  readonly readTimeout: number | undefined;
  readonly keepAlive: { readonly interval: number; readonly timeout: number | undefined } | undefined;
  /** Nothing came for `readTimeout`. */
  readonly onSilent: () => void;
  /** Nothing came for `interval`: ping; gives the wait for the answer. */
  readonly onQuiet: (timeout: number | undefined) => Answer;
  /** Nothing came for `timeout` after the ping, or it could not leave. */
  readonly onUnanswered: (departed: boolean) => void;
  /** Reading has been paused for long: give a sign of life. */
  readonly onLongPause: () => void;
}

/** @internal */
export class Silence {
  readonly #options: SilenceOptions;
  readonly #read: Alarm | undefined;
  readonly #quiet: Alarm | undefined;
  // The others are made when they are needed first: most connections are heard of, and never paused for long.
  #answer: Alarm | undefined = undefined;
  #awaited: Answer | undefined = undefined;
  #pause: Alarm | undefined = undefined;
  #heardAt = 0;
  #pausedAt: number | undefined = undefined;
  #ended = false;

  constructor(options: SilenceOptions) {
    this.#options = options;
    if (options.readTimeout !== undefined) this.#read = new Alarm(() => this.#readDue());
    if (options.keepAlive !== undefined) this.#quiet = new Alarm(() => this.#quietDue());
    this.heard();
  }

  /** True when somebody must call `heard`. */
  get listens(): boolean {
    return this.#read !== undefined || this.#quiet !== undefined;
  }

  /** Bytes came from the peer. */
  heard(): void {
    if (this.#ended || !this.listens) return;
    this.#heardAt = performance.now();
    const { readTimeout, keepAlive } = this.#options;
    if (readTimeout !== undefined) this.#read?.at(this.#heardAt + readTimeout);
    if (keepAlive !== undefined) this.#quiet?.at(this.#heardAt + keepAlive.interval);
    this.#answer?.at(Infinity);
    this.#awaited = undefined;
  }

  /** Reading is paused by us. */
  paused(): void {
    if (this.#ended) return;
    this.#pausedAt = performance.now();
    // Timers stay as they are, since a fast peer makes us pause thousands of times each second: what is due while
    // paused is passed over.
    this.#pause ??= new Alarm(() => this.#pauseDue());
    if (!this.#pause.set) this.#pause.at(this.#pausedAt + LIFE_SIGN);
  }

  /** Reading goes on. */
  resumed(): void {
    this.#pausedAt = undefined;
    this.heard();
  }

  /** The connection ends: no clock goes on. */
  end(): void {
    this.#ended = true;
    this.#awaited = undefined;
    for (const alarm of [this.#read, this.#quiet, this.#answer, this.#pause]) alarm?.clear();
  }

  #readDue(): void {
    if (this.#pausedAt === undefined) this.#options.onSilent();
  }

  #quietDue(): void {
    if (this.#pausedAt !== undefined) return;
    const { keepAlive, onQuiet } = this.#options;
    const answer = onQuiet(keepAlive?.timeout);
    if (keepAlive?.timeout === undefined) {
      // Without a limit for the answer the connection is pinged for as long as it is silent.
      if (keepAlive !== undefined) this.#quiet?.in(keepAlive.interval);
      return;
    }
    this.#awaited = answer;
    this.#answer ??= new Alarm(() => this.#answerDue());
    this.#answer.in(answer.nextLook());
    answer.listen(() => {
      if (this.#awaited === answer) this.#answer?.in(answer.nextLook());
    });
  }

  #answerDue(): void {
    const answer = this.#awaited;
    if (this.#pausedAt !== undefined || answer === undefined) return;
    if (answer.left() > 0) this.#answer?.in(answer.nextLook());
    else this.#options.onUnanswered(answer.departed);
  }

  #pauseDue(): void {
    if (this.#pausedAt === undefined) return;
    const due = this.#pausedAt + LIFE_SIGN;
    const now = performance.now();
    if (now < due) {
      this.#pause?.at(due);
      return;
    }
    this.#options.onLongPause();
    this.#pausedAt = now;
    this.#pause?.at(now + LIFE_SIGN);
  }
}
