// Moves values from one channel to another, one at a time. Surprising: it must see that the target closes while it waits
// for the source, or it would take one value more for nobody; so it stands in front of the target and looks.

import {
  genuine,
  isObject,
  option,
  refusal,
  rejected,
  sends,
  shownStranger,
  Source,
  unfit,
  Watch,
  whenClosed,
} from "../source.ts";
import { Channel } from "../channel.ts";
import { CLOSED, is, SluiceError, UNKNOWN } from "../errors.ts";
import { select } from "../select.ts";
import { sourceOf } from "../supply.ts";
import type { ReceiveChannel, SendChannel, SignalOptions } from "../types.ts";

/** Options of `pipe`. */
export interface PipeOptions extends SignalOptions {
  /** Whether the target is closed, with the source's cause, when the source has ended. Default true. */
  readonly close?: boolean | undefined;
}

/** What `pipe` has done. */
export interface Piped<T> {
  /** Values that the target has accepted. */
  readonly moved: number;
  /** The value that was taken and that the target has not accepted, if there is one. */
  readonly undelivered: readonly T[];
}

/**
 * Moves values from a source to a target until the source has ended, and then closes the target with the source's
 * cause; or until the target has closed.
 *
 * It has one value in hand at most. Where the target closes, or the signal is aborted, while that value waits to be
 * accepted, the result has it in `undelivered`; the source stays open and keeps the rest.
 *
 * On abort with nothing in hand it rejects with the signal's reason. A target that refuses a value for another reason
 * makes it reject with a `SluiceError` that has the reason as `cause` and the value in `details.undelivered`.
 *
 * @throws TypeError (as a rejection) for what is no channel.
 *
 * @example
 * import { Channel } from "@sluice/channels";
 * import { pipe } from "@sluice/channels/flow";
 *
 * const [from, to] = [new Channel<string>(2), new Channel<string>(2)];
 * await from.send("a");
 * await from.send("b");
 * from.close();
 * const { moved, undelivered } = await pipe(from, to);
 * console.log(moved, undelivered.length, to.closed); // → 2 0 true
 */
export function pipe<T>(
  source: ReceiveChannel<T>,
  target: SendChannel<T>,
  options: PipeOptions = {},
): Promise<Piped<T>> {
  try {
    const refused = refusal(options, ["signal", "close"]);
    if (refused !== undefined) return refused;
    const right = isObject(target) && (target as Partial<SendChannel<T>>)[sends] === true;
    if (!right) {
      const got = isObject(target) && Source[genuine](target) ? "a channel to receive from" : shownStranger(target);
      throw unfit("target", "a channel to send on", got);
    }
    return move(sourceOf(source), target, options.signal, option(options, "close", "boolean") ?? true);
  } catch (mistake) {
    return rejected(mistake);
  }
}

async function move<T>(
  source: ReceiveChannel<T>,
  target: SendChannel<T>,
  signal: AbortSignal | undefined,
  close: boolean,
): Promise<Piped<T>> {
  let moved = 0;
  const end = new Channel<never>({ name: "the end of the target" });
  const forget = lookOut(target, () => end.close());
  try {
    for (;;) {
      const next = await select([end, source], { signal, priority: true });
      if (next.index === 0) return { moved, undelivered: [] };
      if (!next.ok) {
        if (close) target.close(source.cause);
        return { moved, undelivered: [] };
      }
      const { value } = next;
      try {
        await target.send(value, { signal });
      } catch (cause) {
        const undelivered = [value];
        if (is(cause, CLOSED) || signal?.aborted === true) return { moved, undelivered };
        const details = Object.defineProperty({ moved }, "undelivered", { value: undelivered });
        throw new SluiceError(UNKNOWN, "The target has refused a value", { cause, details });
      }
      moved += 1;
    }
  } finally {
    forget?.();
  }
}

type Closing = SendChannel<never> & { readonly [whenClosed]?: (tell: () => void) => () => void };

function lookOut(target: Closing, tell: () => void): (() => void) | undefined {
  if (target.closed) tell();
  if (!Source[genuine](target)) return target[whenClosed]?.(tell);
  const place = new Lookout(target, tell);
  return () => place.leave();
}

/** Stands in front of the target, where it takes nothing, to learn that it closes. */
class Lookout extends Watch<Source<unknown>> {
  readonly arrival: number = Infinity;
  readonly #tell: () => void;

  constructor(target: Source<unknown>, tell: () => void) {
    super(target);
    this.#tell = tell;
  }

  told(): void {
    if (this.source.closed) this.#tell();
  }

  wake(): void {}
}
