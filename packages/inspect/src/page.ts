// One page on loopback, for whoever has its URL: a random port, a token in the path, and `Host` and `Origin` checked, so
// that no other page can read it, whatever name it gives this machine. It only reads, and shows names, lines and counts.

import { randomBytes, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { time } from "@sluice/channels";
import type { Program } from "./program.ts";

const EVERY = 500; // milliseconds between two looks

/** A page that is served. */
export interface Page extends AsyncDisposable {
  /** Where it is, token included: for nobody else. */
  readonly url: string;
}

const page = new URL("../page/", import.meta.url);
const uplot = createRequire(import.meta.url).resolve("uplot/package.json");
const FILES: Readonly<Record<string, readonly [string | URL, string]>> = {
  "": [new URL("index.html", page), "text/html; charset=utf-8"],
  "page.js": [new URL("page.js", page), "text/javascript; charset=utf-8"],
  "page.css": [new URL("page.css", page), "text/css; charset=utf-8"],
  "uplot.js": [uplot.replace("package.json", "dist/uPlot.iife.min.js"), "text/javascript; charset=utf-8"],
  "uplot.css": [uplot.replace("package.json", "dist/uPlot.min.css"), "text/css; charset=utf-8"],
};

const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

/** Serves a page that shows a program, live, on 127.0.0.1 and a random port. Disposed, it is gone. */
export async function servePage(program: Pick<Program, "title" | "look">): Promise<Page> {
  const token = randomBytes(24).toString("base64url");
  const looks = new Looks(program);
  const server = createServer((request, response) => {
    void answer(request, response, token, looks);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return new Served(server, looks, token);
}

class Served implements Page {
  readonly url: string;
  readonly #server: Server;
  readonly #looks: Looks;

  constructor(server: Server, looks: Looks, token: string) {
    this.#server = server;
    this.#looks = looks;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${token}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#looks.end();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, token: string, looks: Looks): Promise<void> {
  const [, given = "", name = "?"] = (request.url ?? "").split("/");
  if (!isFromHere(request) || !isSame(given, token)) return refuse(response, 403, "Forbidden");
  if (request.method !== "GET") return refuse(response, 405, "This page is only read");
  if (name === "looks") return looks.follow(response);
  const file = FILES[name];
  if (file === undefined) return refuse(response, 404, "Not found");
  try {
    const body = await readFile(file[0]);
    response.writeHead(200, { ...HEADERS, "content-type": file[1] }).end(body);
  } catch {
    refuse(response, 500, "The page is not complete");
  }
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { ...HEADERS, "content-type": "text/plain; charset=utf-8" }).end(`${why}\n`);
}

// A name that somebody else's DNS gives to 127.0.0.1 is a foreign host.
function isFromHere({ headers, socket }: IncomingMessage): boolean {
  const hosts = ["127.0.0.1", "localhost"].map((host) => `${host}:${socket.localPort}`);
  if (!hosts.includes(headers.host ?? "")) return false;
  return headers.origin === undefined || hosts.some((host) => headers.origin === `http://${host}`);
}

function isSame(given: string, token: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(token)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Looks at a program while somebody follows. */
class Looks {
  readonly #program: Pick<Program, "title" | "look">;
  readonly #followers = new Set<ServerResponse>();
  #ended = false;
  #looking = false;

  constructor(program: Pick<Program, "title" | "look">) {
    this.#program = program;
  }

  follow(response: ServerResponse): void {
    response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream" });
    response.write(`event: title\ndata: ${JSON.stringify(this.#program.title)}\n\n`);
    this.#followers.add(response);
    response.on("close", () => this.#followers.delete(response));
    if (!this.#looking) void this.#look();
  }

  end(): void {
    this.#ended = true;
    for (const response of this.#followers) response.end();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    while (this.#followers.size > 0 && !this.#ended) {
      try {
        this.#tell("look", JSON.stringify(await this.#program.look()));
      } catch (reason) {
        this.#tell("gone", JSON.stringify(reason instanceof Error ? reason.message : "It has ended"));
        break;
      }
      await time.sleep(EVERY);
    }
    this.#looking = false;
  }

  #tell(event: string, data: string): void {
    for (const response of this.#followers) response.write(`event: ${event}\ndata: ${data}\n\n`);
  }
}
