import { expectAssignable, expectError, expectType } from "tsd";
import { Channel, time } from "@sluice/channels";
import { group, type Group, type GroupOptions } from "@sluice/channels/group";

expectType<Promise<number>>(group(() => 1));
expectType<Promise<string>>(group(async () => "later"));
expectType<Promise<void>>(group(() => {}));
expectType<Promise<number>>(group((tasks) => tasks.go(() => 1)));

await group(async (tasks) => {
  expectType<Group>(tasks);
  expectType<AbortSignal>(tasks.signal);
  expectType<number>(tasks.running);
  expectType<Promise<string>>(
    tasks.go((signal) => {
      expectType<AbortSignal>(signal);
      return "now";
    }),
  );
  expectType<Promise<number>>(tasks.go(async () => 1));
  expectType<void>(tasks.background((signal) => time.sleep("1s", { signal })));
  expectType<void>(tasks.background(() => 7));
  expectError(tasks.go(7));
  expectError(tasks.go((signal: string) => signal));
  expectError(tasks.background());
  expectError((tasks.signal = new AbortController().signal));
});

expectAssignable<GroupOptions>({ signal: undefined, limit: undefined, timeout: undefined, name: undefined });
expectAssignable<GroupOptions>({ limit: 4, timeout: "1m", name: "crew", signal: new AbortController().signal });
expectAssignable<GroupOptions>(new AbortController());
expectError(group(() => 1, { limits: 4 }));
expectError(group(() => 1, { timeout: new Date() }));
expectError(group());

// A program of the design: jobs, doubled by a task, summed up by the body.
expectType<number>(
  await group(
    async (tasks) => {
      const jobs = new Channel<number>(8);
      tasks.background((signal) => time.sleep("1h", { signal }));
      void tasks.go(async () => {
        for (let i = 0; i < 3; i++) await jobs.send(i, { signal: tasks.signal });
        jobs.close();
      });
      let sum = 0;
      for await (const job of jobs) sum += job;
      return sum;
    },
    { timeout: "1m" },
  ),
);
