// Compressed twins beside each text file, so that no request compresses.
import fs from "node:fs";
import zlib from "node:zlib";

const folder = "../static/dist/";
for (const name of fs.readdirSync(folder).filter((name) => /\.(js|css|svg)$/.test(name))) {
  const raw = fs.readFileSync(folder + name);
  fs.writeFileSync(`${folder}${name}.gz`, zlib.gzipSync(raw, { level: 9 }));
  fs.writeFileSync(`${folder}${name}.br`, zlib.brotliCompressSync(raw));
}
