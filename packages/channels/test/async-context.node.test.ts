// Node's async contexts (`AsyncLocalStorage`): one host timer serves everybody, and belongs to nobody's context.

import { Channel, select, time } from "@sluice/channels";
import { AsyncLocalStorage } from "node:async_hooks";
import { expect, test } from "vitest";

const requests = new AsyncLocalStorage<object>();

/** True once nothing but the reference holds it; a background job of the engine may take a while to let go. */
async function isGarbage(reference: WeakRef<object>): Promise<boolean> {
  for (let i = 0; i < 50 && reference.deref() !== undefined; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    globalThis.gc?.();
  }
  return reference.deref() === undefined;
}

async function finishedRequest(serve: () => Promise<unknown>): Promise<WeakRef<object>> {
  const request = { entities: Array.from({ length: 1000 }, (_, i) => i) };
  await requests.run(request, serve);
  return new WeakRef(request);
}

test("the context of a request that is over is garbage, though the timer that it armed serves others still", async () => {
  const aborted = new AbortController();
  const background = time.sleep("24h", aborted);
  const request = await finishedRequest(async () => {
    const reply = new Channel<string>(1);
    setImmediate(() => reply.trySend("done"));
    await select([reply, time.after("1h")]);
  });
  expect(await isGarbage(request)).toBe(true);
  aborted.abort();
  await expect(background).rejects.toBeDefined();
});

test("each receiver of a timer goes on in its own context, whoever armed the host's timer", async () => {
  const seen = new Map<number, unknown>(); // by duration: which one is over first is the machine's business
  const sleep = async (duration: number): Promise<void> => {
    await time.sleep(duration);
    seen.set(duration, requests.getStore());
  };
  await Promise.all([
    requests.run({ request: 1 }, () => sleep(3)),
    requests.run({ request: 2 }, () => sleep(1)),
    sleep(2),
    requests.run({ request: 3 }, () => sleep(4)),
  ]);
  expect([1, 2, 3, 4].map((duration) => seen.get(duration))).toEqual([
    { request: 2 },
    undefined,
    { request: 1 },
    { request: 3 },
  ]);
});
