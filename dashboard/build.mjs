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

/** A module that all pages have. */
const everywhere = "src/ui/mod.tsx";

const common = {
  bundle: true,
  minify: true,
  write: false,
  outdir: "/",
  target: "es2022",
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "warning",
  absWorkingDir: at("."),
};
const options = {
  ...common,
  entryPoints: [at("src/main.tsx")],
  splitting: true,
  entryNames: "assets/app-[hash]",
  chunkNames: "assets/part-[hash]",
  assetNames: "assets/[name]-[hash]",
  format: "esm",
  metafile: true,
};
// What several pages share comes in a part for each choice of pages. But for a large one they are one, for a
// request takes longer than some kilobytes: whatever is imported by a module that all pages have.
const shared = Object.values((await build(options)).metafile.outputs)
  .filter(({ entryPoint, bytes }) => entryPoint === undefined && bytes < 30_000)
  .flatMap(({ inputs }) => Object.keys(inputs))
  .filter((path) => path.startsWith("src/") && path !== everywhere);
const together = {
  name: "together",
  setup: ({ onLoad }) =>
    onLoad({ filter: new RegExp(`${everywhere}$`) }, ({ path }) => ({
      contents: [
        readFileSync(path, "utf8"),
        ...shared.map((path) => `import ${JSON.stringify(at(path))};`),
      ].join("\n"),
      loader: "tsx",
    })),
};
const { outputFiles, metafile } = await build({
  ...options,
  plugins: [together],
  logOverride: { "ignored-bare-import": "silent" },
});

// It runs before all that, so it has no part in common with it.
const first = await build({
  ...common,
  entryPoints: [at("src/first.ts")],
  entryNames: "assets/first-[hash]",
});

const types = { js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8" };
// The page's own style sheet has those of all parts in it; nothing asks for theirs.
const used = [...first.outputFiles, ...outputFiles]
  .filter(({ path }) => !/part-[^/]*\.css$/.test(path));
const files = used.map(({ path, text }) => ({
  name: path.slice(1),
  type: types[path.split(".").at(-1)],
  text,
})).sort((a, b) => a.name < b.name ? -1 : 1);
const named = (begin, end) =>
  files.find(({ name }) => name.startsWith(`assets/${begin}-`) && name.endsWith(end)).name;
const app = named("app", ".js");
const parts = Object.entries(metafile.outputs).map(([path, output]) => ({
  ...output,
  name: path.slice(path.lastIndexOf("assets/")),
}));
const template = readFileSync(at("index.html"), "utf8")
  .replace("{first}", `/dashboard/${named("first", ".js")}`)
  .replace("{script}", `/dashboard/${app}`)
  .replace("{style}", `/dashboard/${named("app", ".css")}`);
/** A document for each page, which names all that the page is going to import: what is only found by
 * running what came before comes late. */
const documents = {};
for (const { entryPoint } of parts) {
  const page = entryPoint?.match(/^src\/pages\/([\w-]+)\.tsx$/)?.[1];
  if (page === undefined) continue;
  const needed = closure([
    app,
    ...parts.filter((part) => part.entryPoint === entryPoint).map(({ name }) => name),
  ]);
  documents[page] = template.replace(
    "{parts}",
    needed.slice(1)
      .map((name) => `<link rel="modulepreload" href="/dashboard/${name}">`).join("\n    "),
  );
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
module += "};\n\n" +
  "/** By page; `{state}` is for who is signed in. */\n" +
  `export const documents: Readonly<Record<string, string>> = ${
    JSON.stringify(documents, null, 2)
  };\n`;
for (const text of Object.values(documents)) size += gzipSync(text, { level: 9 }).length;
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
