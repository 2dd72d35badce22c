// What Node's own console shows, and what its structured clone says of a channel.

import { Channel, Selector, time } from "@sluice/channels";
import { inspect } from "node:util";
import * as workers from "node:worker_threads";
import { describe, expect, test } from "vitest";

test("util.inspect, and console.log with it, shows one line for each, in whatever they stand", () => {
  const orders = new Channel<number>(8, { name: "orders" });
  orders.trySend(1);
  const program = { orders, list: [orders], events: new Selector({ orders }) };
  expect(inspect(program, { breakLength: Infinity })).toBe(
    "{ orders: Channel(orders) { 1 of 8 }, list: [ Channel(orders) { 1 of 8 } ], events: Selector { 1 channel: orders } }",
  );
  expect(inspect(new Proxy(orders, {}))).toContain("Channel");
});

describe("structured clone, of which Node lets objects keep out from 22.10 on,", () => {
  const refused = "markAsUncloneable" in workers;

  test.each([
    ["a channel", () => new Channel<number>(1)],
    ["a timer's channel", () => time.timer("1h").channel()],
  ])("refuses %s there, and so does postMessage", (_, make) => {
    const { port1 } = new MessageChannel();
    const attempts = [
      () => structuredClone<unknown>(make()),
      () => structuredClone<unknown>({ inbox: make() }),
      () => port1.postMessage(make()),
    ];
    expect(attempts.map(isRefused)).toEqual([refused, refused, refused]);
    port1.close();
  });
});

function isRefused(attempt: () => unknown): boolean {
  try {
    attempt();
    return false;
  } catch (error) {
    return String(error).includes("DataCloneError");
  }
}
