import { expectAssignable, expectError, expectType } from "tsd";
import { Channel, type ReceiveChannel, time } from "@sluice/channels";
import {
  type EmitterLike,
  type EventOptions,
  fromEvent,
  fromIterable,
  fromReadableStream,
  toReadableStream,
  toWritableStream,
} from "@sluice/channels/interop";

const numbers = new Channel<number>(1);

expectType<ReadableStream<number>>(toReadableStream(numbers));
expectType<ReadableStream<Date>>(toReadableStream(time.after("1s")));
expectError(toReadableStream([1]));

expectType<WritableStream<number>>(toWritableStream(numbers));
expectError(toWritableStream(time.after("1s")));

declare const stream: ReadableStream<Uint8Array>;
const chunks = fromReadableStream(stream);
expectAssignable<ReceiveChannel<Uint8Array> & Disposable & { release(): void }>(chunks);
expectType<void>(chunks.release());
expectAssignable<object>(fromReadableStream(stream, { signal: undefined }));
expectError(chunks.send(new Uint8Array()));

expectType<ReceiveChannel<number> & Disposable>(fromIterable([1, 2]));
expectType<ReceiveChannel<string> & Disposable>(fromIterable("text"));
expectType<ReceiveChannel<number> & Disposable>(fromIterable(numbers));
expectError(fromIterable(1));

const target = new EventTarget();
expectType<ReceiveChannel<Event> & Disposable>(fromEvent(target, "click", { capacity: 1, overflow: "drop-oldest" }));
expectType<ReceiveChannel<MessageEvent> & Disposable>(
  fromEvent<MessageEvent>(target, "message", { capacity: 1, overflow: "close", onDrop: (event) => event.data }),
);
declare const emitter: EmitterLike;
expectType<ReceiveChannel<string> & Disposable>(
  fromEvent<string>(emitter, "line", { capacity: 1, overflow: "drop-newest" }),
);
expectError(fromEvent(target, "click", { capacity: 1 }));
expectError(fromEvent(target, "click", { overflow: "close" }));
expectError(fromEvent(target, "click", { capacity: 1, overflow: "block" }));
expectError(fromEvent({}, "click", { capacity: 1, overflow: "close" }));
expectAssignable<EventOptions<Event>>({ capacity: 1, overflow: "close", onDrop: undefined, signal: undefined });
