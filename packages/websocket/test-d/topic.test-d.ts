import type { ReceiveChannel } from "@sluice/channels";
import { expectAssignable, expectError, expectType } from "tsd";
import {
  type Client,
  type MessageType,
  prepare,
  type Prepared,
  type Published,
  type Slow,
  type SlowClient,
  TEXT,
  Topic,
  type TopicOptions,
} from "../src/index.ts";

declare const client: Client;

// What is prepared says its type and its size, and is sent or published like any message.
const prepared = prepare("text");
expectType<Prepared>(prepared);
expectType<MessageType>(prepared.type);
expectType<number>(prepared.byteLength);
expectType<Prepared>(prepare(new Uint8Array(3), TEXT));
expectType<Promise<void>>(client.send(prepared));
expectError(prepare(5));
expectError(prepare(prepared));
expectError((prepared.byteLength = 5));

// A topic tells what became of each message.
const topic = new Topic({ slow: "drop-oldest", limit: { messages: 64 }, key: (data) => String(data), gather: "5ms" });
expectType<Promise<Published>>(topic.publish("text"));
expectType<Promise<Published>>(topic.publish(new ArrayBuffer(8), TEXT));
expectType<Promise<Published>>(topic.publish(prepared));
expectAssignable<Published>({ queued: 1, dropped: 0, disconnected: 0 });
expectError(topic.publish(5));
expectError(topic.publish("text", 3));

// Its members are clients.
expectType<void>(topic.add(client));
expectType<boolean>(topic.delete(client));
expectType<number>(topic.size);
expectError(topic.add("client"));
expectError((topic.size = 5));

// The slow ones are a channel.
expectType<ReceiveChannel<SlowClient>>(topic.slow);
for await (const { client: slow, dropped, disconnected } of topic.slow) {
  expectType<Client>(slow);
  expectType<number>(dropped);
  expectType<boolean>(disconnected);
}
expectAssignable<Disposable>(topic);

// Every option may be undefined, and none is made up.
expectAssignable<TopicOptions>({
  slow: undefined,
  limit: { messages: undefined, bytes: undefined },
  key: undefined,
  gather: undefined,
  code: undefined,
  name: undefined,
});
expectAssignable<Slow>("block");
expectError(new Topic({ slow: "drop-newest" }));
expectError(new Topic({ limit: 5 }));
expectError(new Topic({ size: 5 }));
