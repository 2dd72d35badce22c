// The library's one source of chance: the fair draw of a select, the jitter of a backoff.

let source: () => number = Math.random;

/** Gives a number from 0 up to 1, at random; under virtual time the same ones in each run. */
export function random(): number {
  return source();
}

/** @internal Replaces the source: virtual time makes runs repeat. */
export function setRandom(next: () => number): void {
  source = next;
}
