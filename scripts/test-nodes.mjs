// `npm run test:nodes`: the tests on the build that users get, under the newer lines of Node.js. The npm package `node`
// carries the binary.
import { must, npm, say } from "./run.mjs";

const versions = ["22.23.3", "24.21.0"];

say("Building");
must(...npm("run", "--silent", "build"));
for (const version of versions) {
  say(`Tests on the build under Node.js ${version} (the first time it is fetched)`);
  const vitest = [
    "node",
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    "core",
    "--project",
    "node",
    "--reporter",
    "dot",
  ];
  must(...npm("exec", "--yes", "--package", `node@${version}`, "--", ...vitest), { DIST: "1" });
}
