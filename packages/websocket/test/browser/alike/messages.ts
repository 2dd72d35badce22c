// How messages travel alike wherever a client lives: registered once for Node, and once for each API of a page.

import { expect, test } from "vitest";
import { text } from "../../fixtures/frames.ts";
import type * as Face from "../../fixtures/page-entry.ts";
import type { Over, Place } from "../../fixtures/places.ts";
import { RawServer } from "../../fixtures/raw-server.ts";
import { heard, PlainServer } from "../../fixtures/ws-server.ts";

declare const sluice: typeof Face;

/** The tests of messages, each in the place it is given. */
export function messagesAlike(place: () => Place, over: Over): void {
  test("messages arrive in order, text as text and bytes as bytes, and are sent", async () => {
    await using server = await PlainServer.echo();
    const got = await place().evaluate(
      async ({ url, transport }) => {
        const client = await sluice.connect(url, { transport });
        await client.send("text");
        await client.send(new Uint8Array([0, 1, 2, 3]).subarray(1));
        await client.send(new Float32Array([1]).buffer);
        await client.send(new TextEncoder().encode("as text"), sluice.TEXT);
        await client.send("as bytes", sluice.BINARY);
        const shown = [];
        for (let i = 0; i < 5; i += 1) {
          const { value } = await client.channel().receive();
          shown.push([value?.type, typeof value?.data === "string" ? value.data : Array.from(value?.data ?? [])]);
        }
        const { messagesReceived, messagesSent, messagesUnsent, bufferedAmount, sendsWaiting, paused } = client.stats;
        const info = await client.close(4000, "bye");
        return {
          shown,
          info,
          stats: [messagesReceived, messagesSent, messagesUnsent, bufferedAmount, sendsWaiting, paused],
        };
      },
      { url: server.url, transport: over },
    );
    expect(got.shown).toEqual([
      ["text", "text"],
      ["binary", [1, 2, 3]],
      ["binary", [0, 0, 128, 63]],
      ["text", "as text"],
      ["binary", Array.from(new TextEncoder().encode("as bytes"))],
    ]);
    expect(got.info).toEqual({ code: 4000, reason: "bye", wasClean: true, initiator: "local", error: undefined });
    expect(got.stats).toEqual([5, 5, 0, 0, 0, false]);
  });

  test("bytes are taken at the call, and those that arrive are the receiver's own", async () => {
    await using server = await PlainServer.echo();
    const got = await place().evaluate(
      async ({ url, transport }) => {
        const client = await sluice.connect(url, { transport });
        const bytes = new Uint8Array([1]);
        const sending = client.send(bytes);
        bytes[0] = 2;
        await sending;
        await client.send(bytes);
        const [{ value: one }, { value: two }] = [await client.channel().receive(), await client.channel().receive()];
        await client.close();
        const [first, second] = [one?.data, two?.data] as Uint8Array[];
        return { values: [first?.[0], second?.[0]], sizes: [first?.buffer.byteLength, second?.buffer.byteLength] };
      },
      { url: server.url, transport: over },
    );
    expect(got).toEqual({ values: [1, 2], sizes: [1, 1] });
  });

  test("what cannot be sent is refused, and the connection goes on", async () => {
    await using server = await PlainServer.echo();
    const got = await place().evaluate(
      async ({ url, transport }) => {
        const client = await sluice.connect(url, { transport });
        const told: string[] = [];
        const wrong: unknown[][] = [[1], [undefined], [{}], ["text", 3], [new Uint8Array([0xff]), sluice.TEXT]];
        for (const [data, type] of wrong) {
          await client.send(data as string, type as never).catch((error: unknown) => {
            told.push((error as { kind?: string }).kind ?? (error as Error).name);
          });
        }
        for (const [code, reason] of [[1005], [2000], [1000.5], [5000], ["1000"], [1000, "é".repeat(62)], [1000, 1]]) {
          await client.close(code as number, reason as string).catch((error: unknown) => {
            told.push((error as { kind: string }).kind);
          });
        }
        await client.send("goes on");
        const { value } = await client.channel().receive();
        await client.close();
        return { told, value: value?.data };
      },
      { url: server.url, transport: over },
    );
    const send = ["TypeError", "TypeError", "TypeError", "INVALID", "INVALID"];
    expect(got).toEqual({ told: [...send, ...Array.from({ length: 7 }, () => "INVALID")], value: "goes on" });
  });

  test("sends wait while nothing more fits, and leave in the order of the calls", async () => {
    await using server = await PlainServer.listen();
    const sending = place().evaluate(
      async ({ url, transport }) => {
        const client = await sluice.connect(url, { transport });
        const filler = "x".repeat(512 * 1024);
        const sends = Array.from({ length: 40 }, (_, i) => client.send(`${i} ${filler}`));
        const waiting = client.stats.sendsWaiting > 0;
        await Promise.all(sends);
        const { sendsWaiting } = client.stats;
        await client.close();
        return [waiting, sendsWaiting];
      },
      { url: server.url, transport: over },
    );
    const { socket } = await server.next();
    const messages = heard(socket);
    for (let i = 0; i < 40; i += 1) {
      const { value } = await messages.receive();
      if (value?.startsWith(`${i} `) !== true) throw new Error(`${value?.slice(0, 5)} came in place of ${i}`);
    }
    expect(await sending).toEqual([true, 0]);
  });

  test("`pace` holds messages back", async () => {
    await using server = await PlainServer.listen();
    const took = await place().evaluate(
      async ({ url, transport }) => {
        const client = await sluice.connect(url, { transport, pace: { messages: 2, per: "40ms" } });
        const began = performance.now();
        await Promise.all([1, 2, 3, 4, 5].map((n) => client.send(String(n))));
        const ms = performance.now() - began;
        await client.close();
        return ms;
      },
      { url: server.url, transport: over },
    );
    expect(took).toBeGreaterThanOrEqual(79);
  });

  test("frames in the segment of the 101 are not lost", async () => {
    await using server = await RawServer.listen();
    const reading = place().evaluate(
      async ({ url, transport }) => {
        const client = await sluice.connect(url, { transport });
        const [{ value: one }, { value: two }] = [await client.channel().receive(), await client.channel().receive()];
        client.terminate();
        return [one?.data, two?.data];
      },
      { url: server.url, transport: over },
    );
    const peer = await server.next();
    peer.write(peer.answer(), text("a"), text("b"));
    expect(await reading).toEqual(["a", "b"]);
    peer.socket.destroy();
  });

  test.each([
    ["drop-oldest", ["3", "4"], ["0", "1", "2"]],
    ["drop-newest", ["0", "1"], ["2", "3", "4"]],
  ] as const)("with %j a full channel drops, and says what", async (policy, kept, lost) => {
    await using server = await PlainServer.listen({}, ({ socket }) => {
      for (let i = 0; i < 5; i += 1) socket.send(String(i));
      socket.close(1000);
    });
    const got = await place().evaluate(
      async ({ url, transport, overflow }) => {
        const dropped: unknown[] = [];
        const onDrop = ({ data }: { data: unknown }): void => void dropped.push(data);
        const client = await sluice.connect(url, { transport, overflow, onDrop, channelCapacity: 2 });
        await client.closed;
        const received: unknown[] = [];
        for await (const { data } of client) received.push(data);
        return { received, dropped, counted: client.stats.messagesDropped };
      },
      { url: server.url, transport: over, overflow: policy },
    );
    expect(got).toEqual({ received: kept, dropped: lost, counted: 3 });
  });

  test("who stops iterating keeps the connection", async () => {
    await using server = await PlainServer.echo();
    const got = await place().evaluate(
      async ({ url, transport }) => {
        const client = await sluice.connect(url, { transport });
        for (const data of ["a", "b"]) await client.send(data);
        const shown = [];
        for await (const { data } of client) {
          shown.push(data);
          break;
        }
        const { value } = await sluice.select([client.channel(), sluice.time.after("10s")]);
        await client.close();
        return [...shown, (value as { data: unknown }).data];
      },
      { url: server.url, transport: over },
    );
    expect(got).toEqual(["a", "b"]);
  });
}
