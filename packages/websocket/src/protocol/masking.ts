// Takes the mask off what a client sent (RFC 6455 5.3), in place, four bytes at a time.

// Below this a view of words costs more than it saves.
const WORDWISE = 64;

const keyBytes = new Uint8Array(4);
const keyWord = new Int32Array(keyBytes.buffer); // in the host's own order of bytes, as the words it is laid over

/**
 * @internal Unmasks `bytes` from `start` to `end`. `key` holds the four bytes of the mask from `at` on; `phase` of them
 * were used before, for bytes that came earlier.
 */
export function unmask(bytes: Uint8Array, start: number, end: number, key: Uint8Array, at: number, phase = 0): void {
  // How far the first whole word is from `start`; a short run has none.
  const lead = end - start < WORDWISE ? end - start : (4 - ((bytes.byteOffset + start) & 3)) & 3;
  const from = start + lead;
  for (let i = start; i < from; i += 1) xor(bytes, i, key, at + ((i - start + phase) & 3));
  const words = (end - from) >>> 2;
  if (words === 0) return;
  for (let i = 0; i < 4; i += 1) keyBytes[i] = key[at + ((lead + phase + i) & 3)] as number;
  const word = keyWord[0] as number;
  const view = new Int32Array(bytes.buffer, bytes.byteOffset + from, words);
  for (let i = 0; i < words; i += 1) view[i] = (view[i] as number) ^ word;
  for (let i = from + words * 4; i < end; i += 1) xor(bytes, i, key, at + ((i - start + phase) & 3));
}

function xor(bytes: Uint8Array, index: number, key: Uint8Array, at: number): void {
  bytes[index] = (bytes[index] as number) ^ (key[at] as number);
}
