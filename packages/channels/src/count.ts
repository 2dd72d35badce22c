// Counts of what passes through channels, while somebody records them: they stand with whoever records, since a channel
// at rest must not grow for them. Off, each costs a comparison.

/** @internal Sees channels come, and values leave them. */
export interface Counting {
  /** A channel was made. `entry` is what the program called to get it, if that is not among the last frames. */
  made(channel: object, kind: string, entry: unknown): void;
  /** A value is about to be taken out of it. */
  taking(channel: object): void;
  /** A value went to whoever waited. */
  handed(channel: object): void;
  dropped(channel: object): void;
  /** A value was put into it, a sender waits, or it was closed. */
  touched(channel: object): void;
}

/** @internal Undefined while nobody records. */
export let counting: Counting | undefined;

/** @internal */
export function setCounting(next: Counting | undefined): void {
  counting = next;
}
