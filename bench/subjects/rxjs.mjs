// Push, no backpressure: an event is a call of the subscriber. Measured where a program of channels has a counterpart.
import { BehaviorSubject, firstValueFrom, merge, mergeMap, race, skip, Subject, timer } from "rxjs";
import { rounds } from "../programs/broadcast.mjs";
import { shuffled } from "../programs/tasks.mjs";

const subjects = (count) => Array.from({ length: count }, () => new Subject());

/** A subscription to all, made anew for each event. */
function first(count) {
  const all = subjects(count);
  return async (n) => {
    let sum = 0;
    for (let i = 0; i < n; i += 1) {
      const next = firstValueFrom(merge(...all));
      all[i % count].next(i);
      sum += await next;
    }
    return sum;
  };
}

function orTimeout() {
  const busy = new Subject();
  return async (n) => {
    let sum = 0;
    for (let i = 0; i < n; i += 1) {
      const next = firstValueFrom(race(busy, timer(30_000)));
      busy.next(i);
      sum += await next;
    }
    return sum;
  };
}

/** One subscription that stays: no task waits and nothing is awaited. */
const subscription = (inOrder) => (count) => {
  const all = subjects(count);
  let sum = 0;
  for (const subject of all) {
    subject.subscribe((value) => {
      sum += value;
    });
  }
  const order = inOrder(all);
  return async (n) => {
    sum = 0;
    for (let i = 0; i < n; i += 1) order[i % count].next(i);
    return sum;
  };
};

/** Many subscriptions: no task waits and nothing is awaited. */
function tell(count) {
  const subject = new Subject();
  let sum = 0;
  for (let i = 0; i < count; i += 1) {
    subject.subscribe((value) => {
      sum += value * count + i;
    });
  }
  return rounds(count, async (values) => {
    sum = 0;
    for (let value = 0; value < values; value += 1) subject.next(value);
    return sum;
  });
}

/** Awaited by a subscription for each change. */
function setAndSee() {
  const state = new BehaviorSubject(0);
  return async (n) => {
    let sum = 0;
    for (let i = 0; i < n; i += 1) {
      const next = firstValueFrom(state.pipe(skip(1)));
      state.next(i);
      sum += await next;
    }
    return sum;
  };
}

/** A promise for each value, one at a time: nothing waits for the subscriber. */
function mapped(concurrency) {
  return (n) =>
    new Promise((resolve) => {
      const subject = new Subject();
      let sum = 0;
      subject.pipe(mergeMap(async (value) => value, concurrency)).subscribe({
        next: (value) => (sum += value),
        complete: () => resolve(sum),
      });
      for (let i = 0; i < n; i += 1) subject.next(i);
      subject.complete();
    });
}

export const programs = {
  select: first,
  "select-timeout": orTimeout,
  selector: subscription((all) => all),
  "selector-random": subscription(shuffled),
  map: mapped,
  merge: () => subscription((all) => all)(2),
  broadcast: tell,
  latest: setAndSee,
};
