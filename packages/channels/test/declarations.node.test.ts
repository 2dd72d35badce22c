// What users of the package see of its types: the declarations, file by file, as the build writes them.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const source = new URL("../src/", import.meta.url);
const files = readdirSync(source).filter((name) => name.endsWith(".ts"));

function declarationsOf(fileName: string): ts.TranspileOutput {
  return ts.transpileDeclaration(readFileSync(new URL(fileName, source), "utf8"), {
    fileName,
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      isolatedDeclarations: true,
      stripInternal: true,
      allowImportingTsExtensions: true,
    },
  });
}

/** The lines of a declaration file in which `any` stands. */
function linesWithAny(text: string): string[] {
  const file = ts.createSourceFile("declarations.d.ts", text, ts.ScriptTarget.ES2023, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) found.push(node.parent.getText());
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

test.each(files)("the declarations of %s need no inference across files and contain no `any`", (fileName) => {
  const { outputText, diagnostics } = declarationsOf(fileName);
  expect(diagnostics?.map(({ messageText }) => messageText)).toEqual([]);
  expect(linesWithAny(outputText)).toEqual([]);
});

test("an `any` in a declaration is found", () => {
  expect(
    linesWithAny("export declare function f(value: any): Promise<any>;\n// any\nexport type Anyone = string;"),
  ).toHaveLength(2);
});

/** What the compiler says of a program, and not of our sources, that imports the package and has these libraries. */
function complaints(program: string, lib: string[], types: string[]): string[] {
  const name = fileURLToPath(new URL("program.ts", import.meta.url)).replaceAll("\\", "/");
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    lib,
    types,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    customConditions: ["@sluice/source"],
  };
  const host = ts.createCompilerHost(options);
  const disk = ts.createCompilerHost(options);
  host.getSourceFile = (file, language) =>
    file === name ? ts.createSourceFile(file, program, language) : disk.getSourceFile(file, language);
  host.fileExists = (file) => file === name || disk.fileExists(file);
  host.readFile = (file) => (file === name ? program : disk.readFile(file));
  const compiled = ts.createProgram([name], options, host);
  return ts
    .getPreEmitDiagnostics(compiled, compiled.getSourceFile(name))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "));
}

test("an event of the DOM is typed by its name where the DOM's types are there", { timeout: 120_000 }, () => {
  const program = `
    import { fromEvent, toReadableStream } from "@sluice/channels/interop";
    using clicks = fromEvent(document, "click", { capacity: 1, overflow: "drop-oldest" });
    const got = await clicks.receive();
    if (got.ok) { const x: number = got.value.clientX; void x; }
    const body: ReadableStream<Event> = toReadableStream(clicks);
    void body;
    const own = await fromEvent(document, "of-our-own", { capacity: 1, overflow: "close" }).receive();
    if (own.ok) { const type: string = own.value.type; void type; }
  `;
  expect(complaints(program, ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts", "lib.dom.d.ts"], [])).toEqual([]);
});

test("emitters of Node, typed or not, are taken where only Node's types are there", { timeout: 120_000 }, () => {
  const program = `
    import { EventEmitter } from "node:events";
    import { fromEvent } from "@sluice/channels/interop";
    const options = { capacity: 1, overflow: "drop-oldest" } as const;
    const number = await fromEvent<number>(new EventEmitter(), "n", options).receive();
    if (number.ok) { const n: number = number.value; void n; }
    const typed = new EventEmitter<{ line: [text: string] }>();
    const line = await fromEvent<string>(typed, "line", options).receive();
    if (line.ok) { const text: string = line.value; void text; }
    fromEvent<[NodeJS.Signals, number]>(process, "SIGTERM", options);
    const event = await fromEvent(new EventTarget(), "n", options).receive();
    if (event.ok) { const type: string = event.value.type; void type; }
  `;
  expect(complaints(program, ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"], ["node"])).toEqual([]);
});
