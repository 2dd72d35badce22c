// `npm test`: the code of the docs, the type tests, the tests with coverage; on a clone where nothing was installed before.
// `npm test -- select` runs only the test files whose names match, without the rest.
import { install, must, npm, say, tool } from "./run.mjs";

const only = process.argv.slice(2);

install();
await import("./snippets.mjs");

// The type tests first: what the tests say last, such as that some were skipped, stays in sight.
if (only.length === 0) {
  say("Type tests (tsd, a few seconds for each package)");
  must(...npm("run", "--silent", "test:types"));
}

say("Tests, in an order of chance: --sequence.seed=… with the seed that is printed brings the same again");
const all = ["--project", "node", "--project", "docs", "--project", "scripts", "--coverage"];
must(...tool("vitest/vitest.mjs", "run", ...(only.length === 0 ? all : [...all.slice(0, -1), ...only])));
