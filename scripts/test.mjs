// `npm test`: the code of the docs, the type tests, the tests with coverage; on a clone where nothing was installed before.
// `npm test -- select` runs only the test files whose names match, without the rest.
import { install, must, npm, run, say, tool } from "./run.mjs";

const only = process.argv.slice(2);

install();
await import("./snippets.mjs");

// The type tests first: what the tests say last, such as that some were skipped, stays in sight.
if (only.length === 0) {
  say("Type tests (tsd, a few seconds for each package)");
  must(...npm("run", "--silent", "test:types"));
}

say("Tests, in an order of chance: --sequence.seed=… with the seed that is printed brings the same again");
if (only.length === 0) {
  const parts = ["test:covered", "test:rest"].map((part) => run(...npm("run", "--silent", part)));
  process.exitCode = parts.every((status) => status === 0) ? 0 : 1;
} else {
  const projects = ["core", "node", "heap", "docs", "scripts"].flatMap((name) => ["--project", name]);
  must(...tool("vitest/vitest.mjs", "run", ...projects, ...only));
}
