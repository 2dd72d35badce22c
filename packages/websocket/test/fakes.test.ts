// Fake timers of a test runner, in a process of their own. Node's sockets wait for `process.nextTick`: a fake that takes
// it and stands still is told, since nothing of a connection can ever happen then.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Child } from "./fixtures/child.ts";
import { PlainServer } from "./fixtures/ws-server.ts";

let child: Child;
let server: PlainServer;
beforeAll(async () => {
  child = await Child.prepare();
  server = await PlainServer.echo();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await child[Symbol.asyncDispose]();
});

/** Connects under fakes, and says what became of it by means that no fake can take. */
const underFakes = (options: string): string => `
  import { writeSync } from "node:fs";
  import FakeTimers from "@sinonjs/fake-timers";
  const say = (text) => writeSync(1, text + "\\n");
  const clock = FakeTimers.install(${options});
  websocket.connect("${server.url}").then(
    async (client) => {
      await client.send("hello");
      say((await client.channel().receive()).value.data);
      client.terminate();
      await client.closed;
      clock.uninstall();
    },
    (error) => {
      clock.uninstall();
      say([error.kind, error.retryable, error.details.url, error.message].join(" "));
    },
  );
`;

describe.concurrent("fakes that take `process.nextTick`", () => {
  test.for<[string, string]>([
    ["alone", `{ toFake: ["nextTick"] }`],
    ["with everything else", ""],
    ["with the microtasks", `{ toFake: ["nextTick", "queueMicrotask"] }`],
  ])("%s and stand still make `connect` reject instead of waiting for ever", async ([, options], { expect }) => {
    const { code, lines } = await child.run(underFakes(options));
    expect(lines).toEqual([expect.stringContaining(`INTERNAL false ${server.url}`)]);
    expect(lines[0]).toMatch(/`process.nextTick` is a fake .* leave it out/);
    expect(code).toBe(0);
  });

  test("and advance by themselves let it connect", async ({ expect }) => {
    const options = `{ toFake: ["nextTick", "setTimeout"], shouldAdvanceTime: true, advanceTimeDelta: 1 }`;
    expect(await child.run(underFakes(options))).toMatchObject({ code: 0, lines: ["hello"] });
  });
});

test("fakes that leave `process.nextTick` alone do not hold up a connection", async () => {
  const options = `{ toFake: ["Date", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "performance"] }`;
  expect(await child.run(underFakes(options))).toMatchObject({ code: 0, lines: ["hello"] });
});
