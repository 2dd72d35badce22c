// Looks into a running program from outside: the command is in main.ts.

export { attach, type AttachOptions, type Program } from "./program.ts";
export type { Look, Wait } from "./look.ts";
export { type Page, servePage } from "./page.ts";
export { table } from "./table.ts";
