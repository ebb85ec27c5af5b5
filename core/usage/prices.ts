/**
 * The built-in price table, `@pydantic/genai-prices`. This file alone knows it, and loads it when the
 * first answer is to be priced: it is 830 KB of source. The library's own calculation costs 10 to 40
 * us, so a model's price is looked up once and applied by {@link priceOf}.
 *
 * @module
 */
import type { ModelPrice, PriceCalculation, TieredPrices } from "@pydantic/genai-prices";
import type { CostParts } from "./cost.ts";
import { modelNames } from "./names.ts";
import { type Price, priceOf, type Rates } from "./rates.ts";
import type { Usage } from "./usage.ts";

/** The price of one model, applied to an answer; null where a part has no price. */
export type PriceRow = (usage: Usage) => CostParts | null;

/** Prices by model and time. */
export interface PriceTable {
  /** @param at Milliseconds since 1970. */
  find(provider: string, model: string, at: number): PriceRow | null;
}

/** The table's ids of our providers. Others have no prices in it: local, too new, or not by token. */
const ids: Readonly<Record<string, string>> = {
  "anthropic": "anthropic",
  "aws-bedrock": "aws",
  "azure-openai": "azure",
  "baseten": "baseten",
  "cerebras": "cerebras",
  "cohere": "cohere",
  "deepseek": "deepseek",
  "fireworks": "fireworks",
  "google-ai-studio": "google",
  "google-vertex-ai": "google",
  "grok": "x-ai",
  "groq": "groq",
  "mistral": "mistral",
  "moonshot": "moonshotai",
  "openai": "openai",
  "openrouter": "openrouter",
  "perplexity-ai": "perplexity",
  "together": "together",
  "voyage": "voyageai",
  "workers-ai": "cloudflare",
  "zai": "zai",
};

/** Our names of the table's prices. */
const parts: Readonly<Record<string, keyof Rates>> = {
  input_mtok: "input",
  cache_read_mtok: "cache_read",
  cache_audio_read_mtok: "cache_read_audio",
  cache_image_read_mtok: "cache_read_image",
  cache_write_mtok: "cache_write",
  cache_write_1h_mtok: "cache_write_1h",
  input_audio_mtok: "input_audio",
  input_image_mtok: "input_image",
  input_video_mtok: "input_video",
  output_mtok: "output",
  output_audio_mtok: "output_audio",
  output_image_mtok: "output_image",
  output_reasoning_mtok: "reasoning",
};

/** For what {@link Usage} never tells: tokens of these count as output, searches of files not at all. */
const untold = new Set([
  "output_citation_mtok",
  "output_video_mtok",
  "storage_searches_kcount",
  "social_searches_kcount",
  "code_executions_kcount",
]);

/** What the table knows of one model. */
export interface Listed {
  /** As its provider names it. */
  id: string;
  /** For people. */
  name?: string;
  /** Tokens of input and output together. */
  context?: number;
}

/** Which models there are, and whose. */
export interface Catalogue {
  /** Slugs of the providers whose models are known. */
  readonly providers: readonly string[];
  /** Of one provider; those that are gone are left out. */
  models(provider: string): readonly Listed[];
  /** The provider that a model's name belongs to, where it is its maker and not a seller of it. */
  maker(model: string): string | undefined;
  /** All providers that have a model of that name. */
  sellers(model: string): string[];
}

/** The table has both of Google's houses as one, and only one of them has models of others. */
const elsewhere = /^claude-/;

/** Reads the same table for its names. */
export async function loadCatalogue(): Promise<Catalogue> {
  const { findProvider } = await import("@pydantic/genai-prices");
  const table = await loadTable();
  const providers = Object.keys(ids);
  return {
    providers,
    models(provider) {
      const id = Object.hasOwn(ids, provider) ? ids[provider] : undefined;
      const models = id === undefined ? [] : findProvider({ providerId: id })?.models ?? [];
      const gone = ({ id, deprecated }: (typeof models)[number]) =>
        deprecated || provider === "google-ai-studio" && elsewhere.test(id);
      return models.filter((model) => !gone(model)).map(
        ({ id, name, context_window: context }) => ({
          id,
          ...name !== undefined && { name },
          ...context !== undefined && { context },
        }),
      );
    },
    maker(model) {
      const id = findProvider({ modelId: model })?.id;
      // Of Google's two the one that needs no project.
      return providers.find((slug) => ids[slug] === id);
    },
    sellers: (model) =>
      providers.filter((slug) =>
        table.find(slug, model, Date.now()) !== null ||
        findProvider({ providerId: ids[slug]! })?.models.some(({ id }) => id === model)
      ),
  };
}

/** Loads the table. */
export async function loadTable(): Promise<PriceTable> {
  const { calcPrice } = await import("@pydantic/genai-prices");

  /** The library's own arithmetic, for what is not priced by tokens: hours, pages. */
  const byLibrary = (id: string, name: string, at: number): PriceRow => (usage) => {
    const counted = libraryUsage(usage);
    try {
      const found = calcPrice(counted, name, { providerId: id, timestamp: new Date(at) });
      if (found === null || !covers(found.model_price, counted)) return null;
      const { input_price: input, output_price: output, total_price: total } = found;
      const other = total - input - output;
      return { input, cache_read: 0, cache_write: 0, output, other, source: "table" };
    } catch {
      return null; // figures that contradict each other
    }
  };

  return {
    find(provider, model, at) {
      const id = Object.hasOwn(ids, provider) ? ids[provider]! : undefined;
      if (id === undefined || !Number.isFinite(new Date(at).getTime())) return null;
      for (const name of modelNames(provider, model)) {
        let found: PriceCalculation | null;
        try {
          found = calcPrice({}, name, { providerId: id, timestamp: new Date(at) });
        } catch {
          continue;
        }
        if (found === null) continue;
        // Perplexity's fee for a request goes by the size of the search context, which is not told;
        // the table has the highest, twice the usual. Its answers mostly tell their cost themselves.
        if ("requests_kcount" in found.model_price) return null;
        const rates = ratesOf(found.model_price, found.model.id, id);
        if (rates === undefined) return byLibrary(id, name, at);
        return (usage) => priceOf(rates, usage, "table");
      }
      return null;
    },
  };
}

/** Undefined when the row has prices that {@link Rates} has no place for. */
function ratesOf(prices: ModelPrice, model: string, provider: string): Rates | undefined {
  const rates: Rates = { per: 1_000_000 };
  for (const [key, value] of Object.entries(prices)) {
    if (value === undefined || untold.has(key)) continue;
    const price = typeof value === "number" ? value : sorted(value);
    if (Object.hasOwn(parts, key)) Object.assign(rates, { [parts[key]!]: price });
    else if (typeof price !== "number") return undefined;
    else if (key === "web_searches_kcount") rates.web_search = price / 1000;
    else return undefined;
  }
  // Not in the table for Bedrock and Vertex AI. Anthropic's page on prompt caching, for all of its
  // models: writes that are kept for an hour cost twice the input.
  if (model.includes("claude") && rates.cache_write !== undefined) {
    rates.cache_write_1h ??= doubled(rates.input!);
  }
  rates.web_search ??= null;
  // Google alone has models whose audio costs what text costs; where a row is silent, it is a gap.
  if (provider !== "google") {
    rates.input_audio ??= null;
    rates.output_audio ??= null;
  }
  return rates;
}

function sorted({ base, tiers }: TieredPrices): Price {
  return { base, tiers: tiers.toSorted((a, b) => a.start - b.start) };
}

function doubled(price: Price): Price {
  if (typeof price === "number") return price * 2;
  const tiers = price.tiers.map((tier) => ({ start: tier.start, price: tier.price * 2 }));
  return { base: price.base * 2, tiers };
}

/** In the library's names. */
function libraryUsage(usage: Usage): Record<string, number> {
  const units = usage.units ?? {};
  const seconds = units["seconds"] ?? units["prompt_audio_seconds"];
  const counts: Record<string, number | undefined> = {
    input_tokens: usage.input,
    output_tokens: usage.output,
    cache_read_tokens: usage.cache_read,
    cache_write_tokens: usage.cache_write,
    input_audio_tokens: usage.input_audio,
    output_audio_tokens: usage.output_audio,
    audio_seconds: seconds,
    input_audio_seconds: seconds,
    input_document_pages: units["pages_processed"],
    web_searches: units["web_search_requests"] ?? units["num_search_queries"],
  };
  const told = Object.entries(counts).filter((entry): entry is [string, number] => entry[1]! > 0);
  return Object.fromEntries(told);
}

/** Whether everything that was used has a price; nothing used is not known either. */
function covers(prices: ModelPrice, usage: Record<string, number>): boolean {
  const needs: Readonly<Record<string, string>> = {
    audio_seconds: "audio_hours",
    input_audio_seconds: "input_audio_hours",
    input_document_pages: "input_document_kpages",
    web_searches: "web_searches_kcount",
  };
  const used = Object.keys(usage);
  return used.length > 0 && used.every((name) => {
    const key = needs[name] ?? (name.startsWith("output") ? "output_mtok" : "input_mtok");
    return prices[key] !== undefined;
  });
}
