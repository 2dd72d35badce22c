// The two bytes that every frame begins with (RFC 6455 5.2), and what they forbid: a frame is judged by them alone,
// before the rest of its length is here.

/** @internal The bits of the first byte. */
export const FIN = 0x80;
/** @internal RSV1: the message is compressed (RFC 7692). */
export const COMPRESSED = 0x40;
const RESERVED = 0x70;
/** @internal */
export const OPCODE = 0x0f;
/** @internal The bits of the second byte. */
export const MASKED = 0x80;
/** @internal */
export const LENGTH = 0x7f;

/** @internal */
export const CONTINUATION = 0;
/** @internal */
export const BINARY_FRAME = 2;
/** @internal */
export const CLOSE = 8;
/** @internal */
export const PING = 9;
const PONG = 10;
const CONTROL_LIMIT = 125;

/** @internal What a frame is judged against. */
export interface Situation {
  /** Compression was agreed. */
  readonly compresses: boolean;
  /** The peer is a client: it masks its frames. */
  readonly masked: boolean;
  /** A message is not complete. */
  readonly fragmented: boolean;
}

/** @internal Says what is wrong with a frame that begins with these two bytes; undefined when they allow it. */
export function faultOf(
  first: number,
  second: number,
  { compresses, masked, fragmented }: Situation,
): string | undefined {
  const opcode = first & OPCODE;
  const reserved = first & RESERVED;
  const length = second & LENGTH;
  if (opcode > PONG || (opcode > BINARY_FRAME && opcode < CLOSE)) return `a frame with opcode ${opcode}`;
  const compressible = compresses && (opcode === 1 || opcode === BINARY_FRAME);
  if (reserved !== 0 && !(reserved === COMPRESSED && compressible)) return "a frame with a reserved bit set";
  if (second >= MASKED !== masked) return masked ? "a frame that is not masked" : "a masked frame";
  if (opcode >= CLOSE) {
    if (first < FIN) return "a control frame in fragments";
    if (length > CONTROL_LIMIT) return `a control frame of more than ${CONTROL_LIMIT} bytes`;
    return opcode === CLOSE && length === 1 ? "a close frame of one byte" : undefined;
  }
  if (opcode === CONTINUATION) return fragmented ? undefined : "a continuation of no message";
  return fragmented ? "a new message within another" : undefined;
}

/** @internal A header, as short as it can be. `masked` gives it a mask of zeros, which leaves the payload as it is. */
export function headerOf(first: number, length: number, masked: boolean): Buffer {
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + extended + (masked ? 4 : 0));
  header[0] = first;
  header[1] = (masked ? MASKED : 0) | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) header.writeUInt16BE(length, 2);
  if (extended === 8) header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}
