// Draws waits where the host draws time: on tracks of the browser's performance panel, and elsewhere as measures, for
// whoever observes those. Nothing is kept of it.

import { builtin } from "../host.ts";
import { clock } from "../time/clock.ts";
import type { Recorder } from "../waiter.ts";
import { partsOf } from "./subjects.ts";

const GROUP = "Sluice";
const UNNAMED = "unnamed channels";

interface Wait {
  readonly operation: string;
  readonly track: string;
  readonly since: number;
}

/** A wait that is over, as `diagnostics_channel` has it under "sluice:wait". */
interface WaitMessage {
  readonly operation: string;
  readonly track: string;
  /** Milliseconds, on the clock of `performance.now()` or on the virtual one. */
  readonly start: number;
  readonly end: number;
}

interface Stamps {
  timeStamp?(label: string, start: number, end: number, track: string, group: string, color: string): void;
}

interface DiagnosticsChannel {
  readonly hasSubscribers: boolean;
  publish(message: WaitMessage): void;
}

/** @internal */
export class Tracing implements Recorder {
  readonly #waits = new WeakMap<object, Wait>();
  readonly #longerThan: number;
  readonly #diagnostics = (builtin("diagnostics_channel") as { channel?(name: string): DiagnosticsChannel }).channel?.(
    "sluice:wait",
  );

  constructor(longerThan: number) {
    this.#longerThan = longerThan;
  }

  parked(operation: object, what: string, on: object): void {
    this.#waits.set(operation, { operation: what, track: trackOf(on, what), since: clock().now() });
  }

  left(operation: object): void {
    const wait = this.#waits.get(operation);
    if (wait === undefined) return;
    this.#waits.delete(operation);
    const now = clock().now();
    if (now - wait.since <= this.#longerThan) return;
    draw(wait, now);
    if (this.#diagnostics?.hasSubscribers !== true) return;
    this.#diagnostics.publish({ operation: wait.operation, track: wait.track, start: wait.since, end: now });
  }

  passed(): void {}
}

// Of several channels the first that has a name.
function trackOf(on: object, operation: string): string {
  for (const part of partsOf(on, operation)) {
    const { name } = part.on as { readonly name?: string | undefined };
    if (name !== undefined) return name;
  }
  return UNNAMED;
}

// A measure stays in the host's own list until somebody clears it: so it is cleared at once, when observers have it.
function draw({ operation, track, since }: Wait, now: number): void {
  const stamps = console as Stamps;
  if ("timeStamp" in stamps && !("process" in globalThis)) {
    stamps.timeStamp(operation, since, now, track, GROUP, "primary");
    return;
  }
  const name = `sluice: ${operation} on ${track}`;
  performance.measure(name, {
    start: Math.max(0, since),
    end: Math.max(0, now),
    detail: { devtools: { dataType: "track-entry", track, trackGroup: GROUP } },
  });
  performance.clearMeasures(name);
}
