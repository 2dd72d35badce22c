// `npm run docs`: the site of docs/, with the API reference, into docs/.vitepress/dist; `-- --serve` shows it as well.
import { install, root, say } from "./run.mjs";

install();
process.chdir(root);
const { writeReference } = await import("../docs/.vitepress/typedoc.mjs");
const { build, serve } = await import("vitepress");

say("The API reference, from the docstrings (typedoc, half of the time)");
if (!(await writeReference())) process.exit(1);

say("The pages (VitePress)");
await build("docs");
console.log("docs/.vitepress/dist");

if (process.argv.includes("--serve")) {
  say("Showing it, until Ctrl-C");
  await serve({ root: "docs" });
}
