// Draws the charts of docs/benchmarks.md from a run's results. The colours follow the reader's light or dark mode.

import { groups } from "./rows.mjs";

const WIDTH = 800;
const HEIGHT = 440;
const PLOT = { left: 68, right: WIDTH - 160, top: 64, bottom: HEIGHT - 52 };

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
};
const classOf = (name) => `s-${name.replaceAll(".", "-")}`;

function style(names) {
  const rules = (mode) => names.map((name) => `.${classOf(name)}{--c:${COLOURS[name][mode]}}`).join("");
  return `<style>
svg{--ink:#1f2328;--faint:#59636e;--grid:#d8dee4;color-scheme:light dark;font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
${rules(0)}
@media (prefers-color-scheme:dark){svg{--ink:#e6edf3;--faint:#9aa4af;--grid:#30363d}${rules(1)}}
text{fill:var(--ink)}.faint{fill:var(--faint)}.title{font-size:16px;font-weight:600}
.grid{stroke:var(--grid);stroke-width:1}.line{fill:none;stroke:var(--c);stroke-width:1.6}.ours{stroke-width:3}
.dot,.bar{fill:var(--c)}.label{fill:var(--c)}.lead{stroke:var(--c);stroke-width:1;opacity:.5}.strong{font-weight:600}
.back{fill:#fff}@media (prefers-color-scheme:dark){.back{fill:#0d1117}}
</style>`;
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const at = (number) => number.toFixed(1);

function document({ title, subtitle, names, body, height = HEIGHT }) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">
${style([...new Set(names)])}
<rect class="back" width="${WIDTH}" height="${height}" rx="8"/>
<text class="title" x="20" y="28">${escaped(title)}</text>
<text class="faint" x="20" y="47">${escaped(subtitle)}</text>
${body.join("\n")}
</svg>
`;
}

function nanoseconds(value) {
  const [unit, size] = value >= 1e6 ? ["ms", 1e6] : value >= 1e3 ? ["µs", 1e3] : ["ns", 1];
  return `${value / size} ${unit}`;
}

function logarithmic(low, high, from, to) {
  const scale = (value) => from + ((Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low))) * (to - from);
  const ticks = [];
  for (let power = Math.ceil(Math.log10(low) - 1e-9); power <= Math.log10(high) + 1e-9; power += 1)
    ticks.push(10 ** power);
  return { scale, ticks };
}

function linear(high, from, to, step) {
  const scale = (value) => from + (value / high) * (to - from);
  const ticks = [];
  for (let value = 0; value <= high; value += step) ticks.push(value);
  return { scale, ticks };
}

/** Labels at the right, pushed apart where lines end close together. */
function labels(series, y) {
  const placed = series.map((one) => ({ ...one, at: y(one.points.at(-1)[1]) })).sort((a, b) => a.at - b.at);
  let free = PLOT.top - 4;
  for (const one of placed) {
    one.y = Math.max(one.at, free);
    free = one.y + 16;
  }
  const over = Math.max(0, free - 16 - PLOT.bottom);
  for (const one of placed) one.y -= over * ((one.y - PLOT.top) / (PLOT.bottom - PLOT.top));
  return placed;
}

/** Lines over a common x; a series is `{ name, label, points: [[x, y], …], ours }`. */
function lines({ title, subtitle, xLabel, x, y, xTicks, yLabel, series }) {
  const body = [];
  for (const tick of y.ticks) {
    body.push(`<path class="grid" d="M${PLOT.left} ${at(y.scale(tick))}H${PLOT.right}"/>`);
    body.push(
      `<text class="faint" x="${PLOT.left - 8}" y="${at(y.scale(tick) + 4)}" text-anchor="end">${yLabel(tick)}</text>`,
    );
  }
  for (const tick of xTicks) {
    body.push(
      `<text class="faint" x="${at(x.scale(tick))}" y="${PLOT.bottom + 20}" text-anchor="middle">${tick.toLocaleString("en")}</text>`,
    );
  }
  body.push(
    `<text class="faint" x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 40}" text-anchor="middle">${escaped(xLabel)}</text>`,
  );
  for (const { name, points, ours, dots = true } of series) {
    const path = points.map(([px, py], i) => `${i === 0 ? "M" : "L"}${at(x.scale(px))} ${at(y.scale(py))}`).join("");
    body.push(`<g class="${classOf(name)}"><path class="line${ours ? " ours" : ""}" d="${path}"/>`);
    if (dots)
      body.push(
        ...points.map(
          ([px, py]) => `<circle class="dot" cx="${at(x.scale(px))}" cy="${at(y.scale(py))}" r="${ours ? 3.5 : 2.5}"/>`,
        ),
      );
    body.push("</g>");
  }
  for (const { name, label, points, ours, at: end, y: place } of labels(series, y.scale)) {
    const from = x.scale(points.at(-1)[0]);
    body.push(
      `<g class="${classOf(name)}"><path class="lead" d="M${at(from + 5)} ${at(end)}L${PLOT.right + 14} ${at(place)}"/>` +
        `<text class="label${ours ? " strong" : ""}" x="${PLOT.right + 18}" y="${at(place + 4)}">${escaped(label)}</text></g>`,
    );
  }
  return document({ title, subtitle, names: series.map(({ name }) => name), body });
}

/** Groups of horizontal bars; a group is `{ title, bars: [{ name, label, value, text, mark }] }`. */
function bars({ title, subtitle, sections, high, low }) {
  const x =
    low === undefined ? linear(high, 150, WIDTH - 160, high).scale : logarithmic(low, high, 150, WIDTH - 160).scale;
  const body = [];
  let y = 66;
  for (const section of sections) {
    body.push(`<text class="strong" x="20" y="${y + 12}">${escaped(section.title)}</text>`);
    y += 22;
    for (const { name, label, value, text, mark } of section.bars) {
      const end = Math.max(x(Math.max(value, low ?? 0)), 152);
      const last = mark === undefined ? end : Math.max(end, x(Math.max(mark, low ?? 0)));
      body.push(
        `<g class="${classOf(name)}"><text x="142" y="${y + 13}" text-anchor="end"${name.startsWith("sluice") ? ' class="strong"' : ""}>${escaped(label)}</text>` +
          `<rect class="bar" x="150" y="${y + 2}" width="${at(end - 150)}" height="14" rx="2"/>` +
          (mark === undefined
            ? ""
            : `<path class="lead" d="M${at(end)} ${y + 9}H${at(last)}M${at(last)} ${y + 3}V${y + 15}"/>`) +
          `<text class="faint" x="${at(last + 8)}" y="${y + 13}">${escaped(text)}</text></g>`,
      );
      y += 20;
    }
    y += 14;
  }
  return document({
    title,
    subtitle,
    names: sections.flatMap((section) => section.bars.map(({ name }) => name)),
    body,
    height: y + 6,
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
    xLabel: "channels",
    yLabel: nanoseconds,
    x: logarithmic(2, 10_000, PLOT.left + 8, PLOT.right),
    y: logarithmic(10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high)), PLOT.bottom, PLOT.top),
    xTicks: [2, 10, 100, 1_000, 10_000],
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
    xLabel: "messages the buffer holds",
    yLabel: nanoseconds,
    x: logarithmic(1, 8_192, PLOT.left + 8, PLOT.right),
    y: logarithmic(10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high)), PLOT.bottom, PLOT.top),
    xTicks: [1, 8, 128, 1_024, 8_192],
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
    xLabel: "seconds",
    yLabel: (value) => `${value} MB`,
    x: linear(seconds, PLOT.left + 8, PLOT.right, 1),
    y: linear(Math.ceil(extent(series)[1] / 400) * 400, PLOT.bottom, PLOT.top, 200),
    xTicks: Array.from({ length: 5 }, (_, i) => Number(((seconds * i) / 4).toFixed(1))),
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
export function charts(report) {
  const subtitle = `Node ${report.node}${report.go ? `, Go ${report.go}` : ""}; commit ${report.commit}; medians`;
  const { growth, liveness, sockets, memory } = report.groups;
  return {
    ...(growth && { channels: channelsChart(report, subtitle), buffers: bufferChart(report, subtitle) }),
    ...(liveness && { liveness: livenessChart(report, subtitle) }),
    ...(sockets?.flood && { flood: floodChart(report, subtitle) }),
    ...(memory && { memory: memoryChart(report, subtitle) }),
  };
}
