/** @internal True for what may be asked for properties, functions apart. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
