// Records everything from the start: `node --import @sluice/inspect/record program.js` loads this before the program.

import { record } from "@sluice/channels/inspect";

record({ parked: true, channels: true, abandoned: true });
