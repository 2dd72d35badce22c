// What a select gives, and when. Who is chosen among several: select-fair; that exactly one happens: select-commit.

import { Channel, type ClosedError, errors, type ReceiveChannel, select, time, trySelect } from "@sluice/channels";
import { virtualTime } from "@sluice/channels/testing";
import { expect, test } from "vitest";
import { outcome, rejection, waiting } from "./progress.ts";

function filled<T>(...values: T[]): Channel<T> {
  const channel = new Channel<T>(values.length);
  for (const value of values) channel.trySend(value);
  return channel;
}

test.each([2, 5])("E1: the only ready one of %i cases is chosen, wherever it stands", async (count) => {
  for (let ready = 0; ready < count; ready += 1) {
    const channels = Array.from({ length: count }, () => new Channel<string>(1));
    channels[ready]?.trySend("here");
    expect(await select(channels)).toEqual({ index: ready, channel: channels[ready], value: "here", ok: true });
    expect(trySelect(channels)).toBeUndefined();
  }
});

test("a receive channel stands for its receive case, in every spelling", async () => {
  const channel = filled(1, 2, 3);
  expect(await select([channel])).toEqual({ index: 0, channel, value: 1, ok: true });
  expect(await select([channel.caseReceive()])).toEqual({ index: 0, channel, value: 2, ok: true });
  expect(await select([channel.case_receive()])).toEqual({ index: 0, channel, value: 3, ok: true });
});

test("A8: the channel of a result is the very object the case was made on", async () => {
  const plain = filled("a");
  const view: ReceiveChannel<string> = plain;
  const timer = time.after(0);
  const out = new Channel<string>(1);
  expect((await select([view])).channel).toBe(plain);
  expect((await select([timer])).channel).toBe(timer);
  expect((await select([out.caseSend("x")])).channel).toBe(out);
});

test("a record of cases gives the name of the chosen one, and no index", async () => {
  const socket = filled("hello");
  const r = await select({ message: socket, other: new Channel<number>() });
  expect(r).toStrictEqual({ name: "message", channel: socket, value: "hello", ok: true });
  expect(Object.keys(r)).not.toContain("index");
});

test("an array of cases gives the index of the chosen one, and neither a name nor a default", async () => {
  const socket = filled("hello");
  const r = await select([new Channel<number>(), socket]);
  expect(Object.keys(r).toSorted()).toEqual(["channel", "index", "ok", "value"]);
});

test("a name that looks like an integer is a string in the result", async () => {
  expect((await select({ 7: filled("x") })).name).toBe("7");
});

test("the document's loop: the result's channel tells the timeout from the socket", () =>
  virtualTime(async () => {
    const socket = new Channel<string>();
    const timeout = time.after("30s");
    const r = await select([socket.caseReceive(), timeout.caseReceive()]);
    expect(r.channel === timeout).toBe(true);
    expect(r.value).toBeInstanceOf(Date);
  }));

test("E3: of several timeouts the shortest wins, and one of zero or less at once", () =>
  virtualTime(async (clock) => {
    const quiet = new Channel<number>();
    expect((await select([time.after("2s"), quiet, time.after("1s"), time.after("1h")])).index).toBe(2);
    expect(clock.now()).toBe(1000);
    expect((await select([quiet, time.after(0)])).index).toBe(1);
    expect((await select([quiet, time.after("-1h")])).index).toBe(1);
    expect(clock.now()).toBe(1000);
  }));

test("a send case that was chosen gives ok and no value", async () => {
  const out = new Channel<string>(1);
  expect(await select([out.caseSend("x")])).toStrictEqual({ index: 0, channel: out, value: undefined, ok: true });
  const full = out;
  expect(await select({ full: full.case_send("y"), in: out })).toMatchObject({ name: "in", value: "x" });
  expect(await select({ room: out.case_send("y") })).toStrictEqual({
    name: "room",
    channel: out,
    value: undefined,
    ok: true,
  });
});

test("A6: undefined, null, errors and result-shaped objects are values like any other", async () => {
  for (const value of [undefined, null, Number.NaN, new Error("x"), { ok: false, value: undefined, done: true }]) {
    const channel = new Channel<unknown>(1);
    channel.trySend(value);
    const r = await select([channel]);
    expect(r.ok).toBe(true);
    expect(r.value).toBe(value);
    expect(await outcome(select([channel]))).toBe(waiting);
  }
});

test("a promise that travels through a select arrives as the same promise, not awaited", async () => {
  const channel = new Channel<Promise<string>>();
  const parked = select([channel]);
  const never = new Promise<string>(() => {});
  channel.trySend(never);
  expect((await parked).value).toBe(never);
});

test("E4: a parked select is woken by a send, by a receive, and by a close", async () => {
  const a = new Channel<string>();
  const b = new Channel<string>();
  const received = select([a, b.caseSend("from b")]);
  expect(await outcome(received)).toBe(waiting);
  expect(a.trySend("to a")).toBe(true);
  expect(await received).toEqual({ index: 0, channel: a, value: "to a", ok: true });

  const sent = select([a, b.caseSend("from b")]);
  expect(b.tryReceive()).toMatchObject({ value: "from b" });
  expect(await sent).toEqual({ index: 1, channel: b, value: undefined, ok: true });

  const ended = select([a, b.caseSend("kept")]);
  a.close();
  expect(await ended).toEqual({ index: 0, channel: a, value: undefined, ok: false });
  expect(b.tryReceive()).toBeUndefined();
});

test("E4: a parked select takes from a parked sender and a buffer that others fill later", async () => {
  const rendezvous = new Channel<number>();
  const sender = rendezvous.send(1);
  expect(await select([rendezvous])).toMatchObject({ value: 1 });
  await sender;

  const buffered = new Channel<number>(1);
  await buffered.send(1);
  const behind = buffered.send(2);
  expect(await select([buffered])).toMatchObject({ value: 1 });
  await behind;
  expect(buffered.length).toBe(1);
  expect(await select([buffered])).toMatchObject({ value: 2 });
});

test("E2: the default is given only when no case is ready, in exactly its shape", async () => {
  const channel = new Channel<number>(1);
  expect(await select([channel], { default: true })).toStrictEqual({
    default: true,
    ok: true,
    channel: undefined,
    value: undefined,
    index: undefined,
  });
  expect(await select({ channel }, { default: true })).toStrictEqual({
    default: true,
    ok: true,
    channel: undefined,
    value: undefined,
    name: undefined,
  });
  channel.trySend(7);
  const r = await select([channel], { default: true });
  expect(r).toStrictEqual({ index: 0, channel, value: 7, ok: true });
  expect(Object.keys(r)).not.toContain("default");
});

test("default: false and undefined are the same as no default", async () => {
  const quiet = new Channel<number>();
  expect(await outcome(select([quiet], { default: false }))).toBe(waiting);
  expect(await outcome(select([quiet], { default: undefined }))).toBe(waiting);
});

test("every optional option may be undefined", async () => {
  const channel = filled(1, 2);
  expect((await select([channel], { default: undefined, signal: undefined, priority: undefined })).value).toBe(1);
  expect(trySelect([channel], { priority: undefined })?.value).toBe(2);
  expect(await outcome(select([channel], undefined))).toBe(waiting);
  expect(trySelect([channel], undefined)).toBeUndefined();
});

test("trySelect gives a result at once, or undefined when no case is ready", () => {
  const channel = filled("x");
  expect(trySelect({ channel })).toStrictEqual({ name: "channel", channel, value: "x", ok: true });
  expect(trySelect({ channel })).toBeUndefined();
  expect(channel.trySend("y")).toBe(true);
  expect(trySelect([channel.caseSend("z")])).toBeUndefined();
  expect(channel.length).toBe(1);
});

test("a losing trySelect leaves nobody behind: no sender, no receiver", () => {
  const a = new Channel<number>();
  const b = new Channel<number>();
  expect(trySelect([a, b.caseSend(1)])).toBeUndefined();
  expect(a.trySend(1)).toBe(false);
  expect(b.tryReceive()).toBeUndefined();
});

test("C7: a receive case on a closed channel is ready, gives the buffered values first, and beats the default", async () => {
  const channel = filled("last");
  const cause = new Error("why");
  channel.close(cause);
  const quiet = new Channel<number>();
  expect(await select([quiet, channel], { default: true })).toEqual({ index: 1, channel, value: "last", ok: true });
  for (let round = 0; round < 3; round += 1) {
    expect(await select([quiet, channel], { default: true })).toEqual({
      index: 1,
      channel,
      value: undefined,
      ok: false,
      cause,
    });
    expect(trySelect([quiet, channel])).toEqual({ index: 1, channel, value: undefined, ok: false, cause });
  }
});

test("select never rejects because a channel it receives from was closed, with or without a cause", async () => {
  for (const cause of [undefined, null, new Error("why")]) {
    const channel = new Channel<number>();
    const parked = select([channel]);
    channel.close(cause);
    expect(await parked).toStrictEqual({ index: 0, channel, value: undefined, ok: false, cause });
    expect(await select({ channel })).toStrictEqual({ name: "channel", channel, value: undefined, ok: false, cause });
  }
});

test("E13: a send case on a closed channel rejects with the value, the channel, the cause and the case", async () => {
  const cause = new Error("why");
  const out = new Channel<string>(3, { name: "out" });
  out.close(cause);
  const error = (await rejection(select([null, out.caseSend("x")]))) as ClosedError;
  expect(errors.is(error, errors.CLOSED)).toBe(true);
  expect(error).toMatchObject({ value: "x", case: 1, cause, retryable: false });
  expect(error.channel).toBe(out);
  expect(() => trySelect([null, out.caseSend("x")])).toThrow(
    expect.objectContaining({ kind: errors.CLOSED, case: 1, value: "x" }),
  );
});

test("E13: in a record the ClosedError says the name of the case", async () => {
  const out = new Channel<string>();
  out.close();
  const error = (await rejection(select({ reply: out.caseSend("x") }))) as ClosedError;
  expect(error).toMatchObject({ case: "reply", name: "ClosedError", value: "x", kind: errors.CLOSED });
});

test("E13: a ClosedError that came from no select has no case", async () => {
  const out = new Channel<string>();
  out.close();
  const error = (await rejection(out.send("x"))) as ClosedError;
  expect(error.name).toBe("ClosedError");
  expect("case" in error).toBe(false);
});

test("E13: a channel that closes under a parked select with a send case rejects it; nothing was taken or sent elsewhere", async () => {
  const out = new Channel<string>();
  const other = new Channel<string>();
  const source = new Channel<number>();
  const parked = select({ source, other: other.caseSend("kept"), out: out.caseSend("x") });
  out.close();
  expect(await rejection(parked)).toMatchObject({ kind: errors.CLOSED, case: "out", value: "x" });
  expect(source.trySend(1)).toBe(false);
  expect(other.tryReceive()).toBeUndefined();
});

test("receivers are woken before senders: a parked select that holds both on a channel that closes gets ok: false", async () => {
  const channel = new Channel<number>();
  const sendFirst = select([channel.caseSend(1), channel]);
  channel.close();
  expect(await sendFirst).toEqual({ index: 1, channel, value: undefined, ok: false });
  const other = new Channel<number>();
  const receiveFirst = select({ in: other, out: other.caseSend(1) });
  const cause = new Error("why");
  other.close(cause);
  expect(await receiveFirst).toEqual({ name: "in", channel: other, value: undefined, ok: false, cause });
});

test("a signal that was aborted before rejects and touches nothing, even when a case is ready", async () => {
  const channel = filled("x");
  const reason = new Error("stop");
  expect(await rejection(select([channel], { signal: AbortSignal.abort(reason) }))).toBe(reason);
  expect(await rejection(select([channel], { signal: AbortSignal.abort(reason), default: true }))).toBe(reason);
  expect(await rejection(select([channel], { signal: AbortSignal.abort(reason), priority: true }))).toBe(reason);
  expect(channel.length).toBe(1);
});

test("H6: one abort ends every case of a parked select, and leaves nothing on any channel", async () => {
  const abort = new AbortController();
  const reason = new Error("stop");
  const sources = Array.from({ length: 3 }, () => new Channel<number>());
  const sinks = Array.from({ length: 3 }, () => new Channel<number>());
  const parked = select([...sources, ...sinks.map((sink) => sink.caseSend(1))], { signal: abort.signal });
  expect(await outcome(parked)).toBe(waiting);
  abort.abort(reason);
  expect(await rejection(parked)).toBe(reason);
  for (const source of sources) expect(source.trySend(1)).toBe(false);
  for (const sink of sinks) expect(sink.tryReceive()).toBeUndefined();
});

test("H4: an abort after the match changes nothing, although the select has not yet run on", async () => {
  const abort = new AbortController();
  const channel = new Channel<string>();
  const received = select([channel], { signal: abort.signal });
  expect(channel.trySend("x")).toBe(true);
  abort.abort();
  expect(await received).toMatchObject({ value: "x", ok: true });

  const again = new AbortController();
  const sent = select([channel.caseSend("y")], { signal: again.signal });
  expect(channel.tryReceive()).toMatchObject({ value: "y" });
  again.abort();
  expect(await sent).toMatchObject({ index: 0, ok: true });
});

test("H11: a signal carries one listener however many selects wait, and none once they are done", async () => {
  const { signal, added, removed } = countingSignal();
  const channels = Array.from({ length: 20 }, () => new Channel<number>());
  const parked = channels.map((channel) => select([channel, channel.caseSend(0)], { signal }));
  expect([added(), removed()]).toEqual([1, 0]);
  for (const channel of channels) channel.trySend(1);
  expect([added(), removed()]).toEqual([1, 1]);
  await Promise.all(parked);
});

test("a select that completes at once adds no listener to its signal", async () => {
  const { signal, added } = countingSignal();
  await select([filled(1)], { signal });
  await select([new Channel<number>()], { signal, default: true });
  expect(added()).toBe(0);
});

function countingSignal(): { signal: AbortSignal; added: () => number; removed: () => number } {
  const { signal } = new AbortController();
  let added = 0;
  let removed = 0;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    added += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    removed += 1;
    remove(...args);
  };
  return { signal, added: () => added, removed: () => removed };
}
