// What a close frame may say (RFC 6455 5.5.1 and 7.4).

import { CLOSE_CODES } from "./constants.ts";
import { textOf } from "./message.ts";

/** @internal What breaks the protocol: the code to close with, and why, in words. */
export interface Violation {
  readonly code: number;
  readonly what: string;
}

/** @internal True for a code that a close frame may carry: those of the RFC that may be sent, and the registered and private ones. */
export function isSendable(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/** @internal Judges the payload of a close frame, which its header has not forbidden already. */
export function violationOfClose(payload: Buffer): Violation | undefined {
  if (payload.length === 0) return undefined;
  const code = payload.readUInt16BE();
  if (!isSendable(code)) return { code: CLOSE_CODES.PROTOCOL_ERROR, what: `a close frame with code ${code}` };
  if (textOf(payload, 2, payload.length) !== undefined) return undefined;
  return { code: CLOSE_CODES.INVALID_PAYLOAD, what: "a close reason that is not UTF-8" };
}
