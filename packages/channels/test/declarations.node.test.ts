// What users of the package see of its types: the declarations, file by file, as the build writes them.

import { readdirSync, readFileSync } from "node:fs";
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
