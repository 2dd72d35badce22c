// The public face of permissions: make a scope, run with it, and insist on it.

import { type AddressGuard, addressGuard, type AddressRules } from "./addresses.ts";
import { invalid } from "../errors.ts";
import { type Actor, contexts, Pattern, type Policy, type Rule, Scope, settings } from "./permission.ts";
import { callback, choice, optional, readGroup, readOptions, type Readers, text } from "../protocol/options.ts";

/** What a scope holds beside its policies. */
export interface ScopeOptions {
  /** Addresses that no connection in this scope may reach, whatever name leads there. */
  readonly addresses?: AddressRules | undefined;
}

/** Who acts, and what is allowed. */
export interface SecurityContext {
  /** Who acts. */
  readonly actor: Actor;
  /** What is allowed, and which addresses may be reached. */
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
export function scope(policies: readonly Policy[], options: ScopeOptions = {}): Scope {
  if (!Array.isArray(policies)) throw invalid("policies", "a list of policies", policies);
  const rules = (policies as readonly unknown[]).map((policy, i) => ruleOf(policy, `policies[${i}]`));
  return new Scope(rules, readOptions(SCOPE, options).addresses);
}

/**
 * Runs `body` as `actor` in `scope`, and gives what it returns. Everything it calls and awaits, timers and streams it
 * starts included, connects under these policies. An inner `run` replaces the outer one.
 *
 * @throws SluiceError of kind INVALID when the actor or the scope is none; what `body` throws.
 */
export function run<T>(context: SecurityContext, body: () => T): T {
  const { actor, scope: given } = readOptions(CONTEXT, context, { argument: "context" });
  if (typeof body !== "function") throw invalid("body", "a function", body);
  return contexts.run({ actor, rules: given.rules, guard: given.guard }, body);
}

/** Decides whether connecting outside of `run` is an error (kind INTERNAL, "no context"). Off by default; process-wide. */
export function strict(on: boolean): void {
  if (typeof on !== "boolean") throw invalid("on", "a boolean", on);
  settings.strict = on;
}

const SCOPE: Readers<{ readonly addresses: AddressGuard | undefined }> = { addresses: optional(addressGuard) };

const CONTEXT: Readers<SecurityContext> = {
  actor: checkActor,
  scope: (given, option) => {
    if (given instanceof Scope) return given;
    throw invalid(option, "what `security.scope` made", given);
  },
};

// It may have more: a program passes the user that it has.
function checkActor(actor: unknown, option: string): Actor {
  if (typeof actor !== "object" || actor === null) throw invalid(option, "an object with an `id`", actor);
  const { id, meta } = actor as { id?: unknown; meta?: unknown };
  text(id, `${option}.id`);
  if (meta !== undefined && (typeof meta !== "object" || meta === null)) {
    throw invalid(`${option}.meta`, "an object", meta);
  }
  return actor as Actor;
}

type PolicyRead = Omit<Rule, "allows"> & { readonly effect: Policy["effect"] };
const POLICY: Readers<PolicyRead> = {
  id: (given, option) => {
    if (text(given, option) !== "") return given as string;
    throw invalid(option, "a string with something in it", given);
  },
  actions: checkPatterns,
  resources: checkPatterns,
  effect: choice<Policy["effect"]>(["allow", "deny"]),
  when: callback(),
};

function ruleOf(policy: unknown, at: string): Rule {
  const { effect, ...rule } = readGroup(POLICY, policy, at);
  return { ...rule, allows: effect === "allow" };
}

function checkPatterns(patterns: unknown, option: string): Pattern[] {
  const list: unknown[] = Array.isArray(patterns) ? patterns : [patterns];
  return list.map((pattern) => {
    if (typeof pattern !== "string") throw invalid(option, "a pattern or a list of patterns", pattern);
    return new Pattern(pattern);
  });
}
