// A page's links as the site needs them. The pages are written for a reader on GitHub: links between them name files, which
// VitePress understands; a link to a file of the repository that is no page leads to where the project lives.

import { existsSync, readFileSync } from "node:fs";
import { posix } from "node:path";

const root = new URL("../../", import.meta.url);
export const { homepage } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));

/** The link as the site has it, `page` being the path of the page below docs/. */
function linkOf(link, page) {
  if (link.startsWith("#") || /^[a-z]+:/i.test(link)) return link;
  const [path, hash = ""] = link.split("#");
  const file = posix.normalize(posix.join("docs", posix.dirname(page), path));
  if (file.startsWith("docs/") || !existsSync(new URL(file, root))) return link;
  return `${homepage}/blob/main/${file}${hash === "" ? "" : `#${hash}`}`;
}

/** For markdown-it: rewrites each link of a page. */
export function repositoryLinks(markdown) {
  markdown.core.ruler.push("repository-links", ({ tokens, env }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      if (token.type === "link_open") token.attrSet("href", linkOf(token.attrGet("href"), env.relativePath));
    }
  });
}
