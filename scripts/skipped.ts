// Says at the very end of a run which tests did not run, and why: a test that is skipped is easily taken for one that
// passed. The why stands in the title of the tests: "(SKIPPED: no nginx)".

import type { Plugin } from "vite";
import type { Reporter, TestModule, Vitest } from "vitest/node";

class Skipped implements Reporter {
  readonly #vitest: Vitest;

  constructor(vitest: Vitest) {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (this.#vitest.config.testNamePattern !== undefined) return; // the others were skipped on request
    const counts = new Map<string, number>();
    for (const module of modules) {
      for (const { fullName } of module.children.allTests("skipped")) {
        const reason = /\(SKIPPED: (.+?)\)/.exec(fullName)?.[1] ?? `${module.relativeModuleId} does not say why`;
        counts.set(reason, (counts.get(reason) ?? 0) + 1);
      }
    }
    if (counts.size === 0) return;
    const lines = [...counts].map(([reason, count]) => `  ${count} × ${reason}`);
    // Behind the table of the coverage.
    process.once("exit", () => console.error(["\n!!! SKIPPED TESTS: these did not run", ...lines, ""].join("\n")));
  }
}

const told = new WeakSet<Vitest>(); // once, however many projects load this

/** Tells what was skipped, whichever reporters the run has. */
export function skipped(): Plugin {
  return {
    name: "skipped",
    configureVitest({ vitest }) {
      if (!told.has(vitest)) vitest.config.reporters.push(new Skipped(vitest));
      told.add(vitest);
    },
  };
}
