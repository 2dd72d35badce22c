// `npm run address -- https://github.com/owner/sluice`: where the project lives, in every place that says so. The one that
// counts is `homepage` in the package.json of the root; npm wants it in each package, and their READMEs need it in links.
import { readFileSync, writeFileSync } from "node:fs";

const root = new URL("../", import.meta.url);
const read = (file) => readFileSync(new URL(file, root), "utf8");
const places = [
  "package.json",
  ...["channels", "websocket", "inspect"].flatMap((name) => placesOf(`packages/${name}`)),
];

function placesOf(folder) {
  return [`${folder}/package.json`, `${folder}/README.md`];
}

const address = process.argv[2] ?? "";
const { homepage } = JSON.parse(read("package.json"));
if (!URL.canParse(address)) {
  console.error(`npm run address -- https://host/owner/name (now: ${homepage})`);
  process.exitCode = 1;
} else {
  for (const place of places) {
    writeFileSync(new URL(place, root), read(place).replaceAll(homepage, address.replace(/\/$/, "")));
  }
  console.log(`${homepage} → ${address}`);
}
