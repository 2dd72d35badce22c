// `npm run check`: every gate, one after the other, all of them even when one fails.
import { npm, run, say } from "./run.mjs";

const gates = [
  ["lint:format", "Formatting (oxfmt)"],
  ["lint", "Lint, with types (oxlint)"],
  ["typecheck", "Types of sources, tests and docs (tsc)"],
  ["test", "Tests and type tests"],
  ["build", "Build"],
  ["test:packed", "Both packages, packed and used from another project"],
  ["pack:lint", "Packages (publint, attw)"],
  ["size", "Size"],
  ["unused", "Unused files, exports and dependencies (knip)"],
  ["test:browser", "Tests in Chromium: of the core, and of the socket in a page"],
  ["test:site", "The site, and every page of it in Chromium"],
  ["start", "The example"],
  ["test:start", "The example, when nobody reads on"],
];

const failed = [];
for (const [script, headline] of gates) {
  say(`${headline}: npm run ${script}`);
  const begin = performance.now();
  const status = run(...npm("run", "--silent", script));
  say(`${script} ${status === 0 ? "passed" : "FAILED"} after ${((performance.now() - begin) / 1000).toFixed(1)} s\n`);
  if (status !== 0) failed.push(script);
}

const passed = gates.length - failed.length;
console.log(failed.length === 0 ? `All ${passed} gates passed.` : `FAILED: ${failed.join(", ")} (${passed} passed)`);
process.exitCode = failed.length === 0 ? 0 : 1;
