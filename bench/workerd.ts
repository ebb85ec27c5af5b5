// Runs a worker in workerd as `wrangler dev` does, without wrangler's own proxies in front of it.
import { Miniflare, type WorkerOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions as optionsOf } from "wrangler";
import { bundle } from "./bundle.ts";

const file = process.argv[2]!;
const { UPSTREAM, SLUICE_CONFIG, SLUICE_DATA } = process.env;

function options(): WorkerOptions {
  if (file.startsWith("runtimes/")) {
    const { workerOptions } = optionsOf("runtimes/wrangler.jsonc");
    const { bindings = {}, ...rest } = workerOptions;
    return { ...rest, bindings: { ...bindings, SLUICE_CONFIG, SLUICE_DATA } } as WorkerOptions;
  }
  return {
    compatibilityDate: "2026-04-01",
    compatibilityFlags: ["enable_request_signal"],
    bindings: { UPSTREAM: UPSTREAM! },
  } as WorkerOptions;
}

const miniflare = new Miniflare(
  {
    ...options(),
    name: "bench",
    modules: (await bundle(file)).map(({ name, text }) => ({
      ...{ type: "ESModule", path: name, contents: text },
    })),
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  } as ConstructorParameters<typeof Miniflare>[0],
);
process.once("SIGTERM", () => miniflare.dispose().finally(() => process.exit(0)));
console.log((await miniflare.unsafeGetDirectURL("bench")).href);
