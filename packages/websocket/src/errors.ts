// What went wrong, in the words of the table in docs: a kind, whether trying again makes sense, and the details a
// person needs to act. No error here ever holds a raw error of Node or ws: those carry URLs, headers and certificates.

import { errors, SluiceError } from "@sluice/channels";
import type { Redaction } from "./protocol/redaction.ts";
import type { Shown } from "./protocol/shown-url.ts";

/** Where a connection was when something went wrong. */
export type Phase = "dns" | "tcp" | "tls" | "http" | "open" | "closing";

/** How a connection ended. */
export interface CloseInfo {
  /** The close code that travelled: the peer's, else the one we sent, else 1005 (an empty close frame) or 1006 (none). */
  readonly code: number;
  /** The reason that came with the code. */
  readonly reason: string;
  /** True when close frames went both ways. */
  readonly wasClean: boolean;
  /** Who ended it: our side (what broke the protocol included), the peer's close frame, or the network. */
  readonly initiator: "local" | "remote" | "network";
  /** What went wrong; `undefined` after a normal end. */
  readonly error: SluiceError | undefined;
}

/** One connection's story so far, for `details`: where it goes (redacted), how far it came, since when. */
export class Journey<R extends Shown = Redaction> {
  phase: Phase = "dns";
  #redaction: R;
  readonly #startedAt: number;

  constructor(redaction: R, startedAt: number) {
    this.#redaction = redaction;
    this.#startedAt = startedAt;
  }

  get redaction(): R {
    return this.#redaction;
  }

  /** The URL as errors show it. */
  get url(): string {
    return this.#redaction.url;
  }

  /** Continues to another URL: a redirect. */
  redirected(redaction: R): void {
    this.#redaction = redaction;
    this.phase = "dns";
  }

  /** What every error's details begin with; `ms` since `connect` was called. */
  details(): { url: string; phase: Phase; ms: number } {
    return { url: this.url, phase: this.phase, ms: Math.round(performance.now() - this.#startedAt) };
  }
}

/** A value that an option, an argument or a URL cannot have. */
export function invalid(option: string, expected: string, got: unknown, meant?: string): SluiceError {
  return invalidText(option, expected, `\`${shown(got)}\``, meant);
}

/** The same, for a value that may hold a secret if it is a text: a header's line, a token, a key. */
export function invalidSecret(option: string, expected: string, got: unknown): SluiceError {
  return typeof got === "string" ? invalidText(option, expected, "a string") : invalid(option, expected, got);
}

/** The same, for a value that must not be shown. */
export function invalidText(option: string, expected: string, got: string, meant?: string): SluiceError {
  return mistaken(option, `Expected \`${option}\` to be ${expected}, got ${got}`, meant);
}

/** An option that does not exist. */
export function invalidName(option: string, names: readonly string[], meant?: string): SluiceError {
  const known = names.map((name) => `\`${name}\``).join(", ");
  return mistaken(option, `There is no option \`${option}\`${meant === undefined ? `, only ${known}` : ""}`, meant);
}

function mistaken(option: string, what: string, meant: string | undefined): SluiceError {
  const message = meant === undefined ? what : `${what}: did you mean \`${meant}\`?`;
  return new SluiceError(errors.INVALID, message, { details: { option } });
}

/** A value, in a few words. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
  if (typeof value === "object" && value !== null) {
    const sort = Object.prototype.toString.call(value).slice("[object ".length, -1); // a `Map`, an `AbortSignal`
    return `${/^[AEIO]/.test(sort) ? "an" : "a"} ${/^(Array|Object)$/.test(sort) ? sort.toLowerCase() : sort}`;
  }
  if (typeof value === "function") return "a function";
  return String(value);
}

/** The connection could not be made: the network's fault, or nobody's that we know. */
export function unreachable(journey: Journey, what: string, errno: string | undefined): SluiceError {
  return new SluiceError(errors.INTERNAL, `Cannot connect to ${journey.url}: ${journey.redaction.text(what)}`, {
    retryable: true,
    details: { ...journey.details(), ...(errno === undefined ? undefined : { errno }) },
  });
}

/** What answered is no WebSocket, or speaks no TLS that we speak: the same attempt would meet the same. */
export function unsuitable(journey: Journey, what: string, errno: string | undefined): SluiceError {
  return new SluiceError(errors.INTERNAL, `Cannot connect to ${journey.url}: ${journey.redaction.text(what)}`, {
    details: { ...journey.details(), ...(errno === undefined ? undefined : { errno }) },
  });
}

/** The agent that was given is one for the other scheme. */
export function unfit(journey: Journey, { protocol }: URL): SluiceError {
  return new SluiceError(errors.INVALID, `Expected \`agent\` to be one for \`${protocol}\` URLs, got one for others`, {
    details: { ...journey.details(), option: "agent" },
  });
}

/** The server's certificate is not one to trust. */
export function untrusted(journey: Journey, what: string, errno: string): SluiceError {
  return new SluiceError(errors.INTERNAL, `Cannot trust ${journey.url}: ${what} (${errno})`, {
    details: { ...journey.details(), errno },
  });
}

/** A policy, an address rule or the rules of redirects forbid it. */
export function denied(journey: Journey, what: string, details?: Readonly<Record<string, unknown>>): SluiceError {
  return new SluiceError(errors.PERMISSION_DENIED, `Not allowed to connect to ${journey.url}: ${what}`, {
    details: { ...journey.details(), ...details },
  });
}

/** What a server answered in place of 101. */
export interface Refusal {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Milliseconds that the server asks to wait. */
  readonly retryAfter: number | undefined;
}

/** The server answered the handshake with something else than 101. */
export function refused(journey: Journey, refusal: Refusal, why?: string): SluiceError {
  const { status, statusText, headers, body, retryAfter } = refusal;
  const message = `The server at ${journey.url} answered ${status} ${statusText}`.trimEnd();
  const details = {
    ...journey.details(),
    status,
    headers,
    body,
    ...(retryAfter === undefined ? undefined : { retryAfter }),
  };
  return new SluiceError(kindOf(status), why === undefined ? message : `${message}: ${why}`, {
    retryable: status === 408 || status === 425 || status === 429 || status >= 500,
    details,
  });
}

function kindOf(status: number): ConstructorParameters<typeof SluiceError>[0] {
  if (status < 300) return errors.INTERNAL; // not an answer to this question at all
  if (status === 429) return errors.RATE_LIMITED;
  if (status === 408 || status === 425 || status >= 500) return errors.UNAVAILABLE;
  if (status === 401 || status === 403) return errors.PERMISSION_DENIED;
  return status === 404 || status === 410 ? errors.NOT_FOUND : errors.INVALID;
}

/** A deadline passed, and nothing else: what waited for it may be tried again. */
export function timedOut(journey: Journey<Shown>, what: string): SluiceError {
  return new SluiceError(errors.TIMEOUT, what, { retryable: true, details: journey.details() });
}

/** A deadline passed and ended the connection, with a code and a reason if a close frame of ours was sent. */
export function endedByDeadline(journey: Journey<Shown>, what: string, code = 1006, reason = ""): SluiceError {
  const said = journey.redaction.reason(reason);
  return new SluiceError(errors.TIMEOUT, what, { details: { ...journey.details(), code, reason: said } });
}

/** The connection was lost, without a close frame or after the peer's. */
export function lost(journey: Journey<Shown>, errno: string | undefined, code = 1006, reason = ""): SluiceError {
  const how = errno === undefined ? "the peer closed it without a close frame" : errno;
  return new SluiceError(errors.INTERNAL, `The connection to ${journey.url} was lost: ${how}`, {
    retryable: true,
    details: {
      ...journey.details(),
      code,
      reason: journey.redaction.reason(reason),
      ...(errno === undefined ? undefined : { errno }),
    },
  });
}

// A server that restarts or is overloaded says so; after other codes the same connection would end the same way.
const RETRYABLE_CODES: readonly number[] = [1011, 1012, 1013, 1014];

/** The peer closed the connection with a code that is not a normal end. */
export function closedByPeer(journey: Journey<Shown>, code: number, reason: string): SluiceError {
  const said = journey.redaction.reason(reason);
  const why = said === "" ? "" : `: ${said}`;
  return new SluiceError(errors.INTERNAL, `The peer closed the connection to ${journey.url} with code ${code}${why}`, {
    retryable: RETRYABLE_CODES.includes(code),
    details: { ...journey.details(), code, reason: said },
  });
}

/** The peer sent what we cannot accept, and we closed the connection with `code`. */
export function unacceptable(journey: Journey, code: number, what: string): SluiceError {
  return new SluiceError(errors.INTERNAL, `Closed the connection to ${journey.url} with code ${code}: ${what}`, {
    details: { ...journey.details(), code, reason: "" },
  });
}

/** The client was used after its end had begun. */
export function usedAfterClose(journey: Journey<Shown>, operation: string, info: CloseInfo): SluiceError {
  const details = { ...journey.details(), ...info, reason: journey.redaction.reason(info.reason) };
  const message = `Cannot ${operation}: the connection to ${journey.url} is closed (${info.code})`;
  return new SluiceError(
    errors.INTERNAL,
    message,
    info.error === undefined ? { details } : { details, cause: info.error },
  );
}
