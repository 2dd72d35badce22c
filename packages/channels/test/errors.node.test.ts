// N7: two copies of the library in one program, as package managers sometimes install them.

import * as ours from "@sluice/channels";
import { expect, test, vi } from "vitest";

async function secondCopy(): Promise<typeof ours> {
  vi.resetModules();
  return import("@sluice/channels");
}

test("N7: errors.is knows the errors of another copy of the library, though they are of another class", async () => {
  const theirs = await secondCopy();
  const error: unknown = new theirs.SluiceError(theirs.errors.TIMEOUT, "too late");
  expect(error).not.toBeInstanceOf(ours.SluiceError);
  expect(ours.errors.is(error, ours.errors.TIMEOUT)).toBe(true);
  expect(ours.errors.is(error, ours.errors.CLOSED)).toBe(false);
});

test("N7: channels of two copies serve the same tasks, and the loop turns for both", async () => {
  const theirs = await secondCopy();
  const [there, back] = [new theirs.Channel<number>(), new ours.Channel<number>(1)];
  const echo = async (): Promise<void> => {
    for await (const value of there) await back.send(value);
    back.close();
  };
  const echoing = echo();
  for (let i = 0; i < 3000; i += 1) {
    await there.send(i);
    expect((await back.receive()).value).toBe(i);
  }
  there.close();
  await echoing;
  expect((await back.receive()).ok).toBe(false);
});
