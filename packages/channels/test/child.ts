// Runs a piece of JavaScript in a Node process of its own, on the sources or, with `DIST=1`, on the build.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { stripped } from "../../../scripts/stripped.ts";

// Within the time of a test: a busy machine takes seconds to start a process.
const HANG = 240_000;

/** How a process ended, and what it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** A folder with the library as plain JavaScript. */
export class Child {
  readonly #library: string;

  private constructor(library: string) {
    this.#library = library;
  }

  static async prepare(): Promise<Child> {
    const built = fileURLToPath(new URL("../dist/", import.meta.url));
    const sources = fileURLToPath(new URL("../src/", import.meta.url));
    return new Child(process.env["DIST"] ? built : await stripped(sources));
  }

  /**
   * Runs the body of a module in which the library's names are there; it ends by itself. One that does not is ended by
   * force when the test runs out of time, and then its code is null.
   */
  async run(body: string, ...flags: string[]): Promise<Ended> {
    const index = JSON.stringify(pathToFileURL(join(this.#library, "index.js")).href);
    const inspect = JSON.stringify(pathToFileURL(join(this.#library, "inspect.js")).href);
    const testing = JSON.stringify(pathToFileURL(join(this.#library, "testing.js")).href);
    const code = `
      import { Channel, ClosedError, Selector, select, time, trySelect } from ${index};
      import { record } from ${inspect};
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
}
