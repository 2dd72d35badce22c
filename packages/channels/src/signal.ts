// One abort listener for each AbortSignal, however many operations wait on it: hosts make the second and every later
// listener expensive (550 ns, 25,000 ns at 10,000 of them) and Node warns at the eleventh.
// The listener is added when the first operation parks and removed with the last.

import { check, checkOptions } from "./mistake.ts";
import { rejected, settle } from "./turn.ts";
import type { SignalOptions } from "./types.ts";

const groups = new WeakMap<AbortSignal, SignalGroup>();

/** @internal Something parked that a signal can end. */
export interface Parked {
  group: SignalGroup | undefined;
  reject: ((reason: unknown) => void) | undefined;
  /** Leaves every list it is in. */
  leave(): void;
}

/** @internal The operations that one signal ends, in the order in which they parked. */
export class SignalGroup extends Set<Parked> {
  readonly signal: AbortSignal;

  constructor(signal: AbortSignal) {
    super();
    this.signal = signal;
  }

  handleEvent(): void {
    for (const operation of this) {
      const { reject } = operation;
      operation.leave();
      settle(reject as (reason: unknown) => void, this.signal.reason);
    }
  }
}

/** What ends with a signal though it is no operation that waits: a connection, a link. */
class Subject implements Parked {
  group: SignalGroup | undefined = undefined;
  readonly reject = (): void => undefined; // there is no promise
  readonly #end: () => void;

  constructor(end: () => void) {
    this.#end = end;
  }

  leave(): void {
    this.forget();
    this.#end();
  }

  forget(): void {
    if (this.group !== undefined) unlisten(this, this.group);
    this.group = undefined;
  }
}

/**
 * Calls back in the turn in which a signal is aborted, once; at most one listener stands on the signal, however many
 * wait for it. Gives what forgets it.
 */
export function onAbort(signal: AbortSignal, end: () => void): () => void {
  const subject = new Subject(end);
  listen(subject, { signal });
  return () => subject.forget();
}

/** @internal Lets the signal of `options`, if there is one, end a parked operation. */
export function listen(operation: Parked, { signal }: SignalOptions): void {
  if (signal === undefined) return;
  let group = groups.get(signal);
  if (group === undefined) groups.set(signal, (group = new SignalGroup(signal)));
  if (group.size === 0) signal.addEventListener("abort", group);
  operation.group = group.add(operation);
}

/** @internal The operation was done by other means, or by its signal. */
export function unlisten(operation: Parked, group: SignalGroup): void {
  group.delete(operation);
  if (group.size === 0) group.signal.removeEventListener("abort", group);
}

const NAMES = ["signal"];

/** @internal The rejection of a call whose signal was aborted before, or whose options, of these names, are a mistake. */
export function refusal(
  options: SignalOptions | undefined,
  names: readonly string[] = NAMES,
): Promise<never> | undefined {
  return options === undefined ? undefined : refusalBy(options, names);
}

/** @internal Throws unless these are options of these names, with an AbortSignal where there is a signal. */
export function checkSignalOptions(options: SignalOptions, names: readonly string[] = NAMES): void {
  checkOptions(options, names);
  const { signal } = options;
  if (signal === undefined) return;
  const listens = typeof (signal as AbortSignal | null)?.addEventListener === "function";
  check(listens && "aborted" in signal, "signal", "an AbortSignal", signal);
}

// Apart, so that what is nearly always asked is inlined (bench: rendezvous).
function refusalBy(options: SignalOptions, names: readonly string[]): Promise<never> | undefined {
  try {
    checkSignalOptions(options, names);
    const { signal } = options;
    return signal?.aborted === true ? rejected(signal.reason) : undefined;
  } catch (mistake) {
    return rejected(mistake);
  }
}
