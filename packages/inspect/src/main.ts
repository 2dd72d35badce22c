#!/usr/bin/env node
// The command: `inspect PID`, a table that refreshes; with `--page` a page, with `--once` one table and no more.

import { parseArgs } from "node:util";
import { time } from "@sluice/channels";
import type { Look } from "./look.ts";
import { servePage } from "./page.ts";
import { attach, type Program } from "./program.ts";
import { table } from "./table.ts";

const USAGE = `Usage: inspect [--page | --once] PID | ws://127.0.0.1:9229/…

Shows what a program that uses @sluice/channels waits for.

  --page   serve one page on 127.0.0.1 instead of a table
  --once   one table, and no more
  --port   of the program's inspector, if it was started with --inspect-port`;

const EVERY = 500; // milliseconds
const CLEAR = "\u001B[2J\u001B[3J\u001B[H";

async function showTable(program: Program, isOnce: boolean): Promise<void> {
  let before: Look | undefined;
  for (;;) {
    const look = await program.look();
    const text = table(look, before);
    process.stdout.write(isOnce || !process.stdout.isTTY ? `${text}\n` : `${CLEAR}${program.title}: ${text}\n`);
    if (isOnce) return;
    before = look;
    await time.sleep(EVERY);
  }
}

async function showPage(program: Program): Promise<void> {
  const page = await servePage(program);
  console.log(page.url);
  await new Promise<void>((resolve) => process.once("SIGINT", resolve));
  await page[Symbol.asyncDispose]();
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      page: { type: "boolean", default: false },
      once: { type: "boolean", default: false },
      port: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const [target] = positionals;
  if (values.help || target === undefined || positionals.length > 1) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const program = await attach(target, values.port === undefined ? {} : { port: Number(values.port) });
  try {
    await (values.page ? showPage(program) : showTable(program, values.once));
  } finally {
    await program[Symbol.asyncDispose]();
  }
}

try {
  await main();
} catch (mistake) {
  console.error(mistake instanceof Error ? mistake.message : mistake);
  process.exitCode = 1;
}
