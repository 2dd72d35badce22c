// The playgrounds of the built site, as a reader uses them: each is played to its end, one is edited, one is stepped through.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Locator } from "playwright";
import { programs } from "../playground/programs.ts";
import { type Opened, Site } from "./site.ts";

declare const isAlive: () => boolean;

const PAGES = ["/index.html", "/ideas.html", "/timers.html", "/event-loops.html"];

let site: Site;
let opened: Opened;
beforeAll(async () => {
  site = await Site.open();
  opened = await site.window();
});
afterAll(() => site[Symbol.asyncDispose]());

async function visit(path: string): Promise<readonly Locator[]> {
  await opened.page.goto(site.origin + path);
  await opened.page.waitForFunction(() => isAlive());
  return opened.page.locator(".playground").all();
}

function playgroundOf(program: keyof typeof programs): Locator {
  return opened.page.locator(`.playground[data-program=${program}]`);
}

/** Plays it to its end, and gives what it printed. */
async function play(playground: Locator): Promise<string> {
  await playground.getByLabel("Speed").selectOption("4");
  await playground.getByRole("button", { name: "Play" }).click();
  await playground.locator("button[aria-label=Step]:disabled").waitFor(); // there is no more
  return playground.locator(".printed").innerText();
}

test("each playground plays its program to the end, and one of each stands on a page", async () => {
  const seen: string[] = [];
  const printed: Record<string, string> = {};
  for (const path of PAGES) {
    for (const playground of await visit(path)) {
      const program = (await playground.getAttribute("data-program")) ?? "";
      if (!seen.includes(program)) printed[program] = await play(playground);
      seen.push(program);
    }
  }
  expect(opened.faults).toEqual([]);
  expect(Object.keys(programs).filter((program) => !seen.includes(program))).toEqual([]);
  expect(printed["race"]).toContain("hello is lost");
  expect(printed["race-not"]).toContain("message - hello");
  expect(printed["front"]).toContain("quiet for a second");
  expect(printed["deadlock"]).toContain("nothing can ever happen again");
});

test("a step shows the next thing that happens, and a step back what was before", async () => {
  await visit("/ideas.html");
  const buffer = playgroundOf("buffer");
  const full = () => buffer.locator(".slot.full").count();
  expect(await full()).toBe(0);
  for (let i = 0; i < 10 && (await full()) === 0; i += 1)
    await buffer.getByRole("button", { name: "Step", exact: true }).click();
  expect(await full()).toBe(1);
  await buffer.getByRole("button", { name: "Step back" }).click();
  expect(await full()).toBe(0);
});

test("a program that was edited runs, and one that cannot says so", async () => {
  await visit("/ideas.html");
  const close = playgroundOf("close");
  const editor = close.locator(".cm-content");
  await editor.fill(
    'import { Channel } from "@sluice/channels";\nconst mine = new Channel(2);\nawait mine.send(7);\nconsole.log("got", (await mine.receive()).value);',
  );
  await close.getByRole("button", { name: "Run" }).click();
  await close.locator(".printed", { hasText: "got 7" }).waitFor();
  expect(await close.locator(".pipe").innerHTML()).toContain("mine");
  await editor.fill("not a program");
  await close.getByRole("button", { name: "Run" }).click();
  await close.locator(".printed b").waitFor();
  expect(await close.locator(".printed b").innerText()).toContain("Unexpected identifier");
  expect(opened.faults).toEqual([]);
});
