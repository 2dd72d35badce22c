import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { playwright } from "@vitest/browser-playwright";
import { defaultClientConditions, defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";
import { expectations, limits, plugins, setupFiles } from "./scripts/around-tests.ts";

// Tests run on the sources; `DIST=1` runs the same tests on the build.
const own = process.env["DIST"] ? [] : ["@sluice/source"];

// Node resolves packages with `ssr.resolve`, the browser with `resolve`: one of them alone is silently ignored by the other.
const source = {
  plugins,
  resolve: { conditions: [...own, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [...own, ...defaultServerConditions] } },
};

// An installed Chromium, or else the one that Playwright keeps for itself.
const chromium = [process.env["CHROME_PATH"], "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (path) => path !== undefined && existsSync(path),
);

const CORE = ["packages/channels/test/**/*.test.ts"];
// What needs Node (the heap, other processes, sockets) says so in its name.
const NODE_ONLY = ["**/*.node.test.ts"];
// Two runs under virtual time are the same only where nothing that another file left behind is still under way.
const ALONE = ["packages/channels/test/testing.test.ts"];
// Other people's fake timers let minutes pass in one go, with no turn of the loop between: not on turns that are shorter.
const IN_ONE_GO = ["clock", "deadline", "time"].map((name) => `packages/channels/test/${name}.test.ts`);
// What weighs the heap over many thousand rounds: to count what is covered makes it five times as slow.
const HEAP = ["broadcast", "buffer", "costs", "flow", "group", "inspect-abandoned", "residue", "select-heap"].map(
  (name) => `packages/channels/test/${name}.node.test.ts`,
);

const node = {
  ...source,
  test: {
    ...limits,
    expect: expectations,
    // For the tests that measure what is left on the heap.
    execArgv: ["--expose-gc"],
    setupFiles: [...setupFiles, ...(process.env["SLUICE_TURN"] ? ["packages/channels/test/short-turns.ts"] : [])],
  },
};

export default defineConfig({
  test: {
    // One for each core, where vitest would leave one alone: no test counts on a machine that is idle.
    maxWorkers: availableParallelism(),
    // In another order each time; `--sequence.seed` with the number that is printed brings the same again.
    sequence: { shuffle: { files: true, tests: true } },
    projects: [
      // The core's own, which leave nothing behind: many files one after the other in a process, which halves their time.
      {
        ...node,
        test: {
          ...node.test,
          name: "core",
          include: CORE,
          exclude: [...NODE_ONLY, ...ALONE, ...(process.env["SLUICE_TURN"] ? IN_ONE_GO : [])],
          isolate: false,
        },
      },
      {
        ...node,
        test: {
          ...node.test,
          name: "node",
          include: [...ALONE, "packages/channels/test/**/*.node.test.ts", "packages/!(channels)/test/**/*.test.ts"],
          // What needs a browser is a project of its own: `npm test` passes where there is none.
          exclude: [...HEAP, "packages/*/test/browser/**", "packages/websocket/test/runtimes/**"],
        },
      },
      { ...node, test: { ...node.test, name: "heap", include: HEAP } },
      { ...node, test: { ...node.test, name: "page", include: ["packages/*/test/browser/*.test.ts"] } },
      // In Bun and Deno: `npm run test:runtimes` fetches them before.
      { ...node, test: { ...node.test, name: "runtimes", include: ["packages/websocket/test/runtimes/*.test.ts"] } },
      { ...node, test: { ...node.test, name: "docs", include: ["docs/*.test.ts"] } },
      // The built site in Chromium: `npm run test:site` builds it before.
      { ...node, test: { ...node.test, name: "site", include: ["docs/site/*.test.ts"] } },
      { ...node, test: { ...node.test, name: "scripts", include: ["scripts/test/*.test.ts"] } },
      {
        ...source,
        test: {
          ...limits,
          expect: expectations,
          name: "browser",
          include: CORE,
          exclude: NODE_ONLY,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                ...(chromium !== undefined && { executablePath: chromium }),
                // Chromium refuses its sandbox to root, which is what containers run as.
                args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
              },
            }),
            instances: [{ browser: "chromium" }],
          },
        },
      },
    ],
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      // Files that only export again, or hold only types, have nothing to run.
      // host.ts chooses by what a host has: most of it runs in hosts and under fakes of their own, unseen from here.
      exclude: ["packages/*/src/index.ts", "packages/*/src/types.ts", "packages/channels/src/host.ts"],
      reporter: ["text", "json-summary"],
      // Of what looks at a program a part runs only where the collector, or a host's own way to show stacks, has its say:
      // in tests of the heap, which are not counted, and in processes of their own.
      thresholds: {
        "packages/channels/src/!(inspect)/**": { lines: 98, branches: 98 },
        "packages/channels/src/*.ts": { lines: 98, branches: 98 },
        "packages/channels/src/inspect/**": { lines: 90, branches: 78 },
      },
    },
  },
});
