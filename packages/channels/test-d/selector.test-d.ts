import { expectAssignable, expectError, expectNotAssignable, expectType } from "tsd";
import { Channel, type ReceiveChannel, Selector, type SelectorEvent, type SendChannel, time } from "@sluice/channels";

const words = new Channel<string>();
const numbers = new Channel<number>();
declare const sink: SendChannel<string>;

// The events of a record of channels are a union that narrows by name and ok.
{
  const events = new Selector({ message: words, count: numbers, heartbeat: time.ticker("1s").channel() });
  for await (const event of events) {
    expectType<"message" | "count" | "heartbeat">(event.name);
    switch (event.name) {
      case "message":
        expectType<ReceiveChannel<string>>(event.channel);
        if (event.ok) expectType<string>(event.value);
        else expectType<undefined>(event.value);
        break;
      case "count":
        if (event.ok) expectType<number>(event.value);
        break;
      case "heartbeat":
        if (event.ok) expectType<Date>(event.value);
        break;
      default:
        expectType<never>(event);
    }
  }
  for await (const event of events) if (!event.ok) expectType<unknown>(event.cause);
  const next = await events.next({ signal: new AbortController().signal });
  expectType<"message" | "count" | "heartbeat" | undefined>(next?.name);
  expectType<"message" | "count" | "heartbeat" | undefined>(events.tryNext()?.name);
  expectType<boolean>(events.delete("count"));
  expectAssignable<typeof events>(events.add("count", numbers));
  expectType<number>(events.size);
  expectType<void>(events.close());
  expectError(events.add("count", words));
  expectError(events.add("cuont", numbers));
  expectError(events.delete("cuont"));
  expectError(events.next({ default: true }));
  expectError((events.size = 0));
}

// The type parameter maps names to value types; a channel may come later.
{
  const events = new Selector<{ message: string; count: number }>({ message: words });
  events.add("count", numbers);
  const event = await events.next();
  if (event?.name === "count" && event.ok) expectType<number>(event.value);
  expectError(new Selector<{ message: string }>({ message: numbers }));
  expectError(new Selector<{ message: string }>({ massage: words }));
  interface Names {
    readonly message: string;
  }
  expectType<"message" | undefined>((await new Selector<Names>().next())?.name);
}

// Any number of channels, by names that come and go.
{
  const sockets = new Selector<Record<string, string>>();
  sockets.add("one", words).add("two", words);
  expectType<boolean>(sockets.delete("anything"));
  const event = await sockets.next();
  expectType<string | undefined>(event?.name);
  if (event?.ok) expectType<string>(event.value);
  expectError(sockets.add("three", numbers));
  expectType<unknown>((await new Selector().next())?.value);
}

// Receive only.
expectError(new Selector({ sink }));
expectError(new Selector({ message: words.caseReceive() }));
expectError(new Selector({ message: words.caseSend("x") }));

expectAssignable<SelectorEvent<{ a: number }>>({ name: "a", channel: numbers, value: 1, ok: true });
expectNotAssignable<SelectorEvent<{ a: number }>>({ name: "a", channel: numbers, value: "1", ok: true });
expectNotAssignable<SelectorEvent<{ a: number }>>({ name: "b", channel: numbers, value: 1, ok: true });
{
  using disposed = new Selector({ words });
  expectAssignable<Disposable>(disposed);
}
