// What people see who debug: in every host the tag, in Node and Deno a line, which they ask for under a registered symbol.

import { Channel, Selector, time } from "@sluice/channels";
import { merge } from "@sluice/channels/flow";
import { virtualTime } from "@sluice/channels/testing";
import { describe, expect, test } from "vitest";
import { rejection } from "./progress.ts";

type Shows = Record<symbol, (...given: unknown[]) => string>;

/** As `console.log` of Node and Deno ask; both get the same. */
function shown(value: object): string {
  const node = (value as Shows)[Symbol.for("nodejs.util.inspect.custom")];
  const deno = (value as Shows)[Symbol.for("Deno.customInspect")];
  expect(node?.call(value, 2, {}, String)).toBe(deno?.call(value, String, {}));
  return String(node?.call(value, 2, {}, String));
}

describe("a channel shows", () => {
  test("its name, its fill, and who waits", async () => {
    const orders = new Channel<string>(8, { name: "orders" });
    for (const order of ["a", "b", "c"]) orders.trySend(order);
    expect(shown(orders)).toBe("Channel(orders) { 3 of 8 }");
    const jobs = new Channel<string>(1, { name: "jobs" });
    const sends = ["a", "b", "c"].map((job) => rejection(jobs.send(job)));
    expect(shown(jobs)).toBe("Channel(jobs) { 1 of 1, 2 senders wait }");
    jobs.close();
    await Promise.allSettled(sends);
    expect(shown(jobs)).toBe("Channel(jobs) { 1 of 1, closed }");
  });

  test("that it is a rendezvous, and each receiver, those of a Selector, a select and a stage too", async () => {
    const channel = new Channel<number>();
    expect(shown(channel)).toBe("Channel { rendezvous }");
    const first = channel.receive();
    expect(shown(channel)).toBe("Channel { rendezvous, 1 receiver waits }");
    const events = new Selector({ channel });
    const merged = merge([channel]);
    expect(shown(channel)).toBe("Channel { rendezvous, 1 receiver waits }");
    const waits = [first, events.next(), merged.receive(), channel.receiveMany(2)];
    expect(shown(channel)).toBe("Channel { rendezvous, 4 receivers wait }");
    channel.close(new TypeError("no more"));
    await Promise.all(waits);
    expect(shown(channel)).toBe("Channel { rendezvous, closed: TypeError: no more }");
  });

  test.each([
    ["by request", "closed: by request"],
    [null, "closed: `null`"],
    [{ password: "hunter2" }, "closed: an object"],
  ])("why it was closed: %s", (cause, text) => {
    const channel = new Channel(1);
    channel.close(cause);
    expect(shown(channel)).toBe(`Channel { 0 of 1, ${text} }`);
  });

  test("no value, ever", () => {
    const channel = new Channel<unknown>(3);
    channel.trySend({ password: "hunter2" });
    for (const value of [channel, channel.caseSend({ password: "hunter2" })]) {
      expect(shown(value)).not.toContain("hunter2");
      expect(JSON.stringify(value)).not.toContain("hunter2");
    }
  });

  test("its kind where there is nothing to look at: its prototype", () => {
    expect(shown(Channel.prototype)).toBe("Channel {}");
  });
});

test("timers and tickers show when they are due, and so do their channels", async () => {
  await virtualTime(async (clock) => {
    const [timer, ticker, after] = [time.timer("5s"), time.ticker("2s"), time.after("1m")];
    void after.receive();
    await clock.advance("1s");
    expect([timer, ticker, timer.channel(), ticker.channel(), after].map(shown)).toEqual([
      "Timer { due in 4000 ms }",
      "Ticker { every 2000 ms, due in 1000 ms }",
      "Channel { due in 4000 ms }",
      "Channel { every 2000 ms, due in 1000 ms }",
      "Channel { due in 59000 ms, 1 receiver waits }",
    ]);
    await clock.advance("10s");
    ticker.stop();
    expect([shown(timer), shown(ticker)]).toEqual(["Timer { due }", "Ticker { never due again }"]);
  });
});

test("cases show their channel", () => {
  const orders = new Channel<number>(8, { name: "orders" });
  expect(shown(orders.caseReceive())).toBe("ReceiveCase { Channel(orders) { 0 of 8 } }");
  expect(shown(orders.caseSend(7))).toBe("SendCase { Channel(orders) { 0 of 8 } }");
});

test("a Selector shows what it watches, the first of many, who waits, and that it is closed", async () => {
  const a = new Channel();
  expect(shown(new Selector())).toBe("Selector { 0 channels }");
  expect(shown(new Selector({ a }))).toBe("Selector { 1 channel: a }");
  const many = new Selector(Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`c${i}`, new Channel()])));
  const next = many.next();
  expect(shown(many)).toBe("Selector { 10 channels: c0, c1, c2, c3, c4, c5, c6, c7, and 2 more, 1 next waits }");
  many.close();
  await next;
  expect(shown(many)).toBe("Selector { 0 channels, closed }");
});

test("every one of them has its tag, which hosts show that ask for no more", () => {
  const channel = new Channel();
  const all = [
    channel,
    time.timer(1),
    time.ticker(1),
    time.after(1),
    new Selector(),
    channel.caseReceive(),
    channel.caseSend(1),
  ];
  expect(all.map((value) => Object.prototype.toString.call(value).slice(8, -1))).toEqual([
    "Channel",
    "Timer",
    "Ticker",
    "Channel",
    "Selector",
    "ReceiveCase",
    "SendCase",
  ]);
});
