// How a programmer's mistake is told: which argument, what was expected, what came.

/** @internal Throws unless the argument is right. */
export function check(right: boolean, what: string, wanted: string, got: unknown, Mistake = TypeError): asserts right {
  if (right) return;
  const text = isObject(got) || typeof got === "function" ? Object.prototype.toString.call(got) : String(got);
  throw new Mistake(`Expected \`${what}\` to be ${wanted}, got \`${text}\``);
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
