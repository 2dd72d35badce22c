import { expect, test } from "vitest";

test("passes", () => expect(1).toBe(1));

test.skip("would pass (SKIPPED: no such thing)", () => expect(1).toBe(1));
