// Results as text: one table for each group, a line for each row, a column for each subject.

import { groups } from "./rows.mjs";
import { subjects } from "./subjects.mjs";

/** `1234.5` → `1,235`; three digits at least. */
export function number(value) {
  if (value >= 1e6) return `${round(value / 1e6)} M`;
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return round(value);
}

function round(value) {
  return value === 0 ? "0" : value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

function cell(result, base) {
  if (result === undefined) return ["–", ""];
  if (result.failed !== undefined) return [result.failed, ""];
  const spread = result.samples.length > 1 ? ` ±${Math.round(100 * result.spread)}%` : "";
  const ratio = base?.median > 0 && base !== result ? `${ratioOf(result.median / base.median)} ×` : "";
  return [number(result.median) + spread, ratio];
}

function ratioOf(ratio) {
  return ratio >= 100 ? Math.round(ratio).toLocaleString("en") : ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2);
}

/** The lines of one group: `[label, [median, ratio], …]` for each row and metric, and who has a column. */
function linesOf(group, results) {
  const present = subjects[groups[group].folder ?? "subjects"].filter(({ name }) =>
    Object.entries(results).some(([key, row]) => key !== "await" && row[name] !== undefined),
  );
  const lines = groups[group].rows
    .filter((row) => results[row.name] !== undefined)
    .flatMap((row) =>
      row.metrics.map((metric) => {
        const of = (name) => {
          const result = results[row.name][name];
          return result === undefined || result.failed !== undefined ? result : result[metric];
        };
        const label = row.metrics.length > 1 ? `${row.name} ${metric}` : row.name;
        return { row, label, cells: present.map(({ name }) => cell(of(name), of("sluice"))) };
      }),
    );
  return { present, lines };
}

export function text(group, results) {
  const { present, lines } = linesOf(group, results);
  const labels = Math.max(...lines.map(({ label }) => label.length));
  const widths = present.map(({ title }, i) =>
    Math.max(title.length, ...lines.flatMap(({ cells }) => cells[i].map((part) => part.length))),
  );
  const line = (label, parts) =>
    `${label.padEnd(labels)}  ${parts.map((part, i) => part.padStart(widths[i])).join("  ")}`.trimEnd();
  return [
    "",
    `${groups[group].title} (bench/${groups[group].source})`,
    ...lines.filter(({ row }, i) => lines[i - 1]?.row !== row).map(({ row }) => `  ${row.name}: ${row.what}`),
    "",
    line(
      "",
      present.map(({ title }) => title),
    ),
    ...lines.flatMap(({ label, cells }) => {
      const ratios = line(
        "",
        cells.map(([, ratio]) => ratio),
      );
      return [
        line(
          label,
          cells.map(([value]) => value),
        ),
        ...(ratios.trim() === "" ? [] : [ratios]),
      ];
    }),
  ].join("\n");
}

export function markdown(group, results) {
  const { present, lines } = linesOf(group, results);
  const row = (parts) => `| ${parts.join(" | ")} |`;
  return [
    row(["", ...present.map(({ title }) => title)]),
    row(["---", ...present.map(() => "---:")]),
    ...lines.map(({ label, cells }) =>
      row([`\`${label}\``, ...cells.map(([value, ratio]) => (ratio === "" ? value : `${value}<br>${ratio}`))]),
    ),
  ].join("\n");
}

/** What a comparison with another revision found: every row, and in a word those that have moved. */
export function movements({ moved, failed }, revision) {
  const cells = moved.map(({ label, now, then, ratio, low, high, verdict }) => [
    label,
    number(now),
    number(then),
    `${ratio.toFixed(3)} ×`,
    `${low.toFixed(3)} to ${high.toFixed(3)}`,
    verdict,
  ]);
  const rows = [["", "now", revision, "ratio", "its range", ""], ...cells];
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const count = (word) => moved.filter(({ verdict }) => verdict === word).length;
  return [
    "",
    ...rows.map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  "),
    ),
    ...failed.map((pair) => `${pair.row.name} ${pair.subject}: not compared, ${pair.failed}`),
    "",
    `Beyond their noise: ${count("WORSE")} worse, ${count("better")} better, of ${moved.length}.`,
  ].join("\n");
}

export function targets(judged) {
  if (judged.length === 0) return "";
  return [
    "",
    "Targets",
    ...judged.map(({ what, value, unit, met }) => `  ${met ? "met" : "NOT"}  ${what}: ${number(value)} ${unit}`),
  ].join("\n");
}
