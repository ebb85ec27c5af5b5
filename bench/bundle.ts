import { gzipSync } from "node:zlib";
import { bundleWorker } from "../runtimes/workers/build.mjs";

/** The modules as they would be uploaded to Workers, the main one first. */
export function bundle(entry: string): ReturnType<typeof bundleWorker> {
  return bundleWorker(entry, { minify: true });
}

/** What every isolate loads at its start. */
export async function gzippedKB(entry: string): Promise<number> {
  const main = (await bundle(entry)).filter(({ apart }) => !apart);
  return main.reduce((sum, { text }) => sum + gzipSync(text, { level: 9 }).length, 0) / 1024;
}
