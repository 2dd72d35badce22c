// Tests that would be green, if nobody looked where they go.

import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";

test("dials", async () => {
  await expect(once(connect(9, "192.0.2.1"), "connect")).rejects.toThrow("beyond");
});

test("asks", async () => {
  await expect(once(connect(9, "example.com"), "connect")).rejects.toThrow("beyond");
});
