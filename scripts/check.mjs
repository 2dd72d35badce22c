// `npm run check`: every gate, all of them even when one fails. Two run side by side where neither measures anything; what
// they print comes in order. The tests have the machine for themselves.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { npm, root, say } from "./run.mjs";

// What is built is read by what comes `after` it; nobody resolves packages while it is being written.
const gates = [
  { script: "lint:format", headline: "Formatting (oxfmt)" },
  { script: "lint", headline: "Lint, with types (oxlint)" },
  { script: "typecheck", headline: "Types of sources, tests and docs (tsc)" },
  { script: "test:types", headline: "Type tests (tsd)" },
  { script: "build", headline: "Build", after: "lint" },
  { script: "pack:lint", headline: "Packages (publint, attw)", after: "build" },
  { script: "size", headline: "Size", after: "build" },
  { script: "unused", headline: "Unused files, exports and dependencies (knip)", after: "build" },
  { script: "test:packed", headline: "Both packages, packed and used from another project", after: "build" },
  { script: "start", headline: "The example", after: "build" },
  { script: "test:start", headline: "The example, when nobody reads on", after: "build" },
  { script: "test:site", headline: "The site, and every page of it in Chromium", after: "build" },
  { script: "test:covered", headline: "Tests, with what they cover", alone: true },
  { script: "test:rest", headline: "Tests: of the heap, of the docs, of the scripts", alone: true },
  {
    script: "test:busy",
    headline: "Tests on short turns; those that have to do with time, on a busy machine",
    alone: true,
  },
  { script: "test:browser", headline: "Tests in Chromium: of the core, and of the socket in a page", alone: true },
];

const LANES = Math.min(2, availableParallelism());

const waiting = [...gates];
const running = new Set();
let shown = 0; // gates whose output is complete

function startable({ after, alone }) {
  if (running.size > 0 && alone) return false;
  return gates.every(({ script, status }) => script !== after || status !== undefined);
}

async function start(gate) {
  running.add(gate);
  gate.begin = performance.now();
  const [command, args] = npm("run", "--silent", gate.script);
  const child = spawn(command, args, { cwd: root, stdio: ["inherit", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => tell(gate, chunk));
  const [status] = await once(child, "close");
  gate.status = status ?? 1;
  gate.seconds = ((performance.now() - gate.begin) / 1000).toFixed(1);
  running.delete(gate);
}

// The first that is not shown to its end speaks at once, the others when it is their turn.
function tell(gate, chunk) {
  if (gates[shown] === gate) process.stdout.write(chunk);
  else (gate.kept ??= []).push(chunk);
}

function show() {
  for (; shown < gates.length; shown += 1) {
    const { script, headline, status, seconds, begin } = gates[shown];
    if (begin === undefined) return;
    if (!gates[shown].named) say(`${headline}: npm run ${script}`);
    gates[shown].named = true;
    for (const chunk of gates[shown].kept?.splice(0) ?? []) process.stdout.write(chunk);
    if (status === undefined) return;
    say(`${script} ${status === 0 ? "passed" : "FAILED"} after ${seconds} s\n`);
  }
}

while (shown < gates.length) {
  for (let next; running.size < LANES && ![...running].some(({ alone }) => alone);) {
    next = waiting.findIndex(startable);
    if (next < 0) break;
    const [gate] = waiting.splice(next, 1);
    gate.done = start(gate);
  }
  show();
  await Promise.race([...running].map(({ done }) => done));
  show();
}

const failed = gates.filter(({ status }) => status !== 0).map(({ script }) => script);
const passed = gates.length - failed.length;
console.log(failed.length === 0 ? `All ${passed} gates passed.` : `FAILED: ${failed.join(", ")} (${passed} passed)`);
process.exitCode = failed.length === 0 ? 0 : 1;
