// The public face of @sluice/websocket.

import { run, scope, strict } from "./security.ts";

export type { AddressRange, AddressRules } from "./addresses.ts";
export type { Client, ClientStats, PingOptions } from "./client.ts";
export { connect } from "./connect.ts";
export {
  BINARY,
  CLOSE_CODES,
  COMPRESSION,
  type Compression,
  type MessageType,
  TEXT,
  TYPE_BINARY,
  TYPE_CLOSE,
  TYPE_PING,
  TYPE_PONG,
  TYPE_TEXT,
} from "./constants.ts";
export type { CloseInfo, Phase } from "./errors.ts";
export type { Message, Overflow } from "./incoming.ts";
export type { ConnectOptions, HeadersGiven, TlsOptions } from "./options.ts";
export type { Data } from "./outgoing.ts";
export type { Action, Actor, PermissionRequest, Policy, Scope } from "./permission.ts";
export type { ScopeOptions, SecurityContext } from "./security.ts";

/** Permissions: what may be connected to, by whom. */
export const security: {
  readonly scope: typeof scope;
  readonly run: typeof run;
  readonly strict: typeof strict;
} = { scope, run, strict };
