import type { ReceiveChannel } from "@sluice/channels";
import { expectError, expectType } from "tsd";
import * as websocket from "../src/browser.ts";

const client = await websocket.connect("wss://example.com", {
  transport: "stream",
  unreadLimit: { bytes: 1024 },
  keepAlive: { interval: "20s", message: () => "ping" },
  onHide: "keep",
});
expectType<"stream" | "socket">(client.transport);
expectType<boolean>(client.backpressure);
expectType<ReceiveChannel<websocket.Message>>(client.channel());
expectType<Promise<websocket.CloseInfo>>(client.close(4000, "bye"));
expectError(client.ping());
expectError(client.unref());
expectError(websocket.connect("wss://example.com", { headers: {} }));
expectError(websocket.connect("wss://example.com", { keepAlive: { interval: "20s" } }));
expectError(websocket.listen);
expectError(websocket.security);

const feed = websocket.reconnect("wss://example.com", { connect: { transport: "socket" } });
expectType<websocket.ReconnectingClient>(feed);
expectType<ReceiveChannel<websocket.EpochMessage>>(feed.channel());
expectType<Promise<websocket.Client>>(feed.client());
