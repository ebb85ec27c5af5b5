/**
 * Limits of requests, tokens and answers at a time, for a whole gateway or for each of whatever tells its
 * requests apart.
 *
 * @module
 */
import {
  ConfigError,
  type GatewaySettings,
  parseConfig,
  type RateLimitRule,
} from "../core/config/config.ts";
import { definePlugin, type Plugin } from "../core/plugin.ts";
import type { RateGate, RateLimitOptions } from "../core/limits/rate-gate.ts";

export type { RateLimitOptions };

/**
 * Refuses what is over a limit (429, code 2003): a gateway's `rate_limiting_*` and `rate_limits`, and
 * rules given here. Stands inside `fallback` and `cache`, so that a hit costs nothing, and outside
 * `retry`; a client request counts once, however many steps and attempts it takes. While the store of
 * counts is away everything is let through, unless `failure` says otherwise. Throws a
 * {@link ConfigError} on rules that are none.
 */
export function rateLimit(options: RateLimitOptions = {}): Plugin {
  const { lease = 60 } = options;
  if (typeof lease !== "number" || !(lease >= 1 && lease <= 3600)) {
    throw new TypeError(`rateLimit: 'lease' is ${lease}, and must be 1 to 3600 seconds`);
  }
  const own = checked(options.rules ?? []);
  // Loaded with the first limit: many gateways have none.
  let gate: RateGate | undefined;
  let loading: Promise<RateGate> | undefined;
  const load = async (): Promise<RateGate> => {
    const { RateGate } = await import("../core/limits/rate-gate.ts");
    return gate = new RateGate(options, own, lease);
  };

  return definePlugin("rateLimit", (ctx, next) => {
    if (own.length === 0 && !isLimited(ctx.gateway)) return next();
    if (gate !== undefined) return gate.run(ctx, next);
    return (loading ??= load()).then((loaded) => loaded.run(ctx, next));
  });
}

function isLimited(gateway: GatewaySettings): boolean {
  return gateway.rate_limits.length > 0 ||
    gateway.rate_limiting_limit > 0 && gateway.rate_limiting_interval > 0;
}

/** The rules as the schema has them. */
function checked(rules: readonly RateLimitRule[]): readonly RateLimitRule[] {
  try {
    const { gateways } = parseConfig({ gateways: { own: { rate_limits: rules } } });
    return gateways["own"]!.rate_limits;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.problems.map((problem) => ({
      ...problem,
      path: problem.path.replace("gateways.own.rate_limits", "rateLimit.rules"),
    })));
  }
}
