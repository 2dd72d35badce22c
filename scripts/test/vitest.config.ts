// For the fixtures in here alone, which runner.test.ts runs.

import { defineConfig } from "vitest/config";
import { expectations, limits, plugins, setupFiles } from "../around-tests.ts";

export default defineConfig({
  plugins,
  test: { ...limits, expect: expectations, setupFiles, include: ["*.fixture.ts"] },
});
