// The caller's own way to the server: an agent of `node:http`, mostly one that goes through a proxy. What it dials is its
// business; ours is to judge what it is asked for, as far as that can be known.

import { Agent as HttpAgent, type ClientRequest } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { isIP, type LookupFunction, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { ClientOptions } from "ws";
import { invalid } from "../errors.ts";
import type { Reader } from "../protocol/options.ts";
import { addressesOf, hostOf, Judge } from "./lookup.ts";
import { type DialOptions, secureOptions, type Way } from "./wire.ts";

/** What `node:http` takes for an agent. */
export type AgentGiven = HttpAgent | false;

/** Reads the option `agent`; `false` asks for a connection of one's own, which is what every connection has. */
export const checkAgent: Reader<HttpAgent | undefined> = (given, option) => {
  if (given === undefined || given === false) return undefined;
  const { addRequest } = (given ?? {}) as { readonly addRequest?: unknown };
  if (typeof addRequest === "function") return given as HttpAgent;
  throw invalid(option, "an Agent of node:http or node:https, or one made like them", given);
};

/** @internal True for an agent that shows a client certificate of its own, whomever it connects to. */
export function certifies(agent: HttpAgent | undefined): boolean {
  const { cert, key, pfx, secureContext } = optionsOf(agent);
  return [cert, key, pfx, secureContext].some((one) => one !== undefined);
}

/** @internal */
export class AgentWay implements Way {
  readonly #agent: HttpAgent;
  readonly #options: DialOptions;
  readonly #host: string;
  readonly #judge: Judge;
  readonly #direct: boolean;
  #socket: Socket | undefined = undefined;
  #errno: string | undefined = undefined;

  constructor(agent: HttpAgent, options: DialOptions) {
    this.#agent = agent;
    this.#options = options;
    this.#host = hostOf(options.target);
    this.#judge = new Judge(options.guards);
    this.#direct = dialsItself(agent);
  }

  get socket(): Socket | undefined {
    return this.#socket;
  }

  get refused(): string | undefined {
    return this.#judge.refused;
  }

  get errno(): string | undefined {
    return this.#errno;
  }

  /** True where an address cannot be judged: rules are in force, and a proxy will look the name up. */
  get blind(): boolean {
    return this.#judge.judges && isIP(this.#host) === 0 && !this.#direct;
  }

  open(ready: (options: ClientOptions) => void, failed: (error: NodeJS.ErrnoException) => void): void {
    const { journey, target, tls, secureContext, lookup } = this.#options;
    journey.phase = "tcp";
    if (isIP(this.#host) !== 0 && this.#judge.refuses(this.#host)) {
      failed(new Error("address refused"));
      return;
    }
    const options = {
      ...(target.protocol === "wss:" ? secureOptions(target, tls, secureContext) : undefined),
      ...(lookup !== undefined || this.#judge.judges ? { lookup: this.#lookup } : undefined),
      agent: this.#agent,
      finishRequest: (request: ClientRequest) => {
        request.once("socket", (socket: Socket) => this.#adopt(socket));
        request.end();
      },
    };
    ready(options as unknown as ClientOptions); // its types know neither `lookup` nor all of TLS
  }

  // An agent's socket lends nothing.
  lendTo(): void {}

  // What an agent dials is known when it has dialled.
  unref(): void {
    this.#socket?.unref();
  }

  close(): void {
    this.#socket?.destroy();
  }

  readonly #lookup: LookupFunction = (hostname, options, answer) => {
    addressesOf(hostname, this.#options.lookup, this.#judge, (error, addresses) => {
      const [first] = addresses;
      if (error !== undefined || first === undefined) answer(error ?? null, []);
      else if (options.all === true) answer(null, [...addresses]);
      else answer(null, first.address, first.family);
    });
  };

  #adopt(socket: Socket): void {
    this.#socket = socket;
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#errno ??= error.code;
    });
    const { journey } = this.#options;
    if (socket.connecting) socket.once("connect", () => this.#connected(socket));
    else this.#connected(socket);
    if (socket instanceof TLSSocket) {
      socket.once("secureConnect", () => {
        journey.phase = "http";
      });
    }
  }

  #connected(socket: Socket): void {
    // What a proxy's socket is connected to is the proxy.
    const address = this.#direct ? socket.remoteAddress : undefined;
    if (address !== undefined && this.#judge.refuses(address)) socket.destroy(new Error("address refused"));
    const greets = socket instanceof TLSSocket && socket.getFinished() === undefined;
    this.#options.journey.phase = greets ? "tls" : "http";
  }
}

// Node's own agents connect to the host that they are asked for, by the lookup that they are given, unless they are told
// otherwise.
function dialsItself(agent: HttpAgent): boolean {
  const prototype: unknown = Object.getPrototypeOf(agent);
  if (prototype !== HttpAgent.prototype && prototype !== HttpsAgent.prototype) return false;
  if (Object.hasOwn(agent, "createConnection") || Object.hasOwn(agent, "createSocket")) return false;
  const { lookup, host, path, socketPath, proxyEnv } = optionsOf(agent);
  return [lookup, host, path ?? undefined, socketPath, proxyEnv].every((one) => one === undefined);
}

function optionsOf(agent: HttpAgent | undefined): Readonly<Record<string, unknown>> {
  return (agent as { options?: Record<string, unknown> } | undefined)?.options ?? {};
}
