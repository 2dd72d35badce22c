export { Broadcast, type BroadcastOptions, type SubscribeOptions } from "./broadcast/broadcast.ts";
export type { SlowPolicy } from "./broadcast/cursor.ts";
export {
  Latest,
  type ChangesOptions,
  type LatestOptions,
  type ReadonlyLatest,
  type UntilOptions,
} from "./broadcast/latest.ts";
export type { Subscription } from "./broadcast/subscription.ts";
