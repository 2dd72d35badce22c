// What carries the messages of one connection in a page: a WebSocket, or a WebSocketStream, which alone can be read slowly.

import type { Message } from "../protocol/message.ts";

/** @internal A message as a page sends it. */
export type Payload = string | Uint8Array<ArrayBuffer>;

/** @internal */
export interface Transport {
  readonly kind: "stream" | "socket";
  /** The subprotocol that was chosen, once it is open. */
  readonly protocol: string;
  /** Bytes that were written and have not left. */
  readonly bufferedAmount: number;
  /** Messages that were written and have not left. */
  readonly unsent: number;
  /** A write would not pile up. */
  readonly hasRoom: boolean;
  write(data: Payload): void;
  /** Calls `onRoom` once there is room. */
  awaitRoom(): void;
  pause(): void;
  resume(): void;
  /** Lets what was written leave, then shakes hands; without a code the close frame is empty. */
  close(code: number | undefined, reason: string): void;
  /** Lets go at once, as far as a page can. */
  terminate(): void;
}

/** @internal What a transport tells. Nothing is told twice, and nothing behind `onEnd`. */
export interface TransportEvents {
  onOpen(): void;
  onMessage(message: Message): void;
  onRoom(): void;
  /** The connection is over, or never was: behind every message. */
  onEnd(code: number, reason: string, wasClean: boolean): void;
}

/** @internal Bytes that may wait before `send` waits too. */
export const HIGH_WATER: number = 64 * 1024;

/** @internal A message as a page receives it. */
export function received(data: unknown): Message {
  if (typeof data === "string") return { type: "text", data };
  return {
    type: "binary",
    data: data instanceof Uint8Array ? (data as Uint8Array<ArrayBuffer>) : new Uint8Array(data as ArrayBuffer),
  };
}
