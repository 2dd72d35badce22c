export { Channel, type ChannelOptions, type Overflow } from "./channel.ts";
export * as errors from "./errors.ts";
export { ClosedError, type ErrorKind, SluiceError, type SluiceErrorJSON, type SluiceErrorOptions } from "./errors.ts";
export { type Case, type Falsy, select, type SelectOptions, type SelectResult, trySelect } from "./select.ts";
export { Selector, type SelectorEvent } from "./selector.ts";
export type { Ticker, TickerOptions, Timer } from "./time/time.ts";
export * as time from "./time/time.ts";
export type {
  ChannelState,
  Duration,
  ReceiveCase,
  ReceiveChannel,
  Received,
  SendCase,
  SendChannel,
  SignalOptions,
} from "./types.ts";
