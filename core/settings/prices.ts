/**
 * From stored prices to rules that the pricer reads.
 *
 * @module
 */
import type { PriceRule } from "../usage/cost.ts";
import type { Rates } from "../usage/rates.ts";
import type { CostRecord, PriceRecord, Records } from "./records.ts";

/** Rules of all that is switched on. */
export function priceRules({ prices, providers }: Records): PriceRule[] {
  const rules: PriceRule[] = [];
  for (const record of prices.values()) {
    if (record.enable === false) continue;
    const { model, model_rule: rule } = record;
    if (record.kind === "price") {
      rules.push({ provider: record.provider, model, rule, rates: ratesOfPrice(record) });
      continue;
    }
    const slug = providers.get(record.account_provider_id)?.slug;
    if (slug === undefined) continue; // gone, and its prices are about to go
    rules.push({ provider: `custom-${slug}`, model, rule, rates: ratesOfCost(record) });
  }
  return rules;
}

function ratesOfPrice(record: PriceRecord): Rates {
  const { input, output, per_request } = record;
  // A price for each request that stands alone is the whole price, as in the configuration.
  const flat = input === null && output === null && per_request !== null;
  return {
    per: 1_000_000,
    input: flat ? 0 : input ?? undefined,
    output: flat ? 0 : output ?? undefined,
    cache_read: record.cache_read ?? undefined,
    cache_write: record.cache_write ?? undefined,
    request: per_request ?? undefined,
  };
}

/** What the pricer has no count for (`input_image_count`, `output_image_count`) has no effect. */
function ratesOfCost({ cost_in, cost_out, token_pricing }: CostRecord): Rates {
  const each = token_pricing ?? {};
  const every = each.total_tokens;
  return {
    per: 1,
    input: each.input_tokens ?? each.input_text_tokens ?? cost_in ?? every,
    output: each.output_tokens ?? cost_out ?? every,
    cache_read: each.input_cached_tokens,
    cache_write: each.input_cache_creation_tokens,
    input_audio: each.input_audio_tokens,
    input_image: each.input_image_tokens,
    input_video: each.input_video_tokens,
    reasoning: each.output_reasoning_tokens,
  };
}
