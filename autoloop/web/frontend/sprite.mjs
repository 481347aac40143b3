// One SVG of the icons named in icons.txt: one request, kept for a year.
import fs from "node:fs";

const names = fs.readFileSync("icons.txt", "utf8").trim().split(/\s+/);
const symbols = names.map((name) => {
  const source = fs.readFileSync(`node_modules/lucide-static/icons/${name}.svg`, "utf8");
  const shapes = source.replace(/<!--.*?-->/s, "").replace(/<svg[^>]*>|<\/svg>/g, "").replace(/\s+/g, " ").trim();
  return `<symbol id="${name}" viewBox="0 0 24 24">${shapes}</symbol>`;
});
fs.writeFileSync("../static/dist/icons.svg", `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`);
