// Every measurement has a process of its own, and a limit: a subject that loses a value may wait for it for ever.

import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const bench = fileURLToPath(new URL(".", import.meta.url));
const builds = `${bench}.build/`;
const NOTHING_LEFT = 13; // Node's exit code when a promise is awaited that nothing will ever settle
const goTest = `${builds}rows.go-test`;

/** Copies what was built in a checkout, so that a build during the rounds changes nothing. */
export function keepBuild(name, checkout) {
  const folder = `${builds}${name}/node_modules/@sluice/`;
  rmSync(`${builds}${name}`, { recursive: true, force: true });
  for (const part of ["channels", "websocket"]) {
    const built = `${checkout}/packages/${part}`;
    if (!existsSync(`${built}/dist/index.js`)) continue;
    mkdirSync(`${folder}${part}`, { recursive: true });
    cpSync(`${built}/dist`, `${folder}${part}/dist`, { recursive: true });
    cpSync(`${built}/package.json`, `${folder}${part}/package.json`);
  }
}

/** Puts today's programs beside a build: where two run in one process, each has its own, compiled for it. */
export function keepPrograms(name) {
  for (const part of ["subjects", "programs", "ours.mjs"]) {
    cpSync(`${bench}${part}`, `${builds}${name}/${part}`, { recursive: true });
  }
}

/** Where `keepBuild` put a build. */
export const keptBuild = (name) => `${builds}${name}`;

/** Builds the Go rows; gives Go's version, or undefined when it is not installed. */
export function prepareGo() {
  try {
    mkdirSync(builds, { recursive: true });
    execFileSync("go", ["test", "-c", "-o", goTest, "."], {
      cwd: `${bench}go`,
      stdio: ["ignore", "ignore", "inherit"],
    });
    return /go(\S+)/.exec(execFileSync("go", ["env", "GOVERSION"], { encoding: "utf8" }))?.[1];
  } catch {
    return undefined;
  }
}

/** Measures a row of a subject once: its metrics, null when it has no such row, or `{ failed }`. */
export async function measure(subject, row, { milliseconds, limit, build }) {
  const [command, args] =
    subject === "go"
      ? [goTest, goArguments(row, milliseconds)]
      : [process.execPath, ["--expose-gc", `${bench}measure.mjs`, subject, row.name, String(milliseconds)]];
  return resultOf(await run(command, args, { env: { ...process.env, SLUICE: build }, limit }), limit, (output) =>
    subject === "go" ? goResult(output) : JSON.parse(output),
  );
}

/** Measures a row of a subject by two builds in one process; gives the metrics of each, in their order. */
export async function measureBoth(subject, row, { milliseconds, limit, builds: both }) {
  const args = ["--expose-gc", `${bench}measure-both.mjs`, subject, row.name, String(milliseconds), ...both];
  const result = resultOf(await run(process.execPath, args, { env: process.env, limit }), limit, JSON.parse);
  return Array.isArray(result) ? result : [result, result];
}

function resultOf({ code, output, errors }, limit, parse) {
  if (code === undefined) return { failed: `over ${limit / 1_000} s` };
  if (code === NOTHING_LEFT) return { failed: "hangs" };
  if (code !== 0) return { failed: errors.includes("wrong sum") ? "loses values" : "fails", errors };
  return parse(output);
}

function goArguments(row, milliseconds) {
  const time = row.kind === "time" ? `${milliseconds}ms` : "1x";
  return ["-test.bench", `^BenchmarkRow$/^${row.name}$`, "-test.cpu", "1", "-test.benchtime", time];
}

// BenchmarkRow/select-2    796068    166.5 ns/op    170.1 cpu
function goResult(output) {
  const line = output.split("\n").find((text) => text.startsWith("BenchmarkRow/"));
  if (line === undefined) return null;
  const names = { "ns/op": "wall", cpu: "nanoseconds" };
  const metrics = [...line.matchAll(/([\d.e+-]+) (ns\/op|[a-z]\w*)/g)].map(([, value, unit]) => [
    names[unit] ?? unit,
    Number(value),
  ]);
  return Object.fromEntries(metrics);
}

function run(command, args, { env, limit }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      resolve({ code: undefined, output, errors });
    }, limit);
    child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? signal, output, errors });
    });
  });
}
