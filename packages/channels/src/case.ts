// What `select` chooses from beside channels themselves: a receive or a send, described.

import { displayBy, displayOf, facts, type Told } from "./display.ts";
import { ClosedError } from "./errors.ts";
import * as protocol from "./protocol.ts";
import {
  enlistSender,
  genuine,
  offered,
  refused,
  subject,
  type Place,
  type Selectable,
  type SendOffer,
  type Sink,
} from "./protocol.ts";
import type { ReceiveChannel, SendChannel } from "./types.ts";

// Constants of this module: an import is looked up at each use, which costs a hot path 15 % (bench: receive-many).
const ready: typeof protocol.ready = protocol.ready;
const commit: typeof protocol.commit = protocol.commit;
const enlist: typeof protocol.enlist = protocol.enlist;
const accepts: typeof protocol.accepts = protocol.accepts;
const put: typeof protocol.put = protocol.put;

/** @internal A receive, described for `select`. */
export class Intake implements Selectable {
  readonly #source: Selectable;

  constructor(source: Selectable) {
    this.#source = source;
  }

  static [genuine](value: object): value is Intake {
    return #source in value;
  }

  get [Symbol.toStringTag](): string {
    return "ReceiveCase";
  }

  static {
    displayBy(this.prototype);
  }

  /** @internal */
  [facts](): readonly (string | false)[] {
    return [displayOf(this.#source as unknown as Told)];
  }

  get channel(): ReceiveChannel<unknown> {
    return this.#source as unknown as ReceiveChannel<unknown>;
  }

  get [subject](): object {
    return this.#source;
  }

  [ready](): boolean {
    return this.#source[ready]();
  }

  [commit](key: number | string): { readonly value: unknown; readonly ok: boolean } | undefined {
    return this.#source[commit](key);
  }

  [enlist](place: Place): void {
    this.#source[enlist](place);
  }
}

/** @internal A send, described for `select`. */
export class Offer<T> implements SendOffer {
  readonly #channel: Sink<T> & SendChannel<T>;
  readonly #value: T;

  constructor(channel: Sink<T> & SendChannel<T>, value: T) {
    this.#channel = channel;
    this.#value = value;
  }

  static [genuine](value: object): value is Offer<unknown> {
    return #channel in value;
  }

  get [Symbol.toStringTag](): string {
    return "SendCase";
  }

  static {
    displayBy(this.prototype);
  }

  /** @internal */
  [facts](): readonly (string | false)[] {
    return [displayOf(this.#channel as unknown as Told)];
  }

  get channel(): SendChannel<T> {
    return this.#channel;
  }

  get [subject](): object {
    return this.#channel;
  }

  get [offered](): unknown {
    return this.#value;
  }

  [ready](): boolean {
    return this.#channel[accepts]();
  }

  [commit](key: number | string): { value: undefined; ok: true } {
    this.#channel[put](this.#value, key);
    return { value: undefined, ok: true };
  }

  [enlist](place: Place): void {
    place.offer = this;
    this.#channel[enlistSender](place);
  }

  [refused](key: number | string): ClosedError {
    return new ClosedError(this.#value, this.#channel, key);
  }
}
