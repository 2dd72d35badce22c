// The link: dials, sets up, follows one connection to its end, and judges what comes next; one loop, one connection at
// a time. What stops it (close, terminate, the signal) settles everything in the same turn: the loop finds out later and
// ends whatever it still had under way.

import {
  Channel,
  type Duration,
  errors,
  type ReceiveChannel,
  select,
  type SignalOptions,
  SluiceError,
  time,
} from "@sluice/channels";
import { Latest, type ReadonlyLatest } from "@sluice/channels/broadcast";
import { onAbort, random, settle } from "@sluice/channels/source";
import type { CloseInfo } from "../errors.ts";
import { CLOSE_CODES, type MessageType } from "../protocol/constants.ts";
import type { Data } from "../protocol/message.ts";
import type {
  Attempt,
  Connection,
  EpochMessage,
  Failure,
  LinkClosed,
  LinkPingOptions,
  LinkState,
  Reconnecting,
} from "./contract.ts";
import { Feed } from "./feed.ts";
import { backoff, isSluiceError, retryAfterOf } from "./retry.ts";

/** @internal `LinkOptions`, checked and complete: milliseconds, `undefined` for what is off. */
export interface LinkSettings<C> {
  readonly name: string;
  readonly dial: (attempt: Attempt, life: Life) => Promise<C>;
  readonly setup: ((client: C, attempt: Attempt) => unknown) | undefined;
  readonly setupTimeout: number | undefined;
  readonly retry: (failure: Failure) => boolean | Duration;
  readonly from: number;
  readonly to: number;
  readonly stableAfter: number;
  readonly attempts: number;
  readonly signal: AbortSignal | undefined;
  /** Throws INVALID for what a close frame cannot say. */
  readonly checkClose: (code: unknown, reason: unknown) => void;
}

/** @internal Something that keeps the process alive unless it is told not to. */
export interface Holding {
  unref(): void;
}

/** @internal Whether what is made for a link may keep the process alive; what is made now is told when that changes. */
export interface Life {
  hold(holding: Holding): void;
}

/** How a promise settled. */
type Settlement<T> = { readonly value: T } | { readonly error: unknown };

/** @internal */
export class Link<C extends Connection> implements Reconnecting<C>, Life {
  readonly #settings: LinkSettings<C>;
  readonly #feed: Feed;
  readonly #state: Latest<LinkState<C>>;
  readonly #orders: Channel<"again">;
  readonly #closed: Promise<LinkClosed>;
  #settleClosed!: (closed: LinkClosed) => void;
  #over = false;
  #cause: unknown = undefined;
  #epochs = 0;
  #failures = 0;
  #failure: Failure | undefined = undefined;
  #info: CloseInfo | undefined = undefined;
  /** The connection that is open or in `setup`. */
  #client: C | undefined = undefined;
  #dialling: AbortController | undefined = undefined;
  #referenced = true;
  #holding: Holding | undefined = undefined;

  constructor(settings: LinkSettings<C>) {
    this.#settings = settings;
    this.#feed = new Feed(settings.name);
    this.#orders = new Channel({ name: `reconnect ${settings.name}` });
    this.#state = new Latest<LinkState<C>>(
      { state: "connecting", epoch: 1, failures: 0 },
      { name: `state of ${settings.name}` },
    );
    this.#closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    const { signal } = settings;
    if (signal?.aborted) {
      this.#finish(signal.reason);
      return;
    }
    if (signal !== undefined) this.#obey(signal);
    void this.#run();
  }

  get state(): ReadonlyLatest<LinkState<C>> {
    return this.#state;
  }

  get closed(): Promise<LinkClosed> {
    return this.#closed;
  }

  channel(): ReceiveChannel<EpochMessage> {
    return this.#feed;
  }

  [Symbol.asyncIterator](): AsyncIterator<EpochMessage, undefined, undefined> {
    return this.#feed[Symbol.asyncIterator]();
  }

  async client(options?: SignalOptions): Promise<C> {
    const settled = await this.#state.until((now) => now.state === "open" || now.state === "closed", options);
    if (settled.state === "open") return settled.client;
    throw this.#ended("wait for a connection");
  }

  async send(
    data: Data,
    options: { readonly type?: MessageType | undefined; readonly epoch?: number | undefined } = {},
  ): Promise<number> {
    const { type, epoch } = options;
    const client = this.#usable("send", epoch);
    const sentOn = this.#epochs;
    try {
      await client.send(data, type);
    } catch (error) {
      if (!isSluiceError(error) || errors.is(error, errors.INVALID)) throw error;
      throw this.#down("the connection ended before the message was accepted", error);
    }
    return sentOn;
  }

  async ping(options?: LinkPingOptions): Promise<number | undefined> {
    const client = this.#usable("ping", undefined);
    return client.ping?.(options);
  }

  retryNow(): void {
    if (this.#over || this.#client !== undefined) return;
    const dialling = this.#dialling;
    if (this.#orders.trySend("again")) dialling?.abort(canceled("`retryNow` gave this dial up"));
  }

  restart(): void {
    const { value: now } = this.#state;
    if (now.state !== "open") this.retryNow();
    else if (this.#orders.trySend("again")) void now.client.close(CLOSE_CODES.NORMAL).catch(ignored);
  }

  async close(code: number = CLOSE_CODES.NORMAL, reason = ""): Promise<void> {
    this.#settings.checkClose(code, reason);
    this.#stop(undefined, (client) => void client.close(code, reason).catch(ignored));
    await this.#closed;
  }

  terminate(): void {
    this.#stop(undefined, (client) => client.terminate());
  }

  unref(): void {
    this.#referenced = false;
    this.#holding?.unref();
    this.#client?.unref?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  hold(holding: Holding): void {
    this.#holding = holding;
    if (!this.#referenced) holding.unref();
  }

  // Who has stopped it leaves nothing to wait for: the loop sees `#over` and goes.
  async #run(): Promise<void> {
    try {
      while (!this.#isOver()) {
        const failure = await this.#connection();
        if (failure !== undefined && !this.#isOver()) await this.#judge(failure);
      }
    } catch (mistake) {
      this.#finish(mistake ?? new SluiceError(errors.INTERNAL, `A hook of the link to ${this.#name} threw nothing`));
    }
  }

  /** One try, and what it leads to: its failure, or undefined where the next one follows at once. */
  async #connection(): Promise<Failure | undefined> {
    const dialling = new AbortController();
    const attempt: Attempt = { epoch: this.#epochs + 1, failures: this.#failures, signal: dialling.signal };
    this.#tellConnecting(attempt);
    while (this.#feed.full) await select([this.#feed.room, this.#orders]);
    if (this.#over) return undefined;
    this.#dialling = dialling;
    const dialled = await this.#dial(attempt);
    this.#dialling = this.#holding = undefined;
    if (dialled === undefined) return undefined;
    if ("error" in dialled) {
      if (!isSluiceError(dialled.error)) throw dialled.error;
      return this.#failed({ phase: "dial", error: dialled.error, epoch: attempt.epoch });
    }
    return this.#follow(this.#checked(dialled.value), attempt);
  }

  async #dial(attempt: Attempt): Promise<Settlement<C> | undefined> {
    const dial = (async () => this.#settings.dial(attempt, this))();
    const { name, value } = await select({ dialled: settlementOf(dial), order: this.#orders });
    if (name === "dialled" && !this.#over) return value;
    dial.then((late) => late.terminate()).catch(ignored);
    return undefined;
  }

  async #follow(client: C, attempt: Attempt): Promise<Failure | undefined> {
    const { epoch } = attempt;
    const ended = this.#watch(client);
    const failure = await this.#setUp(client, attempt, ended);
    if (failure !== undefined || this.#over) return failure;
    const stable = time.after(this.#settings.stableAfter);
    this.#epochs = epoch;
    this.#feed.add(client.channel(), epoch);
    this.#state.value = { state: "open", epoch, client };
    const { name, value: info } = await select({ ended, order: this.#orders }, { priority: true });
    this.#letGo(client);
    if (stable.tryReceive() !== undefined) this.#failures = 0;
    if (name === "order") return undefined;
    return this.#failed({ phase: "open", error: info?.error, info, epoch, client });
  }

  async #setUp(client: C, attempt: Attempt, ended: ReceiveChannel<CloseInfo>): Promise<Failure | undefined> {
    const { setup, setupTimeout } = this.#settings;
    if (setup === undefined) return undefined;
    const done = settlementOf((async () => setup(client, attempt))());
    const late = setupTimeout !== undefined && time.after(setupTimeout);
    const r = await select({ done, ended, late, order: this.#orders }, { priority: true });
    if (this.#over || (r.name === "done" && r.ok && "value" in r.value)) return undefined;
    const failure = { phase: "setup", epoch: attempt.epoch, client } as const;
    const hasEnded = r.name === "ended" || (r.name === "done" && client.channel().closed);
    if (hasEnded) {
      // What the hook made of the end of its connection is not its own failure.
      const info = r.name === "ended" ? r.value : (await this.#untilEnded(ended)).value;
      this.#letGo(client);
      return info === undefined ? undefined : this.#failed({ ...failure, error: info.error, info });
    }
    this.#letGo(client);
    if (r.name === "late") {
      client.terminate();
      const what = `\`setup\` of ${this.#name} did not finish within \`setupTimeout\``;
      return this.#failed({ ...failure, error: new SluiceError(errors.TIMEOUT, what, { retryable: true }) });
    }
    client.close(CLOSE_CODES.NORMAL).catch(ignored);
    const { error } = r.value as { readonly error: unknown };
    if (!isSluiceError(error)) throw error;
    return this.#failed({ ...failure, error });
  }

  async #untilEnded(ended: ReceiveChannel<CloseInfo>): Promise<{ readonly value: CloseInfo | undefined }> {
    const { name, value } = await select({ ended, order: this.#orders }, { priority: true });
    return { value: name === "ended" ? value : undefined };
  }

  // A method: what a loop knew of the field before it awaited is not true behind it.
  #isOver(): boolean {
    return this.#over;
  }

  async #judge(failure: Failure): Promise<void> {
    this.#failure = failure;
    const { retry, attempts } = this.#settings;
    const answer: unknown = retry(failure);
    if (answer === false || failure.failures >= attempts) {
      this.#finish(failure.error ?? this.#unfinished(failure));
      return;
    }
    const wait = this.#waitOf(answer, failure);
    this.#state.value = { state: "waiting", epoch: failure.epoch, failure, until: fromNow(wait) };
    const pause = time.ticker(Math.max(wait, time.NANOSECOND), { ref: this.#referenced });
    this.hold(pause);
    await select([pause.channel(), this.#orders]);
    this.#holding = undefined;
    pause.stop();
  }

  #waitOf(answer: unknown, { error, failures }: Failure): number {
    if (typeof answer === "number" || typeof answer === "string") return Math.max(0, time.parseDuration(answer));
    if (answer !== true)
      throw new TypeError(`Expected \`retry\` to give a boolean or a duration, got \`${typeof answer}\``);
    const { from, to } = this.#settings;
    return retryAfterOf(error) + backoff(failures, from, to, random);
  }

  #tellConnecting({ epoch, failures }: Attempt): void {
    const { value: now } = this.#state;
    if (now.state !== "connecting") this.#state.value = { state: "connecting", epoch, failures };
  }

  #checked(client: C): C {
    if (typeof (client as C | undefined)?.channel === "function") return client;
    throw new TypeError("Expected `target` to give a client, as `connect` does");
  }

  /** Gives a channel for the one value that is told when the connection has ended. */
  #watch(client: C): ReceiveChannel<CloseInfo> {
    this.#client = client;
    if (!this.#referenced) client.unref?.();
    const ended = new Channel<CloseInfo>(1, { name: `the end of ${this.#name}` });
    const tell = async (): Promise<void> => {
      this.#info = await client.closed;
      ended.trySend(this.#info);
    };
    void tell();
    return ended;
  }

  #letGo(client: C): void {
    if (this.#client === client) this.#client = undefined;
  }

  #failed({ phase, epoch, error, info, client }: FailureParts<C>): Failure {
    this.#failures += 1;
    const unsent = client?.stats.messagesUnsent ?? 0;
    return { phase, error, info, failures: this.#failures, epoch, unsent };
  }

  // 1000 means that the peer is done; a link that gives up after any other end must not look finished.
  #unfinished({ info }: Failure): SluiceError | undefined {
    if (info === undefined || info.code === CLOSE_CODES.NORMAL) return undefined;
    const { code, reason } = info;
    return new SluiceError(errors.UNAVAILABLE, `The peer closed the connection to ${this.#name} with code ${code}`, {
      details: { code, reason },
    });
  }

  #obey(signal: AbortSignal): void {
    const forget = onAbort(signal, () => {
      this.#stop(signal.reason, (client) => void client.close(CLOSE_CODES.GOING_AWAY).catch(ignored));
    });
    void this.#closed.then(forget);
  }

  #stop(cause: unknown, end: (client: C) => void): void {
    if (this.#over) return;
    if (this.#client !== undefined) end(this.#client);
    this.#finish(cause);
  }

  #finish(cause: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#cause = cause;
    this.#orders.close();
    this.#dialling?.abort(canceled("The link was ended"));
    this.#feed.finish(cause);
    this.#state.value = { state: "closed", epoch: this.#epochs, failure: this.#failure };
    this.#state.close(cause);
    const settled = (): void => settle(this.#settleClosed, { epochs: this.#epochs, error: cause, info: this.#info });
    if (this.#client === undefined) settled();
    else void this.#client.closed.then(settled);
  }

  get #name(): string {
    return this.#settings.name;
  }

  #usable(operation: string, epoch: number | undefined): C {
    if (this.#over) throw this.#ended(operation);
    const { value: now } = this.#state;
    if (epoch !== undefined && (now.state !== "open" || epoch !== this.#epochs)) {
      const is = now.state === "open" ? `epoch ${this.#epochs} is open` : "no connection is open";
      throw new SluiceError(errors.CONFLICT, `Cannot ${operation} on epoch ${epoch} of ${this.#name}: ${is}`, {
        details: { epoch, open: now.state === "open" ? this.#epochs : undefined },
      });
    }
    if (now.state !== "open") throw this.#down(`it is ${now.state}`);
    return now.client;
  }

  #down(why: string, cause?: unknown): SluiceError {
    return new SluiceError(errors.UNAVAILABLE, `No connection to ${this.#name}: ${why}`, { retryable: true, cause });
  }

  #ended(operation: string): unknown {
    if (this.#cause !== undefined) return this.#cause;
    const details = { epochs: this.#epochs, ...this.#info };
    return new SluiceError(errors.INTERNAL, `Cannot ${operation}: the link to ${this.#name} was used after close`, {
      details,
    });
  }
}

interface FailureParts<C> {
  readonly phase: Failure["phase"];
  readonly epoch: number;
  readonly error: unknown;
  readonly info?: CloseInfo | undefined;
  readonly client?: C | undefined;
}

// A promise as something that `select` can wait for.
function settlementOf<T>(promise: Promise<T>): ReceiveChannel<Settlement<T>> {
  const settlement = new Channel<Settlement<T>>(1);
  promise.then(
    (value) => settlement.trySend({ value }),
    (error: unknown) => settlement.trySend({ error }),
  );
  return settlement;
}

function canceled(what: string): SluiceError {
  return new SluiceError(errors.CANCELED, what);
}

// By the clock that decides, virtual time included: a timer that is due says when.
function fromNow(milliseconds: number): Date {
  const now = time.after(0).tryReceive()?.value as Date;
  return new Date(now.getTime() + milliseconds);
}

function ignored(): void {
  // what happens to a connection that was let go is nobody's business
}
