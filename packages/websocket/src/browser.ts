// The public face of @sluice/websocket in a page: what needs no Node.

export type { Client, ClientStats } from "./browser/client.ts";
export { connect } from "./browser/connect.ts";
export type { ConnectOptions } from "./browser/options.ts";
export {
  type Dial,
  reconnect,
  type ReconnectingClient,
  type ReconnectOptions,
  type State,
} from "./browser/reconnect.ts";
export type { Overflow } from "./connection/incoming.ts";
export type { CloseInfo, Phase } from "./errors.ts";
export * from "./protocol/constants.ts";
export type { Data, Message } from "./protocol/message.ts";
export type { Attempt, EpochMessage, Failure } from "./reconnect/contract.ts";
export { retryable } from "./reconnect/retry.ts";
