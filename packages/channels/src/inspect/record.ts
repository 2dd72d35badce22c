// What is recorded, switched on and off. Off by default: then it costs one comparison where something parks, and where a
// value leaves a channel.

import { setCounting } from "../count.ts";
import { disposeBy } from "../dispose.ts";
import { macrotask, realNow } from "../host.ts";
import { check, checkOptions, option } from "../mistake.ts";
import { type Recorder, setRecorder } from "../waiter.ts";
import { ChannelRecords } from "./channels.ts";
import { keepOrdinary, keepVirtual, operationsNow, ordinaryOperations, type ParkedOperations } from "./operations.ts";
import { look, type Snapshot } from "./snapshot.ts";
import { shuffle } from "./subjects.ts";
import { Tracing } from "./trace.ts";

/** What to record; what is not named is not. */
export interface RecordOptions {
  /** The operations that wait: about four microseconds for each that parks. Those it lists are held in memory. */
  readonly parked?: boolean | undefined;
  /** The channels that are made from now on, known weakly: about ten nanoseconds for each value that leaves one. */
  readonly channels?: boolean | undefined;
  /**
   * Operations that nobody can ever wake, for certain: about a microsecond for each that parks. Needs the collector: as
   * long as that does not come, nothing is said. Nothing that is parked is held in memory any more.
   */
  readonly abandoned?: boolean | undefined;
}

/** Options of `trace`. */
export interface TraceOptions {
  /** Waits that take no longer are not drawn: milliseconds. Default 1. */
  readonly longerThan?: number | undefined;
}

interface Recording {
  readonly parked: boolean;
  readonly channels: boolean;
  readonly abandoned: boolean;
}

const NOTHING: Recording = { parked: false, channels: false, abandoned: false };
const NAMES = ["parked", "channels", "abandoned"];

let recording = NOTHING;
let channels: ChannelRecords | undefined;
const tracings = new Set<Tracing>();

/**
 * Switches recording on or off, for `parked` and `snapshot`. What parked or was made before is not known.
 *
 * Each call says all that is recorded from now on; what was recorded already, and still is, is kept. While operations
 * or channels are recorded, `npx @sluice/inspect PID` shows them.
 *
 * @throws TypeError for options that are a mistake.
 *
 * @example
 * import { Channel } from "@sluice/channels";
 * import { record, snapshot } from "@sluice/channels/inspect";
 *
 * record({ parked: true, channels: true });
 * const jobs = new Channel<string>(1, { name: "jobs" });
 * void jobs.send("wash");
 * void jobs.send("dry"); // waits: nobody receives
 * const [report] = snapshot().channels;
 * console.log(report?.name, report?.verdict); // → jobs slow receiver
 * record(false);
 */
export function record(options: RecordOptions | false): void {
  if (options !== false) checkOptions(options, NAMES);
  const given = options === false ? {} : options;
  const [parked = false, ofChannels = false, abandoned = false] = [
    option(given, "parked", "boolean"),
    option(given, "channels", "boolean"),
    option(given, "abandoned", "boolean"),
  ];
  recording = { parked, channels: ofChannels, abandoned };
  keepOrdinary(parked || abandoned, abandoned);
  channels = ofChannels ? (channels ?? new ChannelRecords()) : undefined;
  setCounting(channels);
  install();
  if (parked || ofChannels || abandoned) show();
  else hide();
}

/**
 * Switches the recording of parked operations on or off: `record` with `parked`, and with what else is recorded.
 *
 * While on, each parked operation costs a captured stack (about three microseconds) and is held in memory until it is
 * done.
 */
export function recordParked(on: boolean): void {
  record({ ...recording, parked: on });
}

/** @internal Virtual time has a record of its own, beside the ordinary one. */
export function recordVirtual(operations?: ParkedOperations): void {
  keepVirtual(operations);
  install();
}

/**
 * Looks at all that is recorded, in at most about five milliseconds; changes nothing and wakes nobody.
 *
 * Under virtual time it shows the run's own operations, and all times are virtual.
 */
export function snapshot(): Snapshot {
  const operations = operationsNow();
  return look({
    operations,
    channels,
    isParkedTold: recording.parked || operations !== ordinaryOperations(),
    isAbandonedTold: recording.abandoned,
  });
}

/**
 * Draws waits on the tracks of the browser's performance panel, one for each named channel, until disposed. Elsewhere
 * they are given to whoever observes measures (`performance.measure`), and are not kept.
 *
 * In hosts that have `node:diagnostics_channel`, each is also published as "sluice:wait", if somebody subscribed.
 *
 * @throws RangeError when `longerThan` is negative.
 *
 * @example
 * import { time } from "@sluice/channels";
 * import { trace } from "@sluice/channels/inspect";
 *
 * using tracing = trace({ longerThan: 5 });
 * await time.sleep(10); // a bar of 10 ms
 */
export function trace(options: TraceOptions = {}): Disposable {
  checkOptions(options, ["longerThan"]);
  const longerThan = option(options, "longerThan", "number") ?? 1;
  check(longerThan >= 0, "longerThan", "zero or more milliseconds", longerThan, RangeError);
  return new Trace(longerThan);
}

class Trace implements Disposable {
  readonly #tracing: Tracing;
  declare readonly [Symbol.dispose]: () => void;

  static {
    disposeBy(this.prototype, "end");
  }

  constructor(longerThan: number) {
    this.#tracing = new Tracing(longerThan);
    tracings.add(this.#tracing);
    install();
  }

  end(): void {
    tracings.delete(this.#tracing);
    install();
  }
}

function install(): void {
  const operations = operationsNow();
  const parks = operations ?? (channels === undefined ? undefined : SHUFFLES);
  const all: Recorder[] = parks === undefined ? [...tracings] : [parks, ...tracings];
  setRecorder(all.length > 1 ? new Several(all) : all[0]);
}

/** Where channels alone are recorded: it is known that some of those who wait are others now. */
const SHUFFLES: Recorder = {
  parked: (_operation, _what, on) => shuffle(on),
  left: shuffle,
  passed: () => {},
};

class Several implements Recorder {
  readonly #all: readonly Recorder[];

  constructor(all: readonly Recorder[]) {
    this.#all = all;
  }

  parked(operation: object, what: string, on: object, entry?: unknown): void {
    for (const one of this.#all) one.parked(operation, what, on, entry);
  }

  left(operation: object): void {
    for (const one of this.#all) one.left(operation);
  }

  passed(): void {
    for (const one of this.#all) one.passed();
  }
}

/** What `@sluice/inspect` finds in a program, one for each copy of this package that records. */
interface Probe {
  readonly version: 1;
  snapshot(): Snapshot;
  /** Milliseconds until the loop has turned. */
  lateness(): Promise<number>;
}

const PROBES: unique symbol = Symbol.for("@sluice/channels.probes") as never;

const probe: Probe = {
  version: 1,
  snapshot,
  lateness: () => {
    const began = realNow();
    return new Promise((resolve) => void macrotask(() => resolve(realNow() - began)));
  },
};

function probes(): Set<Probe> | undefined {
  return (globalThis as { [PROBES]?: Set<Probe> })[PROBES];
}

// Not when this module is loaded: what records nothing leaves no trace.
function show(): void {
  const all = probes() ?? new Set();
  Object.defineProperty(globalThis, PROBES, { value: all, configurable: true, writable: true });
  all.add(probe);
}

function hide(): void {
  probes()?.delete(probe);
}
