import { expectAssignable, expectError, expectNotAssignable, expectNotType, expectType } from "tsd";
import {
  type Case,
  Channel,
  type ReceiveCase,
  type ReceiveChannel,
  select,
  type SelectOptions,
  type SelectResult,
  type SendChannel,
  time,
  trySelect,
} from "@sluice/channels";

const numbers = new Channel<number>(1);
const words = new Channel<string>(1);
const out = new Channel<Date>(1);
const view: ReceiveChannel<number> = numbers;
const sink: SendChannel<Date> = out;
declare const on: boolean;

// A tuple narrows by index and ok; a bare channel stands for its receive case.
{
  const r = await select([numbers, words.caseReceive(), out.caseSend(new Date()), time.after("1s")]);
  expectType<0 | 1 | 2 | 3>(r.index);
  if (r.index === 0) {
    expectType<ReceiveChannel<number>>(r.channel);
    expectType<number | undefined>(r.value);
    if (r.ok) expectType<number>(r.value);
    else expectType<undefined>(r.value);
    if (!r.ok) expectType<unknown>(r.cause);
    if (r.ok) expectError(r.cause);
  } else if (r.index === 1) {
    if (r.ok) expectType<string>(r.value);
  } else if (r.index === 2) {
    expectType<SendChannel<Date>>(r.channel);
    expectType<undefined>(r.value);
    expectType<true>(r.ok);
  } else {
    expectType<3>(r.index);
    if (r.ok) expectType<Date>(r.value);
  }
  expectError(r.name);
  expectType<undefined>(r.default);
}

// Without narrowing, the value is the union of all.
{
  const r = await select([numbers, words]);
  expectType<number | string | undefined>(r.value);
  if (r.ok) expectType<number | string>(r.value);
  if (r.ok) expectError(r.value.toFixed());
}

// The document's way: comparing channels compiles, and does not narrow.
{
  const timeout = time.after("30s");
  const r = await select([words.case_receive(), timeout.case_receive()]);
  if (r.channel === timeout) expectType<string | Date | undefined>(r.value);
  expectNotAssignable<typeof r.index>(2);
}

// A record narrows by name.
{
  const r = await select({ message: words, count: view, timeout: time.after(5), done: sink.caseSend(new Date()) });
  expectType<"message" | "count" | "timeout" | "done">(r.name);
  switch (r.name) {
    case "message":
      if (r.ok) expectType<string>(r.value);
      else expectType<undefined>(r.value);
      break;
    case "count":
      if (r.ok) expectType<number>(r.value);
      break;
    case "timeout":
      if (r.ok) expectType<Date>(r.value);
      break;
    case "done":
      expectType<undefined>(r.value);
      expectType<true>(r.ok);
      break;
    default:
      expectType<never>(r);
  }
  expectError(r.index);
  expectNotAssignable<typeof r.name>("massage");
}

// `default: true` adds its branch, and only then is there one.
{
  const r = await select([numbers], { default: true });
  expectType<0 | undefined>(r.index);
  if (r.default) {
    expectType<true>(r.default);
    expectType<true>(r.ok);
    expectType<undefined>(r.channel);
    expectType<undefined>(r.value);
    expectType<undefined>(r.index);
  } else if (r.ok) {
    expectType<number>(r.value);
    expectType<ReceiveChannel<number>>(r.channel);
  }
  // `ok` alone does not tell the default from a value.
  if (r.ok) expectType<number | undefined>(r.value);

  const named = await select({ numbers }, { default: true });
  expectType<"numbers" | undefined>(named.name);
  if (named.default) expectType<undefined>(named.name);
  else expectType<"numbers">(named.name);

  expectType<0>((await select([numbers], { default: false })).index);
  expectType<0>((await select([numbers], { default: undefined })).index);
  expectType<0>((await select([numbers], {})).index);
  expectType<0>((await select([numbers], undefined)).index);
  expectType<0 | undefined>((await select([numbers], { default: on })).index);
}

// Falsy cases switch off, and leave no trace in the types.
{
  const r = await select([null, numbers, undefined, false, on && words, on ? out.caseSend(new Date()) : null]);
  expectType<1 | 4 | 5>(r.index);
  if (r.index === 1 && r.ok) expectType<number>(r.value);
  if (r.index === 4 && r.ok) expectType<string>(r.value);
  if (r.index === 5) expectType<undefined>(r.value);

  const queue: Date[] = [];
  const named = await select({ message: words, out: queue.length > 0 && out.caseSend(queue[0]!), never: null });
  expectType<"message" | "out">(named.name);
  if (named.name === "out") expectType<SendChannel<Date>>(named.channel);
}

// Arrays of dynamic length: the index is a number, and the value that of any case.
{
  const many: ReceiveChannel<number>[] = [numbers];
  const r = await select(many);
  expectType<number>(r.index);
  if (r.ok) expectType<number>(r.value);
  const channels: readonly Channel<string>[] = [words];
  const s = await select(channels.map((channel) => channel.caseSend("x")));
  expectType<number>(s.index);
  expectType<undefined>(s.value);
  const mixed = await select([...many, time.after(1)]);
  expectType<number>(mixed.index);
  if (mixed.ok) expectType<number | Date>(mixed.value);
  const any: Case[] = [numbers, words.caseReceive(), out.caseSend(new Date())];
  expectType<unknown>((await select(any)).value);
}

// Numeric keys, optional and conditional entries, records typed as an interface or by an index signature.
{
  const r = await select({ 1: numbers, two: words });
  expectType<"1" | "two">(r.name);
  if (r.name === "1" && r.ok) expectType<number>(r.value);

  const spread = await select({ numbers, ...(on && { words }) });
  expectType<"numbers" | "words">(spread.name);
  if (spread.name === "words" && spread.ok) expectType<string>(spread.value);

  interface Mine {
    readonly message: ReceiveChannel<string>;
    readonly timeout?: ReceiveChannel<Date> | undefined;
  }
  const mine: Mine = { message: words };
  const typed = await select(mine);
  expectType<"message" | "timeout">(typed.name);
  if (typed.name === "timeout" && typed.ok) expectType<Date>(typed.value);

  const byName: Record<string, ReceiveChannel<number>> = { numbers };
  const dynamic = await select(byName);
  expectType<string>(dynamic.name);
  if (dynamic.ok) expectType<number>(dynamic.value);
}

// A union of value types stays together.
{
  const either = new Channel<{ kind: "a"; a: number } | { kind: "b"; b: string }>();
  const r = await select({ either });
  if (r.ok && r.value.kind === "b") expectType<string>(r.value.b);
}

// trySelect: the same result, or undefined.
{
  const r = trySelect([numbers, words], { priority: true });
  expectType<0 | 1 | undefined>(r?.index);
  if (r?.index === 1 && r.ok) expectType<string>(r.value);
  expectType<"numbers" | undefined>(trySelect({ numbers })?.name);
}

// Names for what select gives.
{
  type Result = SelectResult<[ReceiveCase<number>, ReceiveChannel<string>]>;
  expectType<0 | 1>({} as Result["index"]);
  const tuple: [ReceiveChannel<number>, ReceiveChannel<string>] = [numbers, words];
  const r: SelectResult<typeof tuple> = await select(tuple);
  expectType<0 | 1>(r.index);
  expectNotType<any>({} as Result);
}

// Options and their mistakes.
{
  const options: SelectOptions = { priority: true };
  expectType<0 | undefined>((await select([numbers], options)).index);
  expectAssignable<Promise<unknown>>(
    select([numbers], { signal: new AbortController().signal, priority: true, default: true }),
  );
  expectAssignable<Promise<unknown>>(select([numbers], { signal: undefined, priority: undefined, default: undefined }));
  expectError(select([numbers], { defualt: true }));
  expectError(select([numbers], { default: "yes" }));
  expectError(select([numbers], { signal: new AbortController() }));
  expectError(select([numbers], { timeout: "30s" }));
  expectError(select([numbers], { priority: 1 }));
  expectError(trySelect([numbers], { default: true }));
  expectError(trySelect([numbers], { signal: new AbortController().signal }));
}

// What is no case, and no list of cases.
expectError(select([1]));
expectError(select(["channel"]));
expectError(select([true]));
expectError(select([on]));
expectError(select([Promise.resolve(1)]));
expectError(select([sink]));
expectError(select([[numbers]]));
expectError(select([numbers, { channel: numbers }]));
expectError(select({ a: 1 }));
expectError(select({ a: sink }));
expectError(select(undefined));
expectError(select(5));
expectError(select());
