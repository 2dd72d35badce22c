// What `node:tls` is given for a server: checked by making a context of it, so that a bad certificate is found before
// anything listens.

import { createSecureContext } from "node:tls";
import type { TlsOptions } from "../dial/tls.ts";
import { invalidSecret, invalidText } from "../errors.ts";

/** Reads the options of TLS of a server. */
export function checkServerTls(given: unknown, option: string): TlsOptions {
  if (typeof given !== "object" || given === null) {
    throw invalidSecret(option, "an object that node:tls accepts", given);
  }
  const tls = given as TlsOptions;
  const { cert, key, pfx, secureContext, SNICallback, pskCallback } = tls;
  const identity = [cert === undefined ? undefined : key, pfx, secureContext, SNICallback, pskCallback];
  if (identity.every((one) => one === undefined)) {
    throw invalidText(option, "with a certificate: `cert` and `key`, or `pfx`", "none");
  }
  try {
    if (secureContext === undefined) createSecureContext(tls);
  } catch (error) {
    const [why = ""] = (error instanceof Error ? error.message : String(error)).split(/\n| Received /);
    throw invalidText(option, "options that node:tls accepts", `an error: ${why}`); // what it received may be a key
  }
  return tls;
}
