// Who is in the crowd of bustle.ts, and what each of them does.

import { type Arbitrary, array, boolean, constant, constantFrom, nat, oneof, record } from "fast-check";

const settings = oneof(
  record({ capacity: nat(3), overflow: constant("block") }),
  record({ capacity: nat(3), overflow: constant("block") }),
  record({ capacity: constantFrom(1, 2), overflow: constantFrom("drop-oldest", "drop-newest") }),
);
// 0: go on at once; 1 to 4: so many microtasks; 5: a turn of the event loop; 6 and 7: a while.
const pauses = array(nat(7), { minLength: 1, maxLength: 8 });
const some = array(nat(3), { minLength: 1, maxLength: 3 });
const count = nat(12);
const patience = nat(6);

const task = oneof(
  {
    weight: 5,
    arbitrary: record({
      is: constant("sender"),
      way: constantFrom(
        "send",
        "trySend",
        "abort",
        "select",
        "select with abort",
        "select with timeout",
        "select with default",
      ),
      on: some,
      count,
      pauses,
      patience,
    }),
  },
  {
    weight: 5,
    arbitrary: record({
      is: constant("receiver"),
      way: constantFrom(
        "receive",
        "tryReceive",
        "abort",
        "receiveMany",
        "select",
        "select with abort",
        "select with timeout",
        "select with default",
      ),
      on: some,
      count,
      pauses,
      patience,
    }),
  },
  { weight: 2, arbitrary: record({ is: constant("iterator"), on: some, count, pauses, breaks: boolean() }) },
  { weight: 2, arbitrary: record({ is: constant("both"), on: some, count, pauses, patience }) },
  {
    weight: 2,
    arbitrary: record({ is: constant("selector"), on: some, count, pauses, patience, iterates: boolean() }),
  },
  {
    weight: 1,
    arbitrary: record({ is: constant("closer"), on: some, pauses, cause: constantFrom(undefined, null, "cause") }),
  },
);

type Of<A> = A extends Arbitrary<infer V> ? V : never;
/** What one task of the crowd does. */
export type Task<K extends Of<typeof task>["is"] = Of<typeof task>["is"]> = Extract<
  Of<typeof task>,
  { readonly is: K }
>;

/** What happens in one run. */
export interface Scene {
  readonly channels: readonly Of<typeof settings>[];
  readonly tasks: readonly Task[];
}

export const scenes: Arbitrary<Scene> = record({
  channels: array(settings, { minLength: 1, maxLength: 4 }),
  tasks: array(task, { minLength: 2, maxLength: 14, size: "max" }),
});
