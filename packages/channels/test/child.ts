// Runs a piece of JavaScript in a Node process of its own, on the sources or, with `DIST=1`, on the build.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import typescript from "typescript";

// Within the time of a test: a busy machine takes seconds to start a process.
const HANG = 240_000;

/** How a process ended, and what it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly stderr: string;
}

// Node 20 runs no TypeScript: the sources are stripped of their types first, file by file.
async function stripped(folder: string): Promise<string> {
  const sources = fileURLToPath(new URL("../src/", import.meta.url));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  for (const file of await readdir(sources, { recursive: true })) {
    if (!file.endsWith(".ts")) continue;
    const { outputText } = typescript.transpileModule(await readFile(join(sources, file), "utf8"), {
      compilerOptions: {
        target: typescript.ScriptTarget.ES2022,
        module: typescript.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    const target = join(folder, file.replace(/\.ts$/, ".js"));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, outputText);
  }
  return folder;
}

/** A folder with the library as plain JavaScript. */
export class Child {
  readonly #home: string;
  readonly #library: string;

  private constructor(home: string, library: string) {
    this.#home = home;
    this.#library = library;
  }

  static async prepare(): Promise<Child> {
    const home = await mkdtemp(join(tmpdir(), "sluice-child-"));
    const built = fileURLToPath(new URL("../dist/", import.meta.url));
    return new Child(home, process.env["DIST"] ? built : await stripped(join(home, "library")));
  }

  /**
   * Runs the body of a module in which the library's names are there; it ends by itself. One that does not is ended by
   * force when the test runs out of time, and then its code is null.
   */
  async run(body: string, ...flags: string[]): Promise<Ended> {
    const index = JSON.stringify(pathToFileURL(join(this.#library, "index.js")).href);
    const testing = JSON.stringify(pathToFileURL(join(this.#library, "testing.js")).href);
    const code = `
      import { Channel, ClosedError, Selector, select, time, trySelect } from ${index};
      import { virtualTime } from ${testing};
      ${body}
    `;
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [...flags, "--input-type=module", "--eval", code],
        { timeout: HANG },
        (error, stdout, stderr) => {
          const ended = error === null ? 0 : typeof error.code === "number" ? error.code : null;
          resolve({ code: ended, lines: stdout.split("\n").filter(Boolean), stderr });
        },
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#home, { recursive: true, force: true });
  }
}
