// Counts of what passes through channels, while somebody records them: they stand with whoever records, since a channel
// at rest must not grow for them. Off, each costs a comparison.

/** Says what a snapshot shows of a channel beyond its counts: never a value, nor what may be a secret. */
export type Tell = () => Readonly<Record<string, number | string | boolean>>;

/** Sees channels come, and values leave them. */
export interface Counting {
  /**
   * A channel was made. `entry` is what the program called to get it, if that is not among the last frames. `tell` is
   * asked by each snapshot, and kept as long as the channel lives: it may hold it.
   */
  made(channel: object, kind: string, entry?: unknown, tell?: Tell): void;
  /** A value is about to be taken out of it. */
  taking(channel: object): void;
  /** A value went to whoever waited. */
  handed(channel: object): void;
  /** A value of it was dropped. */
  dropped(channel: object): void;
  /** A value was put into it, a sender waits, or it was closed. */
  touched(channel: object): void;
}

/** Who is to be told; undefined while nobody records, so `counting?.made(…)` costs a comparison then. */
export let counting: Counting | undefined;

/** @internal */
export function setCounting(next: Counting | undefined): void {
  counting = next;
}
