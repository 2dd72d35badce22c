// Finds out that `process.nextTick` is a fake which nobody advances. Node's own sockets wait for it at every step, so
// that a dialling would wait for ever, its deadline too.

import { PassThrough } from "node:stream";
import { MessageChannel } from "node:worker_threads";

const PATIENCE = 1000; // milliseconds of real time: some fakes advance by themselves

const known = ticker();

/** Calls back when Node's streams do not get their ticks. Gives what ends the watch. */
export function watchTicks(onHeld: () => void): () => void {
  // A fake that was there first has its clock as property.
  if (ticker() === known && !("clock" in known)) return () => undefined;
  let ticks = false;
  new PassThrough().once("close", () => (ticks = true)).destroy();
  // Not a timer that a fake could hold as well; it does not keep the process, and nothing else does yet, hence the port.
  const patience = AbortSignal.timeout(PATIENCE);
  const { port1: hold } = new MessageChannel();
  hold.ref();
  const end = (): void => {
    patience.removeEventListener("abort", verdict);
    hold.close();
  };
  const verdict = (): void => {
    end();
    if (!ticks) onHeld();
  };
  patience.addEventListener("abort", verdict);
  return end;
}

function ticker(): object {
  return Reflect.get(process, "nextTick") as object;
}
