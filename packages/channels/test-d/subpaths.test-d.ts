import { expectAssignable, expectError, expectType } from "tsd";
import {
  type ChannelReport,
  formatParked,
  parked,
  type ParkedOperation,
  type ParkedSite,
  record,
  recordParked,
  type Snapshot,
  snapshot,
  trace,
} from "@sluice/channels/inspect";
import { DeadlockError, virtualTime, type VirtualTime } from "@sluice/channels/testing";
import { SluiceError } from "@sluice/channels";

expectType<Promise<number>>(virtualTime(async (clock) => clock.now()));
expectType<Promise<string>>(virtualTime(() => "at once"));
await virtualTime(async (clock) => {
  expectType<VirtualTime>(clock);
  expectType<Promise<void>>(clock.advance("5s"));
  expectType<Promise<void>>(clock.idle());
  expectType<Promise<number>>(clock.external(Promise.resolve(1)));
  expectError(clock.external(1));
  expectError(clock.advance());
});
expectAssignable<SluiceError>({} as DeadlockError);
expectType<readonly ParkedOperation[]>({} as DeadlockError["parked"]);

expectType<void>(recordParked(true));
expectType<ParkedOperation[]>(parked());
expectType<string>(formatParked());

expectType<void>(record({ parked: true, channels: undefined, abandoned: false }));
expectType<void>(record(false));
expectError(record(true));
expectError(record({ values: true }));
expectType<Snapshot>(snapshot());
expectType<readonly ParkedSite[]>(snapshot().sites);
expectType<readonly ParkedOperation[]>(snapshot().abandoned);
expectType<readonly ChannelReport[]>(snapshot().channels);
expectType<"slow receiver" | "slow sender" | "flowing" | "idle">({} as ChannelReport["verdict"]);
expectType<number | undefined>({} as ChannelReport["oldestWait"]);
expectType<Date | undefined>(snapshot().timers.next);
expectType<{ readonly completions: number; readonly budgeted: number; readonly longest: number }>(snapshot().turns);
expectError((snapshot().unknown = 1));
expectType<Disposable>(trace());
expectType<Disposable>(trace({ longerThan: 5 }));
