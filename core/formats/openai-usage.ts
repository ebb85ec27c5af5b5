/**
 * Usage in OpenAI's spelling, of Chat Completions (`prompt_tokens`), Responses, Images and Audio
 * (`input_tokens`), and of the many providers that took it over. Cached tokens are in the input,
 * reasoning is in the output, except where noted.
 *
 * @module
 */
import { amount, count, type Counts, sum, units } from "./counts.ts";
import type { Source } from "./draft.ts";
import { type Json, object } from "./json.ts";

/** xAI counts dollars in ten-thousand-millionths (recorded prices come out exactly). */
const ticksPerDollar = 1e10;

/** Figures of a `usage` object. */
export function openAIUsage(usage: Json, source: Source): Counts {
  const inside = object(usage.prompt_tokens_details) ?? object(usage.input_tokens_details) ??
    object(usage.input_token_details);
  const outside = object(usage.completion_tokens_details) ?? object(usage.output_tokens_details) ??
    object(usage.output_token_details);
  const counts: Counts = {
    input: count(usage.prompt_tokens) ?? count(usage.input_tokens),
    output: count(usage.completion_tokens) ?? count(usage.output_tokens),
    total: count(usage.total_tokens),
    // Flat: Together, Moonshot; DeepSeek; Mistral.
    cache_read: count(inside?.cached_tokens) ?? count(usage.cached_tokens) ??
      count(usage.prompt_cache_hit_tokens) ?? count(usage.num_cached_tokens),
    cache_write: count(inside?.cache_write_tokens),
    reasoning: count(outside?.reasoning_tokens),
    input_audio: count(inside?.audio_tokens),
    cache_read_audio: count(object(inside?.cached_tokens_details)?.audio_tokens),
    output_audio: count(outside?.audio_tokens),
    input_image: count(inside?.image_tokens),
    output_image: count(outside?.image_tokens),
    input_video: count(inside?.video_tokens),
    cost: cost(usage),
    units: units(
      ["seconds", usage.seconds],
      ["prompt_audio_seconds", usage.prompt_audio_seconds],
      ["num_sources_used", usage.num_sources_used],
      ["num_search_queries", usage.num_search_queries],
      ["citation_tokens", usage.citation_tokens],
      object(usage.server_side_tool_usage_details),
      object(usage.server_tool_use),
      ["web_search_requests", object(usage.server_tool_use_details)?.web_search_requests],
    ),
  };
  // Embeddings, reranking: input is all there is.
  if (counts.input === undefined && counts.output === undefined) counts.input = counts.total;
  addWhatTheTotalHas(counts, usage, source);
  return counts;
}

/**
 * Some leave tokens out of the two figures and have them in the total: xAI's chat its reasoning,
 * Google's OpenAI endpoint its thoughts (of which it tells nothing else), Mistral its audio input.
 */
function addWhatTheTotalHas(counts: Counts, usage: Json, source: Source): void {
  const { input, output, total } = counts;
  // Perplexity's reasoning is flat and beside the output, also beside the total.
  const flat = count(usage.reasoning_tokens);
  if (flat !== undefined && counts.reasoning === undefined) {
    counts.reasoning = flat;
    if (output !== undefined && flat > output) counts.output = output + flat;
    return;
  }
  if (input === undefined || output === undefined || total === undefined) return;
  const missing = total - input - output;
  if (missing <= 0) return;
  if (missing === counts.reasoning) counts.output = output + missing;
  else if (missing === counts.input_audio) counts.input = input + missing;
  else if (counts.reasoning === undefined && source.provider.startsWith("google-")) {
    counts.output = output + missing;
    counts.reasoning = missing;
  }
}

/** Dollars: OpenRouter `cost`, Perplexity `cost.total_cost`, DeepInfra `estimated_cost`, xAI ticks. */
function cost(usage: Json): number | undefined {
  const told = amount(usage.cost) ?? amount(object(usage.cost)?.total_cost) ??
    amount(usage.estimated_cost);
  if (told !== undefined) {
    // With the caller's own key OpenRouter charges a fee, and the upstream the rest.
    const own = usage.is_byok === true;
    return own ? sum(told, amount(object(usage.cost_details)?.upstream_inference_cost)) : told;
  }
  // Zero where others serve the model (Azure): then it is not a price.
  const ticks = amount(usage.cost_in_usd_ticks);
  return ticks ? ticks / ticksPerDollar : undefined;
}
