// Started by scripts/bench.mjs, which installs what is compared with and builds ours:
//
// npm run bench                          every group, short: under five minutes
// npm run bench -- select                one group, or single rows by their names
// npm run bench -- --full select         the same, long
// npm run bench -- --against main        ours alone, against a git revision, pair by pair: which rows have moved
// npm run bench -- --profile select-2    where the time of ours goes, by Linux's perf
// npm run bench -- --publish …           also keeps the results for the docs and draws their charts
// npm run bench -- --charts              draws them again
//
// Rounds are interleaved: in each, every subject has one process for every row, so that whatever else the machine does
// meets all of them. Times are nanoseconds of CPU. What is printed is the median of the rounds, half the spread of their middle half, and the ratio
// to ours.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildRevision, compare, pairsOf } from "./against.mjs";
import { writePage } from "./page.mjs";
import { keepBuild, keepPrograms, keptBuild, measure, prepareGo } from "./processes.mjs";
import { profile, profiles } from "./profile.mjs";
import { groups } from "./rows.mjs";
import { median, percentile } from "./statistics.mjs";
import { subjects } from "./subjects.mjs";
import { movements, targets, text } from "./table.mjs";
import { judged } from "./targets.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
const SHORT_MILLISECONDS = 280_000;
const FEWEST_ROUNDS = 3;
const SETTINGS = {
  full: { milliseconds: 1_000, limit: 60_000 },
  short: { milliseconds: 100, limit: 20_000 },
};
const results = (name) => `${root}bench/results/${name}.json`;
const { values: flags, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: "boolean", default: false },
    against: { type: "string" },
    publish: { type: "boolean", default: false },
    charts: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
    rounds: { type: "string" },
  },
});

if (flags.charts) await draw();
else if (flags.profile) await profileRows();
else if (flags.against !== undefined) await against(flags.against);
else await bench();

async function bench() {
  const rows = chosenRows();
  const go = prepare();
  const plan = rows.map((row) => ({ row, rounds: Number(flags.rounds ?? (flags.full ? 9 : (row.rounds ?? 5))) }));
  const measured = await measureAll(plan, go);
  const summary = summarise(rows, measured);
  for (const [group, found] of Object.entries(summary)) console.log(text(group, found));
  console.log(targets(judged(summary)));
  const report = { ...about(go), groups: summary };
  save("latest", report);
  if (!flags.publish) return;
  save("published", report);
  await draw();
}

async function against(revision) {
  const then = buildRevision(revision, root);
  keepBuild("now", root);
  for (const build of ["now", then]) keepPrograms(build);
  const pairs = pairsOf(chosenRows());
  const rounds = Number(flags.rounds ?? (flags.full ? 41 : 21));
  const step = progress(rounds * pairs.length);
  const settings = SETTINGS[flags.full ? "full" : "short"];
  console.log(movements(await compare(pairs, { rounds, settings, now: "now", then, step }), revision));
}

async function profileRows() {
  const rows = chosenRows();
  keepBuild("now", root);
  const step = progress(rows.length);
  const found = {};
  for (const row of rows) {
    step(row.name);
    found[row.name] = profile(row, { SLUICE: keptBuild("now") });
  }
  step(undefined);
  console.log(profiles(found));
  const report = { groups: {}, profiles: found };
  save("latest", report);
  if (!flags.publish) return;
  save("published", report);
  await draw();
}

function chosenRows() {
  const all = Object.values(groups).flatMap(({ rows }) => rows);
  if (wanted.length === 0) return all.filter(({ group }) => !groups[group].onDemand);
  return wanted.flatMap((name) => {
    const found = groups[name]?.rows ?? all.filter((row) => row.name === name).slice(0, 1);
    if (found.length === 0)
      throw new RangeError(`No group and no row is called ${name}: ${Object.keys(groups).join(", ")}`);
    return found;
  });
}

function prepare() {
  keepBuild("now", root);
  const go = prepareGo();
  if (go === undefined) console.log("Go is not installed: its column is left out.");
  return go;
}

/** The subjects of a row that can be measured here. */
function present(row, go) {
  return subjects[row.folder].map(({ name }) => name).filter((name) => name !== "go" || go !== undefined);
}

/** Gives, by row and subject, what each round found. */
async function measureAll(plan, go) {
  const found = new Map(plan.map(({ row }) => [row, Object.fromEntries(present(row, go).map((name) => [name, []]))]));
  const settings = { ...SETTINGS[flags.full ? "full" : "short"], build: keptBuild("now") };
  const step = progress(plan.reduce((sum, { row, rounds }) => sum + rounds * present(row, go).length, 0));
  const start = performance.now();
  for (let round = 0; plan.some(({ rounds }) => round < rounds); round += 1) {
    const perRound = (performance.now() - start) / round;
    if (!flags.full && round >= FEWEST_ROUNDS && (round + 1) * perRound > SHORT_MILLISECONDS) {
      console.log(`The machine is busy: ${round} rounds instead of ${Math.max(...plan.map(({ rounds }) => rounds))}.`);
      break;
    }
    for (const { row } of plan.filter(({ rounds }) => round < rounds)) {
      for (const name of rotated(present(row, go), round)) {
        step(`${row.name} ${name}`);
        const soFar = found.get(row)[name];
        const pointless = soFar.includes(null) || soFar.filter((result) => result.failed !== undefined).length > 1;
        if (!pointless) soFar.push(await measure(name, row, settings));
      }
    }
  }
  step(undefined);
  return found;
}

/** Each round starts with another subject. */
function rotated(names, round) {
  const first = round % names.length;
  return [...names.slice(first), ...names.slice(0, first)];
}

/** Tells how far it is: on a terminal in one line, else now and then. */
function progress(total) {
  const start = Date.now();
  const { isTTY } = process.stderr;
  let done = 0;
  return (what) => {
    const seconds = Math.round((Date.now() - start) / 1_000);
    const line = `${String(Math.floor((100 * done) / total)).padStart(3)} %  ${seconds} s  ${what}`;
    if (isTTY) process.stderr.write(what === undefined ? "\r\x1b[K" : `\r\x1b[K${line}`);
    else if (what !== undefined && done % Math.ceil(total / 20) === 0) process.stderr.write(`${line}\n`);
    done += 1;
  };
}

/** By group, row and subject: for each metric its median, spread and samples; or how it failed. */
function summarise(rows, measured) {
  const summary = {};
  for (const row of rows) {
    const line = ((summary[row.group] ??= {})[row.name] = {});
    for (const [name, samples] of Object.entries(measured.get(row))) {
      const failure = samples.find((sample) => sample?.failed !== undefined);
      const good = samples.filter((sample) => sample !== null && sample.failed === undefined);
      if (failure !== undefined && good.length <= samples.length / 2) line[name] = { failed: failure.failed };
      else if (good.length > 0) {
        line[name] = Object.fromEntries(
          row.metrics.map((metric) => [metric, statistics(good.map((sample) => sample[metric]))]),
        );
        if (good[0].series !== undefined) line[name].series = good[0].series;
      }
    }
  }
  return summary;
}

function statistics(samples) {
  const middle = median(samples);
  const spread = middle === 0 ? 0 : (percentile(samples, 0.75) - percentile(samples, 0.25)) / 2 / middle;
  return { median: middle, spread, samples };
}

function about(go) {
  const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  const versionOf = (name) =>
    JSON.parse(readFileSync(`${root}bench/node_modules/${name}/package.json`, "utf8")).version;
  return {
    machine: `${cpus()[0].model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform} ${process.arch}`,
    node: process.versions.node,
    go,
    packages: Object.fromEntries(
      Object.values(subjects)
        .flat()
        .filter((subject) => subject.package)
        .map((subject) => [subject.package, versionOf(subject.package)]),
    ),
    commit:
      git("rev-parse", "--short", "HEAD") +
      (git("status", "--porcelain", "--", "packages") === "" ? "" : " and changes"),
    date: new Date().toISOString().slice(0, 10),
    full: flags.full,
  };
}

/** Keeps what an earlier run found of other rows. */
function save(name, report) {
  const path = results(name);
  const old = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { groups: {} };
  const merged = { ...old.groups };
  const profiled = { ...old.profiles, ...report.profiles };
  for (const [group, rows] of Object.entries(report.groups)) merged[group] = { ...old.groups[group], ...rows };
  const four = (_key, value) => (typeof value === "number" ? Number(value.toPrecision(4)) : value);
  writeFileSync(path, `${JSON.stringify({ ...old, ...report, groups: merged, profiles: profiled }, four, 1)}\n`);
  console.log(`\nWritten to bench/results/${name}.json`);
}

/** Writes the tables and charts of docs/benchmarks.md anew. */
async function draw() {
  await writePage(JSON.parse(readFileSync(results("published"), "utf8")), root);
}
