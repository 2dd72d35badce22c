// The programs that are measured, written once for every library whose operations give promises.
//
// A library says how its own words go: `open(capacity)`, `send(channel, value)`, `receive(channel)`, and `value(received)`
// for what a receive resolves with; then what it has of `post` (a send whose promise nobody awaits), `trySend`,
// `tryReceive`, `close` and `iterate`, `receiveMany`, `select`, `selector`, … A program that needs a word the library
// does not have is left out, and the table shows a dash.
//
// A program takes the row's size and gives `run(n)`, which moves the values 0 to n-1 and gives the sum of what arrived.

import { broadcast } from "./broadcast.mjs";
import { day } from "./day.mjs";
import { flow } from "./flow.mjs";
import { memory } from "./memory.mjs";
import { select } from "./select.mjs";
import { stages } from "./stages.mjs";

export function programsOf(library) {
  return {
    ...flow(library),
    ...select(library),
    ...broadcast(library),
    ...stages(library),
    ...memory(library),
    ...day(library),
  };
}
