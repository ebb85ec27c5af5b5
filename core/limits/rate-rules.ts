/**
 * The rules of rate limits: which of them a request falls under, and in which bucket of each it counts.
 *
 * @module
 */
import type { GatewaySettings, RateLimitDimension, RateLimitRule } from "../config/config.ts";
import { caller, type Context } from "../context.ts";
import { globs } from "../glob.ts";
import type { Limit } from "./limiter.ts";
import { networkOf } from "./network.ts";
import { metadataOf } from "../metadata.ts";
import { namedModels } from "../auth/named-models.ts";
import { runtimeName } from "../runtime.ts";
import { digestKey } from "../storage/ports.ts";
import type { Memo } from "../usage/memo.ts";

/** A rule, made ready. */
export interface RateRule {
  /** For metrics. */
  name: string;
  unit: RateLimitRule["unit"];
  /** What is counted; the window of `concurrent` is how long a place is held for a process that died. */
  limit: Limit;
  /** For messages: who limits what. */
  text: string;
}

/** Where a request counts. */
export interface Bucket {
  /** Of the counter. */
  key: string;
  rule: RateRule;
}

/** A rule with its conditions. */
interface Bound extends RateRule {
  id: string;
  by: readonly RateLimitDimension[];
  provider: ((slug: string) => boolean) | undefined;
  model: ((name: string) => boolean) | undefined;
}

/** More models than any request names; those of one that does are counted together. */
const mostModels = 4;
/** Longer texts are digested each time, not remembered. */
const longest = 512;

/** The rules of one gateway. */
export class RateRules {
  /** Some rule counts tokens. */
  readonly countTokens: boolean;
  readonly #gateway: string;
  readonly #rules: readonly Bound[];
  readonly #keys: Memo<string>;
  readonly #readsModel: boolean;
  /** Every request has the same buckets. */
  readonly #uniform: boolean;
  #buckets: readonly Bucket[] | undefined;
  #reported = false;

  /**
   * @param more Rules beside those of the settings.
   * @param lease Seconds that a place of a `concurrent` rule is held for a process that died.
   * @param keys Keys of counters by what they stand for; shared by all gateways.
   */
  constructor(
    gateway: GatewaySettings,
    more: readonly RateLimitRule[],
    lease: number,
    keys: Memo<string>,
  ) {
    const { rate_limiting_limit, rate_limiting_interval, rate_limiting_technique } = gateway;
    const rules = [...gateway.rate_limits, ...more].map((rule) => bind(rule, lease));
    if (rate_limiting_limit > 0 && rate_limiting_interval > 0) {
      const whole = bind({
        unit: "requests",
        limit: rate_limiting_limit,
        window: rate_limiting_interval,
        technique: rate_limiting_technique,
      }, lease);
      rules.unshift({ ...whole, id: "gateway", name: "gateway" });
    }
    this.#gateway = gateway.id;
    this.#rules = rules;
    this.#keys = keys;
    this.countTokens = rules.some(({ unit }) => unit === "tokens");
    this.#readsModel = rules.some(({ by, model }) => model !== undefined || by.includes("model"));
    this.#uniform = rules.every(({ by, provider, model }) =>
      by.length === 0 && provider === undefined && model === undefined
    );
  }

  /** The buckets of a request, those of each rule in the order of the rules. */
  bucketsOf(ctx: Context): readonly Bucket[] | Promise<readonly Bucket[]> {
    return this.#buckets ?? this.#find(ctx);
  }

  async #find(ctx: Context): Promise<readonly Bucket[]> {
    const models = this.#readsModel ? await modelsOf(ctx) : undefined;
    const buckets: Bucket[] = [];
    for (const rule of this.#rules) {
      const named = matching(rule, ctx, models);
      if (named === undefined) continue;
      const values = rule.by.map((dimension) =>
        dimension === "model" ? null : valueOf(dimension, ctx)
      );
      if (!this.#reported && values[rule.by.indexOf("ip")] === null) {
        this.#reported = true;
        ctx.host.report(
          "A rate limit counts by 'ip', and the runtime tells no address: all callers are counted " +
            "together; pass 'ip' in the second argument of gateway.fetch",
        );
      }
      const at = rule.by.indexOf("model");
      const each = at < 0 || named.length === 0 || named.length > mostModels ? [null] : named;
      for (const model of each) {
        if (at >= 0) values[at] = model;
        const found = this.#keyOf(rule, values);
        buckets.push({ key: typeof found === "string" ? found : await found, rule });
      }
    }
    if (this.#uniform) this.#buckets = buckets;
    return buckets;
  }

  #keyOf({ id }: Bound, values: readonly (string | null)[]): string | Promise<string> {
    const text = JSON.stringify([this.#gateway, id, ...values]);
    return this.#keys.get(text) ?? digestKey(text).then((digest) => {
      const key = `rate:${digest.slice(0, 32)}`;
      if (text.length <= longest) this.#keys.set(text, key);
      return key;
    });
  }
}

function bind(given: RateLimitRule, lease: number): Bound {
  const { name, unit, limit, window = lease, technique, by = [], providers, models } = given;
  const each = by.length === 0 ? "" : ` for each ${by.join(" and ")}`;
  const counted = unit === "tokens" ? "token" : "request";
  const much = `${limit} ${counted}${limit === 1 ? "" : "s"}`;
  const when = unit === "concurrent" ? "at a time" : `in ${window} s`;
  return {
    id: name === undefined ? `:${JSON.stringify([{ ...given, name }])}` : `.${name}`,
    name: name ?? unit,
    unit,
    limit: { limit, window, ...technique !== undefined && { technique } },
    text: `${name === undefined ? "this gateway" : `rule '${name}'`} allows ${much} ${when}${each}`,
    by,
    provider: providers && globs(providers),
    // Names of models are not told apart by case.
    model: models && globs(models.map((name) => name.toLowerCase())),
  };
}

async function modelsOf(ctx: Context): Promise<readonly string[]> {
  const found = await namedModels(ctx, false) ?? [];
  return [...new Set(found.map((name) => name.toLowerCase()))];
}

/** The models that a rule is about; nothing when it is not about the request. */
function matching(
  rule: Bound,
  { provider }: Context,
  models: readonly string[] = [],
): readonly string[] | undefined {
  if (rule.provider !== undefined) {
    if (![provider.slug, ...provider.aliases ?? []].some(rule.provider)) return undefined;
  }
  const allows = rule.model;
  if (allows === undefined) return models;
  const named = models.filter((name) => allows(name) || allows(`${provider.slug}/${name}`));
  return named.length > 0 ? named : undefined;
}

/** What a request has in a dimension, or null. */
function valueOf(dimension: RateLimitDimension, ctx: Context): string | null {
  if (dimension === "key") return ctx.get(caller)?.keyId ?? null;
  if (dimension === "provider") return ctx.provider.slug;
  if (dimension === "ip") return clientOf(ctx);
  const name = dimension.slice("metadata.".length);
  const metadata = metadataOf(ctx);
  const value = metadata !== null && Object.hasOwn(metadata, name) ? metadata[name] : null;
  return value === null || value === undefined ? null : String(value);
}

function clientOf({ platform: { ip }, request }: Context): string | null {
  const told = typeof ip === "function" ? ip() : ip;
  // Cloudflare's own header, which it lets nobody else set.
  const address = told ??
    (runtimeName() === "workers" ? request.headers.get("cf-connecting-ip") : null);
  return address === null || address === "" ? null : networkOf(address);
}
