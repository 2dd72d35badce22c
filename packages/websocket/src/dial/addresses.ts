// Which addresses may be dialled. Judged where they cannot lie: on IP literals after URL parsing, on every DNS answer,
// and on the address of the connected socket, so that a name that answers differently the second time gets nowhere.

import { BlockList, isIP } from "node:net";
import { invalid } from "../errors.ts";

/** A well-known range, one address, or a subnet such as `"10.1.0.0/16"`. */
export type AddressRange = "loopback" | "private" | "link-local" | (string & {});

/** Which addresses a connection must not reach. */
export interface AddressRules {
  /** Ranges that are refused. */
  readonly deny: readonly AddressRange[];
  /** Exceptions: addresses in these ranges are allowed in any case. */
  readonly allow?: readonly AddressRange[] | undefined;
}

interface Subnet {
  readonly address: string;
  readonly prefix: number;
}

const RANGES: Readonly<Record<string, readonly Subnet[]>> = {
  // A connection to 0.0.0.0 or :: reaches the machine itself.
  loopback: [
    { address: "127.0.0.0", prefix: 8 },
    { address: "0.0.0.0", prefix: 8 },
    { address: "::1", prefix: 128 },
    { address: "::", prefix: 128 },
  ],
  // RFC 1918, RFC 6598 (carriers), RFC 4193, and the site-local range that RFC 3879 retired.
  private: [
    { address: "10.0.0.0", prefix: 8 },
    { address: "172.16.0.0", prefix: 12 },
    { address: "192.168.0.0", prefix: 16 },
    { address: "100.64.0.0", prefix: 10 },
    { address: "fc00::", prefix: 7 },
    { address: "fec0::", prefix: 10 },
  ],
  // The metadata services of clouds live here.
  "link-local": [
    { address: "169.254.0.0", prefix: 16 },
    { address: "fe80::", prefix: 10 },
  ],
};

/** The address rules of one connection, or of one scope. */
export class AddressGuard {
  readonly #deny: BlockList;
  readonly #allow: BlockList;

  constructor(deny: BlockList, allow: BlockList) {
    this.#deny = deny;
    this.#allow = allow;
  }

  /** True when `address`, an IP address as `node:net` spells it, must not be reached. */
  refuses(address: string): boolean {
    const plain = address.replace(/%.*$/, ""); // fe80::1%eth0
    const version = isIP(plain);
    if (version === 0) return true;
    const family = version === 6 ? "ipv6" : "ipv4";
    return this.#deny.check(plain, family) && !this.#allow.check(plain, family);
  }
}

/** Reads the rules; throws INVALID, naming `option`, for what is none. */
export function addressGuard(rules: unknown, option: string): AddressGuard {
  if (typeof rules !== "object" || rules === null || Array.isArray(rules)) {
    throw invalid(option, "an object with `deny`, a list of address ranges", rules);
  }
  const { deny, allow = [] } = rules as { deny?: unknown; allow?: unknown };
  return new AddressGuard(listOf(deny, `${option}.deny`), listOf(allow, `${option}.allow`));
}

function listOf(ranges: unknown, option: string): BlockList {
  if (!Array.isArray(ranges)) throw invalid(option, "a list of address ranges", ranges);
  const list = new BlockList();
  for (const range of ranges as unknown[]) {
    if (typeof range !== "string" || !add(list, range)) {
      throw invalid(option, `"loopback", "private", "link-local", IP addresses or subnets`, range);
    }
  }
  return list;
}

function add(list: BlockList, range: string): boolean {
  const known = Object.hasOwn(RANGES, range) ? RANGES[range] : undefined;
  if (known !== undefined) {
    for (const subnet of known) addSubnet(list, subnet);
    return true;
  }
  const [address = "", prefix, ...rest] = range.split("/");
  const bits = isIP(address) === 6 ? 128 : 32;
  if (isIP(address) === 0 || rest.length > 0) return false;
  if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)) return false;
  addSubnet(list, { address, prefix: prefix === undefined ? bits : Number(prefix) });
  return true;
}

// Each IPv4 subnet also stands behind IPv6 spellings that lead to the same host: mapped (which BlockList knows by
// itself), compatible (RFC 4291), NAT64 (RFC 6052) and 6to4 (RFC 3056).
function addSubnet(list: BlockList, { address, prefix }: Subnet): void {
  if (isIP(address) === 6) {
    list.addSubnet(address, prefix, "ipv6");
    return;
  }
  list.addSubnet(address, prefix, "ipv4");
  list.addSubnet(`64:ff9b::${address}`, 96 + prefix, "ipv6");
  // ::/96 begins with :: and ::1, which are judged as loopback alone.
  if (address !== "0.0.0.0") list.addSubnet(`::${address}`, 96 + prefix, "ipv6");
  list.addSubnet(`2002:${inHexadecimal(address)}::`, 16 + prefix, "ipv6");
}

function inHexadecimal(address: string): string {
  const bytes = Buffer.from(address.split(".").map(Number)).toString("hex");
  return `${bytes.slice(0, 4)}:${bytes.slice(4)}`;
}
