// `npm start`: the example of docs/example, on a clone where nothing was installed or built before.
import { install, must, say, tool } from "./run.mjs";

install();
say("Building (tsc, a few seconds the first time)");
must(...tool("typescript/bin/tsc", "-b", "tsconfig.build.json"));

// In this process, not in a child: Ctrl-C and SIGTERM reach the program itself.
await import("../docs/example/dist/prices.js");
