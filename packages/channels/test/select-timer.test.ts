// A timer whose moment has passed, although the event loop did not turn since, among the cases of selects that wait.

import { Channel, select, Selector, time, trySelect } from "@sluice/channels";
import { expect, test } from "vitest";
import { heldClock } from "./held-clock.ts";

test("a send to a select whose timer is due meanwhile is not lost: the one that waited has either", async () => {
  const pass = heldClock();
  const channel = new Channel<string>();
  const timeout = time.after(1);
  const waits = select([channel, timeout]);
  pass(3);
  const sent = trySelect([channel.caseSend("x"), timeout]);
  const r = await waits;
  expect({ sent: sent?.index, received: r.index === 0 ? r.value : undefined }).toEqual(
    sent === undefined ? { sent: undefined, received: undefined } : { sent: 0, received: "x" },
  );
});

test("a receive from a select whose timer is due meanwhile gives a value that was sent, or none", async () => {
  const pass = heldClock();
  const channel = new Channel<string>();
  const timeout = time.after(1);
  const waits = select([channel.caseSend("x"), timeout]);
  pass(3);
  const received = trySelect([channel, timeout]);
  const r = await waits;
  expect({ received: received?.value, sent: r.index }).toEqual(
    received === undefined ? { received: undefined, sent: 1 } : { received: "x", sent: 0 },
  );
});

test("the one that waited first gets the moment, whoever looks at the due timer before the loop turns", async () => {
  const pass = heldClock();
  const look = [
    (timer: ReturnType<typeof time.after>) => timer.tryReceive(),
    (timer: ReturnType<typeof time.after>) => trySelect([timer]),
    (timer: ReturnType<typeof time.after>) => new Selector({ timer }).tryNext(),
  ];
  for (const overtake of look) {
    const timer = time.after(1);
    const waits = timer.receive();
    pass(3);
    expect(overtake(timer)).toBeUndefined();
    expect((await waits).ok).toBe(true);

    const watched = time.after(1);
    const next = new Selector({ watched }).next();
    pass(3);
    expect(overtake(watched)).toBeUndefined();
    expect((await next)?.ok).toBe(true);
  }
});
