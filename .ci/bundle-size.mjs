// What Workers get to load, with every native provider, minified and gzipped.
import { build } from "esbuild";
import { gzipSync } from "node:zlib";

const limit = 45 * 1024;
const { outputFiles: [bundle] } = await build({
  entryPoints: ["runtimes/workers.ts"],
  bundle: true,
  minify: true,
  write: false,
  format: "esm",
  conditions: ["workerd", "worker"],
  external: ["cloudflare:*", "node:*"],
});
const size = gzipSync(bundle.contents, { level: 9 }).length;
console.log(`${size} bytes of ${limit}`);
if (size > limit || bundle.text.includes('"node:')) process.exit(1);
