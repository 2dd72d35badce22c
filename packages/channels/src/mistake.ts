// How a programmer's mistake is told: which argument, what was expected, what came.

/** @internal */
export function expected(what: string, wanted: string, got: unknown): string {
  const text = isObject(got) || typeof got === "function" ? Object.prototype.toString.call(got) : String(got);
  return `Expected \`${what}\` to be ${wanted}, got \`${text}\``;
}

/** @internal Throws unless the argument is right. */
export function check(right: boolean, what: string, wanted: string, got: unknown, Mistake = TypeError): asserts right {
  if (!right) throw new Mistake(expected(what, wanted, got));
}

/** @internal */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
