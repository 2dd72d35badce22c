// `npm run test:start`: the example when nobody reads on after three lines, as in `npm start | head -3`. It ends quietly.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const start = fileURLToPath(new URL("start.mjs", import.meta.url));
const child = spawn(process.execPath, [start], { stdio: ["ignore", "pipe", "pipe"] });
const ended = once(child, "exit");
let complaints = "";
child.stderr.on("data", (chunk) => (complaints += chunk));

let lines = 0;
for await (const line of createInterface({ input: child.stdout })) {
  console.log(line);
  if (++lines === 3) break;
}
child.stdout.destroy();

const [code, signal] = await ended;
if (code !== 0 || complaints !== "") throw new Error(`It ended with ${code ?? signal}: ${complaints}`);
console.log("… and it ended quietly.");
