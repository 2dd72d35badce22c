// The example as a user starts it: `npm start`, which builds, runs a feed in another process and shows its prices.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const start = fileURLToPath(new URL("../scripts/start.mjs", import.meta.url));
const HANG = 180_000; // it builds first

// `npm start | head -3`, where npm itself prints two lines and an empty one.
test("ends quietly when nobody reads on", { timeout: HANG }, async () => {
  const child = spawn(process.execPath, [start], { stdio: ["ignore", "pipe", "pipe"] });
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  const shown: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    shown.push(line);
    if (shown.length === 3) break;
  }
  child.stdout.destroy();
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(complaints).toBe("");
});
