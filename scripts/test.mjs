// `npm test`: the code of the docs, the tests with coverage, the type tests; on a clone where nothing was installed before.
// `npm test -- select` runs only the test files whose names match, without the rest.
import { install, must, npm, say, tool } from "./run.mjs";

const only = process.argv.slice(2);

install();
await import("./snippets.mjs");

say("Tests");
const coverage = only.length === 0 ? ["--coverage"] : only;
must(...tool("vitest/vitest.mjs", "run", "--project", "node", "--project", "docs", ...coverage));

if (only.length === 0) {
  say("Type tests (tsd, a few seconds for each package)");
  must(...npm("run", "--silent", "test:types"));
}
