import { expectAssignable, expectError, expectNotAssignable, expectType } from "tsd";
import { type ReceiveChannel, type Received, select, Selector, type SendChannel, time } from "@sluice/channels";
import {
  Broadcast,
  type BroadcastOptions,
  Latest,
  type ReadonlyLatest,
  type SlowPolicy,
  type SubscribeOptions,
  type Subscription,
} from "@sluice/channels/broadcast";

interface Animal {
  readonly name: string;
}
interface Dog extends Animal {
  readonly bark: () => void;
}
declare const dog: Dog;
declare const animal: Animal;

// Broadcast.
const dogs = new Broadcast<Dog>({ slow: "drop-oldest", replay: 1, name: "dogs" });
expectType<Broadcast<Dog>>(new Broadcast<Dog>());
expectType<Broadcast<Dog>>(new Broadcast<Dog>({ slow: undefined, replay: undefined, name: undefined }));
expectAssignable<BroadcastOptions>({ slow: "close" });
expectError(new Broadcast<Dog>({ slow: "drop" }));
expectError(new Broadcast<Dog>({ replays: 1 }));
expectType<"block" | "drop-oldest" | "drop-newest" | "close">({} as SlowPolicy);
expectType<Promise<void>>(dogs.send(dog));
expectType<Promise<void>>(dogs.send(dog, { signal: AbortSignal.abort() }));
expectType<boolean>(dogs.trySend(dog));
expectError(dogs.send(animal));
expectError(dogs.trySend(animal));
expectType<void>(dogs.close());
expectType<void>(dogs.close("why"));
expectType<number>(dogs.subscribers);
expectType<boolean>(dogs.closed);
expectType<unknown>(dogs.cause);
expectType<string | undefined>(dogs.name);
expectError((dogs.subscribers = 1));
expectAssignable<Disposable>(dogs);
// It takes and it gives: neither a broadcast of more nor of less.
expectNotAssignable<Broadcast<Animal>>(dogs);
expectNotAssignable<Broadcast<Dog>>(new Broadcast<Animal>());
// It is neither view itself.
expectNotAssignable<ReceiveChannel<Dog>>(dogs);
expectNotAssignable<SendChannel<Dog>>(dogs);
expectError(select([dogs]));

// Subscriptions.
const subscription = dogs.subscribe({
  capacity: 4,
  slow: "close",
  replay: 1,
  onDrop: (value) => expectType<Dog>(value),
});
expectType<Subscription<Dog>>(subscription);
expectType<Subscription<Dog>>(dogs.subscribe());
expectAssignable<SubscribeOptions<Dog>>({ onDrop: (value: Animal) => value });
expectError(dogs.subscribe({ capacity: "4" }));
expectError(dogs.subscribe({ onDrop: (value: string) => value }));
expectType<number>(subscription.missed);
expectError((subscription.missed = 1));
expectType<void>(subscription.unsubscribe());
expectType<Promise<Received<Dog>>>(subscription.receive());
expectType<Promise<Dog[]>>(subscription.receiveMany(2));
expectAssignable<Disposable>(subscription);
expectAssignable<ReceiveChannel<Animal>>(subscription);
expectAssignable<Subscription<Animal>>(subscription);
expectNotAssignable<Subscription<Dog>>({} as Subscription<Animal>);
expectError(subscription.send(dog));
expectError(subscription.close());
for await (const value of subscription) expectType<Dog>(value);

// The channel to send on, in a select with what else may happen.
expectType<SendChannel<Dog>>(dogs.channel());
const r = await select({ got: subscription, sent: dogs.channel().caseSend(dog), late: time.after("1s") });
if (r.name === "got" && r.ok) expectType<Dog>(r.value);
if (r.name === "sent") expectType<undefined>(r.value);
if (r.name === "late" && r.ok) expectType<Date>(r.value);
const event = await new Selector({ subscription }).next();
if (event?.ok === true) expectType<Dog>(event.value);

// Latest.
const level = new Latest<"low" | "high">("low", { name: "level" });
expectType<Latest<number>>(new Latest(1 as number));
expectType<"low" | "high">(level.value);
level.value = "high";
expectError((level.value = "higher"));
expectType<Subscription<"low" | "high">>(level.changes());
expectType<Subscription<"low" | "high">>(level.changes({ current: false, name: "changes" }));
expectError(level.changes({ curent: false }));
expectType<Promise<"low" | "high">>(level.until((value) => value.length > 3));
expectType<Promise<"high">>(level.until((value): value is "high" => value === "high", { timeout: "5s" }));
expectType<Promise<"high">>(level.until((value) => value === "high"));
expectError(level.until((value: number) => value > 1));
expectError(level.until());
expectType<boolean>(level.closed);
expectType<unknown>(level.cause);
expectType<void>(level.close("why"));
expectAssignable<Disposable>(level);

// The view of those who only look.
const view: ReadonlyLatest<string> = level;
expectError((view.value = "low"));
expectError(view.close());
expectType<string>(view.value);
expectAssignable<ReadonlyLatest<Animal>>(new Latest<Dog>(dog));
expectNotAssignable<ReadonlyLatest<Dog>>(new Latest<Animal>(animal));
expectNotAssignable<Latest<Animal>>(new Latest<Dog>(dog));
