// One handshake on its way to a place: what the peer sends early is kept, its leaving is noticed, and it ends once, with
// a 101 or with an answer that says why not.

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { errors, SluiceError } from "@sluice/channels";
import { Alarm } from "../connection/alarm.ts";
import type { LetIn, Opened } from "./door.ts";
import { answer, type Refusal } from "./refusal.ts";

// What a peer may send before it is answered; then the socket is paused, and the kernel holds it back.
const EARLY_LIMIT = 64 * 1024;

/** How a handshake ended. */
export type Outcome = "accepted" | "refused" | "left";

/** @internal */
export class Handshake {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** When it began, on the clock of `performance.now()`. */
  readonly startedAt: number;
  readonly #early: Buffer[] = [];
  readonly #controller = new AbortController();
  readonly #followers: ((outcome: Outcome) => void)[] = [];
  #patience: Alarm | undefined = undefined;
  #size = 0;
  #over = false;

  constructor(request: IncomingMessage, socket: Socket, head: Buffer, startedAt: number) {
    this.request = request;
    this.socket = socket;
    this.startedAt = startedAt;
    // What the peer sent before it ended its side is answered, as on a wire that we dialled. Servers of TLS differ.
    socket.allowHalfOpen = true;
    socket.on("data", this.#read);
    socket.once("end", this.#left);
    socket.once("close", this.#left);
    socket.on("error", this.#ignored);
    if (head.length > 0) this.#read(head);
  }

  /** Aborts when the answer is not waited for any more: the peer left, or it took too long, or the server closes. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** True once it has ended, in whatever way. */
  get over(): boolean {
    return this.#over;
  }

  /** True while the peer waits for the answer. */
  get present(): boolean {
    return !this.#over && this.socket.readable && this.socket.writable;
  }

  /** Calls back when it ends. */
  whenOver(follower: (outcome: Outcome) => void): void {
    this.#followers.push(follower);
  }

  /** Sets its deadline, and how it is answered then. */
  limit(milliseconds: number, refusal: Refusal): void {
    this.#patience = new Alarm(() => {
      this.refuse(refusal, new SluiceError(errors.TIMEOUT, "The handshake was not answered within `handshakeTimeout`"));
    });
    this.#patience.at(this.startedAt + milliseconds);
  }

  /** Answers 101. Undefined when the peer has left. */
  letIn(door: LetIn, protocol: string | undefined): Opened | undefined {
    if (!this.present) return undefined;
    this.#detach();
    this.socket.off("error", this.#ignored);
    if (this.#size > 0) this.socket.unshift(Buffer.concat(this.#early));
    const opened = door(protocol);
    this.socket.resume();
    this.#end(opened === undefined ? "left" : "accepted");
    return opened;
  }

  /** Answers something else; `reason` where somebody may still be asked. */
  refuse(refusal: Refusal, reason?: SluiceError): void {
    if (this.#over) return;
    this.#detach();
    if (reason !== undefined) this.#controller.abort(reason);
    answer(this.socket, refusal);
    this.#end("refused");
  }

  readonly #read = (chunk: Buffer): void => {
    this.#early.push(chunk);
    this.#size += chunk.length;
    if (this.#size >= EARLY_LIMIT) this.socket.pause();
  };

  readonly #left = (): void => {
    if (this.#over) return;
    this.#detach();
    this.socket.destroy();
    this.#controller.abort(new SluiceError(errors.CANCELED, "The peer left during the handshake"));
    this.#end("left");
  };

  readonly #ignored = (): void => undefined;

  #detach(): void {
    this.#over = true;
    this.#patience?.clear();
    this.socket.off("data", this.#read);
    this.socket.off("end", this.#left);
    this.socket.off("close", this.#left);
  }

  #end(outcome: Outcome): void {
    for (const follower of this.#followers) follower(outcome);
  }
}
