import { expectAssignable, expectError, expectNotAssignable, expectNotType, expectType } from "tsd";
import {
  Channel,
  type ChannelOptions,
  ClosedError,
  type Duration,
  type ErrorKind,
  errors,
  type ReceiveCase,
  type ReceiveChannel,
  type Received,
  select,
  Selector,
  type SendCase,
  type SendChannel,
  type SignalOptions,
  SluiceError,
  time,
  type Ticker,
  type TickerOptions,
  type Timer,
} from "@sluice/channels";

interface Animal {
  readonly name: string;
}
interface Dog extends Animal {
  readonly bark: () => void;
}

const dogs = new Channel<Dog>();
declare const dog: Dog;
declare const animal: Animal;

// Construction.
expectType<Channel<Dog>>(new Channel<Dog>(100));
expectType<Channel<Dog>>(new Channel<Dog>({ name: "dogs" }));
expectType<Channel<Dog>>(
  new Channel<Dog>(100, { name: "dogs", overflow: "drop-oldest", onDrop: (value) => expectType<Dog>(value) }),
);
expectType<Channel<Dog>>(new Channel<Dog>(undefined, undefined));
expectType<Channel<Dog>>(new Channel<Dog>(1, { name: undefined, overflow: undefined, onDrop: undefined }));
expectAssignable<ChannelOptions<Dog>>({ overflow: "block" });
expectError(new Channel<Dog>("100"));
expectError(new Channel<Dog>(1, { overflow: "drop" }));
expectError(new Channel<Dog>(1, { ondrop: () => {} }));
expectError(new Channel<Dog>({ capacity: 5 }));
expectError(new Channel<Dog>(1, { onDrop: (value: string) => value }));

// A10: each side has its own methods and no others.
// Sending.
expectType<Promise<void>>(dogs.send(dog));
expectType<Promise<void>>(dogs.send(dog, { signal: new AbortController().signal }));
expectType<boolean>(dogs.trySend(dog));
expectType<SendCase<Dog>>(dogs.caseSend(dog));
expectType<SendCase<Dog>>(dogs.case_send(dog));
expectError(dogs.send(animal));
expectError(dogs.trySend(animal));
expectError(dogs.caseSend(animal));
expectError(dogs.case_send(animal));
expectError(dogs.send());
expectError(dogs.send(dog, { singal: new AbortController().signal }));
expectError(dogs.send(dog, new AbortController().signal));

// Receiving.
expectType<Promise<Received<Dog>>>(dogs.receive());
expectType<Promise<Received<Dog>>>(dogs.receive({ signal: undefined }));
expectType<Received<Dog> | undefined>(dogs.tryReceive());
expectType<Promise<Dog[]>>(dogs.receiveMany(64));
expectType<ReceiveCase<Dog>>(dogs.caseReceive());
expectType<ReceiveCase<Dog>>(dogs.case_receive());
expectError(dogs.receiveMany());
expectError(dogs.receive(5));
{
  const r = await dogs.receive();
  if (r.ok) {
    expectType<Dog>(r.value);
    expectType<false>(r.done);
  } else {
    expectType<undefined>(r.value);
    expectType<true>(r.done);
    expectType<unknown>(r.cause);
  }
  if (r.ok) expectError(r.cause);
  const { value, ok } = await dogs.receive();
  if (ok) expectType<Dog>(value);
  else expectType<undefined>(value);
  for await (const one of dogs) expectType<Dog>(one);
  for await (const one of dogs.values({ signal: new AbortController().signal })) expectType<Dog>(one);
  const iterator = dogs.values();
  expectType<AsyncIterableIterator<Dog, undefined, undefined>>(iterator);
  for await (const one of iterator) expectType<Dog>(one);
  expectType<AsyncIterableIterator<Dog, undefined, undefined>>(dogs[Symbol.asyncIterator]());
  expectError(dogs.values({ singal: new AbortController().signal }));
  expectError(dogs.values(new AbortController().signal));
  // A Received has the shape of an iterator result.
  expectAssignable<IteratorResult<Dog, undefined>>(r);
}

// Values that may be undefined or promises keep their types: ok tells, and nothing is unwrapped.
{
  const maybe = new Channel<undefined | Promise<string>>();
  const r = await maybe.receive();
  if (r.ok) expectType<undefined | Promise<string>>(r.value);
}

// State.
expectType<boolean>(dogs.closed);
expectType<unknown>(dogs.cause);
expectType<number>(dogs.length);
expectType<number>(dogs.capacity);
expectType<string | undefined>(dogs.name);
expectType<void>(dogs.close());
expectType<void>(dogs.close(new Error("why")));
expectError((dogs.closed = true));
expectError((dogs.length = 0));
expectNotAssignable<PromiseLike<unknown>>(dogs);
{
  using disposed = new Channel<Dog>();
  expectAssignable<Disposable>(disposed);
}

// The two views, and their variance: a Channel is invariant, a receiver gives, a sender takes.
expectAssignable<ReceiveChannel<Dog>>(dogs);
expectAssignable<SendChannel<Dog>>(dogs);
expectAssignable<ReceiveChannel<Animal>>(dogs);
expectAssignable<SendChannel<Dog>>(new Channel<Animal>());
expectNotAssignable<SendChannel<Animal>>(dogs);
expectNotAssignable<ReceiveChannel<Dog>>(new Channel<Animal>());
expectNotAssignable<Channel<Animal>>(dogs);
expectNotAssignable<Channel<Dog>>(new Channel<Animal>());
declare const receiveOnly: ReceiveChannel<Dog>;
declare const sendOnly: SendChannel<Dog>;
expectAssignable<ReceiveChannel<Animal>>(receiveOnly);
expectNotAssignable<ReceiveChannel<Dog>>({} as ReceiveChannel<Animal>);
expectAssignable<SendChannel<Dog>>({} as SendChannel<Animal>);
expectNotAssignable<SendChannel<Animal>>(sendOnly);
expectNotAssignable<SendChannel<Dog>>(receiveOnly);
expectNotAssignable<ReceiveChannel<Dog>>(sendOnly);
expectNotAssignable<Channel<Dog>>(receiveOnly);
expectNotAssignable<Channel<Dog>>(sendOnly);

// What is written by hand is no channel, since `select` would not take it: neither a view nor a case.
const handWritten = {
  closed: false,
  cause: undefined,
  length: 0,
  capacity: 0,
  name: "mock",
  receive: async (): Promise<Received<number>> => ({ ok: true, value: 1, done: false }),
  tryReceive: (): Received<number> => ({ ok: true, value: 1, done: false }),
  receiveMany: async () => [1],
  caseReceive: () => dogs.caseReceive(),
  case_receive: () => dogs.caseReceive(),
  async *[Symbol.asyncIterator](): AsyncGenerator<number, undefined, undefined> {
    yield 1;
  },
  send: async () => {},
  trySend: () => true,
  caseSend: () => dogs.caseSend(dog),
  case_send: () => dogs.caseSend(dog),
  close: () => {},
  [Symbol.dispose]: () => {},
};
expectNotAssignable<ReceiveChannel<unknown>>(handWritten);
expectNotAssignable<SendChannel<never>>(handWritten);
expectNotAssignable<ReceiveCase<unknown>>({ channel: dogs });
expectNotAssignable<SendCase<never>>({ channel: dogs });
expectError(select([handWritten]));
expectError(new Selector({ handWritten }));
// A subclass may have members of any name, also those that the library used inside.
class Jobs extends Channel<Dog> {
  readonly ready = true;
  readonly channel = "jobs";
  put(job: Dog): Promise<void> {
    return this.send(job);
  }
  end(): void {
    this.close();
  }
}
expectAssignable<ReceiveChannel<Dog>>(new Jobs());
expectAssignable<Channel<Dog>>(new Jobs());

// Cases have the variance of their side, and do not show what they send.
expectAssignable<ReceiveCase<Animal>>(dogs.caseReceive());
expectNotAssignable<ReceiveCase<Dog>>(new Channel<Animal>().caseReceive());
expectAssignable<SendCase<Dog>>(new Channel<Animal>().caseSend(animal));
expectNotAssignable<SendCase<Animal>>(dogs.caseSend(dog));
expectNotAssignable<SendCase<Dog>>(dogs.caseReceive());
expectError(dogs.caseSend(dog).value);
expectType<SendChannel<Dog>>(dogs.caseSend(dog).channel);

// A view has the methods of its side alone.
expectError(receiveOnly.send(dog));
expectError(receiveOnly.trySend(dog));
expectError(receiveOnly.caseSend(dog));
expectError(receiveOnly.close());
expectNotAssignable<Disposable>(receiveOnly);
expectError(sendOnly.receive());
expectError(sendOnly.tryReceive());
expectError(sendOnly.receiveMany(1));
expectError(sendOnly.caseReceive());
expectNotAssignable<AsyncIterable<unknown>>(sendOnly);

// Time.
expectType<ReceiveChannel<Date>>(time.after("30s"));
expectType<ReceiveChannel<Date>>(time.after(5 * time.SECOND));
expectError(time.after("1s").send(new Date()));
expectError(time.after("1s").close());
expectError(time.after());
expectError(time.after(new Date()));
expectError(time.after(5n));
expectType<Timer>(time.timer("5s"));
expectType<Ticker>(time.ticker("100ms"));
{
  const timer = time.timer("5s");
  expectType<ReceiveChannel<Date>>(timer.channel());
  expectType<boolean>(timer.stop());
  expectType<boolean>(timer.reset("1s"));
  expectAssignable<Disposable>(timer);
  const ticker = time.ticker(100);
  expectType<ReceiveChannel<Date>>(ticker.channel());
  expectType<boolean>(ticker.stop());
  expectType<void>(ticker.reset("1s"));
  expectType<Ticker>(ticker.ref());
  expectType<Ticker>(ticker.unref());
  expectAssignable<Disposable>(ticker);
  expectError(timer.unref());
}
expectType<Ticker>(time.ticker("1s", { ref: false }));
expectType<Ticker>(time.ticker("1s", { ref: undefined }));
expectAssignable<TickerOptions>({});
expectError(time.ticker("1s", { unref: true }));
expectError(time.ticker("1s", { ref: "no" }));
expectError(time.timer("1s", { ref: false }));
expectType<AbortSignal>(time.deadline("5s"));
expectType<AbortSignal>(time.deadline(5 * time.SECOND, { signal: new AbortController().signal }));
expectType<AbortSignal>(time.deadline("5s", { signal: undefined }));
expectError(time.deadline());
expectError(time.deadline("5s", new AbortController().signal));
expectType<Promise<void>>(time.sleep("1s"));
expectType<Promise<void>>(time.sleep("1s", { signal: new AbortController().signal }));
expectType<number>(time.parseDuration("1h30m"));
expectAssignable<number>(time.NANOSECOND + time.MICROSECOND + time.MILLISECOND + time.SECOND + time.MINUTE + time.HOUR);
expectType<string | number>({} as Duration);
expectAssignable<SignalOptions>({ signal: undefined });

// Errors: `is` is a guard.
{
  const error: unknown = undefined;
  if (errors.is(error, errors.PERMISSION_DENIED)) {
    expectAssignable<SluiceError>(error);
    expectType<"PERMISSION_DENIED">(error.kind);
    expectType<boolean>(error.retryable);
    expectType<Readonly<Record<string, unknown>>>(error.details);
  }
  expectError(errors.is(error, "PERMISSION"));
  expectType<"CLOSED">(errors.CLOSED);
  if (error instanceof ClosedError) {
    expectType<unknown>(error.value);
    expectNotType<any>(error.value);
    expectType<"CLOSED">(error.kind);
    expectType<number | string | undefined>(error.case);
    expectError(error.index);
    expectAssignable<SluiceError>(error);
    expectType<ErrorKind>(error.toJSON().kind);
    expectType<Readonly<Record<string, unknown>>>(error.toJSON().details);
    expectError(error.toJSON().value);
  }
  expectAssignable<Error>(
    new SluiceError(errors.TIMEOUT, "late", { retryable: true, details: { after: "1s" }, cause: error }),
  );
  expectError(new SluiceError("LATE", "late"));
}
