/** A plugin that times each request, and refuses those of a model that the house does not want. */
import {
  createGateway,
  definePlugin,
  type Gateway,
  GatewayError,
  type GatewayOptions,
} from "../mod.ts";

const houseRules = definePlugin("houseRules", async (ctx, next) => {
  if (ctx.path.includes("models/expensive-")) {
    throw new GatewayError(403, 9001, "This model is not for us; ask for a smaller one");
  }
  const started = performance.now();
  const response = await next();
  response.headers.set("x-took-ms", String(Math.round(performance.now() - started)));
  return response;
});

export function build(options: GatewayOptions = {}): Gateway {
  return createGateway({ ...options, plugins: [houseRules] });
}
