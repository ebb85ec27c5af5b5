/**
 * A worker of one's own: the standard chain and a plugin more, on the bindings of `wrangler.jsonc`.
 * `npx wrangler dev -c examples/workers/wrangler.jsonc`, and `deploy` in place of `dev`.
 */
import { createGateway, definePlugin, type Gateway, standardPlugins } from "../../mod.ts";
import { openWorkerStores } from "../../runtimes/workers/stores.ts";

export { SluiceCounters } from "../../runtimes/workers/counter-object.ts";

/** Tells where the request was served. */
const colo = definePlugin("colo", async (ctx, next) => {
  const response = await next();
  const { cf } = ctx.request as { cf?: { colo?: string } };
  response.headers.set("x-colo", cf?.colo ?? "unknown");
  return response;
});

function build(env: Record<string, string>): Gateway {
  const report = (message: string) => console.error(message);
  return createGateway({
    plugins: [colo, ...standardPlugins()],
    gateways: { default: { rate_limiting_limit: 20, rate_limiting_interval: 60 } },
    providers: { openai: { base_url: env["OPENAI_BASE_URL"] ?? "https://api.openai.com/v1" } },
    stores: openWorkerStores(env, { report }),
    admin: env["SLUICE_ADMIN_TOKEN"] === undefined ? {} : { token: env["SLUICE_ADMIN_TOKEN"] },
    env,
    report,
  });
}

let gateway: Gateway | undefined;

export default {
  fetch(request: Request, env: Record<string, string>, execution: unknown): Promise<Response> {
    gateway ??= build(env);
    return gateway.fetch(request, execution);
  },
};
