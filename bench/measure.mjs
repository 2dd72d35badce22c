// Measures one row of one subject, in this process, and prints the result as JSON.
//
//   node bench/measure.mjs sluice select-64 1000                    ours, for about a second
//   node --cpu-prof bench/measure.mjs sluice rendezvous 3000        with a CPU profile
//   node --heap-prof bench/measure.mjs sluice select-timeout 3000   with the allocations
//
// It takes our packages as they are built; subjects are in subjects/ and
// sockets/, rows in rows.mjs.

import { kinds } from "./kinds.mjs";
import { rowOf } from "./rows.mjs";

const [subject, name, milliseconds = "1000"] = process.argv.slice(2);
const row = rowOf(name);
const { programs } = await import(`./${row.folder}/${subject}.mjs`);
const program = programs[row.program];
const result = program === undefined ? null : await kinds[row.kind](program, row, Number(milliseconds));
console.log(JSON.stringify(result));
process.exit(0); // some peers leave timers running
