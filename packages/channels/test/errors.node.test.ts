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

test("N7: a channel of another copy, and a case of one, is told as what it is", async () => {
  const theirs = await secondCopy();
  const inbox = new theirs.Channel<number>(1, { name: "inbox" });
  const told = 'channel, "inbox", of another copy of @sluice/channels (`npm ls @sluice/channels` shows both)';
  expect(() => ours.trySelect([inbox as never])).toThrow(
    new TypeError(`Expected \`cases.0\` to be a channel or a case, got a ${told}`),
  );
  expect(() => ours.trySelect({ out: inbox.caseSend(1) as never })).toThrow(`got a case of a ${told}`);
  expect(() => ours.trySelect({ out: inbox.caseReceive() as never })).toThrow(`got a case of a ${told}`);
  expect(() => new ours.Selector({ inbox })).toThrow(`got a ${told}`);
  expect(() => ours.trySelect([theirs.time.after(1) as never])).toThrow(
    "got a channel of another copy of @sluice/channels",
  );
});
