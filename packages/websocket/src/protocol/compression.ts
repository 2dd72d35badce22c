// permessage-deflate (RFC 7692), as ws is told of it and as the handshake's header says it.

import { COMPRESSION, type Compression } from "./constants.ts";

/** @internal What ws offers as a client and agrees to as a server. */
export interface Deflating {
  readonly threshold: number;
  readonly serverNoContextTakeover?: boolean;
  readonly clientNoContextTakeover?: boolean;
}

/** @internal The options of ws for a kind of compression. */
export function deflating(compression: Compression): Deflating | false {
  if (compression === COMPRESSION.DISABLED) return false;
  // The threshold is decided for each message by us: ws ignores its own under context takeover.
  if (compression === COMPRESSION.CONTEXT_TAKEOVER) return { threshold: 0 };
  return { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true };
}

/**
 * @internal What a server's `Sec-WebSocket-Extensions` agrees on. It may ignore "no context": what it did not repeat was
 * not agreed (RFC 7692 7.1.1).
 */
export function agreedOn(extensions: string): Compression {
  if (!extensions.includes("permessage-deflate")) return COMPRESSION.DISABLED;
  const noContext = ["server_no_context_takeover", "client_no_context_takeover"];
  return noContext.every((word) => extensions.includes(word)) ? COMPRESSION.NO_CONTEXT : COMPRESSION.CONTEXT_TAKEOVER;
}
