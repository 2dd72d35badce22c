import { expectError, expectType } from "tsd";
import { attach, type Look, type Page, type Program, servePage, table } from "@sluice/inspect";

expectType<Promise<Program>>(attach("4711"));
expectError(attach(4711));
const program = {} as Program;
expectType<Promise<Look>>(program.look());
expectType<Promise<Page>>(servePage(program));
expectType<string>(table({} as Look, undefined));
expectError(((await program.look()).parked = 1));
