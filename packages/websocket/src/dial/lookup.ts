// From a host to the addresses to dial. A resolver is the caller's, or Node's: what it answers is checked here, since
// Node waits for ever on one that answers nothing, and every answer is judged, also those that would not be dialled: a
// name that points inside and outside is no mistake.

import dns from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import type { AddressGuard } from "./addresses.ts";

/** An address to dial. */
export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** What the rules of addresses say on the way to one server. */
export class Judge {
  readonly #guards: readonly AddressGuard[];
  #refused: string | undefined = undefined;

  constructor(guards: readonly AddressGuard[]) {
    this.#guards = guards;
  }

  /** True when there are rules at all. */
  get judges(): boolean {
    return this.#guards.length > 0;
  }

  /** The address that a rule refused. */
  get refused(): string | undefined {
    return this.#refused;
  }

  /** True when a rule refuses the address. */
  refuses(address: string): boolean {
    if (!this.#guards.some((guard) => guard.refuses(address))) return false;
    this.#refused = address;
    return true;
  }
}

/** The host of a URL as it is dialled: an IP address without brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/** Gives the addresses of a host, at least one, or an error. An IP address is its own, and nobody is asked. */
export function addressesOf(
  host: string,
  lookup: LookupFunction | undefined,
  judge: Judge,
  answer: (error: Error | undefined, addresses: readonly Address[]) => void,
): void {
  const family = isIP(host);
  if (family !== 0) {
    conclude([host]);
    return;
  }
  let answered = false;
  const resolve: LookupFunction = lookup ?? dns.lookup;
  try {
    resolve(host, lookupOptions(), (error, found) => {
      if (answered) return;
      answered = true;
      if (error) answer(error, []);
      else conclude(Array.isArray(found) ? found.map(textOf) : [found]);
    });
  } catch (error) {
    answered = true;
    answer(error instanceof Error ? error : new Error(String(error)), []);
  }

  function conclude(found: readonly unknown[]): void {
    const known = found.filter((each) => each !== undefined && each !== null);
    const texts = known.filter((each) => typeof each === "string" && isIP(each) !== 0) as string[];
    const addresses = texts.map((address): Address => ({ address, family: isIP(address) === 6 ? 6 : 4 }));
    if (texts.length < known.length) answer(new Error("the lookup answered with what is no IP address"), []);
    else if (addresses.length === 0) answer(new Error("the lookup found no address"), []);
    else if (addresses.some(({ address }) => judge.refuses(address))) answer(new Error("address refused"), []);
    else answer(undefined, alternating(addresses));
  }
}

// As `net.connect` asks: IPv6 only where the machine has it. An older resolver may give one address all the same.
function lookupOptions(): dns.LookupAllOptions {
  return { all: true, family: 0, hints: process.platform === "win32" ? 0 : dns.ADDRCONFIG };
}

function textOf(found: unknown): unknown {
  return typeof found === "object" && found !== null ? (found as { address?: unknown }).address : found;
}

// One family may be broken altogether: the first address of each is tried first (RFC 8305 4).
function alternating(addresses: readonly Address[]): readonly Address[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family);
  return first.flatMap((address, i) => [address, ...second.slice(i, i + 1)]).concat(second.slice(first.length));
}
