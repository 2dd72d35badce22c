// What went wrong between two ends of TLS, in words. OpenSSL's own text names files of its source and memory addresses;
// the number of the server's alert, or the reason, is what it knows.

/** What TLS says of a failure: in words, and whether the network is to blame. */
export interface TlsFailure {
  readonly what: string;
  readonly retryable: boolean;
}

const CLIENT_CERTIFICATE = "`tls: { cert, key }`";

// RFC 8446 6.2. The server's verdict on what it was shown: the next attempt would show it the same.
const ALERTS: ReadonlyMap<number, string> = new Map([
  [10, "it did not expect what it was sent"],
  [20, "what it was sent did not decrypt"],
  [21, "what it was sent did not decrypt"],
  [22, "it was sent more at once than it takes"],
  [40, `no cipher suite suits both sides, or it wants a client certificate (${CLIENT_CERTIFICATE})`],
  [41, `it wants a client certificate (${CLIENT_CERTIFICATE})`],
  [42, `the client certificate is damaged, or it wants one and got none (${CLIENT_CERTIFICATE})`],
  [43, "it does not take client certificates of this kind"],
  [44, "the client certificate was revoked"],
  [45, "the client certificate has expired"],
  [46, "it does not accept the client certificate"],
  [47, "it does not accept what it was offered"],
  [48, "it does not know the authority that signed the client certificate"],
  [49, "it gives this client no access"],
  [50, "it cannot read what it was sent"],
  [51, "it cannot verify what it was sent"],
  [70, "no version of TLS suits both sides"],
  [71, "the cipher suites that it was offered are too weak for it"],
  [80, "it failed by itself (an internal error of the server)"],
  [86, "it speaks a later version of TLS than it was offered"],
  [90, "it gave up"],
  [109, "it misses an extension of TLS"],
  [110, "it knows an extension of TLS that nobody asked for"],
  [112, "it serves no host of this name"],
  [113, "it does not accept the status of the certificate"],
  [115, "it does not know the shared key"],
  [116, `it wants a client certificate (${CLIENT_CERTIFICATE})`],
  [120, "it does not speak HTTP/1.1 there"],
]);

const NO_TLS = "the server does not speak TLS at this port: `ws:` is for plain ones";

// Found on our side, by the reason in Node's code.
const REASONS: Readonly<Record<string, string>> = {
  WRONG_VERSION_NUMBER: NO_TLS,
  PACKET_LENGTH_TOO_LONG: NO_TLS,
  BAD_RECORD_TYPE: NO_TLS,
  HTTP_REQUEST: NO_TLS,
  UNKNOWN_PROTOCOL: NO_TLS,
  UNSUPPORTED_PROTOCOL: "no version of TLS suits both sides",
  WRONG_SSL_VERSION: "no version of TLS suits both sides",
  NO_PROTOCOLS_AVAILABLE: "no version of TLS is left to offer",
  NO_CIPHERS_AVAILABLE: "no cipher suite is left to offer",
  NO_SHARED_CIPHER: "no cipher suite suits both sides",
  DH_KEY_TOO_SMALL: "the server's key is too weak",
  EE_KEY_TOO_SMALL: "the key of the server's certificate is too weak",
  CA_KEY_TOO_SMALL: "the key of the server's authority is too weak",
  CA_MD_TOO_WEAK: "the signature of the server's authority is too weak",
  UNSAFE_LEGACY_RENEGOTIATION_DISABLED: "the server knows only an old and unsafe way to renegotiate",
};

// A connection that broke within TLS, as it may anywhere.
const BROKEN: readonly string[] = ["UNEXPECTED_EOF_WHILE_READING", "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"];

/** Says what OpenSSL found wrong, or undefined for an error that is not OpenSSL's. */
export function tlsFailureOf(error: Error | undefined): TlsFailure | undefined {
  const { code = "", message = "" }: Partial<NodeJS.ErrnoException> = error ?? {};
  // A write that meets the alert is an `EPROTO` that carries OpenSSL's text.
  if (!code.startsWith("ERR_SSL_") && !(code === "EPROTO" && message.includes("SSL routines"))) return undefined;
  const alert = /SSL alert number (\d+)/.exec(message)?.[1];
  if (alert !== undefined) {
    return { what: `the server ended TLS: ${ALERTS.get(Number(alert)) ?? `alert ${alert}`}`, retryable: false };
  }
  const reason = code.startsWith("ERR_SSL_") ? code.slice("ERR_SSL_".length) : reasonIn(message);
  if (BROKEN.includes(reason)) return { what: "the connection broke during TLS", retryable: true };
  return { what: REASONS[reason] ?? `TLS failed (${code})`, retryable: false };
}

// error:0A00010B:SSL routines:ssl3_get_record:wrong version number:…; later releases leave the function out.
function reasonIn(message: string): string {
  const reason = /SSL routines:[^:]*:([^:]*)/.exec(message)?.[1] ?? "";
  return reason.toUpperCase().replaceAll(" ", "_");
}

/** True for an answer that begins with a record of TLS: content type 20 to 23, and a version 3.x. */
export function beginsWithTls(bytes: Uint8Array): boolean {
  const [type = 0, version] = bytes;
  return type >= 20 && type <= 23 && version === 3;
}
