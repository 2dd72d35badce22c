// N7: two copies of the library in one program, as package managers sometimes install them.

import { errors } from "@sluice/channels";
import { expect, test, vi } from "vitest";

async function secondCopy(): Promise<typeof import("@sluice/channels")> {
  vi.resetModules();
  return import("@sluice/channels");
}

test("N7: errors.is knows the errors of another copy of the library, though they are of another class", async () => {
  const other = await secondCopy();
  const error = new other.SluiceError(other.errors.TIMEOUT, "too late");
  expect(other.errors).not.toBe(errors);
  expect(errors.is(error, errors.TIMEOUT)).toBe(true);
  expect(errors.is(error, errors.CLOSED)).toBe(false);
});

test("N7: channels of two copies pass values to one another's tasks", async () => {
  const other = await secondCopy();
  const { Channel } = await import("@sluice/channels");
  const [theirs, ours] = [new other.Channel<number>(1), new Channel<number>()];
  const received = ours.receive();
  await theirs.send(7);
  await ours.send((await theirs.receive()).value ?? -1);
  expect((await received).value).toBe(7);
});
