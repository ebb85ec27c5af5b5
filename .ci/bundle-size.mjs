// What a Worker loads at its start, with every native provider, minified and gzipped; what it has loaded
// once it has translated a chat; and all that it loads only when it is needed.
import { gzipSync } from "node:zlib";
import { bundleWorker, withImports } from "../runtimes/workers/build.mjs";

const limits = { start: 80 * 1024, chat: 146 * 1024 };
const entry = "runtimes/workers.ts";
const modules = await bundleWorker(entry, { minify: true });
const known = new Map(modules.map((module) => [module.name, module]));
const gzipped = ({ text }) => gzipSync(text, { level: 9 }).length;

/** Bytes of these source files, and of all that is loaded with them. */
function size(...sources) {
  const names = sources.map((source) => modules.find((module) => module.source === source).name);
  return [...withImports(names, (name) => known.get(name).imports)]
    .reduce((sum, name) => sum + gzipped(known.get(name)), 0);
}

const unified = modules.map(({ source = "" }) => source).filter((source) =>
  source.startsWith("core/unified/") || source === "adapters/dialects.ts"
);
const formats = unified.filter((source) => source.startsWith("core/unified/codecs/"));
const chat = (from, to) =>
  size(entry, "adapters/dialects.ts", "core/unified/pipeline.ts", from, to);
const sizes = {
  start: size(entry),
  chat: Math.max(...formats.flatMap((from) => formats.map((to) => chat(from, to)))),
};
console.log(`${sizes.start} bytes of ${limits.start} at the start`);
console.log(`${sizes.chat} bytes of ${limits.chat} after a chat between the two largest formats`);
console.log(`${size(entry, ...unified)} bytes after one of everything of the unified API`);
for (const module of modules) {
  if (module.apart) {
    console.log(`${gzipped(module)} bytes apart: ${module.name} ${module.source ?? ""}`);
  }
}
const foreign = modules.some(({ text }) => text.includes('"node:'));
if (sizes.start > limits.start || sizes.chat > limits.chat || foreign) process.exit(1);
