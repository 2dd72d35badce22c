// Why a handshake came to nothing, in words: what Node, OpenSSL or ws said is not what a person can act on.

import type { IncomingMessage } from "node:http";
import type { SluiceError } from "@sluice/channels";
import { denied, type Journey, unreachable, unsuitable, untrusted } from "../errors.ts";
import { beginsWithTls, tlsFailureOf } from "./tls-failure.ts";

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset during the handshake",
  EAI_AGAIN: "the name cannot be looked up at the moment",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  ENOTFOUND: "the name does not exist",
  EPIPE: "the connection was reset during the handshake",
  ETIMEDOUT: "the connection attempt timed out",
};

/** What is known of the wire that failed. */
export interface Symptoms {
  readonly error: NodeJS.ErrnoException | undefined;
  /** What the wire failed with, as Node spells it. */
  readonly errno: string | undefined;
  /** The address that a rule refused. */
  readonly refused: string | undefined;
  /** Why the certificate was not trusted. */
  readonly distrust: string | undefined;
}

/** The error for a handshake that failed before a server answered, or by an answer that is none. */
export function explained(journey: Journey, { error, errno: last, refused, distrust }: Symptoms): SluiceError {
  if (refused !== undefined) {
    return denied(journey, `the address ${refused} is refused by a rule`, { address: refused });
  }
  const errno = error?.code ?? last;
  const tls = tlsFailureOf(error);
  if (tls !== undefined) {
    journey.phase = "tls"; // the alert that wants a client certificate comes when our side of TLS is done
    return tls.retryable ? unreachable(journey, tls.what, errno) : unsuitable(journey, tls.what, errno);
  }
  // Where distrust was switched off it is no reason for what failed later.
  if (distrust !== undefined && journey.phase === "tls") {
    return untrusted(journey, messageOf(error), errno ?? distrust);
  }
  const { rawPacket } = (error ?? {}) as { rawPacket?: Uint8Array };
  if (rawPacket !== undefined && beginsWithTls(rawPacket)) {
    return unsuitable(journey, "the server speaks TLS at this port: `wss:` is for such", errno);
  }
  return unreachable(journey, whatOf(error, errno), errno);
}

/** What an answer that is no refusal lacks to be a WebSocket: a 2xx, or a 101 without an upgrade. */
export function lackOf({ statusCode = 0, headers }: IncomingMessage): string | undefined {
  if (statusCode >= 300) return undefined;
  if (statusCode !== 101) return "what is there is no WebSocket";
  const missing = [
    ...(headers.upgrade?.toLowerCase() === "websocket" ? [] : ["`Upgrade: websocket`"]),
    ...(/(^|[\s,])upgrade([\s,]|$)/i.test(headers.connection ?? "") ? [] : ["`Connection: Upgrade`"]),
  ];
  return `without ${missing.join(" and ")} that is no WebSocket; a proxy may have taken it out`;
}

/** The message of an error, for the few that come without a code. */
export function messageOf(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : "the handshake failed";
}

function whatOf(error: Error | undefined, errno: string | undefined): string {
  if (errno === undefined) return messageOf(error);
  return `${EXPLANATIONS[errno] ?? messageOf(error)} (${errno})`;
}
