/** `wrangler dev -c runtimes/wrangler.jsonc`, and the entry for Cloudflare Workers. */
// @ts-ignore: a module of the runtime itself
import { env } from "cloudflare:workers";
// Not from `../mod.ts`: what else that names would be loaded at the start.
import { providers } from "../adapters/mod.ts";
import { parseConfig } from "../core/config/config.ts";
import { type AdminOptions, createGatewayWith, type GatewayOptions } from "../core/gateway.ts";
import { standardPlugins } from "../plugins/mod.ts";
import { marked } from "./workers/marked.ts";
import { openWorkerStores } from "./workers/stores.ts";

const vars: Record<string, unknown> = env;

// At start, not at the first request: a configuration that cannot be used must not be deployed.
const given = config();
const report = (message: string) => console.error(`Sluice: ${message}`);
const gateway = createGatewayWith(providers, {
  plugins: standardPlugins(),
  ...given,
  env: vars,
  report,
  stores: openWorkerStores(vars, { config: given, report }),
  admin: admin(),
});

/** A worker may be reached from anywhere: without a token there is no management API. */
function admin(): AdminOptions {
  const token = vars["SLUICE_ADMIN_TOKEN"];
  return typeof token === "string" && token !== "" ? { token } : {};
}

function config(): GatewayOptions {
  const source = vars["SLUICE_CONFIG"];
  if (source === undefined || source === "") return {};
  if (typeof source === "object" && source !== null) return source; // a JSON variable
  let config: GatewayOptions;
  try {
    config = JSON.parse(String(source));
  } catch {
    throw new Error("SLUICE_CONFIG is not JSON; on Workers it holds the configuration itself");
  }
  parseConfig(config); // what only code can give, such as `plugins`, is an unknown key here
  return config;
}

export { SluiceCounters } from "./workers/counter-object.ts";
export default {
  fetch: async (request: Request, env: unknown, execution: unknown): Promise<Response> =>
    marked(await gateway.fetch(request, env, execution), request.url),
  scheduled: async (): Promise<void> => await gateway.run(),
};
