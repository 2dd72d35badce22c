// What stands around every test of this repository, for the configurations of vitest.

import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { skipped } from "./skipped.ts";
import { watchdog } from "./watchdog.ts";

/** Vitest asks the plugins of projects, not those of the whole. */
export const plugins: Plugin[] = [watchdog(), skipped()];

/** Only for what hangs: a machine that is slow, or busy with something else, must not turn a test red. */
export const limits = { testTimeout: 300_000, hookTimeout: 300_000 };

/** A test that asserts nothing passes whatever happens. */
export const expectations = { requireAssertions: true };

/** What is loaded before each test file, in Node. */
export const setupFiles: string[] = [
  fileURLToPath(new URL("../packages/websocket/test/fixtures/loopback-only.ts", import.meta.url)),
];
