// In the stranger's project of scripts/test-packed.mjs: runs the blocks of the docs there, one after the other. What each
// prints must be what its `// → …` comments say.
import { readdirSync, readFileSync } from "node:fs";

const folder = new URL("pages/", import.meta.url);
const pages = readdirSync(folder).filter((name) => name.endsWith(".mts"));
const log = console.log;
const wrong = [];

for (const name of pages) {
  const promised = [...readFileSync(new URL(name, folder), "utf8").matchAll(/\/\/ → (.*)$/gm)].map((match) => match[1]);
  const printed = [];
  console.log = (...values) => void printed.push(values.join(" "));
  try {
    await import(new URL(name.replace(/\.mts$/, ".mjs"), folder).href);
  } catch (error) {
    printed.push(String(error));
  } finally {
    console.log = log;
  }
  if (printed.join("\n") !== promised.join("\n")) wrong.push(`${name}\n  ${printed.join("\n  ")}`);
}

if (wrong.length > 0) throw new Error(`These blocks print something else:\n${wrong.join("\n")}`);
console.log(`${pages.length} blocks of the docs ran as they stand.`);
