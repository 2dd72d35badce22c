// Every page of the built site (`npm run test:site`), in Chromium, as a reader sees it: two widths, light and dark. What was
// seen stays in reports/site.

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { slug } from "github-slugger";
import { type Opened, pageOf, pages, Site } from "./site.ts";

declare const look: () => Readonly<Record<string, readonly string[]>>;
declare const isAlive: () => boolean;
declare const read: () => { readonly anchors: readonly string[]; readonly links: readonly string[] };
declare const document: {
  readonly documentElement: { readonly classList: { toggle(name: string, on: boolean): void } };
};

const root = new URL("../../", import.meta.url);
const shots = new URL("reports/site/", root);
const { homepage } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as { homepage: string };
const WINDOWS = 2;
const SIZES = [
  { width: 1440, height: 1800 },
  { width: 390, height: 1200 },
];

let site: Site;
const windows: Opened[] = [];
const anchors = new Map<string, ReadonlySet<string>>();
const links = new Map<string, readonly string[]>();

/** Looks at one page in every way, and keeps what it looked like. */
async function visit({ page, faults }: Opened, path: string): Promise<string[]> {
  const before = faults.length;
  const amiss: string[] = [];
  await page.goto(site.origin + path);
  await page.waitForFunction(() => isAlive());
  const found = await page.evaluate(() => read());
  anchors.set(path, new Set(found.anchors));
  links.set(path, found.links);
  for (const size of SIZES) {
    await page.setViewportSize(size);
    for (const theme of ["light", "dark"] as const) {
      await page.evaluate((dark) => document.documentElement.classList.toggle("dark", dark), theme === "dark");
      const name = `${path.slice(1, -".html".length).replaceAll("/", "-")}.${size.width}.${theme}.jpg`;
      await page.screenshot({ path: fileURLToPath(new URL(name, shots)), type: "jpeg", quality: 60 });
    }
    const seen = Object.values(await page.evaluate(() => look())).flat();
    amiss.push(...seen.map((what) => `${size.width} px wide: ${what}`));
  }
  return [...amiss, ...faults.slice(before)];
}

const amiss = new Map<string, readonly string[]>();

beforeAll(async () => {
  rmSync(shots, { recursive: true, force: true });
  mkdirSync(shots, { recursive: true });
  site = await Site.open();
  for (let i = 0; i < WINDOWS; i += 1) windows.push(await site.window());
  const rest = [...pages];
  await Promise.all(
    windows.map(async (opened) => {
      for (let path = rest.shift(); path !== undefined; path = rest.shift()) amiss.set(path, await visit(opened, path));
    }),
  );
});
afterAll(() => site[Symbol.asyncDispose]());

test.each(pages)("%s shows all of its text and images, without an error", (path) => {
  expect(amiss.get(path)).toEqual([]);
});

/** What is wrong with a link; undefined when it leads somewhere, or to another site. */
function faultOf(link: string): string | undefined {
  const { origin, pathname, hash } = new URL(link);
  if (origin === site.origin) {
    const page = pageOf(pathname);
    if (page === undefined) return "no such page";
    return hash === "" || anchors.get(page)?.has(decodeURIComponent(hash.slice(1))) === true
      ? undefined
      : "no such anchor";
  }
  if (!link.startsWith(`${homepage}/blob/main/`)) return undefined;
  const file = new URL(pathname.slice(new URL(`${homepage}/blob/main/`).pathname.length), root);
  if (!existsSync(file)) return "no such file";
  if (hash === "") return undefined;
  const headings = Array.from(readFileSync(file, "utf8").matchAll(/^#+ (.*)$/gm), ([, heading = ""]) => slug(heading));
  return headings.includes(hash.slice(1)) ? undefined : "no such heading";
}

test.each(pages)("the links of %s lead somewhere", (path) => {
  const dead = [...new Set(links.get(path))]
    .map((link) => [link, faultOf(link)])
    .filter(([, fault]) => fault !== undefined);
  expect(dead).toEqual([]);
});

test("the search finds a page by a word of it, without asking anybody", async () => {
  const [opened] = windows;
  if (opened === undefined) throw new Error("no window");
  const { page, faults } = opened;
  const before = faults.length;
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(site.origin);
  await page.waitForFunction(() => isAlive());
  await page.keyboard.press("Control+k");
  await page.locator("input.search-input").fill("rendezvous");
  await page.locator(".result").first().waitFor();
  expect(await page.locator(".result").count()).toBeGreaterThan(0);
  expect(faults.slice(before)).toEqual([]);
});
