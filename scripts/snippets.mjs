// The code of the docs as files: every ```ts block of the Markdown pages, and every `@example` of the sources, becomes a
// file in docs/.snippets that the compiler checks and docs/snippets.test.ts runs. Blank lines pad it, so that a line in
// an error is the line on the page. A block marked `no-run` is checked only.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";

const root = new URL("../", import.meta.url);
const out = new URL("docs/.snippets/", root);

const files = (folder) => readdirSync(new URL(folder, root), { recursive: true }).map((file) => folder + file);
const pages = [
  "README.md",
  "packages/channels/README.md",
  "packages/websocket/README.md",
  "packages/inspect/README.md",
  // docs/api is written from the sources below.
  ...files("docs/").filter((file) => file.endsWith(".md") && !/^docs[\\/](api|\.vitepress)\b/.test(file)),
];
const sources = [...files("packages/channels/src/"), ...files("packages/websocket/src/")];

// An `@example` is read beside its declaration, so it does not repeat the import of its own package.
const imports = {
  channels: `import { Channel, ClosedError, Selector, SluiceError, errors, select, time, trySelect } from "@sluice/channels";`,
  websocket: `import * as websocket from "@sluice/websocket"; import { Channel, select, time } from "@sluice/channels";`,
};

const snippets = new Map();

function write(page, line, run, code, first = "") {
  const name = `${page.replaceAll(/[\\/]/g, "-")}.L${line + 1}${run ? "" : ".norun"}.ts`;
  snippets.set(name, `${first}${"\n".repeat(line + 1)}${code.join("\n")}\nexport {};\n`);
}

for (const page of pages) {
  const lines = readFileSync(new URL(page, root), "utf8").split(/\r?\n/);
  for (let start = 0; start < lines.length; start++) {
    if (!/^```ts\b/.test(lines[start])) continue;
    const end = lines.indexOf("```", start + 1);
    if (end < 0) throw new Error(`${page}:${start + 1}: the code block never ends`);
    write(page, start, !lines[start].includes("no-run"), lines.slice(start + 1, end));
    start = end;
  }
}

for (const page of sources.filter((file) => file.endsWith(".ts"))) {
  const lines = readFileSync(new URL(page, root), "utf8").split(/\r?\n/);
  for (let start = 0; start < lines.length; start++) {
    if (!/^\s*\* @example\b/.test(lines[start])) continue;
    let end = start + 1;
    while (!/^\s*(\*\/|\* @)/.test(lines[end])) end++;
    const code = lines.slice(start + 1, end).map((line) => line.replace(/^\s*\* ?/, "").replace(/^```.*/, ""));
    const first = code.some((line) => line.startsWith("import ")) ? "" : imports[page.split("/")[1]];
    write(page, start, !lines[start].includes("no-run"), code, first);
    start = end;
  }
}

// Only what is different: somebody else may be reading them.
mkdirSync(out, { recursive: true });
const old = new Set(readdirSync(out));
for (const [name, code] of snippets) {
  if (!old.delete(name) || readFileSync(new URL(name, out), "utf8") !== code) writeFileSync(new URL(name, out), code);
}
for (const name of old) rmSync(new URL(name, out), { recursive: true });
