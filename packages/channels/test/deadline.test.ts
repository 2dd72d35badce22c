// An AbortSignal on this library's clock.

import { Channel, errors, select, SluiceError, time } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { outcome, turns, waiting } from "./progress.ts";
import { thrownBy } from "./values.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe("a deadline", () => {
  test("is aborted after its time, not before, with a SluiceError of kind TIMEOUT", async () => {
    vi.useFakeTimers();
    const signal = time.deadline("5s");
    expect(signal).toBeInstanceOf(AbortSignal);
    await vi.advanceTimersByTimeAsync(4999);
    expect(signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBeInstanceOf(SluiceError);
    expect(signal.reason).toMatchObject({ kind: errors.TIMEOUT, retryable: true, details: { duration: "5s" } });
    expect(String(signal.reason)).toContain("5s");
  });

  test("ends whatever takes a signal, and nothing was taken", async () => {
    vi.useFakeTimers();
    const channel = new Channel<number>();
    const waits = [
      channel.receive({ signal: time.deadline(10) }),
      select([channel], { signal: time.deadline(20) }),
      time.sleep("1h", { signal: time.deadline(30) }),
    ];
    const reasons = waits.map(rejectionOf);
    await vi.advanceTimersByTimeAsync(30);
    for (const reason of await Promise.all(reasons)) expect(errors.is(reason, errors.TIMEOUT)).toBe(true);
    expect(channel.trySend(1)).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("runs on virtual time: a day takes no time, and is not a deadlock", async () => {
    const passed = await virtualTime(async (clock) => {
      const reason = await rejectionOf(new Channel().receive({ signal: time.deadline("24h") }));
      expect(errors.is(reason, errors.TIMEOUT)).toBe(true);
      return clock.now();
    });
    expect(passed).toBe(86_400_000);
  });

  test.each([0, -5, "-1s"])("of %s is aborted already", (duration) => {
    const signal = time.deadline(duration);
    expect(signal.aborted).toBe(true);
    expect(errors.is(signal.reason, errors.TIMEOUT)).toBe(true);
  });

  test("lies further away than a host timer reaches", async () => {
    vi.useFakeTimers();
    const signal = time.deadline(2 ** 32);
    await vi.advanceTimersByTimeAsync(2 ** 32 - 1);
    expect(signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal.aborted).toBe(true);
  });

  test.each([NaN, Infinity, "5 apples", undefined, null])("of %s is a mistake that is told", (duration) => {
    expect(
      errors.is(
        thrownBy(() => time.deadline(duration as never)),
        errors.INVALID,
      ),
    ).toBe(true);
  });

  test.each([null, 7, { signal: null }, { signal: {} }, { singal: AbortSignal.abort() }, AbortSignal.abort()])(
    "throws TypeError for the options %s",
    (options) => {
      expect(thrownBy(() => time.deadline("1s", options as never))).toBeInstanceOf(TypeError);
    },
  );
});

describe("a deadline with another signal", () => {
  test("is aborted with it at once, with its reason, and its own time means nothing then", async () => {
    vi.useFakeTimers();
    const controller = new AbortController();
    const signal = time.deadline("5s", { signal: controller.signal });
    const reason = new Error("stopped");
    controller.abort(reason);
    expect([signal.aborted, signal.reason]).toEqual([true, reason]);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(5000);
    expect(signal.reason).toBe(reason);
  });

  test("that was aborted before is so too, also where its time is over", () => {
    const reason = new Error("stopped");
    for (const duration of ["5s", 0]) {
      expect(time.deadline(duration, { signal: AbortSignal.abort(reason) }).reason).toBe(reason);
    }
  });

  test("keeps its time, and leaves no listener behind", async () => {
    vi.useFakeTimers();
    const controller = new AbortController();
    const added = vi.spyOn(controller.signal, "addEventListener");
    const removed = vi.spyOn(controller.signal, "removeEventListener");
    const signals = [1, 2, 3].map((seconds) => time.deadline(seconds * 1000, controller));
    expect(added).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(3000);
    for (const { reason } of signals) expect(errors.is(reason, errors.TIMEOUT)).toBe(true);
    expect(removed).toHaveBeenCalledTimes(1);
  });
});

test("many deadlines arm one host timer, and abort in the order of their moments", async () => {
  vi.useFakeTimers();
  const order: number[] = [];
  for (let i = 0; i < 100; i += 1) {
    const due = ((i * 37) % 100) + 1;
    time.deadline(due).addEventListener("abort", () => order.push(due));
  }
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(order).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
});

test("a deadline that comes too late changes nothing about what was received", async () => {
  vi.useFakeTimers();
  const channel = new Channel<number>();
  const received = channel.receive({ signal: time.deadline(5) });
  channel.trySend(1);
  await vi.advanceTimersByTimeAsync(5);
  expect(await received).toMatchObject({ ok: true, value: 1 });
  const next = channel.receive();
  await turns();
  expect(await outcome(next)).toBe(waiting);
});

async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (reason) {
    return reason;
  }
}
