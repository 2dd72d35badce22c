// `npm run recording`: docs/charts/start.svg, what `npm start` shows, as it comes. Each line scrolls in at its moment, by one
// CSS animation, so that a page that shows no script plays it, and whoever wants no motion sees the end.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { must, say, tool } from "./run.mjs";

const VISIBLE = 14; // lines of the terminal
const BEGINNING = 75; // lines that are shown of the beginning: a quiet stretch and a break are among them
const END = 9; // and of the end
const GAP = 800; // milliseconds in place of what is left out
const REST = 5_000; // milliseconds that the end is shown before it begins again
const [LINE, LEFT, WIDTH] = [19, 16, 960];
const COLOURS = { 1: "bold", 2: "dim", 31: "red", 32: "green", 33: "yellow", 36: "cyan" };

async function record() {
  const child = spawn(process.execPath, ["docs/example/dist/prices.js"], {
    env: { ...process.env, FORCE_COLOR: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = [];
  for await (const text of createInterface({ input: child.stdout })) lines.push({ text, at: performance.now() });
  return lines;
}

/** The beginning and the end, with the moments at which they come. */
function shortened(lines) {
  const last = lines.slice(-END);
  const first = lines.slice(0, BEGINNING);
  const begin = lines[0].at;
  const skipped = last[0].at - first.at(-1).at - GAP;
  const rest = last.map(({ text, at }) => ({ text, at: at - skipped }));
  return [...first, { text: "\x1b[2m⋮\x1b[0m", at: first.at(-1).at + GAP / 2 }, ...rest].map(({ text, at }) => ({
    text,
    at: at - begin,
  }));
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** A line with the escapes of the terminal as spans. */
function spans(text) {
  const [plain, ...parts] = text.split("\x1b[");
  return parts.reduce((line, part) => {
    const end = part.indexOf("m");
    const [colour, words] = [COLOURS[part.slice(0, end)], escaped(part.slice(end + 1))];
    if (words === "") return line;
    return line + (colour === undefined ? words : `<tspan class="${colour}">${words}</tspan>`);
  }, escaped(plain));
}

function drawn(lines) {
  const height = VISIBLE * LINE + 2 * LEFT;
  const length = lines.at(-1).at + REST;
  const offset = (shown) => (VISIBLE - shown) * LINE; // the newest line stands at the bottom
  const frames = lines.map(
    ({ at }, i) => `${((at / length) * 100).toFixed(2)}%{transform:translateY(${offset(i + 1)}px)}`,
  );
  const texts = lines.map(({ text }, i) => `<text x="${LEFT}" y="${LEFT + (i + 0.75) * LINE}">${spans(text)}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="What npm start shows">
<style>
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d6dbe1;white-space:pre}
.bold{font-weight:700}.dim{fill:#8b949e}.red{fill:#ff7b72}.green{fill:#3fb950}.yellow{fill:#d29922}.cyan{fill:#39c5cf}
#lines{transform:translateY(${offset(lines.length)}px);animation:lines ${(length / 1000).toFixed(1)}s step-end infinite}
@keyframes lines{${frames.join("")}}
@media (prefers-reduced-motion:reduce){#lines{animation:none}}
</style>
<clipPath id="screen"><rect x="0" y="${LEFT}" width="${WIDTH}" height="${VISIBLE * LINE}"/></clipPath>
<rect width="${WIDTH}" height="${height}" rx="8" fill="#0d1117"/>
<g clip-path="url(#screen)"><g id="lines">
${texts.join("\n")}
</g></g>
</svg>
`;
}

say("Building");
must(...tool("typescript/bin/tsc", "-b", "tsconfig.build.json"));
say("Recording what the example shows");
const lines = shortened(await record());
writeFileSync(new URL("../docs/charts/start.svg", import.meta.url), drawn(lines));
say(`docs/charts/start.svg: ${lines.length} lines`);
