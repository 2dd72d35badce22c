// The public face of @sluice/websocket.

import { run, scope, strict } from "./dial/security.ts";

export type { AddressRange, AddressRules } from "./dial/addresses.ts";
export { prepare, type Prepared } from "./connection/parcel.ts";
export type { Client, ClientStats, HandshakeResponse, PingOptions } from "./connection/client.ts";
export { connect } from "./dial/connect.ts";
export type { Attempt, EpochMessage, Failure } from "./reconnect/contract.ts";
export { type Dial, reconnect, type ReconnectingClient, type ReconnectOptions, type State } from "./reconnect.ts";
export { retryable } from "./reconnect/retry.ts";
export * from "./protocol/constants.ts";
export type { CloseInfo, Phase } from "./errors.ts";
export type { Overflow } from "./connection/incoming.ts";
export type { Data, Message } from "./protocol/message.ts";
export type { HeadersGiven } from "./dial/headers.ts";
export type { ConnectOptions } from "./dial/options.ts";
export type { TlsOptions } from "./dial/tls.ts";
export { attach } from "./listen/attach.ts";
export type { CloseServerOptions, Drained } from "./listen/drain.ts";
export { listen } from "./listen/listen.ts";
export type { AttachOptions, ListenOptions } from "./listen/options.ts";
export { type Refusal, refuse } from "./listen/refusal.ts";
export type { Accepted, Server, ServerStats } from "./listen/server.ts";
export type { Upgrade } from "./listen/upgrade.ts";
export type { Slow, TopicOptions } from "./topic/options.ts";
export type { Published } from "./topic/posting.ts";
export type { SlowClient } from "./topic/slow-clients.ts";
export { Topic } from "./topic/topic.ts";
export type { Action, Actor, PermissionRequest, Policy, Scope } from "./dial/permission.ts";
export type { ScopeOptions, SecurityContext } from "./dial/security.ts";

/** Permissions: what may be connected to, by whom. */
export const security: {
  /** Makes a scope of policies. */
  readonly scope: typeof scope;
  /** Runs a function under an actor and a scope, for every connection dialled inside. */
  readonly run: typeof run;
  /** Decides whether connecting outside of `run` is an error. Off by default; process-wide. */
  readonly strict: typeof strict;
} = { scope, run, strict };
