/**
 * The arithmetic: prices of one model, applied to the usage of one answer. It is the price table's
 * own, in a hundredth of its time.
 *
 * @module
 */
import type { CostParts } from "./cost.ts";
import type { Usage } from "./usage.ts";

/** A price, or one that depends on the size of the whole input. */
export type Price = number | {
  base: number;
  /** Ascending: `price` holds for inputs of more than `start` tokens. */
  tiers: readonly { start: number; price: number }[];
};

/**
 * Prices of one model. A part without a price of its own costs what the whole costs that it is a part
 * of: cached input as input, audio as text, reasoning as output.
 */
export interface Rates {
  /** Tokens that a price is for: 1, or a million. */
  per: number;
  input?: Price | undefined;
  cache_read?: Price | undefined;
  cache_read_audio?: Price | undefined;
  /** How much of an image came from the cache is never told, so both together are not priced. */
  cache_read_image?: Price | undefined;
  cache_write?: Price | undefined;
  cache_write_1h?: Price | undefined;
  /** Null: not known, and it is not what text costs. */
  input_audio?: Price | null | undefined;
  input_image?: Price | undefined;
  input_video?: Price | undefined;
  output?: Price | undefined;
  /** As `input_audio`. */
  output_audio?: Price | null | undefined;
  output_image?: Price | undefined;
  reasoning?: Price | undefined;
  /** US dollars for each request. */
  request?: number | undefined;
  /** US dollars for each web search. Null: not known; undefined: searches are not charged. */
  web_search?: number | null | undefined;
}

/**
 * Prices an answer; null where tokens have no price, or where the figures contradict each other.
 * Modalities are in `input` and `output` of the result, cached ones in `cache_read`.
 */
export function priceOf(
  rates: Rates,
  usage: Usage,
  source: CostParts["source"],
): CostParts | null {
  // A request prices the tokens that its answer reports, everybody else those that are charged.
  const billed = source === "request" ? usage : billedOf(usage);
  const input = billed.input ?? rest(billed, billed.output);
  const output = billed.output ?? rest(billed, billed.input);
  // A count that is missing is not a count of nothing.
  if (input === undefined && !isFree(rates.input)) return null;
  if (output === undefined && !isFree(rates.output)) return null;
  return priceBoth(rates, billed, input ?? 0, output ?? 0, source);
}

function priceBoth(
  rates: Rates,
  usage: Usage,
  input: number,
  output: number,
  source: CostParts["source"],
): CostParts | null {
  if (input > 0 && rates.input === undefined) return null;
  if (output > 0 && rates.output === undefined) return null;
  if (rates.input_audio === null && usage.input_audio! > 0) return null;
  if (rates.output_audio === null && usage.output_audio! > 0) return null;

  const audio = rates.input_audio === undefined ? 0 : usage.input_audio ?? 0;
  const image = rates.input_image === undefined ? 0 : usage.input_image ?? 0;
  const video = rates.input_video === undefined ? 0 : usage.input_video ?? 0;
  const read = rates.cache_read === undefined ? 0 : usage.cache_read ?? 0;
  const write = rates.cache_write === undefined ? 0 : usage.cache_write ?? 0;
  const hour = rates.cache_write_1h === undefined ? 0 : usage.cache_write_1h ?? 0;
  let readAudio = 0;
  if (rates.cache_read_audio !== undefined) {
    if (usage.cache_read_audio !== undefined) readAudio = usage.cache_read_audio;
    else if (audio > 0 && read > 0) return null;
  }
  if (rates.cache_read_image !== undefined && image > 0 && read > 0) return null;
  const fresh = input - read - write - audio - image - video + readAudio;
  const outAudio = rates.output_audio === undefined ? 0 : usage.output_audio ?? 0;
  const outImage = rates.output_image === undefined ? 0 : usage.output_image ?? 0;
  const reasoning = rates.reasoning === undefined ? 0 : usage.reasoning ?? 0;
  const text = output - outAudio - outImage - reasoning;
  if (
    !(isCount(audio) && isCount(image) && isCount(video) && isCount(hour) && isCount(readAudio) &&
      isCount(outAudio) && isCount(outImage) && isCount(reasoning) && isCount(fresh) &&
      isCount(text) && isCount(read - readAudio) && isCount(audio - readAudio) &&
      isCount(write - hour))
  ) return null;

  let other = rates.request ?? 0;
  if (rates.web_search !== undefined && usage.units !== undefined) {
    const calls = callsOf(usage.units, rates.web_search);
    if (calls === null) return null;
    other += calls;
  }
  const { per } = rates;
  return {
    input: (at(rates.input, input) * fresh + at(rates.input_audio, input) * (audio - readAudio) +
      at(rates.input_image, input) * image + at(rates.input_video, input) * video) / per,
    cache_read: (at(rates.cache_read, input) * (read - readAudio) +
      at(rates.cache_read_audio, input) * readAudio) / per,
    cache_write: (at(rates.cache_write, input) * (write - hour) +
      at(rates.cache_write_1h, input) * hour) / per,
    output: (at(rates.output, input) * text + at(rates.output_audio, input) * outAudio +
      at(rates.output_image, input) * outImage + at(rates.reasoning, input) * reasoning) / per,
    other,
    source,
  };
}

/** Cohere charges for less than its models see, such as no preamble, and tells both figures. */
function billedOf(usage: Usage): Usage {
  const input = usage.units?.["billed_input_tokens"];
  const output = usage.units?.["billed_output_tokens"];
  if (input === undefined && output === undefined) return usage;
  return { input: input ?? usage.input!, output: output ?? usage.output! };
}

/** What the total leaves for the other of the two. */
function rest({ total }: Usage, other: number | undefined): number | undefined {
  return total === undefined || other === undefined ? undefined : total - other;
}

/** Also false for NaN. */
function isCount(value: number): boolean {
  return value >= 0 && value < Infinity;
}

function isFree(price: Price | undefined): boolean {
  return price === undefined || price === 0;
}

function at(price: Price | null | undefined, input: number): number {
  if (typeof price === "number") return price;
  if (price === undefined || price === null) return 0;
  let found = price.base;
  for (const tier of price.tiers) if (input > tier.start) found = tier.price;
  return found;
}

/** Searches, by the names that providers give them (Anthropic and OpenAI, Perplexity, xAI). */
const searches = new Set(["web_search_requests", "num_search_queries", "web_search_calls"]);

/** US dollars for what the provider's own tools did; null where that has no price. */
function callsOf(units: Readonly<Record<string, number>>, search: number | null): number | null {
  let dollars = 0;
  for (const [name, calls] of Object.entries(units)) {
    if (calls === 0 || !searches.has(name) && !name.endsWith("_calls")) continue;
    if (!searches.has(name) || search === null || !isCount(calls)) return null;
    dollars += calls * search;
  }
  return dollars;
}
