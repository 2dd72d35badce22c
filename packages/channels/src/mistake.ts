// How a programmer's mistake is told: which argument, what was expected, what came.

/** @internal Throws unless the argument is right. */
export function check(right: boolean, what: string, wanted: string, got: unknown, Mistake = TypeError): asserts right {
  if (right) return;
  throw new Mistake(`Expected \`${what}\` to be ${wanted}, got \`${shown(got)}\``);
}

/** @internal A value in a message; no code of its own is run. */
export function shown(value: unknown): string {
  return isObject(value) || typeof value === "function" ? Object.prototype.toString.call(value) : String(value);
}

/** @internal Gives an option that may be absent, of a type as `typeof` says it. */
export function option<O extends object, K extends keyof O & string>(
  options: O | undefined,
  key: K,
  type: string,
): O[K] | undefined {
  const value = options?.[key];
  check(value === undefined || typeof value === type, key, `a ${type}`, value);
  return value;
}

/** @internal True for what may be asked for properties, functions apart. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
