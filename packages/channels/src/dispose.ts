// `using` support that does no harm where the host has no `Symbol.dispose`: a class member would be called "undefined".

/** @internal Lets a method be called by `using`; where the host has no such symbol, under one that nobody has. */
export function disposeBy<T extends object>(prototype: T, method: keyof T): void {
  const { dispose = Symbol() } = Symbol as { readonly dispose?: symbol };
  Object.assign(prototype, { [dispose]: prototype[method] });
}
