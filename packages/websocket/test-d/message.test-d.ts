import { type ReceiveChannel, select, Selector, type SendChannel, time } from "@sluice/channels";
import { expectAssignable, expectError, expectNotAssignable, expectType } from "tsd";
import { type Client, type Message, TYPE_TEXT } from "../src/index.ts";

declare const client: Client;
declare const message: Message;

// A message narrows by its type, in both directions, and by the constants too.
if (message.type === "text") expectType<string>(message.data);
else expectType<Uint8Array<ArrayBuffer>>(message.data);
if (message.type === TYPE_TEXT) expectType<string>(message.data);
switch (message.type) {
  case "text":
    expectType<string>(message.data);
    break;
  case "binary":
    expectType<Uint8Array<ArrayBuffer>>(message.data);
    break;
  default:
    expectType<never>(message);
}

// Before it narrows, the data is either.
expectType<string | Uint8Array<ArrayBuffer>>(message.data);

// Control frames are no messages.
expectType<"text" | "binary">(message.type);

// Bytes go where a plain Uint8Array may not: into a Blob, to the Web Crypto API, into a transfer list.
if (message.type === "binary") {
  expectAssignable<ConstructorParameters<typeof Blob>[0]>([message.data]);
  expectType<ArrayBuffer>(message.data.buffer);
}

// A message is read, not written.
expectError((message.type = "text"));
expectError((message.data = "other"));

// The channel can be received from, and that is all.
const channel = client.channel();
expectType<ReceiveChannel<Message>>(channel);
expectError(channel.send(message));
expectError(channel.trySend(message));
expectError(channel.close());
expectError(channel.caseSend(message));
expectNotAssignable<SendChannel<Message>>(channel);

// A receive narrows by `ok`, and then by the type of the message.
const received = await channel.receive();
if (received.ok) expectType<Message>(received.value);
else expectType<undefined>(received.value);
const { value, ok } = received;
if (ok && value.type === "text") expectType<string>(value.data);
expectType<Message[]>(await channel.receiveMany(10));

// Iterating over the client is iterating over the channel.
for await (const each of client) expectType<Message>(each);
for await (const each of channel) expectType<Message>(each);

// A select over the channel and a timer narrows by name.
const named = await select({ message: client.channel(), quiet: time.after("30s") });
switch (named.name) {
  case "message":
    if (!named.ok) expectType<undefined>(named.value);
    else if (named.value.type === "binary") expectType<Uint8Array<ArrayBuffer>>(named.value.data);
    break;
  case "quiet":
    if (named.ok) expectType<Date>(named.value);
    break;
  default:
    expectType<never>(named);
}

// And by index.
const indexed = await select([client.channel(), time.after("30s")]);
expectType<0 | 1>(indexed.index);
if (indexed.index === 0 && indexed.ok) expectType<Message>(indexed.value);
if (indexed.index === 1 && indexed.ok) expectType<Date>(indexed.value);

// A Selector over sockets keeps their messages' type.
const events = new Selector({ prices: client.channel(), heartbeat: time.ticker("1s").channel() });
for await (const event of events) {
  if (event.name === "prices" && event.ok) expectType<Message>(event.value);
  if (event.name === "heartbeat" && event.ok) expectType<Date>(event.value);
}
