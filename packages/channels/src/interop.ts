export { type EmitterLike, type EventOptions, fromEvent, type NodeEmitterLike } from "./interop/event.ts";
export { fromIterable } from "./interop/iterable.ts";
export type { InteropOptions } from "./interop/reading.ts";
export { fromReadableStream, type StreamChannel, toReadableStream, toWritableStream } from "./interop/streams.ts";
