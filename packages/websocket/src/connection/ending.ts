// The end of one connection: who began it, with which code, and what is to be said of it when it is over.
// Whatever ends a connection begins at most once, here or at the peer, and the first decides who did it.

import type { SluiceError } from "@sluice/channels";
import { isSendable } from "../protocol/closing.ts";
import { CLOSE_CODES } from "../protocol/constants.ts";
import { closedByPeer, type CloseInfo, endedByDeadline, invalid, invalidText, type Journey, lost } from "../errors.ts";

/** How the end began on our side. */
interface Beginning {
  readonly initiator: "local" | "network";
  /** The code of our close frame; 1006 when none was sent. */
  readonly code: number;
  readonly reason: string;
  readonly error: SluiceError | undefined;
}

interface CloseFrame {
  readonly code: number;
  readonly reason: string;
}

const NORMAL_CODES: readonly number[] = [CLOSE_CODES.NORMAL, CLOSE_CODES.GOING_AWAY, CLOSE_CODES.NO_STATUS];
const REASON_LIMIT = 123; // a control frame holds 125 bytes (RFC 6455 5.5), two of them the code

/** @internal */
export class Ending {
  readonly #journey: Journey;
  #beginning: Beginning | undefined = undefined;
  #info: CloseInfo | undefined = undefined;
  #errno: string | undefined = undefined;
  #terminated = false;
  #expired = false;
  #unsent = false;

  constructor(journey: Journey) {
    this.#journey = journey;
  }

  /** True once our side began it. */
  get begun(): boolean {
    return this.#beginning !== undefined;
  }

  /** True once the connection is gone. */
  get over(): boolean {
    return this.#info !== undefined;
  }

  /** Our side ends the connection. */
  begin(initiator: Beginning["initiator"], code: number, reason: string, error: SluiceError | undefined): void {
    this.#journey.phase = "closing";
    this.#beginning = { initiator, code, reason, error };
  }

  /** Our side waits no longer for the closing handshake. */
  terminate(): void {
    this.#terminated = true;
  }

  /** The peer did not answer our close frame in time. */
  expire(): void {
    this.#expired = true;
  }

  /** The socket failed, as Node spells it, with messages of ours in it or without. */
  broke(errno: string | undefined, unsent: boolean): void {
    this.#errno ??= errno;
    this.#unsent ||= unsent;
  }

  /** What can be said by now. */
  soFar(): CloseInfo {
    if (this.#info !== undefined) return this.#info;
    const { code = CLOSE_CODES.NO_STATUS, reason = "", initiator = "remote", error } = this.#beginning ?? {};
    return { code, reason, wasClean: false, initiator, error };
  }

  /**
   * The connection is gone. `code` and `reason` are those of the peer's close frame, or 1006: ws says 1006 whenever it
   * received none, whatever it sent itself. `sent` tells whether a close frame of ours left.
   */
  conclude(code: number, reason: string, sent: boolean): CloseInfo {
    const theirs = code === CLOSE_CODES.ABNORMAL_CLOSURE ? undefined : { code, reason };
    this.#info = this.#beginning === undefined ? this.#byPeer(theirs, sent) : this.#byUs(this.#beginning, theirs, sent);
    this.#journey.phase = "closing";
    return this.#info;
  }

  #byPeer(theirs: CloseFrame | undefined, sent: boolean): CloseInfo {
    if (theirs === undefined) {
      const code = CLOSE_CODES.ABNORMAL_CLOSURE;
      return { code, reason: "", wasClean: false, initiator: "network", error: this.#lost() };
    }
    return { ...theirs, wasClean: sent, initiator: "remote", error: this.#meaning(theirs, sent) };
  }

  // A peer that says a normal end and resets wants no more of us; that is a failure only if we had more for it.
  #meaning({ code, reason }: CloseFrame, sent: boolean): SluiceError | undefined {
    if (!NORMAL_CODES.includes(code)) return closedByPeer(this.#journey, code, reason);
    if (sent || this.#terminated) return undefined;
    if (this.#errno !== undefined) return this.#unsent ? lost(this.#journey, this.#errno, code, reason) : undefined;
    this.#journey.phase = "closing";
    const what = `${this.#journey.url} closed, and did not take what was sent to it within \`closeTimeout\``;
    return endedByDeadline(this.#journey, what, code, reason);
  }

  // The code that travelled: the peer's if it has one (RFC 6455 7.1.5), else ours.
  #byUs(beginning: Beginning, theirs: CloseFrame | undefined, sent: boolean): CloseInfo {
    const { initiator, code, reason } = beginning;
    const wasClean = theirs !== undefined && sent;
    const error = beginning.error ?? (wasClean || this.#terminated ? undefined : this.#unfinished(beginning));
    const travelled = beginning.error !== undefined || theirs?.code === CLOSE_CODES.NO_STATUS ? undefined : theirs;
    return { ...(travelled ?? { code, reason }), wasClean, initiator, error };
  }

  #unfinished({ code, reason }: Beginning): SluiceError {
    if (!this.#expired) return this.#lost();
    const what = `${this.#journey.url} did not complete the closing handshake within \`closeTimeout\``;
    return endedByDeadline(this.#journey, what, code, reason);
  }

  #lost(): SluiceError {
    return lost(this.#journey, this.#errno);
  }
}

// What ws closes with, by the code of its error.
const CLOSE_CODE_OF: ReadonlyMap<string, number> = new Map([
  ["WS_ERR_INVALID_UTF8", CLOSE_CODES.INVALID_PAYLOAD],
  ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", CLOSE_CODES.MESSAGE_TOO_BIG],
  ["WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH", CLOSE_CODES.MESSAGE_TOO_BIG],
  ["WS_ERR_TOO_MANY_BUFFERED_PARTS", CLOSE_CODES.POLICY_VIOLATION],
]);

/** @internal The close code that ws sends for its own error. */
export function closeCodeOf({ code = "" }: NodeJS.ErrnoException): number {
  if (code.startsWith("Z_")) return CLOSE_CODES.INVALID_PAYLOAD; // zlib: what came is not compressed data
  return CLOSE_CODE_OF.get(code) ?? CLOSE_CODES.PROTOCOL_ERROR;
}

/** @internal Throws INVALID for what a close frame cannot say. */
export function checkClose(code: unknown, reason: unknown): void {
  if (typeof code !== "number" || !isSendable(code)) {
    const meant = typeof code === "string" ? "1000, the reason" : undefined; // in the place of the code
    throw invalid("code", "a close code that may be sent: 1000 to 1003, 1007 to 1014, 3000 to 4999", code, meant);
  }
  if (typeof reason !== "string") throw invalid("reason", "a string", reason);
  const bytes = Buffer.byteLength(reason);
  if (bytes > REASON_LIMIT) throw invalidText("reason", `at most ${REASON_LIMIT} bytes`, `${bytes} bytes`);
}
