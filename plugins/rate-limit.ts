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
import type { Context } from "../core/context.ts";
import { definePlugin, type Next, type Plugin } from "../core/plugin.ts";
import { Admission } from "../core/limits/rate-admission.ts";
import { withLimits } from "../core/limits/rate-headers.ts";
import { RateRules } from "../core/limits/rate-rules.ts";
import { costOf } from "../core/usage/forecast.ts";
import { Memo } from "../core/usage/memo.ts";

/** Options of {@link rateLimit}. */
export interface RateLimitOptions {
  /** Rules for every gateway, beside its own `rate_limits`. */
  rules?: readonly RateLimitRule[];
  /**
   * Tokens that are set aside for a request before it is sent, until its usage is known. Unless given:
   * four bytes of the body a token, and the most that the request lets the model answer with, or
   * `outputTokens`. `false` sets nothing aside: then a request gets in while anything is left.
   */
  estimate?: false | ((ctx: Context, body: Uint8Array) => number);
  /** Set aside for the answer to a request that names no maximum; 1000 unless given. */
  outputTokens?: number;
  /** What becomes of requests while the store of counts is away; over `rate_limiting_failure`. */
  failure?: "open" | "closed";
  /** `false`: only refusals tell of limits. */
  headers?: boolean;
  /** Seconds that a place of a `concurrent` rule is held for a process that died; 60 unless given. */
  lease?: number;
}

/**
 * Refuses what is over a limit (429, code 2003): a gateway's `rate_limiting_*` and `rate_limits`, and
 * rules given here. Stands inside `fallback` and `cache`, so that a hit costs nothing, and outside
 * `retry`; a client request counts once, however many steps and attempts it takes. While the store of
 * counts is away everything is let through, unless `failure` says otherwise. Throws a
 * {@link ConfigError} on rules that are none.
 */
export function rateLimit(options: RateLimitOptions = {}): Plugin {
  const { headers = true, lease = 60 } = options;
  if (typeof lease !== "number" || !(lease >= 1 && lease <= 3600)) {
    throw new TypeError(`rateLimit: 'lease' is ${lease}, and must be 1 to 3600 seconds`);
  }
  const own = checked(options.rules ?? []);
  const rules = new WeakMap<GatewaySettings, RateRules>();
  const keys = new Memo<string>(10_000);

  return definePlugin("rateLimit", (ctx, next) => {
    let found = rules.get(ctx.gateway);
    if (found === undefined) {
      rules.set(ctx.gateway, found = new RateRules(ctx.gateway, own, lease, keys));
    }
    return found.none ? next() : run(ctx, next, found);
  });

  async function run(ctx: Context, next: Next, rules: RateRules): Promise<Response> {
    const found = rules.bucketsOf(ctx);
    const buckets = found instanceof Promise ? await found : found;
    if (buckets.length === 0) return next();
    const cost = rules.countTokens ? costOf(ctx, options) : undefined;
    const admission = new Admission(ctx, buckets, cost instanceof Promise ? await cost : cost);
    await admission.take(options.failure ?? ctx.gateway.rate_limiting_failure);
    let response: Response;
    try {
      response = await next();
    } catch (error) {
      await admission.failed();
      throw error;
    }
    const answer = admission.answered(response);
    response = answer instanceof Promise ? await answer : answer;
    return headers ? withLimits(response, admission.findings) : response;
  }
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
