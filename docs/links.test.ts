// Every link of the pages leads somewhere: to a file of this repository, and to a heading in it. The READMEs of the packages
// are shown by npm, which knows no other file: their links name the project's address, and are followed here all the same.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { slug } from "github-slugger";
import { expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), "utf8");
const { homepage } = JSON.parse(read("package.json")) as { homepage: string };

const docs = readdirSync(new URL("docs/", root), { recursive: true }).map((file) => `docs/${String(file)}`);
const packaged = ["packages/channels/README.md", "packages/websocket/README.md", "packages/inspect/README.md"];
const written = docs.filter((file) => file.endsWith(".md") && !/^docs[\\/](api|\.vitepress)\b/.test(file));
const pages = ["README.md", "CONTRIBUTING.md", ...packaged, ...written];

/** The text of a page without its code. */
function proseOf(page: string): string {
  return read(page)
    .replaceAll(/^```.*?^```$/gms, "")
    .replaceAll(/`[^`\n]*\]\([^`\n]*`/g, "");
}

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(page: string): string[] {
  return Array.from(proseOf(page).matchAll(/^#+ (.*)$/gm), ([, heading = ""]) => slug(heading));
}

/** What is wrong with a link of a page; undefined when it leads somewhere, or to another site. */
function faultOf(link: string, page: string): string | undefined {
  const own = link.startsWith(`${homepage}/blob/main/`);
  if (/^https?:/.test(link) && !own) return undefined;
  if (own !== packaged.includes(page)) return "npm shows this page without the repository, and no other";
  const { pathname, hash } = own
    ? new URL(link.replace(`${homepage}/blob/main`, "file://"))
    : new URL(link, `file:///${page}`);
  const file = pathname.slice(1);
  if (!existsSync(new URL(file, root))) return "no such file";
  return hash === "" || anchorsOf(file).includes(hash.slice(1)) ? undefined : "no such heading";
}

test.each(pages)("the links of %s lead somewhere", (page) => {
  const links = Array.from(proseOf(page).matchAll(/\]\(([^)\s]+)\)/g), ([, link = ""]) => link);
  expect(links.map((link) => [link, faultOf(link, page)]).filter(([, fault]) => fault !== undefined)).toEqual([]);
});

test.each(["channels", "websocket", "inspect"])("the package %s says where it comes from", (name) => {
  const folder = `packages/${name}`;
  expect(JSON.parse(read(`${folder}/package.json`))).toMatchObject({
    homepage: `${homepage}/blob/main/${folder}/README.md`,
    bugs: `${homepage}/issues`,
    repository: { type: "git", url: `git+${homepage}.git`, directory: folder },
  });
});
