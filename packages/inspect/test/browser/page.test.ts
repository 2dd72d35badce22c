// The page in Chromium, over a program with three planted faults; what it looks like is kept in artifacts/.

import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runInThisContext } from "node:vm";
import { record, snapshot } from "@sluice/channels/inspect";
import { type Look, type Page as Served, servePage } from "@sluice/inspect";
import { listen } from "@sluice/websocket";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LOOK } from "../../src/look.ts";
import { plant } from "../faults.ts";

const artifacts = fileURLToPath(new URL("../../artifacts/", import.meta.url));
const executablePath = [process.env["CHROME_PATH"], "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (path) => path !== undefined && existsSync(path),
);

// As the inspector evaluates it, in the program's own global scope.
async function look(): Promise<Look> {
  return JSON.parse(await (runInThisContext(LOOK) as Promise<string>)) as Look;
}

let browser: Browser;
let served: Served;
let page: Page;
let channels: ReturnType<typeof plant>;

beforeAll(async () => {
  await mkdir(artifacts, { recursive: true });
  record({ parked: true, channels: true, abandoned: true });
  channels = plant();
  while (snapshot().abandoned.length === 0) {
    globalThis.gc?.();
    await new Promise(setImmediate);
  }
  served = await servePage({ title: "process 4711", look });
  browser = await chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  page = await browser.newPage();
});

afterAll(async () => {
  await browser.close();
  await served[Symbol.asyncDispose]();
  for (const channel of channels) channel.close();
  record(false);
});

test("the page tells the bottleneck, the deadlock and the abandoned select, and what it looks like is kept", async () => {
  const mistakes: string[] = [];
  page.on("pageerror", ({ message }) => mistakes.push(message));
  page.on("console", (message) => message.type() === "error" && mistakes.push(message.text()));
  await page.goto(served.url);
  const channel = (name: string, verdict: string): Promise<unknown> =>
    page.waitForSelector(`[data-channel="${name}"][data-verdict="${verdict}"]`);
  await channel("orders", "slow receiver");
  await channel("fork", "slow sender");
  await channel("other fork", "slow sender");
  await channel("heartbeats", "flowing");
  expect(await page.textContent('[data-channel="orders"]')).toMatch(
    /[23] senders wait.*[23] × send.*produce \(.*faults\.ts/,
  );
  expect(await page.textContent('[data-channel="fork"]')).toMatch(/1 receiver waits.*1 × receive.*left \(.*faults\.ts/);
  expect(await page.textContent("#abandoned")).toMatch(/select.*"reply".*"cancel".*forget \(.*faults\.ts/);
  await page.waitForSelector("#lateness canvas");
  await page.waitForSelector("#numbers dd");
  await page.setViewportSize({ width: 860, height: 900 }); // the pictures of docs/seeing.md
  for (const [name, selector] of [
    ["bottleneck", '[data-channel="orders"]'],
    ["deadlock", '[data-channel="fork"]'],
    ["abandoned", "#abandoned"],
  ] as const) {
    // By its place: what is drawn anew meanwhile is another element.
    const clip = await page.locator(selector).boundingBox();
    await page.screenshot({ path: `${artifacts}${name}.png`, fullPage: true, ...(clip !== null && { clip }) });
  }
  for (const colorScheme of ["light", "dark"] as const) {
    for (const [width, name] of [
      [1200, "wide"],
      [390, "narrow"],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      expect(overflow).toBeLessThanOrEqual(0);
      await page.screenshot({ path: `${artifacts}${name}-${colorScheme}.png`, fullPage: true });
    }
  }
  expect(mistakes).toEqual([]);
});

test("a server is on the page, with its details", async () => {
  await using server = await listen();
  expect(server.stats.open).toBe(0);
  const other = await browser.newPage(); // one of which no picture was taken: that may show no further frame
  await other.goto(served.url);
  await other.waitForSelector('[data-channel="connections"]');
  expect(await other.textContent('[data-channel="connections"]')).toContain("open 0 · handshakes 0 · refused 0");
  await other.close();
});

test("when the program ends the page says so", async () => {
  const gone = await servePage({
    title: "process 4712",
    look: () => Promise.reject(new Error("process 4712 has ended")),
  });
  const other = await browser.newPage();
  await other.goto(gone.url);
  await other.waitForSelector("#state.gone");
  expect(await other.textContent("#state")).toBe("process 4712 has ended");
  await gone[Symbol.asyncDispose]();
});
