// `npm run test:runtimes`: what is alike in Node and in a page, in Bun and Deno, which run the packed build of Node. Both
// come from npm, into a folder of their own; where one does not run, that is said, and it is left out.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must, npm, run, say, tool } from "./run.mjs";

const RUNTIMES = {
  bun: { version: "1.4.5", file: "bun/bin/bun.exe", words: [] },
  deno: {
    version: "2.9.6",
    file: "deno/bin.cjs",
    words: ["run", "--no-check", "--allow-env", "--allow-net=127.0.0.1"],
  },
};
const CHILD = ["as-in-a-page.ts", "runtime-child.ts"];

const folder = mkdtempSync(join(tmpdir(), "sluice-runtimes-"));
const failed = [];
try {
  say("Packing, which builds");
  must(...npm("pack", "--workspaces", "--silent", "--pack-destination", folder));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const packages = readdirSync(folder).filter((file) => file.endsWith(".tgz"));
  const install = (...what) => npm("install", "--prefix", folder, "--no-audit", "--no-fund", ...what);
  must(...install(...packages.map((file) => join(folder, file))));
  for (const file of CHILD) {
    copyFileSync(new URL(`../packages/websocket/test/fixtures/${file}`, import.meta.url), join(folder, file));
  }

  const started = {};
  for (const [name, { version, file, words }] of Object.entries(RUNTIMES)) {
    say(`Fetching ${name} ${version}`);
    const fetched = run(...install(`${name}@${version}`));
    const binary = join(folder, "node_modules", file);
    const command = file.endsWith("cjs") ? [process.execPath, binary] : [binary];
    const { status, stdout } = spawnSync(command[0], [...command.slice(1), "--version"], { encoding: "utf8" });
    if (fetched === 0 && status === 0) {
      started[`${name} ${stdout.trim().split("\n")[0]}`] = [...command, ...words, join(folder, "runtime-child.ts")];
    } else failed.push(`${name} ${version}`);
  }
  const tests = tool("vitest/vitest.mjs", "run", "--project", "runtimes");
  if (Object.keys(started).length > 0) must(...tests, { SLUICE_RUNTIMES: JSON.stringify(started) });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const name of failed)
  say(`NOT TESTED: ${name} does not run on this machine (${process.platform}, ${process.arch})`);
