// A subclass or a mixin may have members of any name: what the library says to a channel is out of reach of strings.

import { Channel, type ReceiveChannel, select, Selector, time, trySelect } from "@sluice/channels";
import { Source } from "@sluice/channels/source";
import {
  anything,
  type Arbitrary,
  array,
  assert,
  asyncProperty,
  constantFrom,
  func,
  oneof,
  string,
  stringMatching,
  tuple,
} from "fast-check";
import { expect, test } from "vitest";
import { hunt } from "./progress.ts";

/** What api.md names, and what every object has. */
const PUBLIC = new Set(
  `constructor closed cause length capacity name receive tryReceive receiveMany caseReceive case_receive values
  send trySend caseSend case_send close`.split(/\s+/),
);

/** Every name by which something of a channel can be reached, inherited ones included. */
function namesOf(value: object): string[] {
  const names: string[] = [];
  for (let at: unknown = value; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    names.push(...Object.getOwnPropertyNames(at));
  }
  return names;
}

test.each<[string, object]>([
  ["a channel", new Channel(1)],
  ["a timer's channel", time.after("1s")],
  ["a ticker's channel", time.ticker("1s").channel()],
  ["the class of channels", Source.prototype],
])("%s has no members of string names but those of the contract", (_what, channel) => {
  expect(namesOf(channel).filter((name) => !PUBLIC.has(name))).toEqual([]);
});

test("cases have their channel, and nothing else that a string reaches", () => {
  const jobs = new Channel<number>();
  for (const one of [jobs.caseReceive(), jobs.caseSend(1)]) {
    expect(new Set(namesOf(one))).toEqual(new Set(["channel", "constructor"]));
    expect(one.channel).toBe(jobs);
  }
});

// Names that the library once used itself, and words it uses inside today.
const OURS =
  `ready take commit enlist park step dismiss end front putInFront due fire channel put accepts enlistSender handOff
  awaited turnedReady endReceivers drained wake head then value ok next previous arrival leave stop moved toString
  toJSON`.split(/\s+/);
const foreignName = oneof(constantFrom(...OURS), string(), stringMatching(/^[a-z]+$/)).filter(
  (name) => !PUBLIC.has(name) && name !== "__proto__",
);
const nonsense: Arbitrary<unknown> = oneof(anything(), func(anything()));

type Names = readonly (readonly [name: string, value: unknown])[];

/** A subclass with methods of these names, and with fields of them, set while it is constructed. */
function subclassOf(methods: Names, fields: Names): typeof Channel<number> {
  class Mine extends Channel<number> {
    constructor(capacity?: number) {
      super(capacity);
      for (const [name, value] of fields) Object.defineProperty(this, name, { value, configurable: true });
    }
  }
  for (const [name, value] of methods) Object.defineProperty(Mine.prototype, name, { value, configurable: true });
  return Mine as typeof Channel<number>;
}

async function everythingWith(Mine: typeof Channel<number>): Promise<void> {
  const jobs = new Mine(1);
  expect([jobs.trySend(1), jobs.trySend(2), jobs.length]).toEqual([true, false, 1]);
  expect(await select([jobs])).toMatchObject({ index: 0, value: 1, ok: true });
  expect(trySelect([jobs.caseReceive(), jobs.caseSend(3)])).toMatchObject({ index: 1, ok: true });
  for await (const job of jobs) {
    expect(job).toBe(3);
    break;
  }
  expect(jobs.closed).toBe(false);

  const meeting = new Mine();
  const parked = select({ never: new Mine(), meeting });
  await meeting.send(4);
  expect(await parked).toMatchObject({ name: "meeting", value: 4 });
  const sending = select([meeting.caseSend(5)]);
  expect(await meeting.receive()).toEqual({ ok: true, value: 5, done: false });
  expect((await sending).channel).toBe(meeting);

  const events = new Selector({ jobs, meeting });
  const next = events.next();
  expect(meeting.trySend(6)).toBe(true);
  expect(await next).toMatchObject({ name: "meeting", value: 6 });
  const received: ReceiveChannel<number> = jobs;
  const many = received.receiveMany(3);
  jobs.trySend(7);
  expect(await many).toEqual([7]);
  jobs.close();
  expect(await events.next()).toMatchObject({ name: "jobs", ok: false });
}

test("property: a subclass may have methods and fields of any name", () =>
  assert(
    asyncProperty(
      array(tuple(foreignName, nonsense), { maxLength: 12 }),
      array(tuple(foreignName, nonsense), { maxLength: 4 }),
      (methods, fields) => everythingWith(subclassOf(methods, fields)),
    ),
    hunt(100),
  ));

test("a subclass may have every name at once that the library ever used itself", async () => {
  const taken = OURS.map((name) => [name, () => expect.fail(`${name} was called`)] as const);
  await everythingWith(subclassOf(taken, []));
  await everythingWith(
    subclassOf(
      [],
      taken.filter(([name]) => name !== "then"),
    ),
  );
});
