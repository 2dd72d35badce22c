// What becomes of a connection while its page is hidden, busy, offline, or in the back/forward cache.

import { expect, test } from "vitest";
import type { Chromium } from "../fixtures/chromium.ts";
import type * as Face from "../fixtures/page-entry.ts";
import type { Over } from "../fixtures/places.ts";
import { PlainServer } from "../fixtures/ws-server.ts";

declare const sluice: typeof Face;

/** Registers the tests for one API of a page. */
export function lifecycleOf(browser: () => Chromium, over: Over): void {
  test("a page that goes into the back/forward cache ends its connection; a link opens again when it is back", async () => {
    await using server = await PlainServer.listen();
    const page = await browser().open();
    await page.evaluate(
      async ({ url, transport }) => {
        const link = sluice.reconnect(url, { connect: { transport } });
        Object.assign(globalThis, { link, same: true, ended: (await link.client()).closed });
      },
      { url: server.url, transport: over },
    );
    const first = await server.next();
    const gone = new Promise((resolve) => first.socket.on("close", resolve));
    await page.goto(browser().url("/other"));
    await gone;
    await page.goBack({ waitUntil: "commit" }); // what comes back from the cache does not load
    const state = await page.evaluate(async () => {
      const { link, same, ended } = globalThis as never as {
        link: ReturnType<typeof sluice.reconnect>;
        same?: boolean;
        ended: Promise<{ code: number; initiator: string }>;
      };
      const { code, initiator } = await ended;
      await link.client();
      return { same, code, initiator, epoch: link.state.value.epoch };
    });
    expect(state).toEqual({ same: true, code: 1001, initiator: "local", epoch: 2 });
    await server.next();
  });

  test("with `onHide: keep` a page comes back to what its browser kept", async () => {
    await using server = await PlainServer.echo();
    const page = await browser().open();
    await page.evaluate(
      async ({ url, transport }) => {
        const client = await sluice.connect(url, { transport, onHide: "keep" });
        Object.assign(globalThis, { client });
      },
      { url: server.url, transport: over },
    );
    await page.goto(browser().url("/other"));
    await page.goBack({ waitUntil: "commit" });
    const came = await page.evaluate(async () => {
      const { client } = globalThis as never as { client: Awaited<ReturnType<typeof sluice.connect>> };
      await client.send("still there?").catch(() => undefined);
      const { value, ok } = await client.channel().receive();
      if (ok) return value.data;
      const { code, initiator } = await client.closed;
      return `${code} ${initiator}`;
    });
    expect(came).toBe(over === "stream" ? "still there?" : "1006 network");
  });

  test("a link does not dial while its page is hidden, and does at once when it is shown", async () => {
    await using server = await PlainServer.listen();
    await using page = await browser().openTab();
    await page.evaluate(
      async ({ url, transport }) => {
        const link = sluice.reconnect(url, { connect: { transport }, backoff: { from: "1ms" } });
        await link.client();
        Object.assign(globalThis, { link });
      },
      { url: server.url, transport: over },
    );
    const { socket } = await server.next();
    await page.hide();
    socket.close(1012);
    await page.evaluate(
      async ({ url, transport }) => {
        const { link } = globalThis as never as { link: ReturnType<typeof sluice.reconnect> };
        await link.state.until((now) => now.state === "connecting" && now.epoch === 2);
        // Handshakes with one server come one after the other: that of the link would have been before this one's.
        const other = await sluice.connect(url, { transport });
        await other.close();
      },
      { url: server.url, transport: over },
    );
    expect(server.connections).toBe(2);
    await page.show();
    const epoch = await page.evaluate(async () => {
      const { link } = globalThis as never as { link: ReturnType<typeof sluice.reconnect> };
      await link.client();
      const { epoch: now } = link.state.value;
      link.terminate();
      return now;
    }, {});
    expect([epoch, server.connections]).toEqual([2, 3]);
  });

  test("a link that waits tries at once when the network is back", async () => {
    await using server = await PlainServer.listen({}, ({ socket }) => {
      if (server.connections === 1) socket.close(1012);
    });
    const page = await browser().open();
    await page.evaluate(
      async ({ url, transport }) => {
        const link = sluice.reconnect(url, { connect: { transport }, backoff: { from: "24h", to: "24h" } });
        await link.state.until(({ state }) => state === "waiting");
        Object.assign(globalThis, { link });
      },
      { url: server.url, transport: over },
    );
    await page.context().setOffline(true);
    await page.context().setOffline(false);
    const epoch = await page.evaluate(async () => {
      const { link } = globalThis as never as { link: ReturnType<typeof sluice.reconnect> };
      await link.client();
      const { epoch: now } = link.state.value;
      link.terminate();
      return now;
    });
    expect(epoch).toBe(2);
  });

  test("a page that was busy beyond every deadline lets in what came meanwhile, before it judges", async () => {
    await using server = await PlainServer.listen({}, ({ socket }) => {
      const timer = setInterval(() => socket.send("alive"), 5);
      socket.on("close", () => clearInterval(timer));
    });
    const ends = await browser().page.evaluate(
      async ({ url, transport }) => {
        const long = 500; // milliseconds; the server beside it may be slow as well, but not for as long as the deadlines
        const busy = (): void => {
          for (const end = performance.now() + long; performance.now() < end;);
        };
        const keepAlive = { interval: "50ms", timeout: "400ms", message: () => "ping" };
        const dialling = sluice.connect(url, { transport, dialTimeout: "400ms", readTimeout: "400ms", keepAlive });
        busy();
        const client = await dialling;
        const read = (async () => {
          for await (const _ of client);
        })();
        for (let i = 0; i < 3; i += 1) {
          await sluice.time.sleep("60ms"); // so that `keepAlive` has asked, now and then
          busy();
        }
        const kind = await Promise.race([client.closed, sluice.time.sleep("60ms")]);
        client.terminate();
        await read;
        return kind?.error?.message;
      },
      { url: server.url, transport: over },
    );
    expect(ends).toBeUndefined();
  });

  test("any message is an answer to the one of `keepAlive`", async () => {
    await using server = await PlainServer.listen({}, ({ socket }) => {
      socket.on("message", () => socket.send("something else"));
    });
    const asked = await browser().page.evaluate(
      async ({ url, transport }) => {
        let count = 0;
        const message = (): string => `${(count += 1)}`;
        const keepAlive = { interval: "10ms", timeout: "10s", message };
        const client = await sluice.connect(url, { transport, keepAlive });
        for (let i = 0; i < 3; i += 1) await client.channel().receive();
        await client.close();
        return count;
      },
      { url: server.url, transport: over },
    );
    expect(asked).toBeGreaterThanOrEqual(3);
  });
}
