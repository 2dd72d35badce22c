import { Channel, ClosedError, errors, select, Selector, SluiceError, trySelect } from "@sluice/channels";
import { expect, test } from "vitest";

// What plain JavaScript can pass and no type allows.
const wrong = (value: unknown) => value as never;

test("arguments of a channel that are null are a TypeError that says so", () => {
  expect(() => new Channel(wrong(null))).toThrow(new TypeError("Expected `capacity` to be a number, got `null`"));
  expect(() => new Channel(1, wrong(null))).toThrow(new TypeError("Expected `options` to be an object, got `null`"));
});

test("a capacity of -0 is 0", () => {
  expect(Object.is(new Channel(-0).capacity, 0)).toBe(true);
});

test("flags of select that are no booleans are a TypeError, and nothing is taken", async () => {
  const jobs = new Channel<number>(1);
  jobs.trySend(1);
  for (const flag of ["default", "priority"]) {
    const message = `Expected \`${flag}\` to be a boolean, got \`yes\``;
    await expect(select([jobs], wrong({ [flag]: "yes" }))).rejects.toThrow(new TypeError(message));
  }
  expect(() => trySelect([jobs], wrong({ priority: 1 }))).toThrow(TypeError);
  expect(jobs.length).toBe(1);
});

test("a Selector over null is a TypeError that says what was expected", () => {
  expect(() => new Selector(wrong(null))).toThrow("Expected `channels` to be a record of channels, got `null`");
});

test("errors bear their names as texts, which no bundler renames, and a case's name where a record select failed", () => {
  const jobs = new Channel<number>();
  expect(new SluiceError(errors.INTERNAL, "no").name).toBe("SluiceError");
  expect(new ClosedError(1, jobs).name).toBe("ClosedError");
  expect(new ClosedError(1, jobs, "out").name).toBe("out");
});
