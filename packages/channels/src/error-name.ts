// What makes an error one of ours.

/** @internal One brand for every copy of this package in a program: a copy has a class of its own. */
export const brand: unique symbol = Symbol.for("@sluice/channels.error");
/** @internal Marks a programmer's mistake, which is no `SluiceError` by its class. */
export const marked: unique symbol = Symbol("marked");

// The name of an error, given as a text where the class is ours: bundlers rename classes. Not by assignment and not as a
// class field: it belongs out of `Object.keys` and of what `util.inspect` lists.

/** @internal */
export function named(error: Error, name: string): void {
  Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
}
