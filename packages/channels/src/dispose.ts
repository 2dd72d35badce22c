// `using` support that does no harm where the host has no `Symbol.dispose`: a class member would be called "undefined".

/** @internal Gives a prototype its `Symbol.dispose`, if the host has that symbol. */
export function disposeBy<T extends object>(prototype: T, dispose: (this: T) => void): void {
  const symbol = (Symbol as { readonly dispose?: symbol }).dispose;
  if (symbol !== undefined)
    Object.defineProperty(prototype, symbol, { value: dispose, configurable: true, writable: true });
}
