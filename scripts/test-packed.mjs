// `npm run test:packed`: a stranger's project. All packages packed, installed beside each other, compiled by a project
// that checks its libraries, and run. Then every block of the docs, pasted as it stands, and a page built by each bundler.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { must, npm, say, tool } from "./run.mjs";

const program = `
import { Channel, select, time } from "@sluice/channels";
import { parked } from "@sluice/channels/inspect";
import { Source } from "@sluice/channels/source";
import { virtualTime } from "@sluice/channels/testing";
import * as websocket from "@sluice/websocket";

const words = new Channel<string>(1);
await words.send("packed");
const next = await select({ word: words, timeout: time.after("1m") });
if (next.name !== "word" || !next.ok || next.value !== "packed") throw new Error("select gave something else");
await virtualTime(() => time.sleep("24h"));

const refused: string = await websocket.connect("ws://127.0.0.1:9").then(() => "connected", (error: Error) => error.message);
if (!refused.includes("ECONNREFUSED")) throw new Error(refused);
console.log("Packed, installed, compiled, run:", Source.name, parked().length, websocket.CLOSE_CODES.NORMAL);
`;
const OLDEST = "5.7.3"; // the first with Uint8Array<ArrayBuffer>
const compiler = {
  target: "es2023",
  lib: ["es2023"],
  module: "nodenext",
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
};

// The blocks that scripts/snippets.mjs wrote, of pages and not of sources, that can run without somebody else's server.
async function copyPages(to) {
  await import("./snippets.mjs");
  const snippets = fileURLToPath(new URL("../docs/.snippets/", import.meta.url));
  const pages = readdirSync(snippets)
    .filter((name) => /\.md\.L\d+\.ts$/.test(name))
    .filter((name) => !readFileSync(join(snippets, name), "utf8").includes('from "vitest"')); // a test is no program
  mkdirSync(to);
  for (const name of pages) copyFileSync(join(snippets, name), join(to, name.replace(/ts$/, "mts")));
  copyFileSync(new URL("packed/pages.mjs", import.meta.url), join(to, "../pages.mjs"));
}

const folder = mkdtempSync(join(tmpdir(), "sluice-packed-"));
const write = (file, value) =>
  writeFileSync(join(folder, file), typeof value === "string" ? value : JSON.stringify(value));
try {
  say("Packing, which builds");
  must(...npm("pack", "--workspaces", "--silent", "--pack-destination", folder));

  say("Installing the packages in a project of their own");
  write("package.json", { private: true, type: "module" });
  write("tsconfig.json", { compilerOptions: compiler, files: ["program.ts"] });
  write("program.ts", program);
  write("tsconfig.pages.json", { extends: "./tsconfig.json", files: [], include: ["pages"] });
  await copyPages(join(folder, "pages"));
  const packages = readdirSync(folder).filter((file) => file.endsWith(".tgz"));
  must(
    ...npm(
      "install",
      "--prefix",
      folder,
      "--no-audit",
      "--no-fund",
      ...packages.map((file) => join(folder, file)),
      // What docs/examples.md says to install beside them.
      "ws",
      "@types/node@20",
      "@types/ws",
      `typescript@${OLDEST}`,
    ),
  );

  say(`Compiling it, with our TypeScript and with the oldest that will do (${OLDEST}), and running it`);
  must(...tool("typescript/bin/tsc", "-p", folder));
  must(process.execPath, [join(folder, "node_modules/typescript/bin/tsc"), "-p", folder]);
  must(process.execPath, [join(folder, "program.js")]);
  must(process.execPath, [join(folder, "node_modules/@sluice/inspect/dist/main.js"), "--help"]);
  copyFileSync(new URL("packed/copies.mjs", import.meta.url), join(folder, "copies.mjs"));
  must(process.execPath, [join(folder, "copies.mjs")]);

  say("Compiling and running the blocks of the docs there");
  must(...tool("typescript/bin/tsc", "-p", join(folder, "tsconfig.pages.json")));
  must(process.execPath, [join(folder, "pages.mjs")]);

  say("Bundling a page there, with each bundler, and running it in Chromium");
  must(process.execPath, [fileURLToPath(new URL("packed/bundles.mjs", import.meta.url)), folder]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
