/**
 * Prices answers, by the rules of `cost.ts`.
 *
 * @module
 */
import type {
  CostParts,
  CustomCost,
  Priced,
  PriceOverrides,
  Pricer,
  PricerOptions,
  PriceRule,
} from "./cost.ts";
import { Memo } from "./memo.ts";
import { modelNames } from "./names.ts";
import { loadTable, type PriceRow, type PriceTable } from "./prices.ts";
import { priceOf, type Rates } from "./rates.ts";
import type { Usage } from "./usage.ts";

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
