// URLs as errors show them: without user, password and what stands in their query.

/** What stands in the place of a secret. */
export const HIDDEN = "[redacted]";

/** What is shown of the URL of a connection and of what its peer says: nothing that was sent as a secret. */
export interface Shown {
  /** The URL without user and password, and with the values of its query hidden. */
  readonly url: string;
  /** The reason of a close frame, without the secrets that it repeats. */
  reason(text: string): string;
}

/** A URL without user, password, fragment and the values of its query. */
export function redactUrl(target: URL): string {
  const clean = new URL(target);
  clean.username = "";
  clean.password = "";
  clean.hash = "";
  const parameters = parametersOf(target);
  if (parameters.length === 0) return clean.href;
  clean.search = "";
  const shown = parameters.map(({ name }) => (name === undefined ? HIDDEN : `${name}=${HIDDEN}`));
  return `${clean.href}?${[...new Set(shown)].join("&")}`;
}

/** A parameter as it travels; what stands in a query without a `=` is a value. */
interface Parameter {
  readonly name: string | undefined;
  readonly value: string;
}

/** Gives the parameters of a query as they travel. */
export function parametersOf({ search }: URL): Parameter[] {
  const texts = search.slice(1).split("&").filter(Boolean);
  return texts.map((text) => {
    const end = text.indexOf("=");
    return { name: end === -1 ? undefined : text.slice(0, end), value: text.slice(end + 1) };
  });
}

/** What may be shown of a text that was meant to be a URL and is none. */
export function redactText(text: string): string {
  if (!/[@?#]/.test(text)) return text;
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? "";
  return `${scheme}${HIDDEN}`;
}
