// `npm run bench`: the measurements of bench/, which has the other libraries as dependencies of its own.
import { install, must, say, tool } from "./run.mjs";

install();
install("bench/", "the libraries to compare with");
say("Building");
must(...tool("typescript/bin/tsc", "-b", "tsconfig.build.json"));
must(process.execPath, ["bench/run.mjs", ...process.argv.slice(2)]);
