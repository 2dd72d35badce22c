// The monotonic clock in a test's own hands: it moves when the test says so, and not with how busy the machine is.

import { onTestFinished, vi } from "vitest";

/** Holds the clock, and the time of day with it, until the test ends; gives what lets time pass, without a turn of the event loop. */
export function heldClock(): (milliseconds: number) => void {
  let now = Math.ceil(performance.now()) + 2; // a host timer that fired early may have set the library's time ahead
  const ahead = Date.now() - now;
  const held = vi.spyOn(performance, "now").mockImplementation(() => now);
  const wall = vi.spyOn(Date, "now").mockImplementation(() => Math.floor(now + ahead));
  onTestFinished(() => {
    held.mockRestore();
    wall.mockRestore();
  });
  return (milliseconds) => {
    now += milliseconds;
  };
}
