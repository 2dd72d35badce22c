// What became of an operation, written so that the library's and the reference's can be compared.

import { ClosedError, errors, type Received } from "@sluice/channels";

/** What happened, and with what. */
export type Facts = readonly [what: string, ...facts: unknown[]];
/** The operation's number, and what became of it. */
export type Entry = readonly [id: number, ...Facts];

/** The result of a select, as far as it is compared. */
export interface Outcome {
  readonly default?: unknown;
  readonly index?: number | undefined;
  readonly name?: string | undefined;
  readonly value: unknown;
  readonly ok: boolean;
  readonly cause?: unknown;
}

export function factsOf(outcome: Outcome): Facts {
  const { default: isDefault, index, name: named, value, ok } = outcome;
  if (isDefault === true) return ["default"];
  return "cause" in outcome
    ? ["select", index ?? named, value, ok, causeOf(outcome.cause)]
    : ["select", index ?? named, value, ok];
}

/** The cause of a subscription that was ended because it was slow, as it is compared. */
export const SLOW = "was slow";

export function causeOf(cause: unknown): unknown {
  return errors.is(cause, errors.UNAVAILABLE) ? SLOW : cause;
}

/** What a receive without waiting gave, as it is compared. */
export function compared(received: Received<number> | undefined): object | undefined {
  return received?.ok === false ? { ...received, cause: causeOf(received.cause) } : received;
}

export function factsOfFailure(reason: unknown): Facts {
  if (reason instanceof TypeError) return ["TypeError"];
  if (!(reason instanceof ClosedError)) return ["rejected", causeOf(reason)];
  return ["closed", reason.value, reason.case, reason.cause];
}

export function immediately(choose: () => Outcome | undefined): Entry | undefined {
  try {
    const result = choose();
    return result && [-1, ...factsOf(result)];
  } catch (reason) {
    return [-1, ...factsOfFailure(reason)];
  }
}

export function keyOf([, what, first, second]: Entry): unknown {
  return what === "closed" ? second : first;
}

export function factsOfEvent(
  event: { readonly name: string; readonly value: unknown; readonly ok: boolean; readonly cause?: unknown } | undefined,
): Facts {
  if (event === undefined) return ["nothing"];
  return "cause" in event
    ? ["event", event.name, event.value, event.ok, causeOf(event.cause)]
    : ["event", event.name, event.value, event.ok];
}
