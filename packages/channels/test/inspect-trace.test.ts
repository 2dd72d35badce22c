// Waits, drawn where the host draws time: in a browser on tracks of its performance panel.

import { Channel } from "@sluice/channels";
import { trace } from "@sluice/channels/inspect";
import { virtualTime } from "@sluice/channels/testing";
import { expect, test, vi } from "vitest";

test("where a browser draws tracks, a wait is a bar on the track of its channel", async () => {
  const host = console as unknown as { timeStamp: unknown };
  const before = Object.getOwnPropertyDescriptor(host, "timeStamp");
  const stamp = vi.fn<(...given: unknown[]) => void>();
  host.timeStamp = stamp;
  using tracing = trace();
  expect(tracing).toBeDefined();
  await virtualTime(async (clock) => {
    const orders = new Channel<number>({ name: "orders" });
    void orders.receive();
    await clock.advance(50);
    orders.trySend(1);
  });
  if (before === undefined) Reflect.deleteProperty(host, "timeStamp");
  else Object.defineProperty(host, "timeStamp", before);
  const isPage = "document" in globalThis;
  expect(stamp.mock.calls).toEqual(isPage ? [["receive", 0, 50, "orders", "Sluice", "primary"]] : []);
});
