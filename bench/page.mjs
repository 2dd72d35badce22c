// Fills docs/benchmarks.md and docs/profiles.md: between `<!-- name -->` and `<!-- /name -->` stands what a run found, and
// nothing else on those pages holds a number of a run. The charts are written beside them.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { charts } from "./charts.mjs";
import { heaviest, profiles } from "./profile.mjs";
import { groups } from "./rows.mjs";
import { markdown, number } from "./table.mjs";
import { judged } from "./targets.mjs";

export async function writePage(report, root) {
  const pages = ["benchmarks", "profiles"].map((name) => `${root}docs/${name}.md`);
  for (const page of pages) {
    let text = readFileSync(page, "utf8");
    for (const [name, content] of Object.entries(parts(report))) {
      text = text.replace(
        new RegExp(`(<!-- ${name} -->).*?(<!-- /${name} -->)`, "s"),
        (_all, open, close) => `${open}\n\n${content}\n\n${close}`,
      );
    }
    writeFileSync(page, text);
  }
  for (const [name, svg] of Object.entries(await charts(report))) writeFileSync(`${root}docs/charts/${name}.svg`, svg);
  execFileSync(process.execPath, [
    `${root}node_modules/oxfmt/bin/oxfmt`,
    ...pages,
    `${root}bench/results/published.json`,
  ]);
}

function parts(report) {
  const tables = Object.keys(report.groups)
    .filter((group) => !groups[group].onDemand)
    .map((group) => [group, `${legend(group, report.groups[group])}\n\n${markdown(group, report.groups[group])}`]);
  const found = report.profiles ?? {};
  const where = `${profiles(found)}\n\nWhat weighs most:\n\n${heaviest(found)}`;
  return { machine: machine(report), targets: targets(report), profiles: where, ...Object.fromEntries(tables) };
}

function machine({ machine, node, go, packages, commit, date, full }) {
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  return [
    `- ${machine}`,
    `- Node ${node}${go === undefined ? "" : `, Go ${go} with \`-cpu 1\``}`,
    `- ${versions.join(", ")}`,
    `- commit ${commit}, ${date}, ${full ? "long" : "short"} run`,
  ].join("\n");
}

function legend(group, found) {
  return groups[group].rows
    .filter((row) => found[row.name] !== undefined)
    .map((row) => `- \`${row.name}\`: ${row.what}`)
    .join("\n");
}

function targets(report) {
  const lines = judged(report.groups).map(
    ({ what, value, unit, met }) => `| ${what} | ${number(value)} ${unit} | ${met ? "yes" : "**no**"} |`,
  );
  return ["| target | measured | met |", "| --- | ---: | --- |", ...lines].join("\n");
}
