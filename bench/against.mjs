// Compares what is built now with another revision, pair by pair: both builds run a row right after each other, first
// one and then the other first. What counts is the ratio in each pair, so that whatever else the machine does meets
// both. Times are taken in one process, in batches of milliseconds by turns (measure-both.mjs), and in many processes,
// since V8 does not compile a program twice in the same way; the rest in two processes for each pair.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { binomialDistribution, median } from "simple-statistics";
import { keepBuild, keptBuild, measure, measureBoth } from "./processes.mjs";
import { subjects } from "./subjects.mjs";

const SURE = 0.95; // that no row is called moved which is not, of all rows together
const LEAST = 0.01; // less is nothing, however sure: an object may weigh a byte more for a name that is longer

/** Builds a revision, unless that was done before; gives the name of the kept build. */
export function buildRevision(revision, root) {
  const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  const commit = git("rev-parse", "--verify", "--end-of-options", `${revision}^{commit}`);
  if (existsSync(`${keptBuild(commit)}/node_modules`)) return commit;
  console.log(`Building ${revision} (${git("log", "-1", "--format=%h %s", commit)})`);
  const checkout = keptBuild("checkout");
  rmSync(checkout, { recursive: true, force: true });
  git("clone", "--quiet", "--shared", "--no-checkout", root, checkout);
  execFileSync("git", ["checkout", "--quiet", "--detach", commit], { cwd: checkout });
  linkModules(root, checkout);
  const compiler = `${root}node_modules/typescript/bin/tsc`;
  // Not its example and its tests, and whatever the types of today's packages say of that day's code.
  for (const part of readdirSync(`${checkout}/packages`)) {
    const options = ["-b", `packages/${part}/tsconfig.build.json`];
    execFileSync(process.execPath, [compiler, ...options], { cwd: checkout, stdio: "inherit" });
  }
  keepBuild(commit, checkout);
  rmSync(checkout, { recursive: true, force: true });
  return commit;
}

// The packages that are installed here, but our own, which are those of the revision.
function linkModules(root, checkout) {
  const link = (from, name) => symlinkSync(from, `${checkout}/node_modules/${name}`, "junction");
  mkdirSync(`${checkout}/node_modules/@sluice`, { recursive: true });
  for (const name of readdirSync(`${root}node_modules`)) {
    if (!name.startsWith(".") && name !== "@sluice") link(`${root}node_modules/${name}`, name);
  }
  for (const part of readdirSync(`${checkout}/packages`)) link(`${checkout}/packages/${part}`, `@sluice/${part}`);
}

/** The pairs that a row is measured in: `{ row, subject }`, ours in every way it is used. */
export function pairsOf(rows) {
  return rows.flatMap((row) =>
    subjects[row.folder].filter(({ name }) => name.startsWith("sluice")).map(({ name: subject }) => ({ row, subject })),
  );
}

/** Measures every pair in each round; gives what is to be said of each, by metric. */
export async function compare(pairs, { rounds, settings, now, then, step }) {
  const found = pairs.map((pair) => ({ ...pair, now: [], then: [], failed: undefined }));
  for (let round = 0; round < rounds; round += 1) {
    for (const one of found) {
      step(`${one.row.name} ${one.subject}`);
      if (one.failed === undefined) await measurePair(one, round, { settings, now, then });
    }
  }
  step(undefined);
  const whole = found.filter((one) => one.failed === undefined);
  const metrics = whole.reduce((sum, { row }) => sum + row.metrics.length, 0);
  return {
    moved: whole.flatMap((one) => one.row.metrics.map((metric) => movement(one, metric, (1 - SURE) / metrics))),
    failed: found.filter((one) => one.failed),
  };
}

async function measurePair(pair, round, { settings, now, then }) {
  const sides = [
    { name: "now", build: keptBuild(now) },
    { name: "then", build: keptBuild(then) },
  ];
  if (round % 2 === 1) sides.reverse();
  const builds = sides.map(({ build }) => build);
  const both =
    pair.row.kind === "time"
      ? await measureBoth(pair.subject, pair.row, { ...settings, builds })
      : await measureEach(pair.subject, pair.row, { ...settings, builds });
  const failure = both.find((result) => result?.failed !== undefined);
  if (failure !== undefined) pair.failed = failure.failed;
  else if (both.includes(null)) pair.failed = "";
  else sides.forEach(({ name }, i) => pair[name].push(both[i]));
}

async function measureEach(subject, row, { builds, ...settings }) {
  const results = [];
  for (const build of builds) results.push(await measure(subject, row, { ...settings, build }));
  return results;
}

/** How far the median of the ratios has moved, and between what it lies, but for a chance of `doubt`. */
function movement({ row, subject, now, then }, metric, doubt) {
  const values = (side) => side.map((result) => result[metric]);
  const ratios = values(now).map((value, i) => ratio(value, values(then)[i]));
  const [low, high] = rangeOfMedian(ratios, doubt);
  const middle = median(ratios);
  const isMoved = (low > 1 || high < 1) && Math.abs(middle - 1) >= LEAST;
  const isWorse = row.kind === "received" || row.kind === "sent" ? middle < 1 : middle > 1;
  const label = [row.name, ...(row.metrics.length > 1 ? [metric] : []), ...(subject === "sluice" ? [] : [subject])];
  return {
    label: label.join(" "),
    now: median(values(now)),
    then: median(values(then)),
    ratio: middle,
    low,
    high,
    verdict: isMoved ? (isWorse ? "WORSE" : "better") : "",
  };
}

function ratio(a, b) {
  return a === b ? 1 : a / b;
}

// Exact, whatever the ratios' distribution: the median lies below the k-th smallest as seldom as a coin shows its face
// fewer than k times.
function rangeOfMedian(ratios, doubt) {
  const sorted = [...ratios].sort((a, b) => a - b);
  const chances = binomialDistribution(sorted.length, 0.5);
  let k = 0;
  for (let below = chances[0]; 2 * below <= doubt; below += chances[k]) k += 1;
  return k === 0 ? [0, Infinity] : [sorted[k - 1], sorted[sorted.length - k]];
}
