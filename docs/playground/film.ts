// A program, run by the real core under virtual time, and what `snapshot()` saw of it every 50 ms: a film, that can then be
// played, stopped and stepped through at any speed. Nothing is drawn that a snapshot did not say.

import * as channels from "@sluice/channels";
import * as broadcast from "@sluice/channels/broadcast";
import * as flow from "@sluice/channels/flow";
import * as group from "@sluice/channels/group";
import { type ParkedOperation, record, snapshot } from "@sluice/channels/inspect";
import { virtualTime } from "@sluice/channels/testing";

/** What an operation waits for: a value or room on a channel, a moment, or something else, in words. */
export interface Wait {
  readonly kind: "receive" | "send" | "timer" | "other";
  /** The channel's name; of a timer the milliseconds until it is due; else the words. */
  readonly what: string;
}

/** A task that waits. */
export interface Task {
  /** The same in every frame in which it waits for the same. */
  readonly key: string;
  /** The function that waits. */
  readonly who: string;
  /** "receive", "send", "select", "sleep" … */
  readonly operation: string;
  /** The line of the program, from 1; 0 where the host does not say. */
  readonly line: number;
  readonly waits: readonly Wait[];
}

/** A channel. */
export interface Pipe {
  readonly name: string;
  readonly capacity: number;
  readonly length: number;
  readonly received: number;
  readonly closed: boolean;
}

/** What there was at a moment. */
export interface Frame {
  /** Milliseconds of virtual time. */
  readonly at: number;
  readonly pipes: readonly Pipe[];
  readonly tasks: readonly Task[];
  /** Lines that had been printed by then. */
  readonly printed: number;
}

export interface Film {
  readonly frames: readonly Frame[];
  readonly printed: readonly { readonly at: number; readonly text: string }[];
  /** What the program, or the core, ended it with. */
  readonly error: string | undefined;
}

const TICK = 50;
const LONGEST = 20_000; // milliseconds of virtual time
const MODULES: Readonly<Record<string, unknown>> = {
  "@sluice/channels": channels,
  "@sluice/channels/broadcast": broadcast,
  "@sluice/channels/flow": flow,
  "@sluice/channels/group": group,
};
const LINES_BEFORE = 2; // that a host puts before the text of a function

type Print = { log(...values: unknown[]): void };
type Program = (modules: typeof MODULES, named: typeof channelNamed, console: Print) => Promise<unknown>;

const AsyncFunction = (async () => undefined).constructor as new (...source: string[]) => Program;

/** What a channel is called that has no name: as the variable that holds it. */
function channelNamed(name: string) {
  return function NamedChannel(first?: unknown, second?: object): unknown {
    const [capacity, options] = typeof first === "object" ? [0, first] : [Number(first ?? 0), second];
    return new channels.Channel(capacity, { name, ...options });
  };
}

/** The program as a function: its lines stay where they are. */
function compile(code: string): Program {
  const source = code
    .replaceAll(
      /^import\s*(\{[^}]*\})\s*from\s*"([^"]+)";?/gm,
      (_all, names: string, from: string) =>
        `const ${names.replaceAll(" as ", ": ")} = modules[${JSON.stringify(from)}];`,
    )
    .replaceAll(/\b(const|let) (\w+) = new Channel\(/g, '$1 $2 = new (named("$2"))(');
  return new AsyncFunction("modules", "named", "console", `"use strict";${source}`);
}

function waitOf(words: string): Wait {
  const timer = /^a timer due in (\d+) ms$/.exec(words);
  if (timer !== null) return { kind: "timer", what: timer[1] ?? "" };
  const channel = /^(a value|a receiver|room) .*?"(.*?)"/.exec(words);
  if (channel === null) return { kind: "other", what: words };
  return { kind: channel[1] === "a value" ? "receive" : "send", what: channel[2] ?? "" };
}

function taskOf({ operation, waitsFor, since, calledAt }: ParkedOperation): Task {
  const [, name = ""] = /^(?:async )?([\w$.]+) /.exec(calledAt) ?? [];
  const who = ["", "anonymous", "eval"].includes(name) ? "main" : name;
  const line = Math.max(0, Number(/<anonymous>:(\d+)/.exec(calledAt)?.[1] ?? 0) - LINES_BEFORE);
  const waits = waitsFor.map(waitOf);
  const key = [who, operation, line, since, ...waits.map(({ kind, what }) => (kind === "timer" ? kind : what))];
  return { key: key.join(" "), who, operation, line, waits };
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  const json = JSON.stringify(value) as string | undefined;
  return json ?? String(value);
}

async function shoot(code: string): Promise<Film> {
  const frames: Frame[] = [];
  const printed: { at: number; text: string }[] = [];
  let error: string | undefined;
  record({ parked: true, channels: true });
  try {
    const program = compile(code);
    await virtualTime(async (clock) => {
      const run = { over: false };
      const log = (...values: unknown[]): void => {
        if (!run.over) printed.push({ at: clock.now(), text: values.map(textOf).join(" ") });
      };
      const running = program(MODULES, channelNamed, { log }).finally(() => (run.over = true));
      running.catch(() => {}); // seen below
      for (await clock.idle(); ; await clock.advance(TICK)) {
        const { channels: pipes, parked, timers } = snapshot();
        frames.push({
          at: clock.now(),
          pipes: pipes.map((pipe, i) => ({ ...pipe, name: pipe.name ?? `${pipe.kind} ${i + 1}` })),
          tasks: parked.map(taskOf),
          printed: printed.length,
        });
        if (run.over || timers.armed === 0 || clock.now() >= LONGEST) break;
      }
      const late = new Error("Stopped after 20 s of its time");
      await (frames.at(-1)?.at === LONGEST ? Promise.reject(late) : running); // or virtual time finds the deadlock
    });
  } catch (cause) {
    error = cause instanceof Error ? cause.message.replaceAll(/\n {4}at .*/g, "") : String(cause);
  } finally {
    record(false);
  }
  return { frames, printed, error };
}

let last: Promise<unknown> = Promise.resolve();

/** Runs a program and gives its film. One at a time: there is one virtual time for a page. */
export function film(code: string): Promise<Film> {
  const next = last.then(() => shoot(code));
  last = next;
  return next;
}
