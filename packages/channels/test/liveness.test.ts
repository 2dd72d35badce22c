// Law 3: no loop that awaits the library starves timers. Here for every host; with exact counts in liveness.node.test.ts.

import { Channel, select, time } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { Meter, programs } from "./busy.ts";
import { upTo } from "./values.ts";

describe("L1, N8: host timers and messages go on beside", () => {
  test.each(programs)("%s", async (_, program) => {
    const meter = new Meter();
    const fired: string[] = [];
    setTimeout(() => {
      fired.push("first timer");
      setTimeout(() => {
        fired.push("second timer");
        meter.stopped = true;
      }, 1);
    }, 0);
    await program(meter);
    expect(fired).toEqual(["first timer", "second timer"]);
  });
});

test("L1: a timer of the library's own fires while two tasks play ping-pong over capacity 1", async () => {
  const meter = new Meter();
  const game = programs.find(([name]) => name === "ping-pong over capacity 1")?.[1];
  const playing = game?.(meter);
  await time.after(5).receive();
  meter.stopped = true;
  await playing;
  expect(meter.completions).toBeGreaterThan(0);
});

test("L1: messages between two ports go on while a rendezvous saturates the process", async () => {
  const meter = new Meter();
  const { port1, port2 } = new MessageChannel();
  let messages = 0;
  port1.addEventListener("message", () => {
    messages += 1;
    if (messages < 20) {
      port2.postMessage(messages);
      return;
    }
    meter.stopped = true;
    port1.close();
  });
  port1.start();
  port2.postMessage(0);
  await Promise.all(programs.slice(0, 2).map(async ([, program]) => program(meter)));
  expect(messages).toBe(20);
});

test("L2: a case that another macrotask makes ready wins beside one that is always ready", async () => {
  const meter = new Meter();
  const always = new Channel<number>(1);
  const other = new Channel<string>(1);
  setTimeout(() => other.trySend("now"), 0);
  let winner: unknown;
  while (winner === undefined && meter.on()) {
    always.trySend(1);
    const r = await select({ always, other });
    if (r.name === "other") winner = r.value;
  }
  expect(winner).toBe("now");
});

test("L2: a timeout wins beside a case that is always ready", async () => {
  const meter = new Meter();
  const always = new Channel<number>(1);
  const timeout = time.after(3);
  for (;;) {
    meter.on();
    always.trySend(1);
    const r = await select({ always, timeout });
    if (r.name === "timeout") break;
  }
  expect(meter.completions).toBeGreaterThan(0);
});

test("the budget costs no completions: a burst of any size settles whole", async () => {
  for (const size of [1, 63, 64, 65, 1023, 1024, 1025, 1088, 1089, 5000]) {
    const channel = new Channel<number>(size);
    await Promise.all(upTo(size).map((i) => channel.send(i)));
    const received = await Promise.all(upTo(size).map(() => channel.receive()));
    expect(received.map(({ value }) => value)).toEqual(upTo(size));
  }
});
