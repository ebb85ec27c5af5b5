// What a Worker loads at its start, with every native provider, minified and gzipped; and what it
// loads only when it is needed.
import { gzipSync } from "node:zlib";
import { bundleWorker } from "../runtimes/workers/build.mjs";

const limit = 90 * 1024;
const modules = await bundleWorker("runtimes/workers.ts", { minify: true });
const gzipped = ({ text }) => gzipSync(text, { level: 9 }).length;
const main = modules.filter(({ apart }) => !apart);
const size = main.reduce((sum, module) => sum + gzipped(module), 0);
console.log(`${size} bytes of ${limit}`);
for (const module of modules) {
  if (module.apart) console.log(`${gzipped(module)} bytes apart: ${module.name}`);
}
const foreign = modules.some(({ text }) => text.includes('"node:'));
if (size > limit || foreign) process.exit(1);
