// What the other scripts are made of. Node's own modules only: they also run in a fresh clone, before anything is installed.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../", import.meta.url));
const npmCli = process.env["npm_execpath"];
const colour = process.stdout.isTTY && !process.env["NO_COLOR"];

/** Prints a headline, so that no step that takes long is silent. */
export function say(text) {
  console.log(colour ? `\x1b[1;36m▸ ${text}\x1b[0m` : `▸ ${text}`);
}

/** Runs a command in the root folder, its output shown as it comes, and gives its exit code. */
export function run(command, args, env = {}) {
  const options = { cwd: root, stdio: "inherit", env: { ...process.env, ...env } };
  const { status, error } = spawnSync(command, args, options);
  if (error) console.error(error.message);
  return status ?? 1;
}

/** Runs a command and ends this process when it fails. */
export function must(command, args, env) {
  const status = run(command, args, env);
  if (status !== 0) process.exit(status);
}

/** npm's command line: the same npm that started this script; its `.cmd` on Windows only starts through a shell. */
export function npm(...args) {
  if (npmCli) return [process.execPath, [npmCli, ...args]];
  return process.platform === "win32" ? ["cmd.exe", ["/c", "npm", ...args]] : ["npm", args];
}

/** A tool of node_modules, by its file, run by this very Node. */
export function tool(file, ...args) {
  return [process.execPath, [`node_modules/${file}`, ...args]];
}

function changed(file) {
  return statSync(`${root}${file}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Installs what a lock file names, unless that was done since the lock file last changed. */
export function install(folder = "", what = "the development tools") {
  if (changed(`${folder}node_modules/.package-lock.json`) >= changed(`${folder}package-lock.json`)) return;
  say(`Installing ${what} (npm ci, once, about half a minute)`);
  must(...npm("ci", "--prefix", root + folder));
}
