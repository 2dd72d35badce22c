// Web streams, both ways: nothing is taken that nobody asked for, a cancel takes nothing, an abort does not hang.

import { Channel, ClosedError, type ReceiveChannel } from "@sluice/channels";
import { fromReadableStream, toReadableStream, toWritableStream } from "@sluice/channels/interop";
import { afterEach, describe, expect, test } from "vitest";
import { all, askers } from "./askers.ts";
import { outcome, rejection, turns, waiting } from "./progress.ts";
import { filled, taken, thrownBy } from "./values.ts";

/** A stream that makes a chunk when it is asked for one: 0, 1, 2 … */
function counting(end = Infinity): { stream: ReadableStream<number>; pulled: () => number; cancelled: unknown[] } {
  let next = 0;
  const cancelled: unknown[] = [];
  const stream = new ReadableStream<number>(
    {
      pull: (controller) => {
        if (next >= end) return controller.close();
        controller.enqueue(next);
        next += 1;
      },
      cancel: (reason) => void cancelled.push(reason),
    },
    { highWaterMark: 0 },
  );
  return { stream, pulled: () => next, cancelled };
}

const own = Object.getOwnPropertyDescriptor(ReadableStream, "from");
afterEach(() => {
  if (own !== undefined) Object.defineProperty(ReadableStream, "from", own);
});

describe.each(["as the host has it", "without ReadableStream.from"])("toReadableStream, %s", (host) => {
  const streamOf = <T>(channel: ReceiveChannel<T>): ReadableStream<T> => {
    if (host !== "as the host has it") Reflect.deleteProperty(ReadableStream, "from");
    return toReadableStream(channel);
  };

  test("gives each value to a read, and ends with the channel", async () => {
    const reader = streamOf(filled([1, 2])).getReader();
    expect([(await reader.read()).value, (await reader.read()).value, (await reader.read()).done]).toEqual([
      1,
      2,
      true,
    ]);
  });

  test("takes nothing before somebody reads, one value for each read, and none on cancel", async () => {
    const channel = filled([1, 2, 3], "stay open");
    const reader = streamOf(channel).getReader();
    await turns();
    expect(channel.length).toBe(3);
    expect((await reader.read()).value).toBe(1);
    await turns();
    expect(channel.length).toBe(2);
    await reader.cancel("enough");
    expect([channel.length, channel.closed]).toEqual([2, false]);
  });

  test("cancelled while a read waits leaves no ghost receiver", async () => {
    const channel = new Channel<number>();
    const reader = streamOf(channel).getReader();
    const read = reader.read();
    await turns();
    await reader.cancel();
    expect((await read).done).toBe(true);
    expect(channel.trySend(1)).toBe(false);
  });

  test("is errored with the channel's cause, after the last value", async () => {
    const channel = filled([1], "stay open");
    const cause = new Error("why");
    channel.close(cause);
    const reader = streamOf(channel).getReader();
    expect((await reader.read()).value).toBe(1);
    expect(await rejection(reader.read())).toBe(cause);
  });

  test("passes a promise as value untouched", async () => {
    const promise = Promise.reject(new Error("not awaited"));
    promise.catch(() => {});
    const { value } = await streamOf(filled([promise]))
      .getReader()
      .read();
    expect(value).toBe(promise);
  });
});

describe("toWritableStream", () => {
  test("sends each write, which is done when the send is; closing it closes the channel", async () => {
    const channel = new Channel<number>();
    const writer = toWritableStream(channel).getWriter();
    const written = writer.write(1);
    expect(await outcome(written)).toBe(waiting);
    expect(channel.tryReceive()?.value).toBe(1);
    await written;
    await writer.close();
    expect([channel.closed, channel.cause]).toEqual([true, undefined]);
  });

  test("aborted behind a write that waits does not hang: the write rejects, its value was not sent", async () => {
    const channel = new Channel<number>();
    const writer = toWritableStream(channel).getWriter();
    const written = writer.write(1);
    written.catch(() => {});
    writer.closed.catch(() => {});
    await turns();
    expect(await outcome(writer.abort("why"))).toBeUndefined();
    expect(await rejection(written)).toBe("why");
    expect([channel.closed, channel.cause, taken(channel)]).toEqual([true, "why", []]);
  });

  test("aborted without a reason closes the channel with an error all the same", async () => {
    const channel = new Channel<number>();
    const writer = toWritableStream(channel).getWriter();
    writer.closed.catch(() => {});
    await writer.abort();
    expect(channel.closed).toBe(true);
    expect(channel.cause).toMatchObject({ name: "AbortError" });
  });

  test("fails with a ClosedError, which has the value, when the channel was closed by others", async () => {
    const channel = new Channel<number>();
    const writer = toWritableStream(channel).getWriter();
    writer.closed.catch(() => {});
    channel.close();
    const failure = await rejection(writer.write(7));
    expect(failure).toBeInstanceOf(ClosedError);
    expect((failure as ClosedError).value).toBe(7);
  });

  test("takes a stream piped into it, and passes a promise as value untouched", async () => {
    const channel = new Channel<number>();
    const piped = counting(3).stream.pipeTo(toWritableStream(channel));
    expect(await all(channel)).toEqual([0, 1, 2]);
    await piped;
    const promise = Promise.reject(new Error("not awaited"));
    promise.catch(() => {});
    const promises = new Channel<Promise<never>>(1);
    await toWritableStream(promises).getWriter().write(promise);
    expect(promises.tryReceive()?.value).toBe(promise);
  });
});

describe.each(askers)("fromReadableStream, and a parked %s", (_way, ask) => {
  test("reads one chunk, when somebody waits, and none before", async () => {
    const { stream, pulled } = counting();
    const chunks = fromReadableStream(stream);
    await turns();
    expect([pulled(), chunks.tryReceive()]).toEqual([0, undefined]);
    expect(await ask(chunks)).toEqual({ ok: true, value: 0 });
    await turns();
    expect(pulled()).toBe(1);
    expect([await ask(chunks), await ask(chunks)]).toEqual([
      { ok: true, value: 1 },
      { ok: true, value: 2 },
    ]);
  });

  test("keeps the chunk that was under way when a receiver gave up", async () => {
    let send!: (chunk: string) => void;
    const stream = new ReadableStream<string>({ start: (to) => void (send = (chunk) => to.enqueue(chunk)) });
    const chunks = fromReadableStream(stream);
    const controller = new AbortController();
    const asked = ask(chunks, controller);
    await turns();
    controller.abort("changed my mind");
    expect(await rejection(asked)).toBe("changed my mind");
    send("under way");
    await turns();
    expect(chunks.length).toBe(1);
    expect(await ask(chunks)).toEqual({ ok: true, value: "under way" });
  });

  test("ends with the stream, or with its error as cause", async () => {
    expect(await ask(fromReadableStream(counting(0).stream))).toEqual({ ok: false, cause: undefined });
    const failure = new Error("broken");
    const chunks = fromReadableStream(new ReadableStream({ pull: (controller) => controller.error(failure) }));
    expect(await ask(chunks)).toEqual({ ok: false, cause: failure });
    expect(await rejection(all(chunks))).toBe(failure);
  });
});

describe("fromReadableStream", () => {
  test("release gives the stream back, unlocked, with nothing taken, also while a read waits", async () => {
    const { stream } = counting(5);
    const chunks = fromReadableStream(stream);
    expect((await chunks.receive()).value).toBe(0);
    expect(stream.locked).toBe(true);
    chunks.release();
    chunks.release();
    expect([stream.locked, chunks.closed, chunks.cause]).toEqual([false, true, undefined]);
    expect((await stream.getReader().read()).value).toBe(1);

    let send!: (chunk: string) => void;
    const other = new ReadableStream<string>({ start: (to) => void (send = (chunk) => to.enqueue(chunk)) });
    const parts = fromReadableStream(other);
    const asked = parts.receive();
    await turns();
    parts.release();
    expect((await asked).ok).toBe(false);
    send("not lost");
    expect((await other.getReader().read()).value).toBe("not lost");
  });

  test("release leaves a chunk that is kept receivable", async () => {
    const { stream } = counting();
    const chunks = fromReadableStream(stream);
    const controller = new AbortController();
    const asked = chunks.receive(controller);
    controller.abort("changed my mind");
    await asked.catch(() => {});
    await turns();
    chunks.release();
    expect([chunks.closed, chunks.length, taken(chunks)]).toEqual([true, 1, [0]]);
    expect((await chunks.receive()).ok).toBe(false);
    expect((await stream.getReader().read()).value).toBe(1);
  });

  test("dispose cancels the stream, the signal does so with its reason, and either ends the channel", async () => {
    const disposed = counting();
    const first = fromReadableStream(disposed.stream);
    first[Symbol.dispose]();
    expect([first.closed, first.cause, disposed.cancelled, disposed.stream.locked]).toEqual([
      true,
      undefined,
      [undefined],
      false,
    ]);

    const controller = new AbortController();
    const aborted = counting();
    const second = fromReadableStream(aborted.stream, controller);
    controller.abort("enough");
    expect([second.closed, second.cause, aborted.cancelled]).toEqual([true, "enough", ["enough"]]);
    expect((await second.receive()).ok).toBe(false);
  });

  test("with a signal that was aborted before touches nothing", async () => {
    const { stream, cancelled } = counting();
    const chunks = fromReadableStream(stream, { signal: AbortSignal.abort("before") });
    expect([chunks.closed, chunks.cause, stream.locked, cancelled]).toEqual([true, "before", false, []]);
    expect((await chunks.receive()).ok).toBe(false);
    chunks.release();
  });

  test("reads what toReadableStream gives, and back, in order", async () => {
    const numbers = filled([1, 2, 3]);
    expect(await all(fromReadableStream(toReadableStream(numbers), { name: "there and back" }))).toEqual([1, 2, 3]);
  });
});

test("mistakes are told: what is no stream, a locked one, what is no channel", () => {
  const { stream } = counting();
  stream.getReader();
  expect(thrownBy(() => fromReadableStream(stream))).toBeInstanceOf(TypeError);
  expect(String(thrownBy(() => fromReadableStream(1 as never)))).toBe(
    "TypeError: Expected `stream` to be a ReadableStream, got `1`",
  );
  expect(String(thrownBy(() => toReadableStream(1 as never)))).toBe(
    "TypeError: Expected `channel` to be a channel to receive from, got `1`",
  );
  expect(String(thrownBy(() => toWritableStream(1 as never)))).toBe(
    "TypeError: Expected `channel` to be a channel to send on, got `1`",
  );
});
