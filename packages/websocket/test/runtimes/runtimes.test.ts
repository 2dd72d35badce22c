// The client of Node in other runtimes that have Node's modules: scripts/test-runtimes.mjs fetches them, packs the
// packages for them, and says here how each is started.

import { afterAll, beforeAll, describe } from "vitest";
import { alike } from "../browser/alike/all.ts";
import { Runtime } from "../fixtures/places.ts";

const runtimes = JSON.parse(process.env["SLUICE_RUNTIMES"] ?? "{}") as Record<string, readonly string[]>;

describe.each(Object.entries(runtimes))("in %s", (_, command) => {
  let runtime: Runtime;
  beforeAll(() => {
    runtime = new Runtime(command);
  });
  afterAll(() => runtime[Symbol.asyncDispose]());

  alike(() => runtime, "stream");
});
