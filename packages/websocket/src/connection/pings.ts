// Pings of ours that wait for their pong. A pong settles its ping and every earlier one (RFC 6455 5.5.3 lets a peer
// answer only the newest), so payloads are numbered and a pong needs no table.

import { randomBytes } from "node:crypto";
import { Channel, SluiceError } from "@sluice/channels";
import { Alarm } from "./alarm.ts";
import { type Departures, Patience, stretched } from "./departures.ts";

type Outcome = number | undefined | SluiceError;

/**
 * @internal The wait for an answer to a ping. It begins when the ping has left: before that it stands behind messages of
 * ours, and the peer is not late as long as those leave. Behind many that have left it has more time, too.
 */
export class Answer {
  readonly #departures: Departures;
  readonly #limit: number;
  readonly #patience: Patience;
  #leftAt: number | undefined = undefined;
  #behind = 0;
  #onDeparture: (() => void) | undefined = undefined;

  constructor(departures: Departures, limit: number) {
    this.#departures = departures;
    this.#limit = limit;
    this.#patience = new Patience(departures, limit);
  }

  /** True once the ping is with the system. */
  get departed(): boolean {
    return this.#leftAt !== undefined;
  }

  /** The ping has left. */
  depart(): void {
    this.#behind = this.#departures.backlog();
    this.#leftAt = performance.now();
    this.#onDeparture?.();
  }

  /** Calls back when the ping has left, since the time of the next look is another then. */
  listen(onDeparture: () => void): void {
    this.#onDeparture = onDeparture;
  }

  /** Milliseconds until the answer is overdue; none is left when it is. */
  left(): number {
    if (this.#leftAt === undefined) return this.#patience.left();
    return this.#leftAt + stretched(this.#limit, this.#behind) - performance.now();
  }

  /** Milliseconds until the next look. */
  nextLook(): number {
    return this.#leftAt === undefined ? this.#patience.nextLook() : this.left();
  }
}

class Ping {
  readonly number: number;
  readonly sentAt: number;
  /** What had been written before. */
  readonly written: number;
  readonly answer: Answer;
  readonly outcome: Channel<Outcome> = new Channel<Outcome>(1, { name: "ping" });

  constructor(number: number, written: number, answer: Answer) {
    this.number = number;
    this.sentAt = performance.now();
    this.written = written;
    this.answer = answer;
  }
}

/** @internal */
export class Pings {
  // Pongs may come unasked, or from a proxy that mixed up two connections: ours are known by these bytes.
  #prefix = "";
  readonly #send: (payload: string, departed: () => void) => void;
  readonly #departures: Departures;
  readonly #waiting = new Map<number, Ping>(); // in the order they were sent
  #last = 0;
  #poke: Ping | undefined = undefined;
  #roundTrip: number | undefined = undefined;

  constructor(departures: Departures, send: (payload: string, departed: () => void) => void) {
    this.#departures = departures;
    this.#send = send;
  }

  /** The latest round-trip time, in milliseconds. */
  get roundTrip(): number | undefined {
    return this.#roundTrip;
  }

  /**
   * Sends a ping and waits for its pong: the round-trip time in milliseconds, or undefined when reading pauses before.
   *
   * @param late what it rejects with when the answer is overdue; is told whether the ping has left.
   */
  async ask(
    limit: number | undefined,
    signal: AbortSignal | undefined,
    late: (departed: boolean) => SluiceError,
  ): Promise<number | undefined> {
    const ping = this.#begin(limit ?? Infinity);
    const { answer, outcome } = ping;
    const alarm = new Alarm(() => {
      if (answer.left() > 0) alarm.in(answer.nextLook());
      else outcome.trySend(late(answer.departed));
    });
    if (limit !== undefined) {
      alarm.in(answer.nextLook());
      answer.listen(() => alarm.in(answer.nextLook()));
    }
    try {
      const { value } = await outcome.receive({ signal });
      if (value instanceof SluiceError) throw value;
      return value;
    } finally {
      answer.listen(() => undefined);
      alarm.clear();
      this.#waiting.delete(ping.number);
    }
  }

  /** Sends a ping that nobody waits for by its number: any byte that comes back is answer enough. */
  poke(limit = Infinity): Answer {
    // A peer that sends data and never pongs must not make these pile up.
    if (this.#poke !== undefined) this.#waiting.delete(this.#poke.number);
    this.#poke = this.#begin(limit);
    return this.#poke.answer;
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
      this.#departures.read(ping.written);
      this.#roundTrip = now - ping.sentAt;
      ping.outcome.trySend(this.#roundTrip);
    }
  }

  /** No pong will be seen for now: every ping that waits is settled without one. */
  pause(): void {
    this.#settle(undefined);
  }

  /** No pong will be seen any more: every ping that waits rejects. */
  fail(reason: () => SluiceError): void {
    if (this.#waiting.size > 0) this.#settle(reason());
  }

  #settle(outcome: Outcome): void {
    for (const ping of this.#waiting.values()) ping.outcome.trySend(outcome);
    this.#waiting.clear();
  }

  #begin(limit: number): Ping {
    if (this.#prefix === "") this.#prefix = randomBytes(6).toString("hex");
    this.#last += 1;
    const ping = new Ping(this.#last, this.#departures.written, new Answer(this.#departures, limit));
    this.#waiting.set(ping.number, ping);
    this.#send(this.#payload(ping.number), () => ping.answer.depart());
    return ping;
  }

  #payload(number: number): string {
    return this.#prefix + number.toString(36);
  }
}
