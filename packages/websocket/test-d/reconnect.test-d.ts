import type { ReceiveChannel } from "@sluice/channels";
import type { ReadonlyLatest } from "@sluice/channels/broadcast";
import { expectError, expectType } from "tsd";
import {
  type Client,
  connect,
  type Dial,
  type EpochMessage,
  type Failure,
  reconnect,
  type ReconnectingClient,
  retryable,
  type State,
} from "../src/index.ts";

const feed = reconnect("wss://example.com", {
  connect: async ({ signal, epoch, failures }) => {
    expectType<AbortSignal>(signal);
    expectType<number>(epoch + failures);
    return { headers: { Authorization: "Bearer" } };
  },
  setup: async (client) => {
    expectType<Client>(client);
    await client.send("subscribe");
  },
  retry: (failure) => {
    expectType<Failure>(failure);
    return failure.info?.code === 4029 ? "1m" : retryable(failure);
  },
});

expectType<ReconnectingClient>(feed);
expectType<ReceiveChannel<EpochMessage>>(feed.channel());
expectType<ReadonlyLatest<State>>(feed.state);
expectType<Promise<number>>(feed.send("order", { epoch: 3 }));
expectType<Promise<number | undefined>>(feed.ping({ timeout: "5s" }));
expectType<Promise<Client>>(feed.client());

const { value } = await feed.channel().receive();
if (value?.type === "text") {
  expectType<string>(value.data);
  expectType<number>(value.epoch);
}
const now = feed.state.value;
if (now.state === "waiting") {
  expectType<Date>(now.until);
  expectType<number>(now.failure.unsent);
}
const open = await feed.state.until((state): state is Extract<State, { state: "open" }> => state.state === "open");
expectType<string>(open.client.url);

const dial: Dial = ({ signal, failures }) => connect(failures % 2 === 0 ? "wss://a" : "wss://b", { signal });
expectType<ReconnectingClient>(reconnect(dial));
expectError(reconnect("wss://example.com", { retries: 3 }));
expectError(feed.send("order", 3));
