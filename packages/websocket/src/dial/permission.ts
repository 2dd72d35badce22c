// Who asks, what is allowed, and the question itself. The context travels with the call chain (AsyncLocalStorage),
// so that library code deep inside a request cannot forget to pass it on.

import { AsyncLocalStorage } from "node:async_hooks";
import { errors, SluiceError } from "@sluice/channels";
import type { AddressGuard } from "./addresses.ts";
import { denied, type Journey } from "../errors.ts";
import { judgedHost, literalParts, resourceOf } from "./resource.ts";

/** What may be asked for. */
export type Action = "websocket.connect" | "websocket.connect.url";

/** Who acts: a user, a job, a tenant. */
export interface Actor {
  /** Who, in the words of the program. */
  readonly id: string;
  /** What is known about the actor; a policy's `when` sees it. */
  readonly meta?: Readonly<Record<string, unknown>> | undefined;
}

/** What a policy's `when` sees. */
export interface PermissionRequest {
  /** Who asks. */
  readonly actor: Actor;
  /** For what. */
  readonly action: Action;
  /** Empty for `websocket.connect`; the URL in its one spelling, without user and password, for `websocket.connect.url`. */
  readonly resource: string;
  /** The actor's own `meta` and, on top of it, what is known of the target: `host`, `hostname`, `port`, `secure`, `hop`. */
  readonly meta: Readonly<Record<string, unknown>>;
}

/** One rule. A rule applies when an action, a resource and the condition match. */
export interface Policy {
  /** For people: a denial names the policy that caused it. */
  readonly id: string;
  /** Patterns of actions: `*` matches any run of characters, everything else is literal. */
  readonly actions: string | readonly string[];
  /** Patterns of resources, written like those of actions; what is percent-encoded in them is read as in a URL. */
  readonly resources: string | readonly string[];
  /** What the rule says; one deny outweighs every allow. */
  readonly effect: "allow" | "deny";
  /**
   * An extra condition, synchronous. When in doubt it counts against the connection: an `allow` applies only when it
   * gives exactly `true`, a `deny` applies unless it gives exactly `false`, and one that throws denies.
   */
  readonly when?: ((request: PermissionRequest) => boolean) | undefined;
}

/** @internal A policy, checked and ready to be asked. */
export interface Rule {
  readonly id: string;
  readonly actions: readonly Pattern[];
  readonly resources: readonly Pattern[];
  readonly allows: boolean;
  readonly when: ((request: PermissionRequest) => unknown) | undefined;
}

/** Policies that were checked, to be given to `run`. */
export class Scope {
  readonly #rules: readonly Rule[];
  readonly #guard: AddressGuard | undefined;

  /** @internal */
  constructor(rules: readonly Rule[], guard: AddressGuard | undefined) {
    this.#rules = rules;
    this.#guard = guard;
  }

  /** @internal */
  get rules(): readonly Rule[] {
    return this.#rules;
  }

  /** @internal */
  get guard(): AddressGuard | undefined {
    return this.#guard;
  }
}

/** @internal */
export interface PermissionContext {
  readonly actor: Actor;
  readonly rules: readonly Rule[];
  readonly guard: AddressGuard | undefined;
}

/** @internal */
export const contexts: AsyncLocalStorage<PermissionContext> = new AsyncLocalStorage();

/** @internal */
export const settings: { strict: boolean } = { strict: false };

/** @internal A pattern with `*`; everything else is literal. Matched by searching, so no pattern can be slow. */
export class Pattern {
  readonly #parts: readonly string[];

  constructor(pattern: string) {
    this.#parts = literalParts(pattern);
  }

  matches(text: string): boolean {
    const first = this.#parts[0] ?? "";
    if (this.#parts.length === 1) return text === first;
    const last = this.#parts[this.#parts.length - 1] ?? "";
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let from = first.length;
    const end = text.length - last.length;
    for (const part of this.#parts.slice(1, -1)) {
      const found = text.indexOf(part, from);
      if (found === -1 || found + part.length > end) return false;
      from = found + part.length;
    }
    return true;
  }
}

/**
 * @internal The permissions of one `connect`, taken when it is called: a redirect that arrives later is judged by the
 * scope of the caller, whatever runs then.
 */
export class Permissions {
  readonly #context: PermissionContext | undefined = contexts.getStore();
  readonly #strict: boolean = settings.strict;

  /** The address rules of the scope. */
  get guard(): AddressGuard | undefined {
    return this.#context?.guard;
  }

  /** Asks whether connecting is allowed at all, and to this URL. Throws what `connect` rejects with. */
  ask(target: URL, hop: number, journey: Journey): void {
    const context = this.#context;
    if (context === undefined) {
      if (!this.#strict) return;
      throw new SluiceError(errors.INTERNAL, `no context: ${journey.url} was asked for outside of security.run`, {
        details: journey.details(),
      });
    }
    const meta = { ...context.actor.meta, ...factsOf(target, hop) };
    const resource = resourceOf(target);
    decide(context, { actor: context.actor, action: "websocket.connect", resource: "", meta }, journey);
    decide(context, { actor: context.actor, action: "websocket.connect.url", resource, meta }, journey);
  }
}

function factsOf(target: URL, hop: number): Record<string, unknown> {
  const secure = target.protocol === "wss:";
  const port = target.port === "" ? (secure ? 443 : 80) : Number(target.port);
  return { ...judgedHost(target), port, secure, hop };
}

// Any deny wins, whatever the order; nothing allowed means denied.
function decide(context: PermissionContext, request: PermissionRequest, journey: Journey): void {
  let allowed = false;
  for (const rule of context.rules) {
    if (!rule.actions.some((pattern) => pattern.matches(request.action))) continue;
    if (!rule.resources.some((pattern) => pattern.matches(request.resource))) continue;
    const applies = holds(rule, request, journey);
    if (!applies) continue;
    if (!rule.allows) throw refusal(request, journey, `policy "${rule.id}" denies ${request.action}`, rule.id);
    allowed = true;
  }
  if (!allowed) throw refusal(request, journey, `no policy allows ${request.action}`, undefined);
}

function holds(rule: Rule, request: PermissionRequest, journey: Journey): boolean {
  if (rule.when === undefined) return true;
  let answer: unknown;
  try {
    answer = rule.when(request);
  } catch {
    throw refusal(request, journey, `the condition of policy "${rule.id}" failed`, rule.id);
  }
  return rule.allows ? answer === true : answer !== false;
}

function refusal(request: PermissionRequest, journey: Journey, what: string, policy: string | undefined): SluiceError {
  return denied(journey, what, {
    action: request.action,
    actor: request.actor.id,
    ...(policy === undefined ? undefined : { policy }),
  });
}
