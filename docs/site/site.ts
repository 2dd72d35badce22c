// The built site on loopback, and Chromium in front of it, which asks nobody else.

import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright";

const dist = new URL("../.vitepress/dist/", import.meta.url);
const LOOK = fileURLToPath(new URL("look.mjs", import.meta.url));
const EXECUTABLE = [process.env["CHROME_PATH"], "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (path) => path !== undefined && existsSync(path),
);
const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** The pages, as paths of the site. */
export const pages: readonly string[] = readdirSync(dist, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".html") && file !== "404.html")
  .map((file) => `/${file.replaceAll("\\", "/")}`)
  .toSorted();

function fileOf(path: string): URL | undefined {
  return [path, `${path}index.html`, `${path}.html`]
    .map((candidate) => new URL(`.${candidate}`, dist))
    .find((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
}

/** Which page a path leads to; undefined for none. */
export function pageOf(path: string): string | undefined {
  const file = fileOf(decodeURI(path))?.href.slice(dist.href.length - 1);
  return file === undefined ? undefined : decodeURI(file);
}

/** A page that was opened, and what went wrong in it so far. */
export interface Opened {
  readonly page: Page;
  /** Errors, warnings, answers that are none, and requests that would have left this machine. */
  readonly faults: readonly string[];
}

export class Site implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #server: Server;
  readonly #contexts: BrowserContext[] = [];

  private constructor(browser: Browser, server: Server) {
    this.#browser = browser;
    this.#server = server;
  }

  static async open(): Promise<Site> {
    const server = createServer((request, response) => {
      const file = fileOf(decodeURI(new URL(request.url ?? "/", "http://site").pathname));
      response.writeHead(file === undefined ? 404 : 200, {
        "Content-Type": TYPES[extname(file?.pathname ?? "")] ?? "",
      });
      response.end(file === undefined ? "" : readFileSync(file));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const browser = await chromium.launch({
      ...(EXECUTABLE !== undefined && { executablePath: EXECUTABLE }),
      args: [
        "--disable-background-networking",
        "--disable-gpu", // drawn by the processor in any case: without a detour
        "--disable-component-update",
        "--no-first-run",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      ],
    });
    return new Site(browser, server);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A window in which pages are opened, one after the other. */
  async window(): Promise<Opened> {
    const context = await this.#browser.newContext({ reducedMotion: "reduce" });
    this.#contexts.push(context);
    const page = await context.newPage();
    await page.addInitScript({ path: LOOK });
    const faults: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) faults.push(message.text());
    });
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(this.origin) && !/^(data|blob):/.test(url)) faults.push(`asks ${url}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
    });
    return { page, faults };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
