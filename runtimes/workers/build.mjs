// Bundles the worker: `worker.mjs`, and beside it the modules that are loaded only once they are
// needed (price table, tokenizer), which wrangler's own bundler would put into the one script that
// every isolate reads at its start. wrangler runs this file (see wrangler.jsonc).
// Plain JavaScript, for the system's Node may be 20.
import { build } from "esbuild";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * Bundles a worker.
 *
 * @param {string} entry Its file.
 * @param {{ minify?: boolean }} [options]
 * @returns {Promise<{ name: string, text: string, apart: boolean }[]>} ES modules, `worker.mjs` first;
 *   `apart` are those that are not loaded at the start.
 */
export async function bundleWorker(entry, { minify = false } = {}) {
  const { outputFiles, metafile } = await build({
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
  });
  const imports = new Map(
    Object.entries(metafile.outputs).map(([path, { imports }]) => [
      basename(path),
      imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => basename(path)),
    ]),
  );
  const atStart = new Set(["worker.mjs"]);
  for (const name of atStart) for (const next of imports.get(name) ?? []) atStart.add(next);
  const place = ({ name, apart }) => name === "worker.mjs" ? 0 : apart ? 2 : 1;
  return outputFiles
    .map(({ path, text }) => ({ name: basename(path), text, apart: !atStart.has(basename(path)) }))
    .sort((a, b) => place(a) - place(b));
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
