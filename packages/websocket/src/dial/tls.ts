// The options of `node:tls`, which are Node's to know: what it accepts is found out by asking it, before anything is
// dialled.

import { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions, createSecureContext, type SecureContext } from "node:tls";
import { invalidName, invalidSecret, invalidText } from "../errors.ts";
import { nearest } from "@sluice/channels/source";
import { callback } from "../protocol/options.ts";

/** What `node:tls` takes, except where to connect to, which is the URL's business. */
export type TlsOptions = Omit<ConnectionOptions, "host" | "port" | "path" | "socket" | "lookup" | "timeout">;

// Node ignores what it does not know, and knows more with each version: only what is nearly one of these is a mistake.
const TLS_NAMES: readonly string[] = (
  "ALPNProtocols ca cert checkServerIdentity ciphers clientCertEngine crl dhparam ecdhCurve enableTrace highWaterMark " +
  "honorCipherOrder key maxVersion minDHSize minVersion passphrase pfx privateKeyEngine privateKeyIdentifier " +
  "pskCallback rejectUnauthorized requestOCSP secureContext secureOptions secureProtocol servername session " +
  "sessionIdContext sigalgs ticketKeys"
).split(" ");
const WHERE_TO: readonly string[] = ["host", "hostname", "path", "port", "socket", "lookup", "timeout"];

/** Reads the options of TLS. */
export function checkTls(given: unknown, option: string): TlsOptions {
  if (typeof given !== "object" || given === null) {
    throw invalidSecret(option, "an object that node:tls accepts", given);
  }
  for (const name of Object.keys(given)) {
    const path = `${option}.${name}`;
    if (WHERE_TO.includes(name)) throw invalidText(path, "left to the URL and to `connect`", "one");
    if (TLS_NAMES.includes(name)) continue;
    const meant = nearest(name, TLS_NAMES);
    if (meant !== undefined) throw invalidName(path, TLS_NAMES, `${option}.${meant}`);
  }
  callback()((given as TlsOptions).checkServerIdentity, `${option}.checkServerIdentity`);
  return given;
}

/**
 * Makes the secure context, which finds bad certificates. Some options Node checks when it connects, or later still: here it
 * connects to a stream that leads nowhere.
 */
export function secureContextOf(tls: TlsOptions): SecureContext {
  try {
    const secureContext = tls.secureContext ?? createSecureContext(tls);
    const nowhere = new Duplex({ read: () => undefined, write: (_chunk, _encoding, written) => written() });
    connectTls({ ...tls, secureContext, socket: nowhere })
      .on("error", () => undefined)
      .destroy();
    return secureContext;
  } catch (error) {
    const [why = ""] = (error instanceof Error ? error.message : String(error)).split(/\n| Received /);
    throw invalidText("tls", "options that node:tls accepts", `an error: ${why}`); // what it received may be a key
  }
}
