/**
 * What an answer cost. Whoever knows best decides: the request (`cf-aig-custom-cost`), then the
 * configuration, then the provider's own figure, then the price table. A price that nobody knows is
 * `null`, never 0.
 *
 * @module
 */
import type { PriceTable } from "./prices.ts";
import type { Rates } from "./rates.ts";
import type { Usage } from "./usage.ts";

/** US dollars, not rounded; the sum ({@link totalOf}) is the row's `cost`. */
export interface CostParts {
  /** Input, without what the next two price. Cached tokens without a price of their own are in it. */
  input: number;
  /** Input that the provider's cache had. */
  cache_read: number;
  /** Input that went into the provider's cache. */
  cache_write: number;
  /** Output, reasoning included. */
  output: number;
  /** Everything priced by another unit than a token, and sums that are told without their parts. */
  other: number;
  /** Where the price is from, `config` also where it is stored; from the cache, nothing was paid. */
  source: "table" | "provider" | "request" | "config" | "cache";
  /** What an answer from the cache did not cost. */
  saved?: number;
}

/** US dollars. */
export function totalOf(parts: CostParts): number {
  return parts.input + parts.cache_read + parts.cache_write + parts.output + parts.other;
}

/**
 * `cf-aig-custom-cost`: US dollars for ONE token, or for the whole request. A cache price that is
 * absent is `per_token_in`.
 */
export interface CustomCost {
  per_token_in?: number;
  per_token_out?: number;
  per_cache_read_token?: number;
  per_cache_write_token?: number;
  /** Instead of everything else. */
  total_cost?: number;
}

const customFields = [
  "per_token_in",
  "per_token_out",
  "per_cache_read_token",
  "per_cache_write_token",
  "total_cost",
] as const;

/**
 * Reads the header: a JSON object of numbers (as text too) of 0 or more. With anything else in one of
 * its fields, or without any of them, it is ignored as a whole: half a price is a wrong price.
 */
export function parseCustomCost(header: string): CustomCost | undefined {
  if (header.length > 1024) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(header);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const cost: CustomCost = {};
  for (const field of customFields) {
    const given = Object.hasOwn(value, field) ? (value as CustomCost)[field] as unknown : null;
    if (given === null) continue;
    const text = typeof given === "string" && given.trim() !== "";
    const number = typeof given === "number" || text ? Number(given) : NaN;
    if (!(number >= 0 && number < Infinity)) return undefined;
    cost[field] = number;
  }
  return Object.keys(cost).length > 0 ? cost : undefined;
}

/** A configured price: US dollars for a MILLION tokens. It stands alone, nothing is filled in from the table. */
export interface PriceOverride {
  /** Without it, an answer with input tokens has no known cost. */
  input?: number;
  /** As `input`. */
  output?: number;
  /** As `input` unless given. */
  cache_read?: number;
  /** As `input` unless given. */
  cache_write?: number;
  /** US dollars for each request, beside the tokens; alone, it is the whole price. */
  per_request?: number;
}

/**
 * By `provider/model`, or `provider/prefix*`. Exact names win, then the longest prefix. A model is
 * looked for as the provider spells it and without date, region or publisher.
 */
export type PriceOverrides = Readonly<Record<string, PriceOverride>>;

/** A price that is not the configuration's, and wins over it: stored, and changed while the gateway runs. */
export interface PriceRule {
  /** Slug. */
  provider: string;
  /** Compared without regard to case. */
  model: string;
  /** Of several that fit, `equals` counts before `starts-with`, then `contains`, then the longer one. */
  rule: "equals" | "starts-with" | "contains";
  rates: Rates;
}

/** What there is to price. */
export interface Priced {
  /** Slug. */
  provider: string;
  /** As request or answer names it, without the slug. */
  model: string;
  usage: Usage;
  /** Milliseconds since 1970, when the request was made: prices have their dates. */
  at: number;
  /** Of the request. */
  custom?: CustomCost;
}

/** Prices answers. */
export interface Pricer {
  /** Null where a price or a number of tokens is not known; a promise only while what it needs loads. */
  cost(input: Priced): CostParts | null | Promise<CostParts | null>;
  /** Prices by these rules from now on, in place of earlier ones. */
  use(rules: readonly PriceRule[]): void;
}

/** What a pricer is made of. */
export interface PricerOptions {
  prices?: PriceOverrides;
  /** Milliseconds since 1970. */
  now(): number;
  /** Told once, when the table cannot be loaded. */
  report(message: string, cause?: unknown): void;
  /** Another table than the built-in one. */
  load?: () => Promise<PriceTable>;
}

/** A pricer that is loaded with the first answer that is to be priced. */
export function lazyPricer(options: PricerOptions): Pricer {
  let pricer: Pricer | undefined;
  let rules: readonly PriceRule[] = [];
  // No promise is kept: on Workers one request may not wait for what another has begun.
  const open = async (): Promise<Pricer> => {
    const { createPricer } = await import("./pricer.ts");
    if (pricer === undefined) {
      pricer = createPricer(options);
      pricer.use(rules);
    }
    return pricer;
  };
  return {
    cost: (input) =>
      pricer === undefined ? open().then((opened) => opened.cost(input)) : pricer.cost(input),
    use(given) {
      rules = given;
      pricer?.use(given);
    },
  };
}
