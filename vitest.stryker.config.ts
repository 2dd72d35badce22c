// What `npm run mutate` runs for every mutant: the core's tests in Node only.
import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  ssr: { resolve: { conditions: ["@sluice/source", ...defaultServerConditions] } },
  test: {
    include: ["packages/channels/test/**/*.test.ts"],
    execArgv: ["--expose-gc"],
  },
});
