// Values to send, and what comes out.

import { Channel, type ReceiveChannel } from "@sluice/channels";

/** The integers from 0 to `length` - 1. */
export function upTo(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

/** Takes what is there, without waiting. */
export function taken<T>(channel: ReceiveChannel<T>): T[] {
  const values: T[] = [];
  for (let next = channel.tryReceive(); next?.ok === true; next = channel.tryReceive()) values.push(next.value);
  return values;
}

/** What a function that must throw throws. */
export function thrownBy(task: () => unknown): unknown {
  try {
    task();
  } catch (thrown) {
    return thrown;
  }
  throw new Error("Expected the function to throw, but it returned");
}

/** A channel that holds these values, closed behind them unless it is to stay open. */
export function filled<T>(values: readonly T[], end?: "stay open"): Channel<T> {
  const channel = new Channel<T>(values.length + 1);
  for (const value of values) channel.trySend(value);
  if (end === undefined) channel.close();
  return channel;
}
