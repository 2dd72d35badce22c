// The numbers and words of the protocol that programs write down: message types, close codes, compression.

/** Sends a message as text. */
export const TEXT = 1;
/** Sends a message as bytes. */
export const BINARY = 2;

/** `type` of a message of text. */
export const TYPE_TEXT = "text";
/** `type` of a message of bytes. */
export const TYPE_BINARY = "binary";
/** The name of a ping frame. Pings are answered by the client and never arrive on its channel. */
export const TYPE_PING = "ping";
/** The name of a pong frame. A pong settles `client.ping()` and never arrives on the channel. */
export const TYPE_PONG = "pong";
/** The name of a close frame. It ends the channel; what it said is in `client.closed`. */
export const TYPE_CLOSE = "close";

/** What `client.send` may be told to send a message as. */
export type MessageType = typeof TEXT | typeof BINARY;

/** Compression of messages, permessage-deflate (RFC 7692): what to offer the server, and what was agreed with it. */
export const COMPRESSION = {
  /** Messages travel as they are. */
  DISABLED: 0,
  /** The compressor remembers earlier messages: smallest on the wire. */
  CONTEXT_TAKEOVER: 1,
  /** Each message is compressed by itself. */
  NO_CONTEXT: 2,
} as const;

/** One of `COMPRESSION`. */
export type Compression = (typeof COMPRESSION)[keyof typeof COMPRESSION];

/** Close codes of RFC 6455, section 7.4.1. `NO_STATUS` and `ABNORMAL_CLOSURE` are reported and cannot be sent. */
export const CLOSE_CODES = {
  /** The purpose was fulfilled. */
  NORMAL: 1000,
  /** A server goes down, or a page is left. */
  GOING_AWAY: 1001,
  /** A frame that breaks RFC 6455. */
  PROTOCOL_ERROR: 1002,
  /** Text where only bytes are understood, or the other way. */
  UNSUPPORTED_DATA: 1003,
  /** A close frame without a code; never sent. */
  NO_STATUS: 1005,
  /** The connection ended without a close frame; never sent. */
  ABNORMAL_CLOSURE: 1006,
  /** Text that is no UTF-8, or data that does not fit its type. */
  INVALID_PAYLOAD: 1007,
  /** A rule was broken for which there is no other code. */
  POLICY_VIOLATION: 1008,
  /** A message larger than the receiver takes. */
  MESSAGE_TOO_BIG: 1009,
  /** The server met something it did not expect. */
  INTERNAL_ERROR: 1011,
  /** The server starts anew: come back a little later. */
  SERVICE_RESTART: 1012,
  /** The server has too much to do. */
  TRY_AGAIN_LATER: 1013,
} as const;
