/**
 * What a gateway's rate limits let through.
 *
 * @module
 */
import type { GatewaySettings, RateLimitRule } from "../config/config.ts";
import type { Context } from "../context.ts";
import type { Next } from "../plugin.ts";
import { costOf } from "../usage/forecast.ts";
import { Memo } from "../usage/memo.ts";
import { Admission } from "./rate-admission.ts";
import { withLimits } from "./rate-headers.ts";
import { RateRules } from "./rate-rules.ts";

/** Options of the plugin. */
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

/** The limits of all gateways, those that the plugin was given among them. */
export class RateGate {
  readonly #options: RateLimitOptions;
  readonly #own: readonly RateLimitRule[];
  readonly #lease: number;
  readonly #rules = new WeakMap<GatewaySettings, RateRules>();
  readonly #keys = new Memo<string>(10_000);

  /**
   * @param own Rules for every gateway.
   * @param lease Seconds that a place of a `concurrent` rule is held for a process that died.
   */
  constructor(options: RateLimitOptions, own: readonly RateLimitRule[], lease: number) {
    this.#options = options;
    this.#own = own;
    this.#lease = lease;
  }

  /** Refuses a request that is over a limit, or counts it and passes it on. */
  async run(ctx: Context, next: Next): Promise<Response> {
    const rules = this.#rulesOf(ctx.gateway);
    const found = rules.bucketsOf(ctx);
    const buckets = found instanceof Promise ? await found : found;
    if (buckets.length === 0) return next();
    const options = this.#options;
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
    return options.headers === false ? response : withLimits(response, admission.findings);
  }

  #rulesOf(gateway: GatewaySettings): RateRules {
    let found = this.#rules.get(gateway);
    if (found === undefined) {
      found = new RateRules(gateway, this.#own, this.#lease, this.#keys);
      this.#rules.set(gateway, found);
    }
    return found;
  }
}
