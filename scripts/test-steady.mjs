// `npm run test:steady`: all tests on a busy machine, with a process that only computes for each core, in another order each
// time, three times over; then which test was red how often. `npm run test:steady -- 20 silence pings` runs the files that
// match twenty times, `npm run test:steady -- 1 --timed` those that have to do with time. With `--turns` comes first, without
// any load, the core on turns of 50 µs instead of 4 ms: the fastest machine shows what a slow one would.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { install, must, root, run, say, tool } from "./run.mjs";

// Parts of names of test files.
const TIMED = "clock deadline large-writes liveness patient pings silence";
// A process that is left alone ends.
const HOG = "const parent = process.ppid; for (let i = 0; process.ppid === parent; ) for (i = 0; i < 1e8; i += 1);";

const words = process.argv.slice(2);
const rounds = Number(words.find((word) => /^\d+$/.test(word)) ?? 3);
const names = words.includes("--timed") ? TIMED.split(" ") : words.filter((word) => !/^(\d+|--.*)$/.test(word));

/** The names of the tests that a run had red, and of files that could not be run. */
function redIn(report) {
  const red = [];
  for (const { name, status, assertionResults } of report.testResults) {
    const file = relative(root, name);
    const failed = assertionResults.filter((result) => result.status === "failed");
    red.push(...failed.map((result) => `${file}: ${result.fullName}`));
    if (status === "failed" && failed.length === 0) red.push(file);
  }
  return red;
}

install();
await import("./snippets.mjs");

if (words.includes("--turns")) {
  say("The core, on turns of 50 µs");
  const core = tool("vitest/vitest.mjs", "run", "--project", "core", "--silent=true", "--reporter", "dot");
  must(...core, { SLUICE_TURN: "0.05" });
}

const folder = mkdtempSync(join(tmpdir(), "sluice-steady-"));
const hogs = Array.from({ length: availableParallelism() }, () => spawn(process.execPath, ["-e", HOG]));
const times = new Map();
let redRounds = 0;
try {
  for (let round = 1; round <= rounds; round += 1) {
    say(`Round ${round} of ${rounds}, beside ${hogs.length} processes that only compute`);
    const file = join(folder, `${round}.json`);
    const reporters = ["--reporter", "dot", "--reporter", "json", `--outputFile.json=${file}`];
    const projects = ["--project", "core", "--project", "node", "--project", "heap", "--project", "docs"];
    const status = run(...tool("vitest/vitest.mjs", "run", ...projects, "--silent=true", ...reporters, ...names));
    const red = redIn(JSON.parse(readFileSync(file, "utf8")));
    if (status !== 0 && red.length === 0) red.push("the run itself, for what it says above");
    for (const name of red) times.set(name, (times.get(name) ?? 0) + 1);
    if (red.length > 0) redRounds += 1;
  }
} finally {
  for (const hog of hogs) hog.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}

say(`${rounds - redRounds} of ${rounds} rounds were green`);
for (const [name, count] of [...times].toSorted(([, a], [, b]) => b - a)) console.log(`  red ${count} × ${name}`);
process.exitCode = redRounds === 0 ? 0 : 1;
