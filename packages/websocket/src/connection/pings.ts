// Pings of ours that wait for their pong. A pong settles its ping and every earlier one (RFC 6455 5.5.3 lets a peer
// answer only the newest), so payloads are numbered and a pong needs no table.

import { randomBytes } from "node:crypto";
import { Channel, SluiceError } from "@sluice/channels";
import { Alarm } from "./alarm.ts";

type Outcome = number | SluiceError;

class Ping {
  readonly number: number;
  readonly sentAt: number;
  readonly outcome: Channel<Outcome> = new Channel<Outcome>(1, { name: "ping" });

  constructor(number: number, sentAt: number) {
    this.number = number;
    this.sentAt = sentAt;
  }
}

/** @internal */
export class Pings {
  // Pongs may come unasked, or from a proxy that mixed up two connections: ours are known by these bytes.
  readonly #prefix: string = randomBytes(6).toString("hex");
  readonly #send: (payload: string) => void;
  readonly #waiting = new Map<number, Ping>(); // in the order they were sent
  #last = 0;
  #poke: Ping | undefined = undefined;
  #roundTrip: number | undefined = undefined;

  constructor(send: (payload: string) => void) {
    this.#send = send;
  }

  /** True while a ping has no answer. */
  get waiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** The latest round-trip time, in milliseconds. */
  get roundTrip(): number | undefined {
    return this.#roundTrip;
  }

  /** Sends a ping and waits for its pong: the round-trip time in milliseconds. */
  async ask(timeout: number | undefined, signal: AbortSignal | undefined, late: () => SluiceError): Promise<number> {
    const ping = this.#begin();
    const alarm = new Alarm(() => void ping.outcome.trySend(late()));
    if (timeout !== undefined) alarm.in(timeout);
    try {
      const { value } = await ping.outcome.receive({ signal });
      if (value instanceof SluiceError) throw value;
      return value ?? 0;
    } finally {
      alarm.clear();
      this.#waiting.delete(ping.number);
    }
  }

  /** Sends a ping that nobody waits for; any byte that comes back is answer enough. */
  poke(): void {
    // A peer that sends data and never pongs must not make these pile up.
    if (this.#poke !== undefined) this.#waiting.delete(this.#poke.number);
    this.#poke = this.#begin();
  }

  /** A pong arrived. */
  answered(payload: Buffer): void {
    const text = payload.toString("latin1");
    const number = Number.parseInt(text.slice(this.#prefix.length), 36);
    if (!(number <= this.#last) || text !== this.#payload(number)) return; // we sent no such ping
    const now = performance.now();
    for (const ping of this.#waiting.values()) {
      if (ping.number > number) return;
      this.#waiting.delete(ping.number);
      this.#roundTrip = now - ping.sentAt;
      ping.outcome.trySend(this.#roundTrip);
    }
  }

  /** No pong will be seen: every ping that waits rejects. */
  fail(reason: () => SluiceError): void {
    if (this.#waiting.size === 0) return;
    const failure = reason();
    for (const ping of this.#waiting.values()) ping.outcome.trySend(failure);
    this.#waiting.clear();
  }

  #begin(): Ping {
    this.#last += 1;
    const ping = new Ping(this.#last, performance.now());
    this.#waiting.set(ping.number, ping);
    this.#send(this.#payload(ping.number));
    return ping;
  }

  #payload(number: number): string {
    return this.#prefix + number.toString(36);
  }
}
