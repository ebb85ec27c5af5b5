/** `wrangler dev -c runtimes/wrangler.jsonc`, and the entry for Cloudflare Workers. */
// @ts-ignore: a module of the runtime itself
import { env } from "cloudflare:workers";
import { parseConfig } from "../core/config.ts";
import { createGateway, type GatewayOptions, webTransport } from "../mod.ts";
import { marked } from "./workers/marked.ts";

const vars: Record<string, unknown> = env;

// At start, not at the first request: a configuration that cannot be used must not be deployed.
const gateway = createGateway({
  ...config(),
  env: vars,
  transport: marked(webTransport()),
  report: (message) => console.error(`Sluice: ${message}`),
});

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

export default { fetch: gateway.fetch };
