// Loaded before each test file where `SLUICE_TURN` is set (vitest.config.ts): turns of so many milliseconds instead of 4. With
// 0.05 every test that counts on what fits into a turn is red, on the fastest machine.

import { limitTurns } from "../src/turn.ts";

limitTurns(Number(process.env["SLUICE_TURN"]));
