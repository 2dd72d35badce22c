// E20, H7: random sequences of commands against a reference (reference.ts) that is too simple to be wrong.

import { Channel, Selector } from "@sluice/channels";
import { assert, asyncProperty } from "fast-check";
import { expect, test } from "vitest";
import { type Command, commands, type World, worlds } from "./commands.ts";
import { hunt } from "./progress.ts";
import { Twins } from "./twins.ts";

async function check(world: World, list: readonly Command[]): Promise<void> {
  const twins = new Twins(world);
  for (const command of list) await twins.do(command);
  await twins.finish();
}

test("E20: any sequence of commands does what the obvious channel does", { timeout: 3_600_000 }, async () => {
  await expect(assert(asyncProperty(worlds, commands, check), hunt(300))).resolves.toBeUndefined();
});

// What the property found once.

test("adding a closed channel to a Selector ends every `next` that waits: the first gets the end, the others nothing", async () => {
  const events = new Selector<Record<string, number>>();
  const waits = [events.next(), events.next(), events.next()];
  const closed = new Channel<number>();
  closed.close();
  events.add("a", closed);
  expect(await Promise.all(waits)).toEqual([
    { name: "a", channel: closed, value: undefined, ok: false },
    undefined,
    undefined,
  ]);
});
