import { build } from "esbuild";
import { gzipSync } from "node:zlib";

/** The script as it would be uploaded to Workers. */
export async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker"],
    external: ["cloudflare:*", "node:*"],
    logLevel: "silent",
  });
  return outputFiles[0]!.text;
}

export async function gzippedKB(entry: string): Promise<number> {
  return gzipSync(await bundle(entry), { level: 9 }).length / 1024;
}
