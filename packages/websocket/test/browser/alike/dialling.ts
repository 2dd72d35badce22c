// How a client connects alike wherever it lives: registered once for Node, and once for each API of a page.

import { expect, test } from "vitest";
import type * as Face from "../../fixtures/page-entry.ts";
import type { Over, Place } from "../../fixtures/places.ts";
import { RawServer } from "../../fixtures/raw-server.ts";
import { PlainServer } from "../../fixtures/ws-server.ts";

declare const sluice: typeof Face;

/** The tests of the dialling, each in the place it is given. */
export function diallingAlike(place: () => Place, over: Over): void {
  test("the subprotocol that was chosen is told, and one that was not offered is refused", async () => {
    await using server = await RawServer.listen();
    const connecting = place().evaluate(
      async ({ url, transport }) => {
        const protocols = ["a", "b"];
        const client = await sluice.connect(url, { transport, protocols });
        const { protocol } = client;
        await client.closed;
        const refused = await sluice.connect(url, { transport, protocols }).catch(({ kind }) => kind as string);
        return { protocol, refused };
      },
      { url: server.url, transport: over },
    );
    const peer = await server.next();
    peer.write(peer.answer("Sec-WebSocket-Protocol: b"));
    peer.socket.end();
    const other = await server.next();
    other.write(other.answer("Sec-WebSocket-Protocol: c"));
    expect(await connecting).toEqual({ protocol: "b", refused: "INTERNAL" });
  });

  test("the dialling ends after `dialTimeout`, and with the signal", async () => {
    await using server = await RawServer.listen();
    const kinds = await place().evaluate(
      async ({ url, transport }) => {
        const late = await sluice.connect(url, { transport, dialTimeout: "50ms" }).catch(({ kind }) => kind as string);
        const controller = new AbortController();
        const { signal } = controller;
        const dialling = sluice.connect(url, { transport, signal }).catch((reason: unknown) => reason as string);
        controller.abort("enough");
        const never = await sluice.connect(url, { transport, signal }).catch((reason: unknown) => reason as string);
        return [late, await dialling, never];
      },
      { url: server.url, transport: over },
    );
    expect(kinds).toEqual(["TIMEOUT", "enough", "enough"]);
  });

  test("a wrong option is INVALID and named, and nothing was dialled", async () => {
    await using server = await PlainServer.listen();
    const told = await place().evaluate(
      async ({ url, transport }) => {
        const wrong: object[] = [
          { channelCapacity: 0 },
          { overflow: "drop" },
          { protocols: ["a", "a"] },
          { protocols: ["a b"] },
          { dialTimeout: "soon" },
          { pace: { messages: 1 } },
          { signal: {} },
          { onDrop: 1 },
          { dialTimout: 1 },
        ];
        const shown: string[] = [];
        for (const options of wrong) {
          const error: unknown = await sluice
            .connect(url, { ...options, transport })
            .catch((reason: unknown) => reason);
          const { kind, message } = error as { kind: string; message: string };
          shown.push(`${kind} ${message}`);
        }
        for (const bad of ["ws://", "ftp://a.invalid/", "ws://a.invalid/#fragment", 1]) {
          const error: unknown = await sluice.connect(bad as string, { transport }).catch((reason: unknown) => reason);
          const { kind, details } = error as { kind: string; details: { option: string } };
          shown.push(`${kind} ${details.option}`);
        }
        return shown;
      },
      { url: server.url, transport: over },
    );
    expect(told).toEqual([
      "INVALID Expected `channelCapacity` to be an integer from 1 to 10000 (messages), got `0`",
      'INVALID Expected `overflow` to be "block", "drop-oldest" or "drop-newest", got `"drop"`',
      expect.stringMatching(/^INVALID Expected `protocols` to be .*without duplicates/),
      expect.stringMatching(/^INVALID Expected `protocols` to be .*tokens/),
      expect.stringMatching(/^INVALID Expected `dialTimeout` to be a duration.*got `"soon"`$/),
      expect.stringMatching(/^INVALID Expected `pace\.per` to be a duration/),
      "INVALID Expected `signal` to be an AbortSignal, got `an object`",
      "INVALID Expected `onDrop` to be a function, got `1`",
      expect.stringMatching(/^INVALID There is no option `dialTimout`: did you mean `dialTimeout`\?$/),
      ...Array.from({ length: 4 }, () => "INVALID url"),
    ]);
    expect(server.connections).toBe(0);
  });

  test("what a peer repeats of a secret, in part or decoded, is in no error", async () => {
    const token = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl";
    await using server = await PlainServer.listen({ handleProtocols: () => "v1" }, ({ socket, request: { url } }) => {
      const ticket = new URL(String(url), server.url).searchParams.get("ticket");
      socket.close(4001, `bad: ${ticket === "none" ? token.slice(0, 20) : String(ticket)}`.padStart(80, "."));
    });
    const shown = await place().evaluate(
      async ({ url, transport, protocols }) => {
        const told: string[] = [];
        for (const ticket of ["s%2Fcret%20ticket", "none"]) {
          const client = await sluice.connect(`${url}?ticket=${ticket}`, { transport, protocols });
          const { error } = await client.closed;
          const late: unknown = await client.send("").catch((reason: unknown) => reason);
          for (const { message, details } of [error, late] as { message: string; details: object }[])
            told.push(`${message} ${JSON.stringify(details)}`);
        }
        return told;
      },
      { url: server.url, transport: over, protocols: ["v1", token] },
    );
    expect(shown).toHaveLength(4);
    for (const told of shown) {
      expect(told).toContain("?ticket=[redacted]");
      expect(told).not.toMatch(/cret|eyJh/);
    }
  });
}
