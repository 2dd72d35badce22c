import type { SluiceError } from "@sluice/channels";
import { expectAssignable, expectError, expectNotAssignable, expectType } from "tsd";
import {
  BINARY,
  type Client,
  type ClientStats,
  CLOSE_CODES,
  type CloseInfo,
  type Compression,
  connect,
  type Data,
  type HandshakeResponse,
  TEXT,
} from "../src/index.ts";

declare const client: Client;
declare const bytes: Uint8Array;
declare const shared: SharedArrayBuffer;

// Connecting gives a client, from a string or a URL.
expectType<Promise<Client>>(connect("ws://localhost"));
expectType<Promise<Client>>(connect(new URL("ws://localhost")));
expectError(connect());
expectError(connect(1));
expectError(connect("ws://localhost", null));

// What can be sent: text, and bytes in any kind of buffer or view.
expectType<Promise<void>>(client.send("text"));
for (const data of [
  bytes,
  new ArrayBuffer(8),
  shared,
  new DataView(new ArrayBuffer(8)),
  new Float64Array(2),
  Buffer.from("bytes"),
]) {
  expectAssignable<Data>(data);
  expectType<Promise<void>>(client.send(data));
}

// What cannot: nothing is turned into text behind your back.
expectError(client.send());
expectError(client.send(1));
expectError(client.send(null));
expectError(client.send({ price: 101.5 }));
expectError(client.send([1, 2, 3]));
expectError(client.send(new Blob(["text"])));
expectNotAssignable<Data>(undefined);

// The type of a message is TEXT or BINARY, no other number and no word.
expectType<Promise<void>>(client.send("text", BINARY));
expectType<Promise<void>>(client.send(bytes, TEXT));
expectError(client.send("text", 3));
expectError(client.send("text", "binary"));

// What the server answered to the handshake.
expectType<HandshakeResponse>(client.response);
expectType<number>(client.response.status);
expectType<string | undefined>(client.response.headers.upgrade);
expectType<string[] | undefined>(client.response.headers["set-cookie"]);
expectError((client.response.status = 200));
expectError((client.response.headers = {}));

// A ping gives its round trip, or nothing while reading is paused.
expectType<Promise<number | undefined>>(client.ping());
expectType<Promise<number | undefined>>(client.ping({ timeout: "5s", signal: new AbortController().signal }));
expectType<Promise<number | undefined>>(client.ping({ timeout: undefined, signal: undefined }));
expectError(client.ping("5s"));
expectError(client.ping({ timeuot: "5s" }));

// A close says how it ended, and so does the promise.
expectType<Promise<CloseInfo>>(client.close());
expectType<Promise<CloseInfo>>(client.close(CLOSE_CODES.GOING_AWAY));
expectType<Promise<CloseInfo>>(client.close(4_000, "Session ended"));
expectType<Promise<CloseInfo>>(client.closed);
expectError(client.close("Session ended"));
expectType<void>(client.terminate());
expectType<void>(client.unref());

const info = await client.closed;
expectType<number>(info.code);
expectType<string>(info.reason);
expectType<boolean>(info.wasClean);
expectType<"local" | "remote" | "network">(info.initiator);
expectType<SluiceError | undefined>(info.error);
expectError((info.code = 1000));

// The rest is for reading.
expectType<string>(client.url);
expectType<string>(client.protocol);
expectType<Compression>(client.compression);
expectType<ClientStats>(client.stats);
expectType<number>(client.stats.messagesDropped);
expectType<number | undefined>(client.stats.roundTrip);
expectError((client.url = "ws://localhost"));
expectError((client.stats.paused = true));

// It can be left to `await using`.
expectAssignable<AsyncDisposable>(client);

// A client is made by `connect` and by nothing else.
expectNotAssignable<Client>({});
