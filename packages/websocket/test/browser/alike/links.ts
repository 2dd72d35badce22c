// What a link does alike wherever it lives: registered once for Node, and once for each API of a page.

import { expect, test } from "vitest";
import type * as Face from "../../fixtures/page-entry.ts";
import type { Over, Place } from "../../fixtures/places.ts";
import { PlainServer } from "../../fixtures/ws-server.ts";

declare const sluice: typeof Face;

/** The tests of a link, each in the place it is given. */
export function linksAlike(place: () => Place, over: Over): void {
  test("a link survives breaks: what came before one comes before the next, and options are made for each attempt", async () => {
    await using server = await PlainServer.listen({ handleProtocols: ([first]) => first ?? false }, ({ socket }) => {
      socket.send(`${server.connections} ${socket.protocol}`);
      socket.close(server.connections < 3 ? 1012 : 1000);
    });
    const got = await place().evaluate(
      async ({ url, transport }) => {
        const link = sluice.reconnect(url, {
          connect: ({ epoch }) => ({ transport, protocols: [`token-${epoch}`] }),
          backoff: { from: "1ms" },
        });
        const shown: string[] = [];
        for await (const { epoch, data } of link) shown.push(`${epoch}: ${String(data)}`);
        const { epochs, error, info } = await link.closed;
        return { shown, epochs, error, code: info?.code, state: link.state.value.state };
      },
      { url: server.url, transport: over },
    );
    expect(got).toEqual({
      shown: ["1: 1 token-1", "2: 2 token-2", "3: 3 token-3"],
      epochs: 3,
      error: undefined,
      code: 1000,
      state: "closed",
    });
  });

  test("`setup` has the first words, and a send without a connection is refused at once", async () => {
    await using server = await PlainServer.echo();
    const got = await place().evaluate(
      async ({ url, transport }) => {
        const link = sluice.reconnect(url, {
          connect: { transport },
          setup: async (client) => {
            await client.send("log in");
            await client.channel().receive();
          },
        });
        const early: unknown = await link.send("early").catch((error: unknown) => error);
        await link.client();
        const epoch = await link.send("hello", { epoch: 1 });
        const other: unknown = await link.send("other", { epoch: 7 }).catch((error: unknown) => error);
        const { value } = await link.channel().receive();
        await link.close();
        const late: unknown = await link.send("late").catch((error: unknown) => error);
        const kinds = [early, other, late].map((error) => (error as { kind: string }).kind);
        return { kinds, epoch, value: value?.data, ended: (await link.channel().receive()).ok };
      },
      { url: server.url, transport: over },
    );
    expect(got).toEqual({ kinds: ["UNAVAILABLE", "CONFLICT", "INTERNAL"], epoch: 1, value: "hello", ended: false });
  });

  test("`restart` connects again without a wait, and `retry` decides after a failure", async () => {
    await using server = await PlainServer.listen({}, ({ socket }) => {
      if (server.connections === 2) socket.close(4000);
    });
    const got = await place().evaluate(
      async ({ url, transport }) => {
        const phases: string[] = [];
        const link = sluice.reconnect(url, {
          connect: { transport },
          retry: ({ phase, info }) => {
            phases.push(`${phase} ${info?.code}`);
            return false;
          },
        });
        await link.client();
        link.restart();
        const { epochs, error } = await link.closed;
        return { phases, epochs, kind: (error as { kind: string }).kind };
      },
      { url: server.url, transport: over },
    );
    expect(got).toEqual({ phases: ["open 4000"], epochs: 2, kind: "INTERNAL" });
  });
}
