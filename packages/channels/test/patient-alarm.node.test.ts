// Deadlines for what comes from outside: never early, never before what has arrived was read, for nobody's process.

import { PatientAlarm } from "@sluice/channels/source";
import { virtualTime } from "@sluice/channels/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { turns } from "./progress.ts";

const realImmediate = setImmediate;
const turn = (): Promise<void> => new Promise((resolve) => void realImmediate(resolve));

afterEach(() => {
  vi.useRealTimers();
});

/** With the host's timers and its clock in our hands, and the turns of the loop left as they are. */
function alarmOnFakes(): { readonly alarm: PatientAlarm; rung: number } {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const one = {
    rung: 0,
    alarm: new PatientAlarm(() => {
      one.rung += 1;
    }),
  };
  return one;
}

describe("an alarm that is patient", () => {
  test("goes off once its moment has passed and the loop has turned, and then is not set", async () => {
    const one = alarmOnFakes();
    one.alarm.in(50);
    vi.advanceTimersByTime(49);
    await turns(5);
    expect([one.rung, one.alarm.set]).toEqual([0, true]);
    vi.advanceTimersByTime(1);
    expect(one.rung).toBe(0);
    await turns(5);
    expect([one.rung, one.alarm.set]).toEqual([1, false]);
  });

  test.each(["timers", "immediates"])(
    "lets a whole turn pass, also when its moment comes among the %s",
    async (phase) => {
      const one = alarmOnFakes();
      one.alarm.in(50);
      if (phase === "immediates") await turn();
      vi.advanceTimersByTime(50);
      await turn(); // the rest of this turn: what had arrived is read in the next
      expect(one.rung).toBe(0);
      one.alarm.in(50); // a byte came: it is no silence
      await turns(5);
      expect(one.rung).toBe(0);
      vi.advanceTimersByTime(50);
      await turns(5);
      expect(one.rung).toBe(1);
    },
  );

  test("that is moved later is armed once, and goes off at the later moment; moved earlier, at the earlier", async () => {
    const one = alarmOnFakes();
    one.alarm.in(50);
    for (let i = 0; i < 1000; i += 1) one.alarm.in(60 + i / 1000);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(55);
    await turns(5);
    expect(one.rung).toBe(0);
    vi.advanceTimersByTime(6);
    await turns(5);
    expect(one.rung).toBe(1);
    one.alarm.in(1000);
    one.alarm.in(10);
    vi.advanceTimersByTime(10);
    await turns(5);
    expect(one.rung).toBe(2);
  });

  test("that is cleared does not go off, not even when its moment had come; it can be set again", async () => {
    const one = alarmOnFakes();
    one.alarm.in(50);
    one.alarm.clear();
    expect(one.alarm.set).toBe(false);
    vi.advanceTimersByTime(100);
    one.alarm.in(50);
    vi.advanceTimersByTime(50);
    one.alarm.clear();
    await turns(5);
    expect(one.rung).toBe(0);
    one.alarm.at(one.alarm.now() + 5);
    one.alarm.at(Infinity);
    vi.advanceTimersByTime(5);
    await turns(5);
    expect([one.rung, one.alarm.set, vi.getTimerCount()]).toEqual([0, false, 0]);
  });

  test("is not early although its host timer is: it waits for its clock", async () => {
    let now = Math.ceil(performance.now());
    using held = vi.spyOn(performance, "now").mockImplementation(() => now);
    let rung = 0;
    const alarm = new PatientAlarm(() => (rung += 1));
    alarm.in(2);
    await new Promise((resolve) => void setTimeout(resolve, 20));
    await turns(5);
    expect(rung).toBe(0);
    now += 2;
    await vi.waitFor(() => expect(rung).toBe(1));
    held.mockRestore();
  });

  test("keeps what is left when fake timers come and go", async () => {
    let rung = 0;
    const alarm = new PatientAlarm(() => (rung += 1));
    alarm.in(3_600_000);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    alarm.now(); // its next use finds out
    vi.advanceTimersByTime(3_599_000);
    await turns(5);
    expect(rung).toBe(0);
    vi.advanceTimersByTime(1001);
    await turns(5);
    expect(rung).toBe(1);
  });

  test("is on the host's clock under virtual time, as what it waits for is", async () => {
    let rung = 0;
    const alarm = new PatientAlarm(() => (rung += 1));
    await virtualTime(async (clock) => {
      alarm.in(3_600_000);
      await clock.advance("2h");
    });
    expect([rung, alarm.set]).toEqual([0, true]);
    alarm.clear();
  });
});
