// What travels: a message of text or of bytes, as the channel gives it.

/** A message from the peer. Bytes are the receiver's own: no other message shares their buffer. */
export type Message =
  | {
      /** Text: UTF-8 on the wire. */
      readonly type: "text";
      /** The text. */
      readonly data: string;
    }
  | {
      /** Bytes. */
      readonly type: "binary";
      /** The bytes. */
      readonly data: Uint8Array<ArrayBuffer>;
    };

/** @internal A message as ws emits it. */
export function messageOf(data: Buffer, binary: boolean): Message {
  return binary ? { type: "binary", data: owned(data) } : { type: "text", data: data.toString() };
}

// ws hands out slices of its 64 KiB read buffer: holding 100 bytes would hold all of it, and `.buffer` would show the
// neighbours. A large message already has a buffer of its own.
function owned(data: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer } = data;
  if (buffer.byteLength === data.length && buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
  return new Uint8Array(data);
}

/**
 * @internal Decodes text; undefined for bytes that are not UTF-8. The decoder puts U+FFFD for what it cannot read: only
 * then is it worth a second look, and ASCII, which holds no such character, costs nothing.
 */
export function textOf(bytes: Buffer, start: number, end: number): string | undefined {
  const text = bytes.toString(undefined, start, end);
  return text.includes("\uFFFD") && !isUtf8(bytes.subarray(start, end)) ? undefined : text;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** What a message may be made of: text, or bytes of any kind of buffer or view. */
export type Data = string | ArrayBufferLike | ArrayBufferView;
