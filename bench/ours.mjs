// Our packages as built. `SLUICE` may name a folder that holds a copy of the builds: run.mjs makes one, so that a build
// that happens during the rounds changes nothing, and so that two builds can be compared.

import { pathToFileURL } from "node:url";

const folder = process.env.SLUICE;

export const ours = (name) =>
  import(folder ? pathToFileURL(`${folder}/node_modules/@sluice/${name}/dist/index.js`).href : `@sluice/${name}`);
