// The signal given to `connect` lives as long as the connection: an abort ends it, at any time, as `close(1001)` does.

import { errors, select, time } from "@sluice/channels";
import { describe, expect, test } from "vitest";
import { connect } from "../src/index.ts";
import { failureOf } from "./fixtures/failures.ts";
import { close, closeOf, OPCODE, text } from "./fixtures/frames.ts";
import { RawServer } from "./fixtures/raw-server.ts";
import { leavesNothingBehind } from "./fixtures/residue.ts";
import { PlainServer } from "./fixtures/ws-server.ts";

leavesNothingBehind();

/** Counts the listeners that a signal carries. */
function counted({ signal }: AbortController): { readonly now: number; readonly most: number } {
  const listeners = new Set<unknown>();
  const counts = { now: 0, most: 0 };
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  const count = (): void => {
    counts.now = listeners.size;
    counts.most = Math.max(counts.most, listeners.size);
  };
  signal.addEventListener = (...given: Parameters<typeof add>) => {
    listeners.add(given[1]);
    add(...given);
    count();
  };
  signal.removeEventListener = (...given: Parameters<typeof remove>) => {
    listeners.delete(given[1]);
    remove(...given);
    count();
  };
  return counts;
}

describe("an abort of an open connection", () => {
  test("sends 1001 behind what was accepted, and ends as our own close does", async () => {
    await using server = await RawServer.listen();
    const controller = new AbortController();
    const { client, peer } = await server.meet({ signal: controller.signal });
    void client.send("accepted");
    controller.abort();
    expect((await peer.next(OPCODE.TEXT)).payload.toString()).toBe("accepted");
    expect(closeOf(await peer.next(OPCODE.CLOSE))).toEqual({ code: 1001, reason: "" });
    peer.socket.end(close(1001));
    expect(await client.closed).toStrictEqual({
      code: 1001,
      reason: "",
      wasClean: true,
      initiator: "local",
      error: undefined,
    });
  });

  test.each([[new Error("enough")], ["a word"], [null]])(
    "gives the channel its reason as cause: %s",
    async (reason) => {
      await using server = await PlainServer.echo();
      const controller = new AbortController();
      const { client } = await server.meet({ signal: controller.signal });
      const parked = client.channel().receive();
      controller.abort(reason);
      expect(await parked).toMatchObject({ ok: false });
      expect(client.channel()).toMatchObject({ closed: true, cause: reason });
      await expect(client[Symbol.asyncIterator]().next()).rejects.toBe(reason);
      expect(await select([client.channel()])).toMatchObject({ ok: false });
      expect(await client.closed).toMatchObject({ code: 1001, initiator: "local", error: undefined });
    },
  );

  test("leaves what stood in the channel to be received, and then its loop throws the reason", async () => {
    await using server = await RawServer.listen();
    const controller = new AbortController();
    const { client, peer } = await server.meet({ signal: controller.signal, channelCapacity: 2 });
    peer.write(text("1"), text("2"), text("3"), text("4"));
    while (!client.stats.paused) await time.sleep(1);
    controller.abort(new Error("enough"));
    await peer.next(OPCODE.CLOSE);
    peer.socket.end(close(1001));
    const received: unknown[] = [];
    const loop = (async () => {
      for await (const { data } of client) received.push(data);
    })();
    await expect(loop).rejects.toThrow("enough");
    expect(received).toEqual(["1", "2"]);
  });

  test("rejects pings and sends that wait, and what comes later", async () => {
    await using server = await RawServer.listen();
    const controller = new AbortController();
    const { client, peer } = await server.meet({ signal: controller.signal, pace: { messages: 1, per: "1h" } });
    await client.send("first");
    const waiting = [failureOf(client.send("second")), failureOf(client.ping())];
    controller.abort();
    await peer.next(OPCODE.CLOSE);
    peer.socket.end(close(1001));
    for (const failing of [...waiting, failureOf(client.send("late")), failureOf(client.ping())]) {
      expect(await failing).toMatchObject({ kind: errors.INTERNAL, details: { code: 1001 } });
    }
  });

  test("does nothing to one that has ended, or is about to, by other means", async () => {
    await using server = await RawServer.listen();
    const controller = new AbortController();
    const { client, peer } = await server.meet({ signal: controller.signal });
    const closing = client.close(4000, "mine");
    controller.abort();
    await peer.next(OPCODE.CLOSE);
    peer.socket.end(close(4000, "mine"));
    expect(await closing).toMatchObject({ code: 4000, initiator: "local", wasClean: true });
    expect(client.channel().cause).toBeUndefined();
  });

  test("in the moment in which it opens is not lost", async () => {
    await using server = await RawServer.listen();
    const controller = new AbortController();
    const connecting = connect(server.url, { signal: controller.signal });
    const peer = await server.next();
    peer.write(peer.answer());
    const ended = connecting.then(
      (client) => client.closed,
      () => undefined,
    );
    controller.abort(new Error("enough"));
    await peer.gone();
    expect([undefined, 1001]).toContain((await ended)?.code);
  });
});

describe("however many connections a signal is given to", () => {
  test("it carries one listener, and none when they have ended", async () => {
    await using server = await PlainServer.echo();
    const controller = new AbortController();
    const counts = counted(controller);
    const { signal } = controller;
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(server.url, { signal })));
    const parked = clients.map((client) =>
      client
        .channel()
        .receive({ signal })
        .catch(() => undefined),
    );
    expect(counts).toEqual({ now: 1, most: 1 });
    await Promise.all(clients.slice(1).map((client) => client.close()));
    expect(counts.now).toBe(1);
    await clients[0]?.close();
    await Promise.all(parked);
    expect(counts).toEqual({ now: 0, most: 1 });
  });

  test("it ends them all", async () => {
    await using server = await PlainServer.echo();
    const controller = new AbortController();
    const { signal } = controller;
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(server.url, { signal })));
    controller.abort();
    for (const client of clients) expect(await client.closed).toMatchObject({ code: 1001, wasClean: true });
  });
});
