// The public face of permissions: make a scope, run with it, and insist on it.

import { addressGuard, type AddressRules } from "./addresses.ts";
import { invalid } from "../errors.ts";
import { type Actor, contexts, Pattern, type Policy, type Rule, Scope, settings } from "./permission.ts";

/** What a scope holds beside its policies. */
export interface ScopeOptions {
  /** Addresses that no connection in this scope may reach, whatever name leads there. */
  readonly addresses?: AddressRules | undefined;
}

/** Who acts, and what is allowed. */
export interface SecurityContext {
  readonly actor: Actor;
  readonly scope: Scope;
}

/**
 * Makes a scope of policies. In a scope any deny wins, and what nothing allows is denied.
 *
 * A `*` crosses every character, `/` too: `wss://*.example.com/*` also matches `wss://evil.test/.example.com/`. To pin
 * a host, add `when: ({ meta }) => String(meta.hostname).endsWith(".example.com")`.
 *
 * @throws SluiceError of kind INVALID when a policy is badly written; it names the field.
 *
 * @example
 * const feeds = websocket.security.scope([
 *   { id: "connect", actions: "websocket.connect", resources: "*", effect: "allow" },
 *   { id: "feeds", actions: "websocket.connect.url", resources: "wss://feeds.example.com/*", effect: "allow" },
 * ], { addresses: { deny: ["private", "loopback", "link-local"] } });
 */
export function scope(policies: readonly Policy[], options?: ScopeOptions): Scope {
  if (!Array.isArray(policies)) throw invalid("policies", "a list of policies", policies);
  const rules = (policies as readonly unknown[]).map((policy, i) => ruleOf(policy, `policies[${i}]`));
  const addresses = options?.addresses;
  return new Scope(rules, addresses === undefined ? undefined : addressGuard(addresses, "addresses"));
}

/**
 * Runs `body` as `actor` in `scope`, and gives what it returns. Everything it calls and awaits, timers and streams it
 * starts included, connects under these policies. An inner `run` replaces the outer one.
 *
 * @throws SluiceError of kind INVALID when the actor or the scope is none; what `body` throws.
 */
export function run<T>(context: SecurityContext, body: () => T): T {
  const { actor, scope: given } = checkContext(context);
  return contexts.run({ actor, rules: given.rules, guard: given.guard }, body);
}

/** Decides whether connecting outside of `run` is an error (kind INTERNAL, "no context"). Off by default; process-wide. */
export function strict(on: boolean): void {
  if (typeof on !== "boolean") throw invalid("on", "a boolean", on);
  settings.strict = on;
}

function checkContext(context: unknown): SecurityContext {
  if (typeof context !== "object" || context === null) {
    throw invalid("context", "an object with `actor` and `scope`", context);
  }
  const { actor, scope: given } = context as { actor?: unknown; scope?: unknown };
  if (typeof actor !== "object" || actor === null) throw invalid("actor", "an object with an `id`", actor);
  const { id, meta } = actor as { id?: unknown; meta?: unknown };
  if (typeof id !== "string") throw invalid("actor.id", "a string", id);
  if (meta !== undefined && (typeof meta !== "object" || meta === null)) throw invalid("actor.meta", "an object", meta);
  if (!(given instanceof Scope)) throw invalid("scope", "what `security.scope` made", given);
  return { actor: actor as Actor, scope: given };
}

function ruleOf(policy: unknown, at: string): Rule {
  if (typeof policy !== "object" || policy === null) throw invalid(at, "a policy", policy);
  const { id, actions, resources, effect, when } = policy as Readonly<Record<string, unknown>>;
  if (typeof id !== "string" || id === "") throw invalid(`${at}.id`, "a string", id);
  if (effect !== "allow" && effect !== "deny") throw invalid(`${at}.effect`, `"allow" or "deny"`, effect);
  if (when !== undefined && typeof when !== "function") throw invalid(`${at}.when`, "a function", when);
  return {
    id,
    actions: patternsOf(actions, `${at}.actions`),
    resources: patternsOf(resources, `${at}.resources`),
    allows: effect === "allow",
    when: when as Rule["when"],
  };
}

function patternsOf(patterns: unknown, at: string): Pattern[] {
  const list: unknown[] = Array.isArray(patterns) ? patterns : [patterns];
  return list.map((pattern) => {
    if (typeof pattern !== "string") throw invalid(at, "a pattern or a list of patterns", pattern);
    return new Pattern(pattern);
  });
}
