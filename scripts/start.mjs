// `npm start`: the example of docs/example, on a clone where nothing was installed or built before.
import { install, must, say, tool } from "./run.mjs";

const quit = () => process.exit();
process.stdout.on("error", quit); // `npm start | head -1`
install();
say("Building (tsc, a few seconds the first time)");
must(...tool("typescript/bin/tsc", "-b", "tsconfig.build.json"));

process.stdout.off("error", quit);
// In this process, not in a child: Ctrl-C and SIGTERM reach the program itself.
await import("../docs/example/dist/prices.js");
