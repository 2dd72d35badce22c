// What stands around every run of the tests, on runs of its own: of the fixtures in here.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";

interface Ended {
  readonly code: number | null;
  readonly errors: string;
}

async function run(fixtures: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const vitest = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
  const root = fileURLToPath(new URL(".", import.meta.url));
  const running = spawn(process.execPath, [vitest, "run", "--root", root, ...fixtures], {
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(running, "exit") as Promise<[number | null]>;
  const [errors, [code]] = await Promise.all([text(running.stderr), exited]);
  return { code, errors };
}

test("a test that never lets the event loop turn is named and ended, and the run is red", async () => {
  const { code, errors } = await run(["hangs"], { SLUICE_SILENCE: "3" });
  expect(errors).toContain("HANGS: hangs.fixture.ts said nothing for 3 s");
  expect(code).toBe(1);
});

describe("in a run", () => {
  let ended: Ended;
  beforeAll(async () => {
    ended = await run(["strays", "proves-nothing", "passes"]);
  });

  test.each(["dials", "asks"])("a test that %s beyond this machine is red, although it expects to fail", (title) => {
    expect(ended.errors).toContain(`FAIL  strays.fixture.ts > ${title}`);
    expect(ended.errors).toMatch(/This test went beyond this machine: (192\.0\.2\.1|example\.com)$/m);
  });

  test("a test without an assertion is red", () => {
    expect(ended.errors).toContain("FAIL  proves-nothing.fixture.ts > proves nothing");
  });

  test("what passes is not, and what is skipped is said last, with the reason in its title", () => {
    expect(ended.errors).not.toContain("FAIL  passes");
    const told = ["!!! SKIPPED TESTS: these did not run", "  1 × no such thing"];
    expect(ended.errors.trimEnd().split("\n").slice(-2)).toEqual(told);
    expect(ended.code).toBe(1);
  });
});
