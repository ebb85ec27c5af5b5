// The worker on workerd alone. `wrangler dev` puts workers of its own in front, which rewrite
// accept-encoding, swallow whole bodies and hide that a client left.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleWorker, writeModules } from "../../runtimes/workers/build.mjs";

/** Bundles the worker into `folder` and answers with workerd's arguments; it listens on any port. */
export async function workerdArguments(
  root: string,
  folder: string,
  vars: Record<string, string>,
): Promise<string[]> {
  const modules = await bundleWorker(join(root, "runtimes/workers.ts"));
  writeModules(modules, folder);
  const embedded = modules.map(({ name }) => `(name = "${name}", esModule = embed "${name}")`);
  const settings = readFileSync(join(root, "runtimes/wrangler.jsonc"), "utf8");
  const date = settings.match(/"compatibility_date":\s*("[^"]+")/)?.[1];
  const flags = settings.match(/"compatibility_flags":\s*(\[[^\]]*\])/)?.[1] ?? "[]";
  // JSON strings and lists are Cap'n Proto text as well.
  const bindings = Object.entries(vars).map(([name, value]) =>
    `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)})`
  );
  // KV and D1 are services of Miniflare's: without it these stores are in memory.
  bindings.push('(name = "SLUICE_COUNTERS", durableObjectNamespace = "SluiceCounters")');
  const objects = join(folder, "objects");
  mkdirSync(objects, { recursive: true });
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private", "local"])),
    (name = "objects", disk = (path = ${JSON.stringify(objects)}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${embedded.join(", ")}],
  compatibilityDate = ${date},
  compatibilityFlags = ${flags},
  bindings = [${bindings.join(", ")}],
  durableObjectNamespaces = [
    (className = "SluiceCounters", uniqueKey = "sluice-counters", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "objects"),
);
`,
  );
  // The port comes on standard output, as the event of a socket that listens.
  return ["serve", join(folder, "config.capnp"), "--control-fd=1"];
}
