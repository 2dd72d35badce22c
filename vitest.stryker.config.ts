// What `npm run mutate` runs for every mutant: the core's tests that need nothing but the core, without the long ones,
// which would take a day for 1,700 mutants and find what the short ones find.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Stryker works in a copy, whose node_modules leads back to the original: without these, no test would meet a mutant.
const source = (file: string) => fileURLToPath(new URL(`packages/channels/src/${file}.ts`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@sluice\/channels$/, replacement: source("index") },
      { find: /^@sluice\/channels\/(\w+)$/, replacement: source("$1") },
    ],
  },
  test: {
    include: ["packages/channels/test/**/*.test.ts"],
    exclude: [
      "**/*.node.test.ts",
      "**/{laws,selector.laws,liveness,order,peers,peers-channel,power-series,programs,select-fair,sieve}.test.ts",
    ],
  },
});
