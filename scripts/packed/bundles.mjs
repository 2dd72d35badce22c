// In the stranger's project of scripts/test-packed.mjs, whose folder is the argument: a page that connects and reconnects,
// built by each bundler, and run in Chromium. No bundler warns, no console complains, nothing of Node is in it; and what
// a page does not have cannot be imported.
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import esbuild from "esbuild";
import { chromium } from "playwright";
import { rollup } from "rollup";
import * as vite from "vite";
import webpack from "webpack";
import { WebSocketServer } from "ws";

const folder = join(process.argv[2], "page");
const OUTPUT = "bundle.js";
const DEADLINE = 30_000; // milliseconds, for a page that hangs

// The page is told by its address where the server is, and tells how it went by its title.
const page = `
import { select, time } from "@sluice/channels";
import { connect, reconnect } from "@sluice/websocket";

const url = new URLSearchParams(location.search).get("server");
const one = await connect(url);
await one.send("one");
const answer = await select({ message: one.channel(), late: time.after("10s") });
await one.close();
const link = reconnect(url);
await (await link.client()).send("two");
const { value } = await link.channel().receive();
await link.close();
document.title = [one.transport, answer.value.data, value.data, value.epoch].join(" ");
`;
const EXPECTED = "stream one two 1";
const absent = `import { listen } from "@sluice/websocket";\ndocument.title = String(listen);\n`;

const html = (script) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8" /><title>…</title><link rel="icon" href="data:," /></head>
<body><script type="module" src="${script}"></script></body></html>
`;

function entry(name, text) {
  const file = join(folder, name, "page.js");
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(file, text);
  writeFileSync(join(folder, name, "index.html"), html("/page.js"));
  return file;
}

function ignore() {}

function quiet(warnings) {
  const warn = (text) => void warnings.push(text);
  return {
    hasWarned: false,
    info: ignore,
    clearScreen: ignore,
    hasErrorLogged: () => false,
    warn,
    warnOnce: warn,
    error: warn,
  };
}

// Each builds `file` into `output` and gives its warnings; throws for what is no bundle.
const bundlers = {
  async esbuild(file, output) {
    const { warnings } = await esbuild.build({
      entryPoints: [file],
      outfile: join(output, OUTPUT),
      bundle: true,
      minify: true,
      format: "esm",
      logLevel: "silent",
    });
    return warnings.map(({ text }) => text);
  },
  async rollup(file, output) {
    const warnings = [];
    const bundle = await rollup({
      input: file,
      plugins: [nodeResolve({ browser: true })],
      onLog: (level, { message }) => level === "warn" && warnings.push(message),
    });
    await bundle.write({ file: join(output, OUTPUT), format: "es" });
    await bundle.close();
    return warnings;
  },
  async vite(file, output) {
    const warnings = [];
    await vite.build({
      configFile: false,
      logLevel: "silent",
      root: join(file, ".."),
      customLogger: quiet(warnings),
      build: {
        outDir: output,
        target: "es2022",
        rollupOptions: { input: file, output: { entryFileNames: OUTPUT } },
      },
    });
    return warnings;
  },
  async webpack(file, output) {
    const compiler = webpack({
      mode: "production",
      context: join(file, ".."),
      entry: file,
      output: { path: output, filename: OUTPUT, module: true },
      experiments: { outputModule: true },
      optimization: { minimize: false }, // takes longer than all the rest of this
      performance: { hints: false }, // of sizes that nobody downloads
    });
    const stats = await new Promise((resolve, reject) =>
      compiler.run((error, done) => (error === null ? resolve(done) : reject(error))),
    );
    await new Promise((resolve) => compiler.close(resolve));
    const { errors = [], warnings = [] } = stats.toJson({ all: false, errors: true, warnings: true });
    if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
    return warnings.map(({ message }) => message);
  },
};

const wrong = [];

async function build(name) {
  const file = entry(name, page);
  const output = join(folder, name, "dist");
  const warnings = await bundlers[name](file, output);
  for (const warning of warnings) wrong.push(`${name} warns: ${warning}`);
  checkText(name, output);
  const refused = entry(`${name}-absent`, absent);
  const told = await bundlers[name](refused, join(folder, `${name}-absent`, "dist")).then(
    () => "a bundle",
    (error) => error.message,
  );
  if (!told.includes("listen")) wrong.push(`${name} made ${told} of a page that imports listen`);
}

function checkText(name, output) {
  for (const file of readdirSync(output).filter((each) => each.endsWith(".js"))) {
    if (/\b(?:from|import|require)\s*\(?\s*["'`]node:/.test(readFileSync(join(output, file), "utf8")))
      wrong.push(`${name}: ${file} needs Node`);
  }
}

async function show(browser, name, url) {
  const tab = await browser.newPage();
  const complaints = [];
  tab.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  const failed = new Promise((resolve) => {
    tab.on("pageerror", (error) => resolve(complaints.push(error.message)));
  });
  await tab.goto(url);
  const told = tab.waitForFunction(() => document.title !== "…", undefined, { timeout: DEADLINE });
  await Promise.race([told.catch(() => undefined), failed]);
  const title = await tab.title();
  await tab.close();
  return { name, title, complaints };
}

function judge({ name, title, complaints }) {
  if (title !== EXPECTED) wrong.push(`${name}: the page came to ${JSON.stringify(title)}`);
  for (const complaint of complaints) wrong.push(`${name}: the console says ${complaint}`);
}

const site = createServer((request, response) => {
  const [, name] = request.url.split(/[/?]/);
  const script = request.url.endsWith(".js");
  response.setHeader("Content-Type", script ? "text/javascript" : "text/html");
  response.end(script ? readFileSync(join(folder, name, "dist", OUTPUT)) : html(`/${name}/${OUTPUT}`));
});
site.listen(0, "127.0.0.1");
const echo = new WebSocketServer({ port: 0, host: "127.0.0.1" });
echo.on("connection", (socket) => {
  socket.on("message", (data, binary) => {
    socket.send(data, { binary });
  });
});
await Promise.all([once(site, "listening"), once(echo, "listening")]);
const search = `?server=ws://127.0.0.1:${echo.address().port}`;

// Its own scripts are looked at as the page gets them; a missing import is an error where it runs.
async function develop(browser) {
  const warnings = [];
  entry("develop", page);
  const server = await vite.createServer({
    configFile: false,
    logLevel: "silent",
    root: join(folder, "develop"),
    cacheDir: join(folder, "develop/.cache"),
    customLogger: quiet(warnings),
    server: { host: "127.0.0.1", port: 0 },
  });
  await server.listen();
  const url = `http://127.0.0.1:${server.httpServer.address().port}/${search}`;
  judge(await show(browser, "vite dev", url));
  checkText("vite dev", join(folder, "develop/.cache/deps"));
  for (const warning of warnings) wrong.push(`vite dev warns: ${warning}`);
  entry("develop", absent);
  const { complaints } = await show(browser, "vite dev", url);
  if (!complaints.some((text) => text.includes("listen"))) wrong.push("vite dev: a page imported listen");
  await server.close();
}

const executable = [process.env.CHROME_PATH, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (path) => path !== undefined && existsSync(path),
);
const launching = chromium.launch({
  executablePath: executable,
  args: [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  ],
});
const names = Object.keys(bundlers);
for (const name of names) await build(name);
const browser = await launching;
try {
  for (const name of names) {
    judge(await show(browser, name, `http://127.0.0.1:${site.address().port}/${name}/${search}`));
  }
  await develop(browser);
} finally {
  await browser.close();
  site.close();
  site.closeAllConnections();
  for (const socket of echo.clients) socket.terminate();
  echo.close();
}
if (wrong.length > 0) throw new Error(`In a page:\n${wrong.join("\n")}`);
console.log(`A page built by ${names.join(", ")}, and served by vite, connects and reconnects.`);
