// In the stranger's project of scripts/test-packed.mjs: a second copy of the core, as npm installs it for a dependency that
// asks for another version, names what is not its own.
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { Channel } from "@sluice/channels";

cpSync(new URL("node_modules/@sluice/channels", import.meta.url), new URL("other/", import.meta.url), {
  recursive: true,
});
const { select } = await import(new URL("other/dist/index.js", import.meta.url).href);

const inbox = new Channel({ name: "inbox" });
for (const given of [inbox, inbox.caseReceive()]) {
  await assert.rejects(select([given]), /a channel, "inbox", of another copy of @sluice\/channels/);
}
console.log("A channel of another copy is named as one.");
