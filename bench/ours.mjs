// Our packages as built. `SLUICE` may name a folder that holds a copy of the builds: run.mjs makes one, so that a build
// that happens during the rounds changes nothing, and so that two builds can be compared.

import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = process.env.SLUICE;

/** `name` as a program imports it, less the scope: "channels", "channels/testing". Nothing, where an old build has none. */
export async function ours(name) {
  const [part, entry = "index"] = name.split("/");
  if (folder) {
    const file = `${folder}/node_modules/@sluice/${part}/dist/${entry}.js`;
    return existsSync(file) ? import(pathToFileURL(file).href) : {};
  }
  try {
    return await import(`@sluice/${name}`);
  } catch (error) {
    if (error.code === "ERR_PACKAGE_PATH_NOT_EXPORTED") return {};
    throw error;
  }
}
