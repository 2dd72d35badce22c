// Law 3 for promises that may settle without I/O: they take part in the budget of the core, so that a loop which pings,
// closes or dials again after each failure lets timers and sockets have their turn.

import { settled } from "@sluice/channels/source";

/** @internal Gives what a promise gives, once the budget lets it. An `await`, so that stacks lead to the caller. */
export async function budgeted<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } finally {
    await settled(undefined);
  }
}
