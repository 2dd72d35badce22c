// What stands still costs memory. Each program prepares for n things and gives a function that makes them; the heap is
// weighed before and after it.

import { channels } from "./tasks.mjs";

export function memory(library) {
  const { open, receive, prepare } = library;

  const idle = () => (n) => () => channels(library, n);

  const waiting = () => (n) => {
    const all = channels(library, n);
    return () => [all, all.map((channel) => receive(channel))];
  };

  /** Selects over `count` channels each, counted by the case. */
  const selects = (count) => (n) => {
    const all = Array.from({ length: Math.ceil(n / count) }, () => prepare(channels(library, count)));
    return () => [all, all.map((prepared) => library.select(prepared))];
  };

  return {
    ...(open && { "idle-channel": idle }),
    ...(receive && { "parked-receive": waiting }),
    ...(prepare && { "parked-case": selects }),
  };
}
