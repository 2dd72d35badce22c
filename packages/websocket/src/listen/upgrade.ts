// The request that asks for a connection: what RFC 6455 4.2.1 wants of it, and what may be known of it before it is
// answered.

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { authorityOf } from "./host.ts";
import type { Refusal } from "./refusal.ts";

/** A handshake that asks to become a connection. */
export interface Upgrade {
  /** Where it asks to, normalised: its path is the one that was judged. */
  readonly url: URL;
  /** By names in lower case, as `node:http` gives them. */
  readonly headers: IncomingHttpHeaders;
  /** The page that it comes from; undefined when it comes from no page. A program may write what it likes here. */
  readonly origin: string | undefined;
  /** The address of the peer, or of the proxy in front of us. */
  readonly remoteAddress: string;
  /** The subprotocols that it offers, in its order. */
  readonly protocols: readonly string[];
  /** The request itself, for what is not above. */
  readonly request: IncomingMessage;
}

const VERSION = "13";
const KEY = /^[+/0-9A-Za-z]{22}==$/; // sixteen bytes in base64
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// Stands in for a host that is none, where only the path is asked for.
const NOWHERE = "nowhere.invalid";

const bad = (body: string): Refusal => ({ status: 400, body });
/** What a request is answered with that does not ask for a WebSocket. */
export const UPGRADE_REQUIRED: Refusal = {
  status: 426,
  headers: { Upgrade: "websocket", "Sec-WebSocket-Version": VERSION },
  body: "This is a WebSocket server",
};

/** Where a request asks to; undefined when that cannot be read. */
export function targetOf(request: IncomingMessage, secure: boolean): URL | undefined {
  const { url: target = "", headers } = request;
  const scheme = secure ? "wss:" : "ws:";
  const base = authorityOf(headers.host ?? "", scheme) ?? new URL(`${scheme}//${NOWHERE}`);
  // A path may begin with two slashes, and must not be read as a host.
  const text = target.startsWith("/") ? base.origin + target : target;
  if (!/^(?:wss?|https?):\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  url.protocol = scheme; // a proxy's form of a target has one of its own (RFC 9112 3.2.2)
  url.hash = "";
  return url;
}

/** Reads the request, or says why it cannot become a connection. */
export function readUpgrade(request: IncomingMessage, url: URL): Upgrade | Refusal {
  const { headers, method, httpVersion } = request;
  if (method !== "GET") return { status: 405, headers: { Allow: "GET" }, body: "A handshake is a GET" };
  if (headers.upgrade?.toLowerCase() !== "websocket" || httpVersion !== "1.1") return UPGRADE_REQUIRED;
  if (headers["sec-websocket-version"] !== VERSION) return UPGRADE_REQUIRED;
  if (!KEY.test(headers["sec-websocket-key"] ?? "")) return bad("No `Sec-WebSocket-Key` that is one");
  // What would follow the request is the first frame, and must not be taken for something else by somebody in between.
  const length = headers["content-length"] ?? "0";
  if (length !== "0" || headers["transfer-encoding"] !== undefined) return bad("A handshake has no body");
  const hosts = request.rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === "host");
  if (hosts.length !== 1 || url.hostname === NOWHERE) return bad("No `Host` that is one");
  if (authorityOf(headers.host ?? "", url.protocol)?.host !== url.host) return bad("`Host` is not where it asks to");
  const protocols = protocolsOf(headers["sec-websocket-protocol"]);
  if (protocols === undefined) return bad("No `Sec-WebSocket-Protocol` that is one");
  const remoteAddress = request.socket.remoteAddress ?? "";
  return { url, headers, origin: headers.origin, remoteAddress, protocols, request };
}

function protocolsOf(header: string | undefined): readonly string[] | undefined {
  if (header === undefined) return [];
  const protocols = header.split(",").map((protocol) => protocol.trim());
  const unique = new Set(protocols).size === protocols.length;
  return unique && protocols.every((protocol) => TOKEN.test(protocol)) ? protocols : undefined;
}
