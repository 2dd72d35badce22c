// Which addresses may be dialled. Judged where they cannot lie: on IP literals after URL parsing, on every DNS answer,
// and on the address of the connected socket, so that a name that answers differently the second time gets nowhere.
// An IPv6 address may stand for an IPv4 host behind a translator or a tunnel: then that host is judged, too.

import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { invalid } from "../errors.ts";
import { nearest } from "@sluice/channels/source";
import { optional, readGroup, type Readers } from "../protocol/options.ts";

/** A well-known range, one address, or a subnet such as `"10.1.0.0/16"`. */
export type AddressRange = "loopback" | "private" | "link-local" | "multicast" | "reserved" | (string & {});

/** Which addresses a connection must not reach. */
export interface AddressRules {
  /** Ranges that are refused. */
  readonly deny: readonly AddressRange[];
  /** Exceptions: addresses in these ranges are allowed in any case. */
  readonly allow?: readonly AddressRange[] | undefined;
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

// Our names for the classes that ipaddr.js knows from IANA's registries. Its types do not list all of them.
const RANGES: ReadonlyMap<string, readonly string[]> = new Map([
  // A connection to 0.0.0.0 or :: reaches the machine itself.
  ["loopback", ["loopback", "unspecified"]],
  // RFC 1918, RFC 6598 (carriers), RFC 4193, and the site-local range that RFC 3879 retired.
  ["private", ["private", "carrierGradeNat", "uniqueLocal", "deprecatedSiteLocal"]],
  // The metadata services of clouds live here.
  ["link-local", ["linkLocal"]],
  // Many hosts at once.
  ["multicast", ["multicast", "broadcast"]],
  // No host at all: documentation, benchmarks, discarding, identifiers, the future.
  [
    "reserved",
    [
      "reserved",
      "benchmarking",
      "discard",
      "deprecatedOrchid",
      "orchid2",
      "droneRemoteIdProtocolEntityTags",
      "segmentRouting",
    ],
  ],
]);

/** The address rules of one connection, or of one scope. */
export class AddressGuard {
  readonly #deny: Ranges;
  readonly #allow: Ranges;

  constructor(deny: Ranges, allow: Ranges) {
    this.#deny = deny;
    this.#allow = allow;
  }

  /** True when `address`, an IP address as `node:net` spells it, must not be reached. */
  refuses(address: string): boolean {
    if (isIP(address) === 0) return true;
    const itself = parse(address);
    if (this.#allow.include(itself)) return false;
    return [itself, ...hostsBehind(itself)].some((host) => this.#deny.include(host) && !this.#allow.include(host));
  }
}

/** Ranges of addresses: classes by name, and subnets. */
class Ranges {
  readonly #classes = new Set<string>();
  readonly #subnets: (readonly [Address, number])[] = [];

  /** Adds a range as a rule spells it; false when it is none. */
  add(range: string): boolean {
    const classes = RANGES.get(range);
    if (classes !== undefined) {
      for (const name of classes) this.#classes.add(name);
      return true;
    }
    const [address = "", prefix, ...rest] = range.split("/");
    const bits = isIP(address) === 6 ? 128 : 32;
    if (isIP(address) === 0 || rest.length > 0) return false;
    if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)) return false;
    this.#addSubnet(parse(address), prefix === undefined ? bits : Number(prefix));
    return true;
  }

  include(address: Address): boolean {
    return this.#classes.has(address.range()) || this.#subnets.some((subnet) => isIn(address, subnet));
  }

  #addSubnet(address: Address, prefix: number): void {
    this.#subnets.push([address, prefix]);
    if (isIPv6(address) && address.isIPv4MappedAddress() && prefix >= 96) {
      this.#subnets.push([address.toIPv4Address(), prefix - 96]);
    }
  }
}

const RULES: Readers<{ readonly deny: Ranges; readonly allow: Ranges }> = {
  deny: rangesOf,
  allow: optional(rangesOf, new Ranges()),
};

/** Reads the rules; throws INVALID, naming `option`, for what is none. */
export function addressGuard(rules: unknown, option: string): AddressGuard {
  const { deny, allow } = readGroup(RULES, rules, option);
  return new AddressGuard(deny, allow);
}

function rangesOf(given: unknown, option: string): Ranges {
  if (!Array.isArray(given)) throw invalid(option, "a list of address ranges", given);
  const ranges = new Ranges();
  for (const range of given as unknown[]) {
    if (typeof range === "string" && ranges.add(range)) continue;
    const names = [...RANGES.keys()].map((name) => `"${name}"`).join(", ");
    const meant = typeof range === "string" ? nearest(range, [...RANGES.keys()]) : undefined;
    throw invalid(option, `${names}, IP addresses or subnets`, range, meant);
  }
  return ranges;
}

function isIPv6(address: Address): address is ipaddr.IPv6 {
  return address.kind() === "ipv6";
}

function isIn(address: Address, [subnet, prefix]: readonly [Address, number]): boolean {
  return address.kind() === subnet.kind() && address.match(subnet, prefix);
}

// Through the platform's own parser: ipaddr.js reads `::10.0.0.1`, as the system spells ::a00:1, as ::ffff:10.0.0.1.
function parse(address: string): Address {
  if (isIP(address) === 4) return ipaddr.parse(address);
  const withoutZone = address.replace(/%.*$/, ""); // fe80::1%eth0
  return ipaddr.parse(new URL(`ws://[${withoutZone}]`).hostname.slice(1, -1));
}

const COMPATIBLE = ipaddr.parseCIDR("::/96");
const LOCAL_TRANSLATION = ipaddr.parseCIDR("64:ff9b:1::/48");

// The IPv4 hosts that an IPv6 address leads to, where the network does what these prefixes are for.
function hostsBehind(address: Address): readonly ipaddr.IPv4[] {
  if (!isIPv6(address)) return [];
  const bytes = address.toByteArray();
  const inverted = bytes.map((byte) => byte ^ 0xff);
  const range: string = address.range();
  switch (range) {
    case "ipv4Mapped": // ::ffff:10.0.0.1, RFC 4291 2.5.5.2
    case "rfc6145": // ::ffff:0:10.0.0.1, IPv4-translated, RFC 2765 2.1
      return [hostAt(bytes, 12)];
    case "rfc6052": // 64:ff9b::10.0.0.1, NAT64
      return isIn(address, LOCAL_TRANSLATION) ? translated(bytes) : [hostAt(bytes, 12)];
    case "6to4": // 2002:a00:1::, RFC 3056 2
      return [hostAt(bytes, 2)];
    case "teredo": // the server, and the client's address inverted, RFC 4380 4
      return [hostAt(bytes, 4), hostAt(inverted, 12)];
    case "unicast": // ::10.0.0.1, IPv4-compatible, RFC 4291 2.5.5.1; :: and ::1 have classes of their own
      return isIn(address, COMPATIBLE) ? [hostAt(bytes, 12)] : tunnelled(address, bytes);
    default:
      return tunnelled(address, bytes);
  }
}

// fe80::5efe:10.0.0.1, ISATAP under any prefix, RFC 5214 6.1.
function tunnelled({ parts }: ipaddr.IPv6, bytes: readonly number[]): readonly ipaddr.IPv4[] {
  return parts[5] === 0x5efe && (parts[4] === 0 || parts[4] === 0x200) ? [hostAt(bytes, 12)] : [];
}

// The network behind 64:ff9b:1::/48 (RFC 8215) chooses how long its prefix is: the host stands behind 48, 56, 64 or 96
// bits, around byte 8, which is 0, and with nothing but zeros behind it (RFC 6052 2.2).
function translated(bytes: readonly number[]): readonly ipaddr.IPv4[] {
  const behind96 = hostAt(bytes, 12);
  if (bytes[8] !== 0) return [behind96];
  const rest = [...bytes.slice(0, 8), ...bytes.slice(9)];
  const shorter = [6, 7, 8].filter((start) => rest.slice(start + 4).every((byte) => byte === 0));
  const hosts = shorter.map((start) => hostAt(rest, start));
  return hosts.length > 0 && behind96.octets.every((byte) => byte === 0) ? hosts : [...hosts, behind96];
}

function hostAt(bytes: readonly number[], start: number): ipaddr.IPv4 {
  return new ipaddr.IPv4(bytes.slice(start, start + 4));
}
