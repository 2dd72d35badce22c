// The site of docs/: `npm run docs`. The pages stay plain Markdown, which GitHub shows as well.

import { readdirSync } from "node:fs";
import { slug } from "github-slugger";
import { defineConfig } from "vitepress";
import { homepage, repositoryLinks } from "./links.mjs";
import { subpaths } from "./typedoc.mjs";

const DOCS = new URL("../", import.meta.url);

// Each page in its place: the title of the sidebar is short, the one of the page says more.
const SIDEBAR = {
  "To begin with": {
    start: "Start here",
    ideas: "The ideas",
    "event-loops": "Select and event loops",
    timers: "Timers",
    examples: "Examples",
    recipes: "Recipes",
    questions: "Questions",
  },
  Sockets: {
    websocket: "WebSockets",
    reconnecting: "Staying connected",
    servers: "Servers",
    browser: "In a page",
  },
  Tasks: {
    broadcast: "Tell many",
    group: "Groups",
    flow: "Flow",
    interop: "Streams, iterables, events",
    "events-and-streams": "The same by hand",
  },
  "Seeing that it works": {
    testing: "Testing",
    seeing: "When it hangs or is slow",
    laws: "The laws",
    benchmarks: "Benchmarks",
    profiles: "Profiles",
    design: "Why it is built so",
  },
  "Coming from": {
    "from-go": "Go",
    "from-callbacks": "Callbacks and EventEmitter",
    "from-rxjs": "RxJS",
    "from-web-streams": "Web streams",
    "from-lua": "The document for Lua",
  },
  Reference: {
    reference: "Everything on one page",
  },
};

// What typedoc names a page of: the module itself, or a folder where it has namespaces.
const API = Object.values(subpaths).map((name) => ({
  text: name,
  link: `/api/${name}${name === "@sluice/channels" ? "/" : ""}`,
}));

const pages = new Set(
  readdirSync(DOCS)
    .filter((file) => file.endsWith(".md"))
    .map((file) => file.slice(0, -".md".length)),
);

function sidebar() {
  return Object.entries(SIDEBAR).map(([text, places]) => ({
    text,
    items: Object.entries(places)
      .filter(([page]) => pages.has(page))
      .map(([page, title]) => ({ text: title, link: `/${page}` }))
      .concat(text === "Reference" ? API : []),
  }));
}

/** A page for the index of the search, which needs no colours: they are half of the time of a build. */
function withoutColours(source, env, markdown) {
  const { highlight } = markdown.options;
  markdown.set({ highlight: null });
  try {
    const html = markdown.render(source, env);
    return env.frontmatter?.search === false ? "" : html;
  } finally {
    markdown.set({ highlight });
  }
}

export default defineConfig({
  title: "Sluice",
  description: "Go-style channels and select for TypeScript, and WebSockets that are channels",
  lang: "en",
  head: [["link", { rel: "icon", href: "/logo.svg", type: "image/svg+xml" }]],
  cleanUrls: false,
  srcExclude: ["example/dist/**"],
  // The tables of figures need the room of the outline.
  transformPageData: (page) => void (page.relativePath === "benchmarks.md" && (page.frontmatter.aside = false)),
  // The playgrounds run the sources of the core.
  vite: { resolve: { conditions: ["@sluice/source"] }, build: { chunkSizeWarningLimit: 1500 } },
  markdown: {
    anchor: { slugify: (heading) => slug(heading) },
    config: (markdown) => void markdown.use(repositoryLinks),
  },
  themeConfig: {
    logo: "/logo.svg",
    search: { provider: "local", options: { _render: withoutColours } },
    outline: [2, 3],
    nav: [
      { text: "Start here", link: "/start" },
      { text: "The ideas", link: "/ideas" },
      { text: "API", link: "/api/" },
      { text: "Benchmarks", link: "/benchmarks" },
    ],
    sidebar: sidebar(),
    socialLinks: [{ icon: "github", link: homepage }],
    footer: { message: "MIT" },
  },
});
