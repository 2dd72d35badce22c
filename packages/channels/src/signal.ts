// One abort listener for each AbortSignal, however many operations wait on it: hosts make the second and every later
// listener expensive (550 ns, 25,000 ns at 10,000 of them) and Node warns at the eleventh.
// The listener is added when the first operation parks and removed with the last.

import { rejected, settle } from "./turn.ts";
import type { SignalOptions } from "./types.ts";
import { type Link, List, type Parked, unlink } from "./waiter.ts";

const groups = new WeakMap<AbortSignal, SignalGroup>();

class SignalGroup extends List<Listening> {
  readonly signal: AbortSignal;

  constructor(signal: AbortSignal) {
    super();
    this.signal = signal;
  }

  override append(node: Link): void {
    if (this.head === undefined) this.signal.addEventListener("abort", this);
    super.append(node);
  }

  override remove(node: Link): void {
    super.remove(node);
    if (this.head === undefined) this.signal.removeEventListener("abort", this);
  }

  handleEvent(): void {
    for (let first = this.head; first !== undefined; first = this.head) first.abort(this.signal.reason);
  }
}

/** @internal A parked operation's place on its signal. */
export class Listening implements Link {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;
  list: List<Link> | undefined = undefined;
  readonly #parked: Parked;
  readonly #reject: (reason: unknown) => void;

  constructor(signal: AbortSignal, parked: Parked, reject: (reason: unknown) => void) {
    this.#parked = parked;
    this.#reject = reject;
    let group = groups.get(signal);
    if (group === undefined) {
      group = new SignalGroup(signal);
      groups.set(signal, group);
    }
    group.append(this);
  }

  /** The operation was done by other means. */
  stop(): void {
    unlink(this);
  }

  abort(reason: unknown): void {
    this.#parked.leave();
    settle(this.#reject, reason);
  }
}

/** @internal Lets the signal of `options` end a parked operation; does nothing without one. */
export function listen(parked: Parked, options: SignalOptions | undefined, reject: (reason: unknown) => void): void {
  const signal = options?.signal;
  if (signal !== undefined) parked.listening = new Listening(signal, parked, reject);
}

/** @internal The rejection of a call whose signal was aborted before, or whose options are a mistake. */
export function refusal(options: SignalOptions): Promise<never> | undefined {
  try {
    const signal = signalOf(options);
    return signal?.aborted === true ? rejected(signal.reason) : undefined;
  } catch (mistake) {
    return rejected(mistake);
  }
}

function signalOf(options: SignalOptions): AbortSignal | undefined {
  if (!isObject(options)) throw new TypeError(`Expected \`options\` to be an object, got \`${String(options)}\``);
  const { signal } = options;
  if (signal === undefined) return undefined;
  if (!isObject(signal) || !("aborted" in signal) || !("addEventListener" in signal)) {
    throw new TypeError(`Expected \`signal\` to be an AbortSignal, got \`${String(signal)}\``);
  }
  return signal;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
