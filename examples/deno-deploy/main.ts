/// <reference lib="deno.unstable" />
/**
 * A gateway on Deno Deploy, which has no disk: keys, cache, counts and logs are in Deno KV, that all of
 * its regions share. At home it is `deno run -A examples/deno-deploy/main.ts`.
 */
import {
  createGateway,
  denoCounters,
  denoDriver,
  kvLogs,
  kvOver,
  standardPlugins,
} from "../../mod.ts";

const { env } = Deno;
const kv = await Deno.openKv(env.get("KV_PATH")); // Deno Deploy has one, and no paths
const driver = denoDriver(kv);

const gateway = createGateway({
  plugins: standardPlugins(),
  gateways: {
    default: {
      rate_limits: [{ name: "per address", unit: "requests", limit: 20, window: 60, by: ["ip"] }],
    },
  },
  providers: {
    openai: { base_url: env.get("OPENAI_BASE_URL") ?? "https://api.openai.com/v1" },
  },
  stores: {
    keys: kvOver(driver, { base: "keys:" }),
    cache: kvOver(driver, { base: "cache:" }),
    counters: denoCounters(kv, ["counters"]),
    logs: kvLogs(kvOver(driver, { base: "logs:" })),
  },
  // Who may make virtual keys: curl .../client/v4/accounts/me/ai-gateway/gateways/default/virtual_keys
  admin: { token: env.get("SLUICE_ADMIN_TOKEN") },
  env: env.toObject(),
});

Deno.serve(
  { port: Number(env.get("PORT") ?? 8000) },
  (request, { remoteAddr }) => gateway.fetch(request, { ip: remoteAddr.hostname }),
);
