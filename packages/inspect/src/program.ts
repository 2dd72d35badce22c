// A running program, seen through the inspector of its host: it opens that on a signal, on loopback, and has no server of
// its own for us.

import { SluiceError, errors, time } from "@sluice/channels";
import { type Client, connect } from "@sluice/websocket";
import { LOOK, type Look } from "./look.ts";

const PORT = 9229; // of Node, unless `--inspect-port` says another
const PATIENCE = 10_000; // milliseconds for a program that is busy to open its inspector
const AGAIN = 50;
const LARGEST = 64 * 1024 * 1024;

/** A program that is attached to. */
export interface Program extends AsyncDisposable {
  /** What it is: its process id, or the URL of its inspector. */
  readonly title: string;
  /** Looks once. Rejects when the program has ended. */
  look(): Promise<Look>;
}

/** Options of `attach`. */
export interface AttachOptions {
  /** Where the program opens its inspector. Default 9229. */
  readonly port?: number | undefined;
}

/**
 * Attaches to a program by its process id, or by the URL of its inspector (`ws://127.0.0.1:9229/…`).
 *
 * With a process id the program gets the signal SIGUSR1, upon which Node opens its inspector on 127.0.0.1:9229. Windows
 * has no such signal: there the program is started with `node --inspect`, which writes the URL. A program that was
 * started with `--inspect-port` opens it on that `port`.
 *
 * @throws SluiceError (as a rejection) of kind INVALID for another target, NOT_FOUND where there is no such process,
 * UNAVAILABLE when it does not answer.
 */
export async function attach(target: string, { port = PORT }: AttachOptions = {}): Promise<Program> {
  if (/^wss?:\/\//.test(target)) return Session.open(target, target);
  if (!/^\d+$/.test(target)) {
    throw new SluiceError(errors.INVALID, `Expected a process id or the URL of an inspector, got \`${target}\``);
  }
  if (process.platform === "win32") {
    throw new SluiceError(
      errors.INVALID,
      "Windows has no SIGUSR1: start the program with `node --inspect` and give the ws://… URL that it writes",
    );
  }
  const pid = Number(target);
  try {
    process.kill(pid, "SIGUSR1");
  } catch (cause) {
    throw new SluiceError(errors.NOT_FOUND, `There is no process ${pid} that may be asked`, { cause });
  }
  const session = await Session.open(await inspectorOf(pid, port), `process ${pid}`);
  const answering = await session.evaluate("process.pid");
  if (answering === pid) return session;
  await session[Symbol.asyncDispose]();
  throw new SluiceError(
    errors.UNAVAILABLE,
    `Port ${port} is taken by process ${String(answering)}: start the program with \`node --inspect=0\` and give its URL`,
  );
}

async function inspectorOf(pid: number, port: number): Promise<string> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const targets = await fetch(`http://127.0.0.1:${port}/json/list`)
      .then(async (response) => (await response.json()) as { readonly webSocketDebuggerUrl?: string }[])
      .catch(() => []);
    const url = targets[0]?.webSocketDebuggerUrl;
    if (url !== undefined) return url;
    if (Date.now() > end) {
      throw new SluiceError(errors.UNAVAILABLE, `Process ${pid} did not open its inspector within ${PATIENCE} ms`);
    }
    await time.sleep(AGAIN);
  }
}

interface Answer {
  readonly id?: number;
  readonly result?: { readonly result?: { readonly value?: unknown }; readonly exceptionDetails?: unknown };
  readonly error?: { readonly message: string };
}

class Session implements Program {
  readonly title: string;
  readonly #client: Client;
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(reason: unknown): void }>();
  #id = 0;
  #ended = false;

  static async open(url: string, title: string): Promise<Session> {
    return new Session(await connect(url, { readLimit: LARGEST }), title);
  }

  constructor(client: Client, title: string) {
    this.#client = client;
    this.title = title;
    void this.#read();
  }

  async look(): Promise<Look> {
    return JSON.parse(String(await this.evaluate(LOOK))) as Look;
  }

  async evaluate(expression: string): Promise<unknown> {
    if (this.#ended) throw ended(this.title);
    this.#id += 1;
    const id = this.#id;
    const answered = new Promise<Answer>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    const params = { expression, awaitPromise: true, returnByValue: true };
    await this.#client.send(JSON.stringify({ id, method: "Runtime.evaluate", params })).catch(() => {
      this.#waiting.get(id)?.reject(ended(this.title)); // it is closed already, and its reader has not come to that
    });
    const { result, error } = await answered;
    if (error !== undefined || result?.exceptionDetails !== undefined) {
      throw new SluiceError(errors.UNKNOWN, `${this.title} cannot be looked at: ${error?.message ?? "it threw"}`);
    }
    return result?.result?.value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }

  async #read(): Promise<void> {
    try {
      for await (const { data } of this.#client.channel()) {
        const answer = JSON.parse(String(data)) as Answer;
        if (answer.id === undefined) continue;
        this.#waiting.get(answer.id)?.resolve(answer);
        this.#waiting.delete(answer.id);
      }
    } catch {
      // The connection was lost: whoever waits is told below.
    }
    this.#ended = true;
    for (const waiting of this.#waiting.values()) waiting.reject(ended(this.title));
    this.#waiting.clear();
  }
}

function ended(title: string): SluiceError {
  return new SluiceError(errors.UNAVAILABLE, `${title} has ended, or closed its inspector`);
}
