// A test that nothing but the watchdog can end.

import { test } from "vitest";

test("never lets the event loop turn", async () => {
  for (;;) await Promise.resolve();
});
