// Ends what no limit of the runner can end: a loop of bare microtasks never lets its timer fire, and the run would go on
// for ever without a word. This looks on from the runner's own process, which no test can hold up.

import type { Plugin } from "vite";
import type { Reporter, TestCase, TestModule, Vitest } from "vitest/node";

// Above the limit of a test (vitest.config.ts), which says more where it can still strike.
const SILENCE = Number(process.env["SLUICE_SILENCE"] ?? 6 * 60); // seconds
const STARTS = 4; // as long again may a busy machine take to start the processes that run tests
const LOOK = 1000; // milliseconds

interface Running {
  readonly name: string;
  last: string;
  silent: number; // milliseconds
}

class Watchdog implements Reporter {
  readonly #running = new Map<string, Running>();
  #looking: NodeJS.Timeout | undefined;
  #looked = 0;
  #silent = 0; // milliseconds for which nothing was heard from any file

  onTestRunStart(): void {
    this.#looked = performance.now();
    this.#looking = setInterval(() => this.#look(), LOOK).unref();
  }

  onTestRunEnd(): void {
    clearInterval(this.#looking);
    this.#running.clear();
  }

  onTestModuleQueued({ id, relativeModuleId }: TestModule): void {
    this.#running.set(id, { name: relativeModuleId, last: "it began to load", silent: 0 });
    this.#silent = 0;
  }

  onTestModuleCollected({ id }: TestModule): void {
    this.#heard(id, "its tests were known");
  }

  onTestModuleEnd({ id }: TestModule): void {
    this.#running.delete(id);
    this.#silent = 0;
  }

  onTestCaseReady({ module, fullName }: TestCase): void {
    this.#heard(module.id, `"${fullName}" began`);
  }

  onTestCaseResult({ module, fullName }: TestCase): void {
    this.#heard(module.id, `"${fullName}" ended`);
  }

  #heard(id: string, last: string): void {
    const running = this.#running.get(id);
    if (running !== undefined) Object.assign(running, { last, silent: 0 });
    this.#silent = 0;
  }

  // A machine that sleeps, or has no time for this process either, is no silence of a test.
  #look(): void {
    const now = performance.now();
    const passed = Math.min(now - this.#looked, 2 * LOOK);
    this.#looked = now;
    this.#silent += passed;
    for (const running of this.#running.values()) running.silent += passed;
    const hanging = [...this.#running.values()].filter(({ silent }) => silent >= SILENCE * 1000);
    if (hanging.length > 0) this.#bite(hanging);
    else if (this.#silent >= STARTS * SILENCE * 1000) this.#giveUp();
  }

  // What runs beside it is ended with it, since nobody tells which process has which file. Vitest takes each for an error
  // and goes on with the files that are left.
  #bite(hanging: readonly Running[]): void {
    process.exitCode = 1;
    for (const { name, last } of hanging) {
      console.error(`\nHANGS: ${name} said nothing for ${SILENCE} s, since ${last}. It is ended by force.`);
    }
    this.#running.clear();
    this.#silent = 0;
    for (const pid of children()) kill(pid);
  }

  #giveUp(): void {
    console.error(
      `\nHANGS: the runner itself said nothing for ${STARTS * SILENCE} s, with no test under way. It is ended by force.`,
    );
    for (const pid of children()) kill(pid);
    process.exit(1);
  }
}

/** The processes that this one started: the report of Node's diagnostics is where they are listed. */
function children(): number[] {
  const { libuv } = process.report.getReport() as unknown as {
    readonly libuv: readonly { readonly type: string; readonly pid?: number }[];
  };
  return libuv.flatMap(({ type, pid }) => (type === "process" && pid !== undefined ? [pid] : []));
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}

const watched = new WeakSet<Vitest>(); // by one, however many projects load this

/** Watches over every run, whichever reporters it has. */
export function watchdog(): Plugin {
  return {
    name: "watchdog",
    configureVitest({ vitest }) {
      if (!watched.has(vitest)) vitest.config.reporters.push(new Watchdog());
      watched.add(vitest);
    },
  };
}
