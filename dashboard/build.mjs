// Bundles the dashboard into `core/dashboard/assets.ts`, from which the gateway serves it: no file is read
// at run time, so it is the same on every runtime. Plain JavaScript, for the system's Node may be 20.
//   node dashboard/build.mjs           writes it
//   node dashboard/build.mjs --check   fails when it is not what the sources come to, or too large
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
/** Most bytes, gzipped, of everything that the page loads. */
const limit = 120 * 1024;

const { outputFiles, metafile } = await build({
  entryPoints: [at("src/main.tsx")],
  bundle: true,
  minify: true,
  splitting: true,
  write: false,
  outdir: "/",
  entryNames: "assets/app-[hash]",
  chunkNames: "assets/part-[hash]",
  assetNames: "assets/[name]-[hash]",
  format: "esm",
  target: "es2022",
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "warning",
  metafile: true,
  absWorkingDir: at("."),
});

const types = { js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8" };
// The page's own style sheet has those of all parts in it; nothing asks for theirs.
const used = outputFiles.filter(({ path }) => !/part-[^/]*\.css$/.test(path));
const files = used.map(({ path, text }) => ({
  name: path.slice(1),
  type: types[path.split(".").at(-1)],
  text,
})).sort((a, b) => a.name < b.name ? -1 : 1);
const named = (end) =>
  files.find(({ name }) => /^assets\/app-/.test(name) && name.endsWith(end)).name;
const parts = Object.entries(metafile.outputs).map(([path, output]) => ({
  ...output,
  name: path.slice(path.lastIndexOf("assets/")),
}));
const template = readFileSync(at("index.html"), "utf8");
// A document for each page, which names all that the page is going to import: what is only found by
// running what came before comes late.
for (const { entryPoint } of parts) {
  const page = entryPoint?.match(/^src\/pages\/([\w-]+)\.tsx$/)?.[1];
  if (page === undefined) continue;
  const needed = closure([
    named(".js"),
    ...parts.filter((part) => part.entryPoint === entryPoint)
      .map(({ name }) => name),
  ]);
  const text = template
    .replace("{script}", `/dashboard/${named(".js")}`)
    .replace("{style}", `/dashboard/${named(".css")}`)
    .replace(
      "{parts}",
      needed.slice(1)
        .map((name) => `<link rel="modulepreload" href="/dashboard/${name}">`).join("\n    "),
    );
  files.push({ name: `${page}.html`, type: "text/html; charset=utf-8", text });
}

let size = 0;
let module = "// Made by dashboard/build.mjs; do not edit.\n\n" +
  "/** A file of the dashboard; `gzip` is base64. */\n" +
  "export interface Asset {\n  type: string;\n  tag: string;\n  gzip: string;\n}\n\n" +
  "/** By path below `/dashboard/`. */\n" +
  "export const assets: Readonly<Record<string, Asset>> = {\n";
for (const { name, type, text } of files) {
  const zipped = gzipSync(text, { level: 9 });
  zipped[9] = 255; // which system it was made on must not tell
  size += zipped.length;
  const tag = createHash("sha256").update(text).digest("hex").slice(0, 16);
  module += `  "${name}": {\n    type: "${type}",\n    tag: "${tag}",\n    gzip:\n      "${
    zipped.toString("base64")
  }",\n  },\n`;
}
module += "};\n";
console.log(`${size} bytes of ${limit}, gzipped`);
const target = at("../core/dashboard/assets.ts");
if (!process.argv.includes("--check")) writeFileSync(target, module);
else if (contentOf(readFileSync(target, "utf8")) !== contentOf(module)) {
  console.log("core/dashboard/assets.ts is not up to date: run 'npm run build:dashboard'");
  process.exitCode = 1;
}
if (size > limit) process.exitCode = 1;

/** Names and tags: another zlib may pack the same text otherwise. */
function contentOf(text) {
  return text.replace(/gzip:\s+"[^"]*"/g, "");
}

/** These parts and all that they import, but for what they import when it is wanted. */
function closure(names) {
  const found = new Set(names);
  for (const name of found) {
    for (const { path, kind } of parts.find((part) => part.name === name).imports) {
      if (kind === "import-statement") found.add(path.slice(path.lastIndexOf("assets/")));
    }
  }
  return [...found];
}
