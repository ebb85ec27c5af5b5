// Bundles the worker: `worker.mjs` with all of its start in one module, and beside them what is loaded
// only once it is needed (price table, tokenizer), which wrangler's own bundler would put into the one
// script that every isolate reads at its start. wrangler runs this file (see wrangler.jsonc).
// Plain JavaScript, for the system's Node may be 20.
import { build } from "esbuild";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * @typedef {object} Module
 * @property {string} name
 * @property {string} text
 * @property {string | undefined} source The file that is loaded by this module, where it is one.
 * @property {readonly string[]} imports Modules that are loaded with it.
 * @property {boolean} apart Not loaded at the start.
 */

/**
 * Bundles a worker.
 *
 * @param {string} entry Its file, absolute or from the folder of the package.
 * @param {{ minify?: boolean }} [options]
 * @returns {Promise<Module[]>} ES modules, `worker.mjs` first.
 */
export async function bundleWorker(entry, { minify = false } = {}) {
  const options = {
    absWorkingDir: root,
    entryPoints: { worker: entry },
    outdir: "/worker",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    minify,
    write: false,
    metafile: true,
    charset: "utf8",
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "warning",
  };
  const { inputs } = (await build(options)).metafile;
  const later = Object.values(inputs).flatMap(({ imports }) => imports)
    .filter(({ kind, external }) => kind === "dynamic-import" && !external)
    .map(({ path }) => join(root, path));
  const { outputFiles, metafile } = await build({
    ...options,
    logOverride: { "ignored-bare-import": "silent" },
    plugins: [startInOne(entry, new Set(later))],
  });
  const known = new Map(
    Object.entries(metafile.outputs).map(([path, { entryPoint, imports }]) => [basename(path), {
      source: entryPoint,
      imports: imports.filter(({ kind, external }) => kind === "import-statement" && !external)
        .map(({ path }) => basename(path)),
    }]),
  );
  const atStart = withImports(["worker.mjs"], (name) => known.get(name).imports);
  const place = ({ name, apart }) => name === "worker.mjs" ? 0 : apart ? 2 : 1;
  return outputFiles
    .map(({ path, text }) => {
      const name = basename(path);
      return { name, text, ...known.get(name), apart: !atStart.has(name) };
    })
    .sort((a, b) => place(a) - place(b));
}

/**
 * Modules, and all that is loaded with them.
 *
 * @param {readonly string[]} names
 * @param {(name: string) => readonly string[]} importsOf
 */
export function withImports(names, importsOf) {
  const all = new Set(names);
  for (const name of all) for (const next of importsOf(name)) all.add(next);
  return all;
}

/**
 * What is loaded at the start becomes one module, smaller by a tenth than the many that each share some of
 * it with what is loaded later: esbuild puts together what the same entries reach, so each of them reaches
 * the start.
 *
 * @param {string} entry
 * @param {ReadonlySet<string>} later Files that are loaded later.
 * @returns {import("esbuild").Plugin}
 */
function startInOne(entry, later) {
  return {
    name: "start-in-one",
    setup({ onLoad }) {
      const start = `\nimport ${JSON.stringify(resolve(root, entry))};`;
      onLoad({ filter: /\.m?[jt]s$/ }, ({ path }) => {
        if (!later.has(path)) return undefined;
        const loader = path.endsWith("ts") ? "ts" : "js";
        return { contents: readFileSync(path, "utf8") + start, loader };
      });
    },
  };
}

/**
 * Writes the modules, each in one step: several may build and read at a time.
 *
 * @param {{ name: string, text: string }[]} modules
 * @param {string} folder
 */
export function writeModules(modules, folder) {
  mkdirSync(folder, { recursive: true });
  for (const { name, text } of modules) {
    // A file that is written anew restarts every `wrangler dev` that watches the folder.
    if (isThere(join(folder, name), text)) continue;
    const half = join(folder, `${name}.${process.pid}`);
    writeFileSync(half, text);
    renameSync(half, join(folder, name));
  }
  for (const name of readdirSync(folder)) {
    const old = name.endsWith(".mjs") && !modules.some((module) => module.name === name);
    if (old) rmSync(join(folder, name), { force: true });
  }
}

function isThere(path, text) {
  try {
    return readFileSync(path, "utf8") === text;
  } catch {
    return false;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const minify = process.env.WRANGLER_COMMAND === "deploy";
  const modules = await bundleWorker(join(root, "runtimes/workers.ts"), { minify });
  writeModules(modules, join(root, ".wrangler/worker"));
}
