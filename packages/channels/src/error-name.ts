// The name of an error, given as a text where the class is ours: bundlers rename classes. Not by assignment and not as a
// class field: it belongs out of `Object.keys` and of what `util.inspect` lists.

/** @internal */
export function named(error: Error, name: string): void {
  Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
}
