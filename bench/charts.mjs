// Draws the charts of docs/benchmarks.md from a run's results, by vega-lite, which needs no browser. The colours are variables
// of the SVG itself: they follow the reader's light or dark mode.

import * as vega from "vega";
import { compile } from "vega-lite";
import { groups } from "./rows.mjs";

const PLOT = { width: 572, height: 324 };
const BAR = { width: 460, step: 20, names: 150 };
const LABEL = 16; // from one label to the next
const FONT = 'system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif';

// Ours stands out; Go and the platform are next; the peers are told apart by their labels.
const COLOURS = {
  sluice: ["#0b5cad", "#58a6ff"],
  selector: ["#7a3fc7", "#c297ff"],
  "sluice-try": ["#7a3fc7", "#c297ff"],
  go: ["#0f766e", "#3ccfc0"],
  node: ["#57606a", "#9aa4af"],
  medium: ["#b45309", "#e9a15b"],
  "thi.ng": ["#9a6700", "#d9b233"],
  "js-csp": ["#a8327a", "#f07fc0"],
  "ts-chan": ["#8a5a44", "#c99b85"],
  chan: ["#5b7c1e", "#a5cc5b"],
  effect: ["#b3261e", "#ff8a80"],
  rxjs: ["#c2185b", "#ff80ab"],
  "it-pushable": ["#616161", "#bdbdbd"],
  ws: ["#0f766e", "#3ccfc0"],
  "events.on": ["#b45309", "#e9a15b"],
  "ws-stream": ["#a8327a", "#f07fc0"],
  undici: ["#b3261e", "#ff8a80"],
  ink: ["#1f2328", "#e6edf3"],
  faint: ["#59636e", "#9aa4af"],
  grid: ["#d8dee4", "#30363d"],
  back: ["#ffffff", "#0d1117"],
};
const colour = (name) => `var(--${name.replaceAll(".", "-")})`;

function style() {
  const rules = (mode) => Object.entries(COLOURS).map(([name, both]) => `--${name.replaceAll(".", "-")}:${both[mode]}`);
  return `<style>svg{${rules(0).join(";")};color-scheme:light dark}@media (prefers-color-scheme:dark){svg{${rules(1).join(";")}}}</style>`;
}

/** A chart as a document. */
async function draw({ title, subtitle, ...chart }) {
  const { spec } = compile({
    title: {
      text: title,
      subtitle,
      anchor: "start",
      frame: "bounds",
      offset: 14,
      fontSize: 16,
      fontWeight: 600,
      subtitleFontSize: 13,
      subtitlePadding: 5,
      color: colour("ink"),
      subtitleColor: colour("faint"),
    },
    padding: 16,
    background: colour("back"),
    config: {
      font: FONT,
      view: { stroke: null },
      text: { fontSize: 13, color: colour("ink") },
      axis: {
        labelFontSize: 13,
        titleFontSize: 13,
        titleFontWeight: 400,
        labelColor: colour("faint"),
        titleColor: colour("faint"),
        gridColor: colour("grid"),
        domain: false,
        ticks: false,
        labelPadding: 8,
      },
    },
    ...chart,
  });
  const svg = await new vega.View(vega.parse(spec), { renderer: "none" }).toSVG();
  const label = title.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `${svg.replace(/<svg[^>]*?(viewBox="[^"]*")>/, `<svg xmlns="http://www.w3.org/2000/svg" $1 role="img" aria-label="${label}">\n${style()}`)}\n`;
}

const byName = { field: "name", type: "nominal", scale: null };
const nanoseconds =
  "datum.value >= 1e6 ? datum.value / 1e6 + ' ms' : datum.value >= 1e3 ? datum.value / 1e3 + ' µs' : datum.value + ' ns'";

/** Where the label of each line stands: at its end, pushed apart where lines end close together. */
function labels(series, scale) {
  const placed = series.map((one) => ({ ...one, y: scale(one.points.at(-1)[1]) })).sort((a, b) => a.y - b.y);
  let free = 0;
  for (const one of placed) {
    one.y = Math.max(one.y, free);
    free = one.y + LABEL;
  }
  const over = Math.max(0, free - LABEL - PLOT.height);
  return placed.map(({ name, label, ours, y }) => ({
    name: colour(name),
    label,
    ours,
    y: y - over * (y / PLOT.height),
  }));
}

/** Lines over a common x; a series is `{ name, label, points: [[x, y], …], ours }`. */
function lines({ title, subtitle, x, y, series }) {
  const scale = vega
    .scale(y.type ?? "linear")()
    .domain(y.domain)
    .range([PLOT.height, 0]);
  const values = series.flatMap(({ name, points, ours, dots = true }) =>
    points.map((point) => ({ name: colour(name), series: name, x: point[0], y: point[1], ours, dots })),
  );
  const encoding = {
    x: { field: "x", type: "quantitative", scale: { nice: false, ...x }, axis: { grid: false, ...x.axis } },
    y: { field: "y", type: "quantitative", scale: { nice: false, ...y }, axis: { title: null, ...y.axis } },
    color: byName,
  };
  const own = (yes, no) => ({ condition: { test: "datum.ours", value: yes }, value: no });
  const at = { data: { values: labels(series, scale) }, encoding: { color: byName } };
  return draw({
    title,
    subtitle,
    ...PLOT,
    data: { values },
    layer: [
      { mark: "line", encoding: { ...encoding, detail: { field: "series" }, strokeWidth: own(3, 1.6) } },
      {
        transform: [{ filter: "datum.dots" }],
        mark: { type: "circle", opacity: 1 },
        encoding: { ...encoding, size: own(44, 22) },
      },
      {
        ...at,
        mark: { type: "text", align: "left", baseline: "middle" },
        encoding: {
          ...at.encoding,
          x: { value: PLOT.width + 14 },
          y: { field: "y", type: "quantitative", scale: null },
          text: { field: "label" },
        },
      },
    ],
  });
}

/** Groups of horizontal bars; a group is `{ title, bars: [{ name, label, value, text, mark }] }`. */
function bars({ title, subtitle, sections, high, low }) {
  const scale =
    low === undefined ? { domain: [0, high] } : { type: "log", domain: [low, high], clamp: true, nice: false };
  const x = { type: "quantitative", scale, axis: null };
  return draw({
    title,
    subtitle,
    spacing: 14,
    vconcat: sections.map((section) => ({
      title: {
        text: section.title,
        anchor: "start",
        frame: "group",
        dx: -BAR.names,
        offset: 6,
        fontSize: 13,
        fontWeight: 600,
        color: colour("ink"),
      },
      width: BAR.width,
      height: { step: BAR.step },
      data: {
        values: section.bars.map((bar) => ({
          ...bar,
          name: colour(bar.name),
          low: low ?? 0,
          last: Math.max(bar.mark ?? 0, bar.value),
        })),
      },
      encoding: {
        y: {
          field: "label",
          type: "nominal",
          sort: null,
          axis: {
            title: null,
            minExtent: BAR.names,
            maxExtent: BAR.names,
            labelColor: colour("ink"),
            labelLimit: BAR.names,
          },
        },
      },
      layer: [
        {
          mark: { type: "bar", height: 14, cornerRadius: 2 },
          encoding: { x: { ...x, field: "value" }, x2: { field: "low" }, color: byName },
        },
        ...(section.bars.some(({ mark }) => mark !== undefined)
          ? [
              {
                mark: { type: "rule", opacity: 0.6 },
                encoding: { x: { ...x, field: "value" }, x2: { field: "last" }, color: byName },
              },
              {
                mark: { type: "tick", size: 12, thickness: 1, opacity: 0.6 },
                encoding: { x: { ...x, field: "last" }, color: byName },
              },
            ]
          : []),
        {
          mark: { type: "text", align: "left", dx: 8, color: colour("faint") },
          encoding: { x: { ...x, field: "last" }, text: { field: "text" } },
        },
      ],
    })),
  });
}

const title = { sluice: "select", go: "Go", node: "Promise.race", "thi.ng": "@thi.ng/csp" };

/** One series for each subject: its medians over the sizes of a program. */
function grown(found, program, named, more = {}) {
  const points = {};
  for (const row of groups.growth.rows.filter((candidate) => candidate.program === program)) {
    for (const [subject, result] of Object.entries(found.growth?.[row.name] ?? {})) {
      if (result.nanoseconds !== undefined) (points[subject] ??= []).push([row.size, result.nanoseconds.median]);
    }
  }
  return Object.entries(points)
    .filter(([, all]) => all.length > 1)
    .map(([name, all]) => ({
      name,
      label: named[name] ?? title[name] ?? name,
      points: all,
      ours: name === "sluice",
      ...more[name],
    }));
}

const extent = (series) => {
  const values = series.flatMap(({ points }) => points.map(([, y]) => y));
  return [Math.min(...values), Math.max(...values)];
};

/** An axis of powers of ten. */
function costs(low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const values = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
  return { type: "log", domain: [values[0], values.at(-1)], axis: { values, labelExpr: nanoseconds } };
}

function channelsChart({ groups: found }, subtitle) {
  const series = [
    ...grown(found, "select", { sluice: "ours: select", go: "Go: reflect.Select" }),
    ...grown(found, "selector", {})
      .filter(({ name }) => name === "sluice")
      .map((one) => ({ ...one, name: "selector", label: "ours: Selector" })),
  ];
  const [low, high] = extent(series);
  return lines({
    title: "What an event costs, by the number of channels waited on",
    subtitle,
    x: {
      type: "log",
      domain: [2, 10_000],
      axis: { title: "channels", values: [2, 10, 100, 1_000, 10_000], format: "," },
    },
    y: costs(low, high),
    series,
  });
}

function bufferChart({ groups: found }, subtitle) {
  const series = [
    ...grown(found, "buffered", { sluice: "ours: awaited" }),
    ...grown(found, "buffered-try", {})
      .filter(({ name }) => name === "sluice")
      .map((one) => ({ ...one, name: "sluice-try", label: "ours: try first" })),
  ];
  const [low, high] = extent(series);
  return lines({
    title: "What a message costs, by the size of the buffer",
    subtitle,
    x: {
      type: "log",
      domain: [1, 8_192],
      axis: { title: "messages the buffer holds", values: [1, 8, 128, 1_024, 8_192], format: "," },
    },
    y: costs(low, high),
    series,
  });
}

function livenessChart({ groups: found }, subtitle) {
  const LOW = 0.1;
  const section = (row, heading) => ({
    title: heading,
    bars: Object.entries(found.liveness[row])
      .filter(([, result]) => result.p99 !== undefined)
      .map(([name, { p99, max }]) => ({
        name,
        label: name === "sluice" ? "ours" : (title[name] ?? name),
        value: p99.median,
        mark: max.median,
        text: `${p99.median.toFixed(1)} (${max.median.toFixed(1)}) ms`,
      })),
  });
  const sections = [
    section("interval", "How late a 1 ms interval fires"),
    section("echo", "Round trip to an echo over TCP"),
  ];
  const high = Math.max(...sections.flatMap((one) => one.bars.map(({ mark }) => mark)));
  return bars({
    title: "While a rendezvous saturates the process: 99th percentile (and maximum)",
    subtitle: `Logarithmic. ${subtitle}`,
    sections,
    low: LOW,
    high,
  });
}

function floodChart({ groups: found }, subtitle) {
  const names = {
    sluice: "ours",
    ws: "ws, queued",
    "events.on": "events.on",
    "ws-stream": "ws stream",
    undici: "undici",
  };
  const series = Object.entries(found.sockets.flood)
    .filter(([, { series: points }]) => points !== undefined)
    .map(([name, { series: points }]) => ({
      name,
      label: names[name] ?? name,
      points: points.map(([ms, megabytes]) => [ms / 1_000, megabytes]),
      ours: name === "sluice",
      dots: false,
    }));
  const seconds = Math.max(...series.flatMap(({ points }) => points.map(([x]) => x)));
  return lines({
    title: "Resident memory under a flooding peer",
    subtitle: `1,000 messages a second are taken. ${subtitle}`,
    x: { domain: [0, seconds], axis: { title: "seconds", tickCount: 5 } },
    y: { domain: [0, Math.ceil(extent(series)[1] / 400) * 400], axis: { labelExpr: "datum.label + ' MB'" } },
    series,
  });
}

function memoryChart({ groups: found }, subtitle) {
  const section = (row, heading) => ({
    title: heading,
    bars: Object.entries(found.memory[row])
      .filter(([, result]) => result.bytes !== undefined)
      .map(([name, { bytes }]) => ({
        name,
        label: name === "sluice" ? "ours" : (title[name] ?? name),
        value: bytes.median,
        text: `${Math.round(bytes.median).toLocaleString("en")} B`,
      })),
  });
  const sections = [
    section("idle-channel", "An idle channel"),
    section("parked-receive", "A receive that waits (Go: a goroutine with its stack)"),
    section("parked-case", "A case of a select over 64 channels that waits"),
  ];
  return bars({
    title: "Memory",
    subtitle,
    sections,
    high: Math.max(...sections.flatMap((one) => one.bars.map(({ value }) => value))),
  });
}

/** The SVG documents, by name. A chart whose rows were not measured is left out. */
export async function charts(report) {
  const subtitle = `Node ${report.node}${report.go ? `, Go ${report.go}` : ""}; commit ${report.commit}; medians`;
  const { growth, liveness, sockets, memory } = report.groups;
  const drawn = {
    ...(growth && { channels: channelsChart(report, subtitle), buffers: bufferChart(report, subtitle) }),
    ...(liveness && { liveness: livenessChart(report, subtitle) }),
    ...(sockets?.flood && { flood: floodChart(report, subtitle) }),
    ...(memory && { memory: memoryChart(report, subtitle) }),
  };
  return Object.fromEntries(await Promise.all(Object.entries(drawn).map(async ([name, svg]) => [name, await svg])));
}
