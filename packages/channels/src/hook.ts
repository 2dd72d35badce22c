// Hooks of the program, run where its own code called: in the middle of a send.

/** @internal Runs a drop hook, if there is one. What it throws is an uncaught exception, as in an event listener. */
export function runHook<T>(onDrop: ((value: T) => void) | undefined, value: T): void {
  try {
    onDrop?.(value);
  } catch (mistake) {
    queueMicrotask(() => {
      throw mistake; // the send succeeded
    });
  }
}
