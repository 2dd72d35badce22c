// Runs the code of the docs (scripts/snippets.mjs writes it to files): what it prints is what its `// → …` comments say.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";

const folder = new URL(".snippets/", import.meta.url);

for (const name of readdirSync(folder).filter((file) => !file.includes(".norun."))) {
  test(`runs ${name}`, async () => {
    const file = new URL(name, folder);
    const promised = [...readFileSync(file, "utf8").matchAll(/\/\/ → (.*)$/gm)].map((match) => match[1]);
    const printed: string[] = [];
    const log = vi.spyOn(console, "log").mockImplementation((...values) => void printed.push(values.join(" ")));
    try {
      await import(/* @vite-ignore */ file.href);
    } finally {
      log.mockRestore();
    }
    expect(printed).toEqual(promised);
  });
}
