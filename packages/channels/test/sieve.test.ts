// Two prime sieves: a chain of filters, and a merge of multiples whose proxy grows without bound.

import { Channel, type ReceiveChannel, select, type SendChannel } from "@sluice/channels";
import { expect, test } from "vitest";
import { upTo } from "./values.ts";

const PRIMES = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97];

async function received<T>(channel: ReceiveChannel<T>): Promise<T> {
  const { ok, value } = await channel.receive();
  if (!ok) throw new Error("Expected a value");
  return value;
}

async function count(to: SendChannel<number>): Promise<void> {
  for (let i = 2; ; i += 1) await to.send(i);
}

async function filter(from: ReceiveChannel<number>, to: SendChannel<number>, prime: number): Promise<void> {
  for await (const i of from) if (i % prime !== 0) await to.send(i);
}

test("K1: a chain of filters over rendezvous channels sieves the first 25 primes", async () => {
  let end = new Channel<number>();
  void count(end);
  const primes: number[] = [];
  for (const _ of PRIMES) {
    const prime = await received(end);
    primes.push(prime);
    const next = new Channel<number>();
    void filter(end, next, prime);
    end = next;
  }
  expect(primes).toEqual(PRIMES);
});

/** The multiples of a prime from its square on, as they are asked for. */
function multiplesOf(prime: number): ReceiveChannel<number> {
  const channel = new Channel<number>();
  const feed = async (): Promise<void> => {
    for (let multiple = prime * prime; ; multiple += prime) await channel.send(multiple);
  };
  void feed();
  return channel;
}

/** All composites in order, each once: a merge of the multiples of every prime that comes in. */
function composites(primes: ReceiveChannel<number>): ReceiveChannel<number> {
  const channel = new Channel<number>();
  const feed = async (): Promise<void> => {
    const heads: { value: number; from: ReceiveChannel<number> }[] = [];
    let nextPrime = await received(primes);
    for (;;) {
      // The multiples of a prime begin with its square: no earlier need its channel be looked at.
      const least = Math.min(...heads.map(({ value }) => value));
      if (nextPrime * nextPrime <= least) {
        const from = multiplesOf(nextPrime);
        heads.push({ from, value: await received(from) });
        nextPrime = await received(primes);
        continue;
      }
      await channel.send(least);
      for (const head of heads) while (head.value === least) head.value = await received(head.from);
    }
  };
  void feed();
  return channel;
}

/** Passes values on through a queue without bound, so that a loop of tasks cannot wait for itself. */
function proxy(from: ReceiveChannel<number>): ReceiveChannel<number> {
  const to = new Channel<number>();
  const pass = async (): Promise<void> => {
    const queue: number[] = [];
    for (;;) {
      // A case is switched off while it makes no sense: Go's nil channel.
      const [first] = queue;
      const r = await select({ from, to: first !== undefined && to.caseSend(first) });
      if (r.name === "to") queue.shift();
      else if (r.ok) queue.push(r.value);
    }
  };
  void pass();
  return to;
}

test("K2, D2: a merge of multiples that is fed its own output through a growing proxy sieves 200 primes", async () => {
  const out = new Channel<number>();
  const fed = new Channel<number>();
  const sieve = async (): Promise<void> => {
    const isNot = composites(proxy(fed));
    const emit = async (prime: number): Promise<void> => {
      await out.send(prime);
      await fed.send(prime);
    };
    for (const prime of [2, 3]) await emit(prime);
    let composite = await received(isNot);
    for (let i = 4; ; i += 1) {
      while (composite < i) composite = await received(isNot);
      if (composite !== i) await emit(i);
    }
  };
  void sieve();
  const primes: number[] = [];
  for (const _ of upTo(200)) primes.push(await received(out));
  expect(primes.slice(0, 25)).toEqual(PRIMES);
  expect(primes.at(-1)).toBe(1223);
});
