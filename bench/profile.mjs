// Where the time of a row goes: ours under Linux's `perf`, which sees the compiled code of V8's builtins by name, as no
// profiler of Node does. Needs `perf` (Debian: linux-perf).

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const bench = fileURLToPath(new URL(".", import.meta.url));
const folder = `${bench}.build/profile/`;

// The first that fits. Code of the library is inlined into the loops of the program, so the two stand together.
const CLASSES = [
  ["library and program", /^JS:/],
  ["promises, async functions", /^Builtins_.*(Promise|Await|Async|Microtask|Generator|Reaction|GetProperty)/],
  [
    "garbage collection",
    /Scaveng|MarkCompact|Marking|Sweep|Heap|Evacuat|GlobalHandles|RecordWrite|ObjectCache|RootVisitor|GarbageCollect|Allocat/,
  ],
  ["clock", /clock_gettime|hrtime|PerformanceNow|vdso|DateCurrentTime|JSDate|DateNow/],
  ["timers, event loop", /^(uv_|uv__|node::(Environment|Immediate|Timers?)|epoll)/],
  ["other builtins of V8", /^Builtins_/],
];

/** Share of each class, and the symbols that weigh most. */
export function profile(row, environment) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const options = {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "ignore"],
    encoding: "utf8",
  };
  const node = [
    process.execPath,
    "--perf-basic-prof",
    "--expose-gc",
    `${bench}measure.mjs`,
    "sluice",
    row.name,
    "3000",
  ];
  execFileSync("perf", ["record", "-q", "-F", "1999", "-o", "perf.data", ...node], options);
  const report = execFileSync("perf", ["report", "-i", "perf.data", "--sort", "sym", "--percent-limit", "0.05"], {
    ...options,
    maxBuffer: 64 * 1024 * 1024,
  });
  const symbols = [...report.matchAll(/^ +([\d.]+)% +\[(.)\] (.+?) *$/gm)].map(([, share, space, symbol]) => ({
    share: Number(share),
    symbol,
    where: space === "k" ? "kernel" : (CLASSES.find(([, pattern]) => pattern.test(symbol))?.[0] ?? "the rest of Node"),
  }));
  const shares = {};
  for (const { share, where } of symbols) shares[where] = (shares[where] ?? 0) + share;
  if (symbols.length === 0) throw new Error("perf found nothing: is it allowed to (kernel.perf_event_paranoid)?");
  return {
    shares,
    top: symbols.slice(0, 12).map(({ share, symbol }) => [symbol.replace(/ (file:\S*\/)/, " "), share]),
  };
}

const CLASSES_SHOWN = [...CLASSES.map(([where]) => where), "the rest of Node", "kernel"];

/** A table of profiles, for the page and the terminal. */
export function profiles(found) {
  const head = ["row", ...CLASSES_SHOWN];
  const lines = Object.entries(found).map(([row, { shares }]) => [
    `\`${row}\``,
    ...CLASSES_SHOWN.map((where) => `${Math.round(shares[where] ?? 0)} %`),
  ]);
  return [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

/** The symbols that weigh most in each row. */
export function heaviest(found) {
  return Object.entries(found)
    .map(
      ([row, { top }]) =>
        `- \`${row}\`: ${top.map(([symbol, share]) => `${Math.round(share)} % \`${symbol}\``).join(", ")}`,
    )
    .join("\n");
}
