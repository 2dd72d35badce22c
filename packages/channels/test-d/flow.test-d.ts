import { expectAssignable, expectError, expectType } from "tsd";
import { Channel, type ReceiveChannel, select, Selector, time } from "@sluice/channels";
import { batch, map, merge, pipe } from "@sluice/channels/flow";
import { group } from "@sluice/channels/group";

const numbers = new Channel<number>(1);
const texts = new Channel<string>(1);

expectType<ReceiveChannel<number> & Disposable>(merge([numbers]));
expectType<ReceiveChannel<number> & Disposable>(merge(new Set<ReceiveChannel<number>>()));
expectAssignable<ReceiveChannel<number | string>>(merge<number | string>([numbers, texts]));
expectType<ReceiveChannel<Date> & Disposable>(merge([time.after("1s"), time.ticker("1s").channel()]));
expectError(merge(numbers));
expectError(merge([1]));
expectError(merge([numbers], { concurrency: 2 }));

expectType<ReceiveChannel<string> & Disposable>(map(numbers, (value) => String(value)));
expectType<ReceiveChannel<string> & Disposable>(map(numbers, async (value) => String(value)));
map(numbers, (value, signal) => {
  expectType<number>(value);
  expectType<AbortSignal>(signal);
});
expectAssignable<ReceiveChannel<number>>(
  map(numbers, (value) => value, { concurrency: 4, ordered: false, name: "n", signal: new AbortController().signal }),
);
expectAssignable<ReceiveChannel<number>>(
  map(numbers, (value) => value, { concurrency: undefined, ordered: undefined, name: undefined, signal: undefined }),
);
expectError(map(numbers));
expectError(map(numbers, (value: string) => value));
expectError(map(numbers, (value) => value, { size: 1 }));

expectType<ReceiveChannel<readonly number[]> & Disposable>(batch(numbers, { size: 2, within: "50ms" }));
expectType<ReceiveChannel<readonly number[]> & Disposable>(batch(numbers, { size: 2, within: 50, name: undefined }));
expectError(batch(numbers));
expectError(batch(numbers, { size: 2 }));
expectError(batch(numbers, { within: "50ms" }));

expectType<Promise<{ readonly moved: number; readonly undelivered: readonly number[] }>>(pipe(numbers, numbers));
expectAssignable<Promise<unknown>>(pipe(numbers, numbers, { close: false, signal: undefined }));
expectError(pipe(numbers, texts));
expectError(pipe(numbers, time.after("1s")));
expectError(pipe(time.after("1s"), numbers));

// What they give stands in a select and in a Selector like any other channel.
const r = await select({ rows: batch(numbers, { size: 2, within: 0 }), text: merge([texts]) });
if (r.name === "rows" && r.ok) expectType<readonly number[]>(r.value);
if (r.name === "text" && r.ok) expectType<string>(r.value);
new Selector({ rows: batch(numbers, { size: 2, within: 0 }) });
{
  using lent = map(numbers, (value) => value);
  expectError(lent.send(1));
  expectError(lent.close());
}

// A program of the design.
const sum = await group(
  async (g) => {
    const jobs = new Channel<number>(8);
    g.background((signal) => time.sleep("1h", { signal }));
    void g.go(async () => {
      for (let i = 0; i < 3; i++) await jobs.send(i, { signal: g.signal });
      jobs.close();
    });
    let s = 0;
    for await (const batchOf of batch(
      map(jobs, async (x) => x * 2, { concurrency: 4 }),
      { size: 10, within: "50ms" },
    ))
      s += batchOf.length;
    return s;
  },
  { timeout: "1m" },
);
expectType<number>(sum);
const done = await pipe(merge([numbers]), new Channel<number>(1));
expectType<readonly number[]>(done.undelivered);
