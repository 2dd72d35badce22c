// Which paths are ours. They are judged after `URL` has read them: `/ws/../admin` is `/admin`, whatever stands in front.

import { URLPattern } from "urlpattern-polyfill/urlpattern";
import { invalid } from "../errors.ts";
import type { Reader } from "../protocol/options.ts";

export type PathRule = (url: URL) => boolean;

/** Absent: every path is ours. */
export const EVERY_PATH: PathRule = () => true;

/** Reads `path`. */
export const pathRule: Reader<PathRule> = (given, option) => {
  if (given === undefined) return EVERY_PATH;
  if (typeof given === "function") return given as PathRule;
  const patterns = ((Array.isArray(given) ? given : [given]) as unknown[]).map((pattern) => patternOf(pattern, option));
  // A path that begins with two slashes is read by the patterns as a host and a path: `//any/chat` would be `/chat`.
  return ({ pathname }) => !pathname.startsWith("//") && patterns.some((pattern) => pattern.test({ pathname }));
};

function patternOf(given: unknown, option: string): URLPattern {
  const expected = `paths such as "/chat", "/rooms/:id" or "/*", or a function`;
  if (typeof given !== "string" || !/^[/*{(:]/.test(given)) throw invalid(option, expected, given);
  try {
    return new URLPattern({ pathname: given });
  } catch {
    throw invalid(option, expected, given);
  }
}
