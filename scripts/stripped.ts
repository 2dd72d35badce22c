// The sources of a package as plain JavaScript, for tests that start processes of their own: Node 20 runs no TypeScript.
// Made once, whichever test comes first, and kept under node_modules/.cache by what the sources say.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const cache = fileURLToPath(new URL("../node_modules/.cache/sluice-stripped/", import.meta.url));

/** Gives a folder that nobody may write into: what `sources` holds, file by file, without types. */
export async function stripped(sources: string): Promise<string> {
  const names = (await readdir(sources, { recursive: true })).filter((file) => file.endsWith(".ts")).toSorted();
  const files = await Promise.all(
    names.map(async (name) => ({ name, text: await readFile(join(sources, name), "utf8") })),
  );
  const kept = join(cache, createHash("sha256").update(JSON.stringify(files)).digest("hex"));
  if (existsSync(kept)) return kept;

  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(join(cache, "new-"));
  await writeFile(join(fresh, "package.json"), '{ "type": "module" }');
  const { default: typescript } = await import("typescript");
  for (const { name, text } of files) {
    const { outputText } = typescript.transpileModule(text, {
      compilerOptions: {
        target: typescript.ScriptTarget.ES2022,
        module: typescript.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    const target = join(fresh, name.replace(/\.ts$/, ".js"));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, outputText);
  }
  // Who made the same meanwhile was faster.
  await rename(fresh, kept).catch(async () => rm(fresh, { recursive: true }));
  return kept;
}
