// One tells many: a message is committed for all members at one instant, and written for each with the others of its turn.
/// <reference lib="esnext.disposable" preserve="true" />

import { errors, type ReceiveChannel, SluiceError } from "@sluice/channels";
import { rejected } from "@sluice/channels/source";
import { Alarm } from "../connection/alarm.ts";
import { Batch } from "../connection/batch.ts";
import { Client, outgoing } from "../connection/client.ts";
import { content, type Parcel, parcelOf, type Prepared } from "../connection/parcel.ts";
import { flushAtExit, type Holding, holding, nextTurn } from "../connection/turns.ts";
import { invalid } from "../errors.ts";
import type { MessageType } from "../protocol/constants.ts";
import type { Data } from "../protocol/message.ts";
import { Member, type Membership } from "./member.ts";
import { checkTopic, type TopicOptions, type TopicSettings } from "./options.ts";
import { Posting, type Published } from "./posting.ts";
import { ask, shut, type SlowClient, SlowClients, tell } from "./slow-clients.ts";

const REASON = "slow";

/**
 * Tells many clients: what is published reaches every member, all in the same order, and no slow one holds up the others
 * unless it is told to.
 *
 * A message is framed once, compressed once for all who agreed on no context takeover, and written once for each client
 * together with whatever else was published in the same turn of the event loop. A client that closes leaves by itself.
 *
 * @throws SluiceError of kind INVALID for a bad option.
 *
 * @example
 * import { connect, listen, Topic } from "@sluice/websocket";
 *
 * await using server = await listen();
 * using prices = new Topic({ slow: "drop-oldest", limit: { messages: 64 } });
 * const ann = await connect(server.url);
 * const bob = await connect(server.url);
 * for (let i = 0; i < 2; i += 1) {
 *   const { value } = await server.connections().receive();
 *   if (value !== undefined) prices.add(value.client);
 * }
 * const { queued, dropped } = await prices.publish("101.5");
 * console.log(queued, dropped); // → 2 0
 * for (const client of [ann, bob]) {
 *   const { value } = await client.channel().receive();
 *   console.log(value?.data);
 * }
 * // → 101.5
 * // → 101.5
 */
export class Topic implements Disposable {
  readonly #settings: TopicSettings;
  readonly #members = new Map<Client, Member>();
  /** Members with messages in their lines. */
  readonly #behind = new Set<Member>();
  readonly #slow: SlowClients;
  readonly #membership: Membership;
  readonly #alarm: Alarm | undefined;
  readonly #held: Holding = { flush: () => this.#flush() };
  #batch = new Batch();
  #postings: Posting[] = [];
  #untold = 0; // from this one on
  #turning = false;
  #disposed = false;

  /** Makes a topic that nobody has joined. */
  constructor(options: TopicOptions = {}) {
    this.#settings = checkTopic(options);
    this.#slow = new SlowClients(this.#settings.name);
    this.#membership = {
      take: (member) => this.#take(member),
      lost: (member) => this.#remove(member),
      caughtUp: (member) => this.#behind.delete(member),
    };
    if (this.#settings.gather !== undefined) this.#alarm = new Alarm(() => this.#flush());
    flushAtExit();
  }

  /** How many clients it has. One that closes is no longer among them. */
  get size(): number {
    return this.#members.size;
  }

  /**
   * One event for each client that was disconnected or had to drop: what happened to it while nobody received is summed
   * up. The same channel every time; it closes with the topic. Until it is asked for it keeps the newest 1,000 clients.
   */
  get slow(): ReceiveChannel<SlowClient> {
    this.#slow[ask]();
    return this.#slow;
  }

  /**
   * Makes a client a member: it gets what is published from now on. One that is closed, or that is a member, stays what
   * it is, and so does everyone once the topic is disposed.
   *
   * @throws SluiceError of kind INVALID for what is no client.
   */
  add(client: Client): void {
    if (!(client instanceof Client)) throw invalid("client", "a client of `connect` or of a server", client);
    const line = client[outgoing];
    if (this.#disposed || !line.open || this.#members.has(client)) return;
    const { limit } = this.#settings;
    const member = new Member(client, line, this.#postings.length, limit, this.#membership);
    this.#members.set(client, member);
    line.join(member);
  }

  /** Lets a client go; false when it was no member. What was published before still reaches it. */
  delete(client: Client): boolean {
    const member = this.#members.get(client);
    if (member === undefined) return false;
    this.#take(member);
    this.#dismiss(member);
    return true;
  }

  /**
   * Publishes a message to every member: a string as text, bytes as binary, unless `type` (`TEXT`, `BINARY`) says
   * otherwise. The bytes are taken at the call.
   *
   * Resolves when it is queued for every client: after the write of this turn was tried, since only that tells who is
   * behind; or, with `gather`, when the turn is over. With "block" it waits until no client is slow. `queued` and
   * `disconnected` are all members of that instant, and `dropped` are messages, this one or older ones.
   *
   * @throws SluiceError, as a rejection: CLOSED when the topic was disposed; INVALID for a wrong `type`, for bytes sent
   * as text that are not UTF-8, and for a `key` that gives no string. TypeError for anything but text and bytes.
   */
  publish(data: Data | Prepared, type?: MessageType): Promise<Published> {
    try {
      if (this.#disposed) throw new SluiceError(errors.CLOSED, `Cannot publish: ${this.#words} is closed`);
      const parcel = parcelOf(data, type);
      const key = this.#keyOf(parcel);
      return new Promise((resolve) => {
        this.#commit(new Posting(parcel, { key, members: this.#members.size, resolve }));
      });
    } catch (mistake) {
      return rejected(mistake);
    }
  }

  /**
   * Lets go of every member, after what was published, and closes `slow`. The clients stay open.
   */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#flush();
    this.#disposed = true;
    for (const member of this.#members.values()) this.#dismiss(member);
    this.#slow[shut]();
  }

  get #words(): string {
    const { name } = this.#settings;
    return name === undefined ? "the topic" : `the topic "${name}"`;
  }

  #keyOf(parcel: Parcel): string | undefined {
    const key = this.#settings.key?.(parcel[content]);
    if (typeof key === "string" || this.#settings.key === undefined) return key as string | undefined;
    throw invalid("key", "a function that gives a string", key);
  }

  #commit(posting: Posting): void {
    this.#batch.parcels.push(posting.parcel);
    this.#postings.push(posting);
    holding.add(this.#held);
    const { gather } = this.#settings;
    if (gather !== undefined && this.#alarm?.set === false) this.#alarm.in(gather);
    if (this.#turning) return;
    this.#turning = true;
    nextTurn(this.#turned);
  }

  // Who is not behind waits for the others of its time; for who is, it is known what a write would come to.
  readonly #turned = (): void => {
    this.#turning = false;
    if (this.#alarm === undefined) {
      this.#flush();
    } else {
      for (const member of this.#behind) this.#take(member);
      this.#tell();
    }
  };

  #flush(): void {
    holding.delete(this.#held);
    this.#alarm?.clear();
    if (this.#postings.length === 0) return;
    this.#batch.seal();
    for (const member of this.#members.values()) this.#take(member);
    this.#tell();
    this.#batch = new Batch();
    this.#postings = [];
    this.#untold = 0;
    for (const member of this.#members.values()) member.cursor = 0;
  }

  #tell(): void {
    const postings = this.#postings;
    for (; this.#untold < postings.length; this.#untold += 1) postings[this.#untold]?.tell();
  }

  // What there is no room for is put into the client's line; and only then it is judged, one message after the other as
  // they were published. What was told already is not changed any more: the next message is judged for it.
  #take(member: Member): void {
    const postings = this.#postings;
    const { cursor } = member;
    if (cursor >= postings.length) return;
    member.cursor = postings.length;
    const { limit } = this.#settings;
    const rest = postings.slice(member.outgoing.pour(this.#batch, cursor, limit.bytes));
    for (const [i, posting] of rest.entries()) {
      const { parcel, key, told } = posting;
      const replaced = told || key === undefined ? 0 : member.replace(key);
      member.append(parcel, key);
      this.#behind.add(member);
      if (told || this.#judge(member, posting, replaced)) continue;
      // It is no member any more when the others were published.
      for (const later of rest.slice(i + 1)) later.members -= 1;
      return;
    }
  }

  /** Does what is to be done with a member that is behind; false when it was disconnected. */
  #judge(member: Member, posting: Posting, replaced: number): boolean {
    const { slow: policy } = this.#settings;
    const { client } = member;
    const disconnects = policy === "disconnect" && member.slow;
    const dropped = replaced + (policy === "drop-oldest" ? member.dropOldest() : 0);
    posting.dropped += dropped;
    if (disconnects) posting.disconnected += 1;
    if (dropped > 0 || disconnects) this.#slow[tell]({ client, dropped, disconnected: disconnects });
    if (policy === "block" && member.slow) member.hold(posting);
    if (disconnects) this.#disconnect(member);
    return !disconnects;
  }

  #disconnect(member: Member): void {
    member.clear();
    this.#dismiss(member);
    void member.client.close(this.#settings.code, REASON);
  }

  #dismiss(member: Member): void {
    member.outgoing.part(member);
    member.letGo();
    this.#remove(member);
  }

  #remove(member: Member): void {
    this.#members.delete(member.client);
    this.#behind.delete(member);
  }
}
