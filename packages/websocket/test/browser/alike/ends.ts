// How a connection ends alike wherever a client lives: registered once for Node, and once for each API of a page.

import { expect, test } from "vitest";
import type * as Face from "../../fixtures/page-entry.ts";
import type { Over, Place } from "../../fixtures/places.ts";
import { RawServer } from "../../fixtures/raw-server.ts";
import { PlainServer } from "../../fixtures/ws-server.ts";

declare const sluice: typeof Face;

/** The tests of ends, each in the place it is given. */
export function endsAlike(place: () => Place, over: Over): void {
  test.each([
    [1000, undefined],
    [1001, undefined],
    [1012, "INTERNAL"],
    [4001, "INTERNAL"],
  ])("the peer's %i ends the channel behind every message", async (closed, kind) => {
    await using server = await PlainServer.listen({}, ({ socket }) => {
      for (let i = 0; i < 100; i += 1) socket.send(String(i));
      socket.close(closed, "why");
    });
    const got = await place().evaluate(
      async ({ url, transport }) => {
        const client = await sluice.connect(url, { transport });
        let [count, thrown] = [0, undefined as unknown];
        try {
          for await (const { data } of client) if (data === String(count)) count += 1;
        } catch (error) {
          thrown = (error as { kind: string }).kind;
        }
        const { code, reason, wasClean, initiator } = await client.closed;
        return { count, thrown, info: { code, reason, wasClean, initiator } };
      },
      { url: server.url, transport: over },
    );
    const info = { code: closed, reason: "why", wasClean: true, initiator: "remote" };
    expect(got).toEqual({ count: 100, thrown: kind, info });
  });

  test("a reset is a failure that may be tried again", async () => {
    await using server = await RawServer.listen();
    const ending = place().evaluate(
      async ({ url, transport }) => {
        const client = await sluice.connect(url, { transport });
        const { ok } = await client.channel().receive();
        const { code, initiator, error } = await client.closed;
        return { ok, code, initiator, retryable: error?.retryable };
      },
      { url: server.url, transport: over },
    );
    const peer = await server.next();
    peer.write(peer.answer());
    await new Promise((resolve) => setImmediate(resolve));
    peer.socket.resetAndDestroy();
    expect(await ending).toEqual({ ok: false, code: 1006, initiator: "network", retryable: true });
  });

  test("our own end leaves what stands in the channel, and nothing can be sent behind it", async () => {
    await using server = await PlainServer.listen({}, ({ socket }) => {
      for (const data of ["a", "b"]) socket.send(data);
    });
    const got = await place().evaluate(
      async ({ url, transport }) => {
        const shown = [];
        for (const how of ["close", "terminate", "dispose"]) {
          const client = await sluice.connect(url, { transport });
          await client.channel().receive();
          while (client.channel().length < 1) await sluice.time.sleep(1);
          if (how === "terminate") client.terminate();
          else if (how === "close") void client.close();
          else await client[Symbol.asyncDispose]();
          const late: unknown = await client.send("late").catch((error: unknown) => error);
          const { code, initiator, wasClean, error } = await client.closed;
          const again = await client.close();
          const rest = [];
          for await (const { data } of client) rest.push(data);
          shown.push([code, initiator, wasClean, error, rest, (late as { kind: string }).kind, again.code]);
        }
        return shown;
      },
      { url: server.url, transport: over },
    );
    expect(got).toEqual([
      [1000, "local", true, undefined, ["b"], "INTERNAL", 1000],
      [1006, "local", false, undefined, ["b"], "INTERNAL", 1006],
      [1000, "local", true, undefined, ["b"], "INTERNAL", 1000],
    ]);
  });

  test("`closeTimeout` ends a wait for a peer that does not answer", async () => {
    await using server = await RawServer.listen();
    const ending = place().evaluate(
      async ({ url, transport }) => {
        const client = await sluice.connect(url, { transport, closeTimeout: "20ms" });
        const { code, initiator, wasClean, error } = await client.close(4000);
        return [code, initiator, wasClean, error?.kind];
      },
      { url: server.url, transport: over },
    );
    const peer = await server.next();
    peer.write(peer.answer());
    expect(await ending).toEqual([4000, "local", false, "TIMEOUT"]);
    peer.socket.destroy();
  });

  test("`readTimeout` ends a connection that is silent", async () => {
    await using server = await PlainServer.listen();
    const got = await place().evaluate(
      async ({ url, transport }) => {
        const client = await sluice.connect(url, { transport, readTimeout: "20ms" });
        const { ok } = await client.channel().receive();
        const { code, initiator, error } = await client.closed;
        return [ok, code, initiator, error?.kind, (client.channel().cause as { kind: string }).kind];
      },
      { url: server.url, transport: over },
    );
    expect(got).toEqual([false, 1006, "network", "TIMEOUT", "TIMEOUT"]);
  });

  test("a signal ends an open connection, and the channel says why", async () => {
    await using server = await PlainServer.listen();
    const got = await place().evaluate(
      async ({ url, transport }) => {
        const controller = new AbortController();
        const client = await sluice.connect(url, { transport, signal: controller.signal });
        controller.abort("enough");
        const { ok } = await client.channel().receive();
        const { initiator, error } = await client.closed;
        return { ok, cause: client.channel().cause, initiator, error };
      },
      { url: server.url, transport: over },
    );
    expect(got).toEqual({ ok: false, cause: "enough", initiator: "local", error: undefined });
  });
}
