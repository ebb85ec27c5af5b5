/**
 * What an answer cost. Whoever knows best decides: the request (`cf-aig-custom-cost`), then the
 * configuration, then the provider's own figure, then the price table. A price that nobody knows is
 * `null`, never 0.
 *
 * @module
 */
import { Memo } from "./memo.ts";
import { modelNames } from "./names.ts";
import { loadTable, type PriceRow, type PriceTable } from "./prices.ts";
import { priceOf, type Rates } from "./rates.ts";
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
  /** Null where a price or a number of tokens is not known; a promise only while the table loads. */
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

/** What is known of one model. */
interface Known {
  override: Rates | undefined;
  row: PriceRow | null | undefined;
  slot: number;
}

/** Models that are remembered. */
const models = 2000;
/** Longest name of a model that is looked up. */
const nameLength = 256;
/** Milliseconds that a price holds; dates and times in the table fall on its borders. */
const slotLength = 15 * 60_000;
/** Milliseconds until a table that could not be loaded is tried again. */
const retryAfter = 60_000;

/** Makes a pricer. */
export function createPricer(options: PricerOptions): Pricer {
  const { now, report, load = loadTable } = options;
  const overrides = new Overrides(options.prices ?? {});
  let memo = new Memo<Known>(models);
  let rules: readonly PriceRule[] = [];
  let table: PriceTable | undefined;
  let failedAt: number | undefined;

  function known(input: Priced): Known {
    const key = `${input.provider}/${input.model}`;
    let found = memo.get(key);
    if (found === undefined) {
      const override = ratesIn(rules, input.provider, input.model) ??
        overrides.find(input.provider, input.model);
      memo.set(key, found = { override, row: undefined, slot: 0 });
    }
    return found;
  }

  function fromTable(found: Known, input: Priced): CostParts | null {
    const slot = Math.floor(input.at / slotLength);
    if (found.row === undefined || found.slot !== slot) {
      found.row = table!.find(input.provider, input.model, input.at);
      found.slot = slot;
    }
    return found.row === null ? null : found.row(input.usage);
  }

  async function loaded(input: Priced): Promise<CostParts | null> {
    try {
      table ??= await load();
      return cost(input);
    } catch (error) {
      if (failedAt === undefined) {
        report("The price table cannot be loaded; costs are unknown without it", error);
      }
      failedAt = now();
      return null;
    }
  }

  function cost(input: Priced): CostParts | null | Promise<CostParts | null> {
    if (input.custom !== undefined) return customCost(input.custom, input.usage);
    if (input.model.length > nameLength) return null;
    const found = known(input);
    if (found.override !== undefined) return priceOf(found.override, input.usage, "config");
    const told = input.usage.cost;
    if (told !== undefined && told >= 0 && told < Infinity) return whole(told, "provider");
    if (table !== undefined) return fromTable(found, input);
    if (failedAt !== undefined && now() - failedAt < retryAfter) return null;
    return loaded(input);
  }
  return {
    cost,
    use(given) {
      rules = [...given].map((rule) => ({ ...rule, model: rule.model.toLowerCase() })).sort((
        a,
        b,
      ) => ranks[a.rule] - ranks[b.rule] || b.model.length - a.model.length);
      memo = new Memo<Known>(models);
    },
  };
}

const ranks = { equals: 0, "starts-with": 1, contains: 2 };

/** The first rule that fits any spelling of the model. */
function ratesIn(
  rules: readonly PriceRule[],
  provider: string,
  model: string,
): Rates | undefined {
  if (rules.length === 0) return undefined;
  const names = modelNames(provider, model);
  return rules.find((rule) =>
    rule.provider === provider &&
    names.some((name) =>
      rule.rule === "equals"
        ? name === rule.model
        : rule.rule === "contains"
        ? name.includes(rule.model)
        : name.startsWith(rule.model)
    )
  )?.rates;
}

function whole(dollars: number, source: CostParts["source"]): CostParts {
  return { input: 0, cache_read: 0, cache_write: 0, output: 0, other: dollars, source };
}

function customCost(custom: CustomCost, usage: Usage): CostParts | null {
  if (custom.total_cost !== undefined) return whole(custom.total_cost, "request");
  // What the provider counts in other units is not in the formula; without tokens it has no result.
  if (usage.input === undefined && usage.output === undefined) return null;
  const rates: Rates = {
    input: custom.per_token_in,
    output: custom.per_token_out,
    cache_read: custom.per_cache_read_token,
    cache_write: custom.per_cache_write_token,
    per: 1,
  };
  return priceOf(rates, usage, "request");
}

/** The configuration's prices. */
class Overrides {
  readonly #exact = new Map<string, Rates>();
  readonly #prefixes: [prefix: string, rates: Rates][] = [];

  constructor(prices: PriceOverrides) {
    for (const [name, price] of Object.entries(prices)) {
      const { input, output, cache_read, cache_write, per_request } = price;
      const flat = input === undefined && output === undefined && per_request !== undefined;
      const rates: Rates = {
        input: flat ? 0 : input,
        output: flat ? 0 : output,
        cache_read,
        cache_write,
        request: per_request,
        per: 1_000_000,
      };
      const key = name.toLowerCase();
      if (key.endsWith("*")) this.#prefixes.push([key.slice(0, -1), rates]);
      else this.#exact.set(key, rates);
    }
    this.#prefixes.sort(([a], [b]) => b.length - a.length);
  }

  find(provider: string, model: string): Rates | undefined {
    if (this.#exact.size + this.#prefixes.length === 0) return undefined;
    const names = modelNames(provider, model).map((name) => `${provider}/${name}`);
    for (const name of names) {
      const rates = this.#exact.get(name);
      if (rates !== undefined) return rates;
    }
    return this.#prefixes.find(([prefix]) => names.some((name) => name.startsWith(prefix)))?.[1];
  }
}
