// What a connection leaves behind when it has ended, however it ended: no timer, not even one that lets the process end,
// no listener on a signal, no socket.

import { createHook } from "node:async_hooks";
import { getEventListeners } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../src/index.ts";
import { close, frame, OPCODE, text } from "./fixtures/frames.ts";
import { clocksRun, heldClock } from "./fixtures/held-clock.ts";
import { type RawPeer, RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";

leavesNothingBehind();

// Timers that the sources of this package made, or the clock of the core for them, and that are still armed.
const timers = new Map<number, string>();
const hook = createHook({
  init(id, type) {
    if (type !== "Timeout" && type !== "Immediate") return;
    const stack = new Error("here").stack ?? "";
    if (/(websocket[/\\](src|dist)|channels[/\\](src|dist)[/\\]time)[/\\]/.test(stack)) timers.set(id, stack);
  },
  destroy(id) {
    timers.delete(id);
  },
});
beforeAll(() => void hook.enable());
afterAll(() => void hook.disable());

// The end of a timer is told to the hook in a later turn.
async function timersLeft(): Promise<string[]> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return [...timers.values()];
}

const ends: readonly (readonly [string, (peer: RawPeer, client: Client) => unknown])[] = [
  ["our `close`, answered", (peer, client) => [client.close(), peer.socket.end(close(1000))]],
  ["our `close`, not answered", (_, client) => client.close()],
  ["`terminate`", (_, client) => client.terminate()],
  ["`close` and `terminate`", (_, client) => [client.close(), client.terminate()]],
  ["a close frame", (peer) => peer.socket.end(close(1000))],
  ["FIN", (peer) => peer.socket.end()],
  ["RST", (peer) => peer.socket.resetAndDestroy()],
  ["a violation", (peer) => peer.write(frame(3))],
  ["silence", () => undefined],
];

describe("nothing is left after", () => {
  test.each(ends)("%s", async (_, end) => {
    const pass = heldClock();
    await using server = await RawServer.listen();
    const { signal } = new AbortController();
    const { client, peer } = await server.meet({
      channelCapacity: 1,
      dialTimeout: "5s",
      readTimeout: "1s",
      writeTimeout: "5s",
      closeTimeout: "50ms",
      keepAlive: { interval: "20ms", timeout: "100ms" },
      pace: { messages: 1, per: "10s" },
      signal,
    });
    const waiting = [client.ping({ signal }), client.ping({ timeout: "1h" }), client.send("now"), client.send("later")];
    const settled = Promise.allSettled(waiting);
    await peer.next(OPCODE.PING);
    expect(timers.size).toBeGreaterThan(0);
    end(peer, client);
    for (let i = 0; i < 3; i += 1) {
      pass(100);
      await clocksRun(50);
    }
    await client.closed;
    await settled;
    expect(await timersLeft()).toEqual([]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    await peer.gone();
  });

  test.each(["`close`", "`terminate`"])("%s while reading is paused", async (how) => {
    await using server = await RawServer.listen();
    const { client, peer } = await server.meet({ channelCapacity: 1, keepAlive: { interval: "1s" } });
    peer.write(text("1"), text("2"), text("3"));
    while (!client.stats.paused) await new Promise((resolve) => setImmediate(resolve));
    if (how === "`close`") void client.close();
    else client.terminate();
    peer.socket.end(close(1000));
    await client.closed;
    expect(await timersLeft()).toEqual([]);
  });

  test.each([
    ["a refusal", (peer: RawPeer) => peer.write("HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nin a b")],
    ["a wrong answer", (peer: RawPeer) => peer.write(peer.answer().replace("websocket", "h2c"))],
    ["no answer", () => undefined],
    ["half an answer", (peer: RawPeer) => peer.write("HTTP/1.1 101 Swi")],
  ])("a handshake that failed with %s", async (_, answer) => {
    await using server = await RawServer.listen();
    const pass = heldClock();
    const { signal } = new AbortController();
    const connecting = connect(server.url, { dialTimeout: "50ms", signal });
    const outcome = Promise.allSettled([connecting]);
    const peer = await server.next();
    answer(peer);
    pass(50);
    expect((await outcome)[0].status).toBe("rejected");
    expect(await timersLeft()).toEqual([]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    await peer.gone();
  });

  test("an abort", async () => {
    await using server = await RawServer.listen();
    const controller = new AbortController();
    const outcome = Promise.allSettled([connect(server.url, { signal: controller.signal })]);
    const peer = await server.next();
    controller.abort();
    expect((await outcome)[0].status).toBe("rejected");
    expect(await timersLeft()).toEqual([]);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    await peer.gone();
  });
});
