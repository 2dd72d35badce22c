// The commands of the model test, and how often each comes.

import { type Arbitrary, array, boolean, constant, constantFrom, nat, oneof, record } from "fast-check";
import type { Overflow } from "./reference.ts";

const CHANNELS = 3;

/** Names under which a Selector watches. */
const NAMES = ["a", "b", "c", "d"] as const;

// Of the channels and the subscriptions that there are by then.
const on = nat(11);
const selector = nat(1);
const name = constantFrom(...NAMES);
const signal = constantFrom("none", "none", "own", "own", "shared", "aborted");
const does = constantFrom("receive", "send", "receive", "send", "off");
const cases = array(record({ does, on, bare: boolean() }), { maxLength: 4 });
const cause = constantFrom<unknown>(undefined, undefined, null, "cause");
const named = boolean();
const priority = boolean();

const terms = record({
  capacity: constantFrom(1, 2),
  slow: constantFrom<Overflow>("block", "block", "drop-oldest", "drop-newest", "close"),
  replay: constantFrom<number | undefined>(undefined, 0, 1),
});

const command = oneof(
  { weight: 4, arbitrary: record({ do: constant("send"), on, signal }) },
  { weight: 4, arbitrary: record({ do: constant("receive"), on, signal }) },
  {
    weight: 6,
    arbitrary: record({
      do: constant("select"),
      cases,
      named,
      priority,
      default: constantFrom(false, false, true),
      signal,
    }),
  },
  { weight: 2, arbitrary: record({ do: constant("trySelect"), cases, named, priority }) },
  { weight: 3, arbitrary: record({ do: constant("trySend"), on }) },
  { weight: 3, arbitrary: record({ do: constant("tryReceive"), on }) },
  { weight: 2, arbitrary: record({ do: constant("receiveMany"), on, signal, limit: constantFrom(1, 2, 3, 4) }) },
  { weight: 2, arbitrary: record({ do: constant("step"), on }) },
  { weight: 2, arbitrary: record({ do: constant("stepUntil"), on, signal }) },
  { weight: 1, arbitrary: record({ do: constant("break"), on }) },
  { weight: 3, arbitrary: record({ do: constant("abort"), nth: nat(8) }) },
  { weight: 1, arbitrary: record({ do: constant("abortShared") }) },
  { weight: 1, arbitrary: record({ do: constant("close"), on, cause }) },
  { weight: 3, arbitrary: record({ do: constant("add"), on, name, selector }) },
  { weight: 1, arbitrary: record({ do: constant("delete"), name, selector }) },
  { weight: 3, arbitrary: record({ do: constant("next"), selector, signal }) },
  { weight: 1, arbitrary: record({ do: constant("tryNext"), selector }) },
  { weight: 1, arbitrary: record({ do: constant("subscribe"), to: nat(1), terms }) },
  { weight: 1, arbitrary: record({ do: constant("unsubscribe"), on }) },
  { weight: 1, arbitrary: record({ do: constant("spend") }) },
  { weight: 3, arbitrary: record({ do: constant("settle") }) },
);

/** How a subscription is made. */
export type Terms = Of<typeof terms>;

type Of<A> = A extends Arbitrary<infer V> ? V : never;

export type SignalKind = Of<typeof signal>;
export type Command = Of<typeof command> | { readonly do: "closeSelector"; readonly selector: number };
export type CommandOf<K extends Command["do"]> = Extract<Command, { readonly do: K }>;

/** A sequence of commands: long ones are as likely as short ones. */
export const commands: Arbitrary<Command[]> = array(command, { maxLength: 60, size: "max" });

export interface Settings {
  readonly capacity: number;
  readonly overflow: Exclude<Overflow, "close">;
}

/** What there is at the beginning. */
export interface World {
  readonly channels: readonly Settings[];
  readonly replay: number;
  readonly subscriptions: readonly Terms[];
}

const blocking = record<Settings>({ capacity: nat(2), overflow: constant("block") });
const dropping = record<Settings>({
  capacity: constantFrom(1, 2),
  overflow: constantFrom("drop-oldest", "drop-newest"),
});

export const worlds: Arbitrary<World> = record({
  channels: array(oneof(blocking, blocking, dropping), { minLength: CHANNELS, maxLength: CHANNELS }),
  replay: nat(2),
  subscriptions: array(terms, { minLength: 1, maxLength: 2 }),
});
