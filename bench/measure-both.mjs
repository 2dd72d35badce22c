// Measures one row by two builds, in this process and by turns, and prints both results as JSON; against.mjs starts it.
//
//   node bench/measure-both.mjs sluice select-64 100 bench/.build/now bench/.build/…

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { timeBoth } from "./kinds.mjs";
import { rowOf } from "./rows.mjs";

const [subject, name, milliseconds, ...builds] = process.argv.slice(2);
const row = rowOf(name);
const programs = [];
for (const build of builds) {
  // What the build's own folder says of @sluice is what its copy of the programs imports.
  const subjects = await import(pathToFileURL(resolve(build, row.folder, `${subject}.mjs`)).href);
  programs.push(subjects.programs[row.program]);
}
const isWhole = programs.every((program) => program !== undefined);
console.log(JSON.stringify(isWhole ? await timeBoth(programs, row, Number(milliseconds)) : null));
process.exit(0);
