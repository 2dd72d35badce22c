// Our packages as built. `SLUICE` may name a folder that holds a copy of the builds: run.mjs makes one, so that a build
// that happens during the rounds changes nothing, and so that two builds can be compared.

import { pathToFileURL } from "node:url";

const folder = process.env.SLUICE;

/** `name` as a program imports it, less the scope: "channels", "channels/testing". */
export function ours(name) {
  const [part, entry = "index"] = name.split("/");
  if (!folder) return import(`@sluice/${name}`);
  return import(pathToFileURL(`${folder}/node_modules/@sluice/${part}/dist/${entry}.js`).href);
}
