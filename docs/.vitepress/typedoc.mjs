// The API reference: what typedoc makes of the docstrings of each subpath of both packages, one page each, in docs/api.
// A page is called as the subpath is imported; a docstring that is missing or links nowhere fails the build.

import { readFileSync } from "node:fs";
import { Application, Converter, ReflectionKind } from "typedoc";
import { MarkdownPageEvent } from "typedoc-plugin-markdown";

const root = new URL("../../", import.meta.url);

/** What one imports, by the source behind it: `packages/channels/src/flow.ts` → `@sluice/channels/flow`. */
export const subpaths = Object.fromEntries(
  ["packages/channels", "packages/websocket"].flatMap((folder) => {
    const { name, exports } = JSON.parse(readFileSync(new URL(`${folder}/package.json`, root), "utf8"));
    return Object.entries(exports)
      .filter(([, target]) => typeof target === "object")
      .map(([subpath, target]) => [`${folder}/${target["@sluice/source"].slice(2)}`, name + subpath.slice(1)]);
  }),
);

/** @type {Partial<import("typedoc").TypeDocOptions & import("typedoc-plugin-markdown").PluginOptions>} */
const options = {
  entryPoints: Object.keys(subpaths),
  tsconfig: "tsconfig.json",
  out: "docs/api",
  plugin: ["typedoc-plugin-markdown"],
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  skipErrorChecking: true, // `npm run typecheck` does that
  readme: "none",
  name: "API",
  disableSources: true,
  disableGit: true,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  entryFileName: "index",
  outputFileStrategy: "modules",
  useCodeBlocks: true,
  expandObjects: true,
  parametersFormat: "table",
  validation: { notDocumented: true, notExported: true, invalidLink: true, rewrittenLink: false },
  packagesRequiringDocumentation: ["@sluice/channels", "@sluice/websocket"],
  requiredToBeDocumented: [
    "Class",
    "Interface",
    "TypeAlias",
    "Function",
    "Variable",
    "Constructor",
    "Method",
    "Property",
    "Accessor",
  ],
};

/** Names each module as it is imported. */
function nameModules({ project }) {
  for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
    const sources = [`packages/${module.name}.ts`, `packages/${module.name}/index.ts`];
    module.name = subpaths[sources.find((source) => source in subpaths) ?? ""];
  }
}

/** Leaves out whose member a member was, or is an implementation of: a reader looks for what it does. */
function forgetOrigins({ project }) {
  for (const reflection of Object.values(project.reflections)) {
    delete reflection.inheritedFrom;
    delete reflection.implementationOf;
    delete reflection.overwrites;
  }
}

/** A getter's page has its type in its signature, and its sentence there: not a second time below "Returns". */
function tidyGetters(page) {
  page.contents = page.contents.replaceAll(
    /^(#+ Get Signature\n(?:(?!^#).*\n)*)#+ Returns\n(?:(?!^#|^\*\*\*).*\n)*/gm,
    "$1",
  );
}

/** Writes docs/api. */
export async function writeReference() {
  const application = await Application.bootstrapWithPlugins(options);
  application.converter.on(Converter.EVENT_RESOLVE_BEGIN, nameModules);
  application.converter.on(Converter.EVENT_RESOLVE_END, forgetOrigins);
  application.renderer.on(MarkdownPageEvent.END, tidyGetters);
  const project = await application.convert();
  if (project === undefined) return false;
  application.validate(project);
  await application.generateOutputs(project);
  return application.logger.warningCount === 0 && application.logger.errorCount === 0;
}
