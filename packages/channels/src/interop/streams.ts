// Channels and web streams, both ways. Neither takes a value that nobody asked for.

import { isObject, sends, shownStranger, unfit } from "../source.ts";
import { sourceOf, supplyOptions } from "../supply.ts";
import type { ReceiveChannel, SendChannel } from "../types.ts";
import { type InteropOptions, Reading } from "./reading.ts";

type From = { readonly from?: <T>(iterable: AsyncIterable<T>) => ReadableStream<T> };

/**
 * Makes a web stream of a channel: `ReadableStream.from(channel)`, also where the host has no such function.
 *
 * A value is taken when somebody reads, and none before. Cancelling takes nothing and leaves the channel open. The
 * stream ends with the channel, and is errored with the channel's cause.
 *
 * @throws TypeError for what is not a channel to receive from.
 *
 * @example
 * import { Channel } from "@sluice/channels";
 * import { toReadableStream } from "@sluice/channels/interop";
 *
 * const chunks = new Channel<string>(2);
 * await chunks.send("one");
 * await chunks.send("two");
 * const reader = toReadableStream(chunks).getReader();
 * console.log((await reader.read()).value, chunks.length); // → one 1
 * await reader.cancel();
 * console.log(chunks.length); // → 1
 */
export function toReadableStream<T>(channel: ReceiveChannel<T>): ReadableStream<T> {
  const source = sourceOf(channel, "channel");
  const { from } = ReadableStream as From;
  if (from !== undefined) return from.call(ReadableStream, source) as ReadableStream<T>;
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * Makes a web stream that sends on a channel: each write is a send, and done when the send is.
 *
 * Closing the stream closes the channel, aborting it closes the channel with the reason; a write that waits for room
 * then rejects, and its value was not sent. When the channel is closed by others the next write fails with a
 * `ClosedError`.
 *
 * @throws TypeError for what is not a channel to send on.
 *
 * @example
 * import { Channel } from "@sluice/channels";
 * import { toWritableStream } from "@sluice/channels/interop";
 *
 * const chunks = new Channel<string>(1);
 * const writer = toWritableStream(chunks).getWriter();
 * await writer.write("one");
 * await writer.close();
 * for await (const chunk of chunks) console.log(chunk); // → one
 */
export function toWritableStream<T>(channel: SendChannel<T>): WritableStream<T> {
  if (!isObject(channel) || (channel as Partial<SendChannel<T>>)[sends] !== true) {
    throw unfit("channel", "a channel to send on", shownStranger(channel));
  }
  let signal: AbortSignal;
  return new WritableStream<T>({
    start(controller) {
      ({ signal } = controller);
    },
    write: (chunk) => channel.send(chunk, { signal }),
    close: () => channel.close(),
    abort: () => channel.close(signal.reason), // an error, where no reason was given
  });
}

/** A channel that reads from a stream. */
export interface StreamChannel<out T> extends ReceiveChannel<T>, Disposable {
  /**
   * Gives the stream back, unlocked, with nothing taken that was not received: a chunk that had been read already stays
   * receivable, then the channel ends.
   */
  release(): void;
}

/**
 * Makes a channel of a web stream, and locks the stream: it reads one chunk at a time, when somebody receives.
 *
 * It ends when the stream does, or with the stream's error as cause. Dispose, or the signal, ends it early and cancels
 * the stream. A chunk that was under way when a receiver gave up is kept for the next one.
 *
 * @throws TypeError when the stream is locked, or is none.
 *
 * @example
 * import { fromReadableStream } from "@sluice/channels/interop";
 *
 * const stream = new Blob(["one line"]).stream();
 * using bytes = fromReadableStream(stream);
 * const { value } = await bytes.receive();
 * console.log(new TextDecoder().decode(value)); // → one line
 * bytes.release();
 * console.log(stream.locked); // → false
 */
export function fromReadableStream<T>(stream: ReadableStream<T>, options?: InteropOptions): StreamChannel<T> {
  if (typeof (stream as Partial<ReadableStream> | null | undefined)?.getReader !== "function") {
    throw unfit("stream", "a ReadableStream", shownStranger(stream));
  }
  let reader: ReadableStreamDefaultReader<T> | undefined;
  const open = (): {
    next: () => ReturnType<ReadableStreamDefaultReader<T>["read"]>;
    close(cause: unknown): unknown;
  } => {
    const own = (reader = stream.getReader());
    return {
      next: () => own.read(),
      close: (cause) => {
        const cancelled = own.cancel(cause);
        own.releaseLock();
        return cancelled;
      },
    };
  };
  const reading = new Reading<T>(open, supplyOptions(options, []));
  const release = (): void => {
    if (reading.ended) return;
    reading.end(undefined);
    reader?.releaseLock();
  };
  return Object.assign(reading.outlet, { release });
}
