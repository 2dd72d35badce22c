import { expectAssignable, expectError, expectType } from "tsd";
import { formatParked, parked, type ParkedOperation, recordParked } from "@sluice/channels/inspect";
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
